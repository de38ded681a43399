"""Buildings that tiles have cut in two, made whole again where it is certain."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from ..geodata.shapes import measure_iou
from ..geodata.vector import Geometries
from ..polygons.stitch import group_linked

#: How far from a tile's edge a cut may lie, and by how much the two cuts may differ at either end, in pixels.
_REACH_PX = 0.5
_LEAST_CUT_PX = 1.0
_ALIKE = 0.8


def rejoin_cut(polygons: Geometries, owners: NDArray[np.int64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each polygon the number of the building that it is a piece of, counted from 0.

    ``polygons`` are in pixels, ``owners`` the tile of each, ``edges`` (tiles, 4) the tiles' left, top, right, bottom.
    Pieces of two tiles are one building where both end at the tiles' common edge and are cut there over the same
    length, to half a pixel at either end; or where both tiles show the same ground and both pieces cover the same of
    it. Anything less certain stays apart.
    """
    pairs = [_find_doubles(polygons, owners, edges)]
    for axis in (0, 1):
        befores, before_cuts = _cut(polygons, owners, edges, axis, side=axis + 2)
        afters, after_cuts = _cut(polygons, owners, edges, axis, side=axis)
        near = shapely.STRtree(after_cuts).query(before_cuts, predicate="dwithin", distance=2 * _REACH_PX)
        ends = 1 - axis
        apart = np.abs(shapely.bounds(before_cuts[near[0]]) - shapely.bounds(after_cuts[near[1]]))[:, [ends, ends + 2]]
        found = np.array([befores[near[0]], afters[near[1]]])
        is_same = (apart <= _REACH_PX).all(axis=1) & (owners[found[0]] != owners[found[1]])
        pairs.append(found[:, is_same])
    return group_linked(np.concatenate(pairs, axis=1).T, len(polygons))


def unite(polygons: Geometries, buildings: NDArray[np.int64]) -> tuple[Geometries, NDArray[np.int64]]:
    """Return one polygon a building, in the order of their first pieces, and the place of that piece.

    The gap between pieces, at most a pixel wide, is closed. Pieces that do not become one polygon stay apart.
    """
    whole, origins = [], []
    order = np.argsort(buildings, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(buildings[order])) + 1) if len(order) else []
    for places in sorted(groups, key=lambda group: int(group[0])):
        pieces = polygons[places]
        joined = _close(pieces)
        if shapely.get_type_id(joined) == shapely.GeometryType.POLYGON:
            whole.append(joined)
            origins.append(places[0])
            continue
        whole.extend(pieces)
        origins.extend(places)
    return np.array(whole, dtype=object), np.array(origins, dtype=np.int64)


def _close(pieces: Geometries) -> shapely.Geometry:
    """Return the pieces as one geometry, with the gap between them closed."""
    joined = shapely.union_all(pieces)
    if shapely.get_num_geometries(joined) == 1:
        return joined
    widened = shapely.union_all(shapely.buffer(pieces, _REACH_PX, join_style="mitre"))
    return shapely.union_all([joined, shapely.buffer(widened, -_REACH_PX, join_style="mitre")])


def _find_doubles(polygons: Geometries, owners: NDArray[np.int64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the pairs (2, n) of pieces of two tiles that cover the same of the ground that both tiles show."""
    found = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    found = found[:, owners[found[0]] < owners[found[1]]]
    firsts, seconds = (edges[owners[places]] for places in found)
    low, high = np.maximum(firsts[:, :2], seconds[:, :2]), np.minimum(firsts[:, 2:], seconds[:, 2:])
    is_shared = (high > low).all(axis=1)
    found, low, high = found[:, is_shared], low[is_shared], high[is_shared]
    shared = shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])
    parts = [np.asarray(shapely.intersection(polygons[places], shared), dtype=object) for places in found]
    return found[:, measure_iou(*parts) >= _ALIKE]


def _cut(
    polygons: Geometries, owners: NDArray[np.int64], edges: NDArray[np.float64], axis: int, side: int
) -> tuple[NDArray[np.int64], Geometries]:
    """Return which polygons end at that side of their tile, and what of each lies there, at least a pixel long."""
    ends = edges[owners, side]
    bounds = shapely.bounds(polygons)
    places = np.flatnonzero(np.abs(bounds[:, side] - ends) <= _REACH_PX)
    strips = np.column_stack([np.full((len(places), 2), -np.inf), np.full((len(places), 2), np.inf)])
    strips[:, 1 - axis], strips[:, 3 - axis] = bounds[places, 1 - axis], bounds[places, 3 - axis]
    strips[:, axis], strips[:, axis + 2] = ends[places] - _REACH_PX, ends[places] + _REACH_PX
    cuts = shapely.intersection(polygons[places], shapely.box(*strips.T))
    lengths = shapely.bounds(cuts)[:, 3 - axis] - shapely.bounds(cuts)[:, 1 - axis]
    is_long = lengths >= _LEAST_CUT_PX
    return places[is_long], np.asarray(cuts[is_long], dtype=object)
