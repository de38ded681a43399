"""How far the outlines of two buildings lie apart."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from ..geodata.vector import Geometries

_AT_ONCE = 5000


def measure_distances(firsts: Geometries, seconds: Geometries, sides_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the PoLiS distance of each pair of polygons, in metres.

    It is the mean distance of the corners of one to the outline of the other, and that the other way round, averaged
    (Avbelj, Mueller, Bamler 2015). ``sides_m`` (n, 2) are width and height of a pixel at each pair; courtyards count.
    """
    starts = range(0, len(firsts), _AT_ONCE)
    parts = [_measure(*(each[start : start + _AT_ONCE] for each in (firsts, seconds, sides_m))) for start in starts]
    return np.concatenate([np.array([]), *parts])


def _measure(firsts: Geometries, seconds: Geometries, sides_m: NDArray[np.float64]) -> NDArray[np.float64]:
    lines = [shapely.boundary(_scale(polygons, sides_m)) for polygons in (firsts, seconds)]
    for each in lines:
        shapely.prepare(each)
    return (_reach(lines[0], lines[1]) + _reach(lines[1], lines[0])) / 2


def _scale(polygons: Geometries, sides_m: NDArray[np.float64]) -> Geometries:
    points, owners = shapely.get_coordinates(polygons, return_index=True)
    return np.asarray(shapely.set_coordinates(polygons.copy(), points * sides_m[owners]), dtype=object)


def _reach(lines: Geometries, others: Geometries) -> NDArray[np.float64]:
    """Return the mean distance of each outline's corners to the other outline; a ring's first corner is its last."""
    rings, origins = shapely.get_parts(lines, return_index=True)
    points, parts = shapely.get_coordinates(rings, return_index=True)
    is_corner = np.diff(parts, prepend=-1) == 0
    owners = origins[parts[is_corner]]
    distances = shapely.distance(others[owners], shapely.points(points[is_corner]))
    return np.asarray(np.bincount(owners, distances, len(lines)) / np.bincount(owners, minlength=len(lines)))
