"""What can be said of polygons: how alike two are, whether their corners are right angles, or steps of pixels."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from .vector import Geometries

RIGHT_WITHIN_DEGREES = 5.0
#: So many turns, each the other way than the one before it, are the steps of pixels; a cross of walls has two.
STAIRS = 6
_LEAST_TURN_DEGREES = 30.0


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


def has_stairs(polygons: Geometries) -> NDArray[np.bool_]:
    """Tell of each polygon whether its shell has a flight of steps, as a slanting wall along pixels has (None: no)."""
    verdicts = np.zeros(len(polygons), dtype=bool)
    for place, polygon in enumerate(polygons):
        if polygon is not None and shapely.get_num_coordinates(polygon) > STAIRS:
            verdicts[place] = _count_alternations(shapely.get_coordinates(polygon.exterior)[:-1]) >= STAIRS
    return verdicts


def _count_alternations(corners: NDArray[np.float64]) -> int:
    """Return how many turns in a row, around a ring, each go the other way than the one before."""
    steps = np.roll(corners, -1, axis=0) - corners
    before = np.roll(steps, 1, axis=0)
    angles = np.degrees(
        np.arctan2(before[:, 0] * steps[:, 1] - before[:, 1] * steps[:, 0], (before * steps).sum(axis=1))
    )
    signs = np.where(np.abs(angles) >= _LEAST_TURN_DEGREES, np.sign(angles), 0)
    breaks = np.flatnonzero((signs == 0) | (signs != -np.roll(signs, 1)))
    return len(signs) if len(breaks) == 0 else int((np.diff(breaks, append=breaks[0] + len(signs)) - 1).max())
