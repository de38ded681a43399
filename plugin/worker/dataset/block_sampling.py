"""Ground is cut into blocks, and some of them are drawn that stand for all: by buildings, and by how densely built."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import shapely
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from ..geodata.raster import Raster
from ..geodata.vector import Geometries

_BLOCKS = 64
_LEAST_BLOCKS = 16
_STEP_PX = 32
_SIGHT_PX = 128  # what a network looks at around a pixel; predicted windows overlap by as much
_BUFFERS = 4
_MOST_PX = 512
_DRAWS = 96
_CLUSTERS = 2


def choose_side(area_px2: float, buffer_px: float) -> float:
    """Return the side of a block in pixels, a multiple of 32, for ground of that area.

    The ground is to have about 64 blocks. None is narrower than four buffers, so that one beside other ground keeps its
    half (a buffer is as wide as the buildings, so that it holds several of them), nor than the 128 pixels that a
    network looks at around a pixel, unless the ground had fewer than 16 blocks then; none is wider than 512 pixels
    without need.
    """
    least = min(max(_BUFFERS * buffer_px, _SIGHT_PX), math.sqrt(area_px2 / _LEAST_BLOCKS))
    side = max(min(math.sqrt(area_px2 / _BLOCKS), _MOST_PX), least)
    return max(_STEP_PX, _STEP_PX * round(side / _STEP_PX))


def cut_blocks(ground: Any, raster: Raster, side_px: float) -> Geometries:
    """Cut the ground along a square grid that begins in the raster's upper left corner; blocks come row by row."""
    cols, rows = np.arange(0, raster.width, side_px), np.arange(0, raster.height, side_px)
    lefts, tops = (grid.ravel() for grid in np.meshgrid(cols, rows))
    rights, bottoms = np.minimum(lefts + side_px, raster.width), np.minimum(tops + side_px, raster.height)
    squares = shapely.box(lefts, tops, rights, bottoms)
    shapely.prepare(ground)
    squares = squares[shapely.intersects(squares, ground)]
    blocks = shapely.intersection(squares, ground)
    return np.asarray(blocks[shapely.area(blocks) > 0], dtype=object)


def draw_alike(blocks: Geometries, counts: NDArray[np.int64], share: float, rng: Generator) -> NDArray[np.bool_]:
    """Choose blocks that hold a share of the buildings and are built as all of them are.

    ``counts`` are the buildings of each block; a block may be empty, and is never chosen then. Each draw takes the
    blocks nearest to one block or to two, so that little ground is lost to the buffer around them; of 96 seeded draws
    the one with the least ``measure_unlikeness`` is kept. At least one block is left over where there are two.
    """
    chosen = np.zeros(len(blocks), dtype=bool)
    usable = np.flatnonzero(shapely.area(blocks) > 0)
    if len(usable) == 0:
        return chosen
    blocks, counts = blocks[usable], counts[usable]
    places = shapely.get_coordinates(shapely.centroid(blocks))
    best, least = usable[:1], math.inf
    for draw in range(_DRAWS):
        starts = places[rng.choice(len(blocks), min(1 + draw % _CLUSTERS, len(blocks)), replace=False)]
        order = np.argsort(((places[:, None] - starts) ** 2).sum(axis=2).min(axis=1), kind="stable")
        stop = int(np.searchsorted(np.cumsum(counts[order]), share * counts.sum())) + 1
        part = order[: max(1, min(stop, len(blocks) - 1))]
        unlikeness = measure_unlikeness(counts, shapely.area(blocks), part, share)
        if unlikeness < least:
            best, least = part, unlikeness
    chosen[usable[best]] = True
    return chosen


def measure_unlikeness(
    counts: NDArray[np.int64], areas: NDArray[np.float64], part: NDArray[np.int64], share: float
) -> float:
    """Return how unlike all of the ground a part of its blocks is; 0 is alike.

    It is the sum of three: twice how far the part's share of the buildings is from the wanted one, how far its
    buildings per area are from those of all (in parts of these), and the same for its blocks one by one: the distance
    between the distributions of building density in the part and in the rest, weighted by area (Wasserstein's). The
    last keeps dense and sparse quarters on both sides.
    """
    rest = np.setdiff1d(np.arange(len(counts)), part)
    densities, density = counts / areas, max(counts.sum() / areas.sum(), 1e-12)
    off = abs(counts[part].sum() / max(counts.sum(), 1) - share)
    unlike = abs(counts[part].sum() / areas[part].sum() - density) / density
    if len(rest) == 0:
        return float(2 * off + unlike)
    apart = wasserstein_distance(densities[part], densities[rest], areas[part], areas[rest]) / density
    return float(2 * off + unlike + apart)


def count_inside(blocks: Geometries, centres: Geometries) -> NDArray[np.int64]:
    """Return how many of the points lie inside each block."""
    found = shapely.STRtree(centres).query(blocks, predicate="contains")[0]
    return np.bincount(found, minlength=len(blocks))
