"""What can be said of polygons: how alike two are, and whether their corners are right angles."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from .vector import Geometries

RIGHT_WITHIN_DEGREES = 5.0


def measure_iou(firsts: Geometries, seconds: Geometries) -> NDArray[np.float64]:
    """Return the IoU of each pair, 0 where the second is missing."""
    shared = shapely.area(shapely.intersection(firsts, seconds))
    together = shapely.area(firsts) + shapely.area(seconds) - shared
    return np.asarray(np.nan_to_num(shared / np.maximum(together, 1e-12)))


def is_square(polygons: Geometries, tolerance_degrees: float = RIGHT_WITHIN_DEGREES) -> NDArray[np.bool_]:
    """Tell of each polygon whether all its corners are right angles within a tolerance."""
    rings, owners = shapely.get_rings(polygons, return_index=True)
    verdicts = np.ones(len(polygons), dtype=bool)
    for ring, owner in zip(rings, owners, strict=True):
        steps = np.diff(shapely.get_coordinates(ring), axis=0)
        steps = steps[np.hypot(*steps.T) > 0]
        directions = np.degrees(np.arctan2(steps[:, 1], steps[:, 0]))
        turns = np.abs((np.diff(directions, append=directions[:1]) + 180) % 360 - 180)
        verdicts[owner] &= bool((np.minimum(np.abs(turns - 90), turns) <= tolerance_degrees).all())
    return verdicts
