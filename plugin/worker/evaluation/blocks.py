"""Ground cut into blocks, by which it is told how sure a score is: within one, buildings fare alike."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ..geodata.vector import Geometries
from .metrics import Matching

BLOCKS = 48
_LEAST_PX = 128.0  # what the network sees around a pixel at the least: predicted windows overlap by as much
WIDTHS = 4.0
_SLIVER = 0.25


def choose_block_side(ground: Any, building_px: float) -> float:
    """Return the side of a block in pixels: about 48 on the ground, each four times as wide as its buildings.

    ``building_px`` is the width of all but the largest buildings. No block is narrower than what the network sees
    around a pixel: narrower ones would share their faults with their neighbours.
    """
    return max(math.sqrt(ground.area / BLOCKS), WIDTHS * building_px, _LEAST_PX)


def cut_blocks(ground: Any, side_px: float) -> Geometries:
    """Cut the ground along a square grid, piece by piece; a sliver joins the neighbour with which it shares most."""
    origin = np.array(ground.bounds[:2])
    places: set[tuple[int, int]] = set()
    for part in shapely.get_parts(ground):
        first, last = np.floor((np.reshape(part.bounds, (2, 2)) - origin) / side_px).astype(int)
        cols, rows = (range(first[i], last[i] + 1) for i in (0, 1))
        places.update((col, row) for row in rows for col in cols)
    corners = origin + side_px * np.array(sorted(places, key=lambda place: place[::-1]), dtype="float64")
    squares = shapely.box(*corners.T, *(corners + side_px).T)
    shapely.prepare(ground)
    squares = squares[shapely.intersects(ground, squares)]
    cells = shapely.intersection(squares, ground)
    cells = np.asarray(cells[shapely.area(cells) > 0], dtype=object)
    return _join_slivers(cells, _SLIVER * side_px**2)


def _join_slivers(cells: Geometries, least_px2: float) -> Geometries:
    """Return the cells without those that are too small, each of which joins a neighbour where it has one."""
    joined = list(cells)
    for i in np.argsort(shapely.area(cells), kind="stable"):
        if joined[i].area >= least_px2:
            continue
        others = [j for j, each in enumerate(joined) if j != i and each is not None]
        shared = shapely.length(shapely.intersection([joined[j] for j in others], joined[i]))
        if others and shared.max() > 0:
            j = others[int(np.argmax(shared))]
            joined[j], joined[i] = shapely.union(joined[j], joined[i]), None
    return np.array([each for each in joined if each is not None], dtype=object)


def find_blocks(polygons: Geometries, blocks: Geometries) -> NDArray[np.int64]:
    """Return the block of each polygon: where a point inside it lies, or the nearest one."""
    points = shapely.point_on_surface(polygons)
    return np.asarray(shapely.STRtree(blocks).nearest(points), dtype=np.int64)


def count_by_block(
    matching: Matching, truth_blocks: NDArray[np.int64], proposal_blocks: NDArray[np.int64], blocks: int
) -> NDArray[np.int64]:
    """Return (blocks, 3): true positives and false negatives by the truth's block, false positives by the proposal's.

    The truth of a block is the same for every model.
    """
    is_hit = matching.taken >= 0
    is_found = np.zeros(matching.truths, dtype=bool)
    is_found[matching.taken[is_hit]] = True
    columns = (truth_blocks[is_found], proposal_blocks[~is_hit], truth_blocks[~is_found])
    return np.stack([np.bincount(column, minlength=blocks) for column in columns], axis=1)
