"""Outlines of pixels, made simple."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from .vector import Geometries

_RING_POINTS = 4


def simplify_outlines(polygons: Geometries, tolerance_px: float) -> Geometries:
    """Return the polygons with the corners that matter (Douglas and Peucker, 1973), ring by ring, always valid.

    A ring that would collapse, and a polygon that would become invalid, keep all their corners. GEOS's own way over
    whole polygons repairs each by a buffer, which takes minutes where a poor model gives one outline with thousands of
    holes.
    """
    rings, owners = shapely.get_rings(shapely.normalize(polygons), return_index=True)
    corners = _simplify_rings(rings, 0.0)
    exact = _build_polygons(corners, owners)
    slim = _build_polygons(_simplify_rings(corners, tolerance_px), owners)
    is_sound = shapely.is_valid(slim)
    slim[~is_sound] = exact[~is_sound]
    return slim


def _simplify_rings(rings: Geometries, tolerance_px: float) -> Geometries:
    slim = np.asarray(shapely.simplify(rings, tolerance_px, preserve_topology=False), dtype=object)
    is_collapsed = shapely.get_num_coordinates(slim) < _RING_POINTS
    slim[is_collapsed] = rings[is_collapsed]
    return slim


def _build_polygons(rings: Geometries, owners: NDArray[np.int64]) -> Geometries:
    """Return a polygon for each run of rings with one owner; the first ring is its shell."""
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    polygons = np.empty(len(starts), dtype=object)
    for i, members in enumerate(np.split(rings, starts[1:]) if len(starts) else []):
        polygons[i] = shapely.polygons(members[0], holes=members[1:] if len(members) > 1 else None)
    return polygons
