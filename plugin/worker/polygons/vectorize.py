"""From probability to footprints: streamed chunk by chunk, and no building is cut where two chunks meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import shapes
from rasterio.io import DatasetReader
from rasterio.windows import Window
from skimage.measure import label

from ...core.card import SeparationParams
from ..geodata.crs import GroundScale
from ..geodata.probability import FULL
from ..geodata.raster import Raster
from ..geodata.vector import Geometries
from ..geodata.windows import cut_rows, keep_meeting, widen_window
from .simplify import Outliner
from .stitch import Edges, Seams, find_edges
from .watershed import find_instances

CHUNK_PX = 2048
#: Below it outlines keep the steps of pixels. Measured on ten places of 0.14 to 0.48 m, at 0.25 m: at 1 pixel 16 % of
#: the outlines have stairs, at 1.25 6 %; from 1.5 on F1 falls.
LEAST_TOLERANCE_PX = 1.25
_HALO_PX = 128


@dataclass(frozen=True)
class Footprints:
    """Footprints in pixel coordinates (column, row), with confidence (mean probability, 0..1) and area in m2."""

    polygons: Geometries
    confidence: NDArray[np.float64]
    area_m2: NDArray[np.float64]


@dataclass(frozen=True)
class TraceRule:
    """How probabilities become buildings, how small one may be, how far a corner may move, whether they are squared."""

    separation: SeparationParams
    min_area_m2: float
    simplify_px: float = 1.0
    is_squared: bool = False


def make_rule(
    separation: SeparationParams, min_area_m2: float, simplify_m: float | None, raster: Raster, *, is_squared: bool
) -> TraceRule:
    """Return how footprints are traced on a raster."""
    simplify_px = choose_tolerance(raster.native_gsd_m, raster.scale, simplify_m)
    return TraceRule(separation, min_area_m2, simplify_px, is_squared)


def choose_tolerance(native_m: float, scale: GroundScale, simplify_m: float | None) -> float:
    """Return how far a corner may move, in pixels of the grid that is traced.

    Unless asked otherwise that is a pixel of the file (``native_m``), and no less than what takes the steps out of a
    slanting wall.
    """
    if simplify_m is not None:
        return simplify_m / scale.gsd_m
    longest = 1.0 if scale.axes is None else float(np.hypot(*scale.axes).max())
    return longest * max(native_m / scale.gsd_m, LEAST_TOLERANCE_PX)


@dataclass(frozen=True)
class _Pieces:
    """Parts of buildings with the sum of their pixels' probabilities (0..254) and the count of these pixels."""

    polygons: Geometries
    sums: NDArray[np.float64]
    counts: NDArray[np.float64]

    def __getitem__(self, choice: Any) -> _Pieces:
        return _Pieces(self.polygons[choice], self.sums[choice], self.counts[choice])


_EMPTY = _Pieces(np.array([], dtype=object), np.array([]), np.array([]))


def trace_footprints(
    path: Path, rule: TraceRule, scale: GroundScale, ground: Any = None, chunk_px: int = CHUNK_PX
) -> Iterator[tuple[float, Footprints]]:
    """Yield (share done, footprints) row of chunks by row of chunks of a probability raster.

    Each chunk is looked at with a margin, in which the seeds that reach into it lie. A building that reaches into the
    next chunk waits until it is whole, so that the result does not depend on ``chunk_px`` (where buildings come apart
    by seeds: but for some pixels of one that is longer than the margin). With ``ground`` (pixel coordinates) only
    chunks that meet it are read. Memory follows the width of the raster and a row of chunks.
    """
    with rasterio.open(path) as dataset:
        outliner = Outliner(rule.simplify_px, is_squared=rule.is_squared, axes=scale.axes)
        seams, waiting = Seams(dataset.width), _EMPTY
        rows = cut_rows(Window(0, 0, dataset.width, dataset.height), chunk_px)
        for i, row in enumerate(rows):
            found, meeting = [waiting], keep_meeting(row, ground)
            for window in row:
                if window in meeting:
                    pieces, edges = _trace_chunk(dataset, window, rule, scale)
                    seams.add(window, edges)
                    found.append(pieces)
                else:
                    seams.skip(window)
            whole, waiting = _melt(_concatenate(found), seams, is_last=i + 1 == len(rows))
            yield (i + 1) / len(rows), _finish(whole, rule, scale, outliner)
            outliner.move_to(row[0].row_off + chunk_px, waiting.polygons)


def trace_all(path: Path, rule: TraceRule, scale: GroundScale, ground: Any = None) -> Footprints:
    """Return all footprints of a probability raster at once, as ``trace_footprints`` yields them."""
    parts = [part for _, part in trace_footprints(path, rule, scale, ground)]
    columns = zip(*((part.polygons, part.confidence, part.area_m2) for part in parts), strict=True)
    return Footprints(*(np.concatenate(column) for column in columns))


def _trace_chunk(dataset: DatasetReader, window: Window, rule: TraceRule, scale: GroundScale) -> tuple[_Pieces, Edges]:
    """Trace the pieces in a chunk; what is too small, and whole already, is not worth an outline."""
    wide, core = widen_window(window, dataset, _HALO_PX)
    values = dataset.read(window=wide)
    pixel_m2 = float(scale.pixel_area_m2(window.row_off + window.height / 2))
    places = find_instances(values, rule.separation, pixel_m2)
    pieces = label(places[core], connectivity=1).astype("int32")
    edges = find_edges(places, pieces, core)
    footprint = values[0][core].ravel()
    counts = np.bincount(pieces.ravel()).astype("float64")
    sums = np.bincount(pieces.ravel(), weights=footprint).astype("float64")
    worth = counts * pixel_m2 >= 0.5 * rule.min_area_m2
    for edge in (edges.top, edges.bottom, edges.left, edges.right):
        worth[edge] = True
    worth[0] = False
    numbers = np.where(worth, np.cumsum(worth), 0).astype("int32")
    polygons = outline_pieces(numbers[pieces], int(worth.sum()), window)
    return _Pieces(polygons, sums[worth], counts[worth]), _renumber(edges, numbers)


def outline_pieces(pieces: NDArray[np.int32], count: int, window: Window) -> Geometries:
    """Return the outline of each of ``count`` numbered pieces of a window, along its pixels, in the raster's pixels."""
    origin = Affine.translation(window.col_off, window.row_off)
    found: list[Any] = [None] * count
    for outline, number in shapes(pieces, pieces > 0, connectivity=4, transform=origin):
        found[int(number) - 1] = outline["coordinates"]
    rings = [ring for outline in found for ring in outline]
    if not rings:
        return np.array([], dtype=object)
    corners = np.array([corner for ring in rings for corner in ring])
    lines = shapely.linearrings(corners, indices=np.repeat(np.arange(len(rings)), [len(ring) for ring in rings]))
    owners = np.repeat(np.arange(count), [len(outline) for outline in found])
    return np.asarray(shapely.polygons(lines, indices=owners), dtype=object)


def _renumber(edges: Edges, numbers: NDArray[np.int32]) -> Edges:
    top, bottom, left, right = (numbers[edge] for edge in (edges.top, edges.bottom, edges.left, edges.right))
    return Edges(top, bottom, left, right, int(numbers.max(initial=0)))


def _concatenate(found: list[_Pieces]) -> _Pieces:
    columns = zip(*((part.polygons, part.sums, part.counts) for part in found), strict=True)
    return _Pieces(*(np.concatenate(column) for column in columns))


def _melt(pieces: _Pieces, seams: Seams, is_last: bool) -> tuple[_Pieces, _Pieces]:
    """Melt pieces that share an edge across a seam, and part them into whole ones and those that may go on below."""
    groups = seams.group(len(pieces.polygons))
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    melted = np.empty(len(starts), dtype=object)
    for i, members in enumerate(np.split(pieces.polygons[order], starts[1:]) if len(starts) else []):
        melted[i] = members[0] if len(members) == 1 else shapely.union_all(members)
    sums, counts = (np.bincount(groups, part, len(starts)).astype("float64") for part in (pieces.sums, pieces.counts))
    joined = _Pieces(melted, sums, counts)
    goes_on = np.zeros(len(melted), dtype=bool) if is_last else seams.close_row(groups)
    return joined[~goes_on], joined[goes_on]


def _finish(pieces: _Pieces, rule: TraceRule, scale: GroundScale, outliner: Outliner) -> Footprints:
    """Draw the outlines, measure them, and pass over what is too small."""
    confidence = pieces.sums / np.maximum(pieces.counts, 1) / FULL
    rows = shapely.get_y(shapely.centroid(pieces.polygons))
    pixels_m2 = scale.pixel_area_m2(rows)
    is_large = shapely.area(pieces.polygons) * pixels_m2 >= 0.5 * rule.min_area_m2
    confidence, pixels_m2 = confidence[is_large], pixels_m2[is_large]
    outlines = outliner.draw(pieces.polygons[is_large], confidence)
    areas = shapely.area(outlines) * pixels_m2
    keep = (areas >= rule.min_area_m2) & (areas > 0)
    return Footprints(outlines[keep], confidence[keep], areas[keep])
