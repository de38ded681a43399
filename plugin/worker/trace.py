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
from scipy.ndimage import label

from .ground import GroundScale
from .outline import simplify_outlines
from .probability import FULL, find_buildings
from .seams import Seams
from .vector import Geometries

CHUNK_PX = 2048


@dataclass(frozen=True)
class Footprints:
    """Footprints in pixel coordinates (column, row), with confidence (mean probability, 0..1) and area in m2."""

    polygons: Geometries
    confidence: NDArray[np.float64]
    area_m2: NDArray[np.float64]


@dataclass(frozen=True)
class TraceRule:
    """From which probability a pixel is building, how small a building may be, how far a corner may move."""

    threshold: float
    min_area_m2: float
    simplify_px: float = 1.0


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

    Pixels that share an edge belong together. A building that reaches into the next chunk waits until it is whole, so
    that the result does not depend on ``chunk_px``. With ``ground`` (pixel coordinates) only chunks that meet it are
    read.
    """
    with rasterio.open(path) as dataset:
        seams, waiting = Seams(dataset.width), _EMPTY
        tops = range(0, dataset.height, chunk_px)
        for i, top in enumerate(tops):
            found = [waiting]
            for left in range(0, dataset.width, chunk_px):
                window = Window(left, top, min(chunk_px, dataset.width - left), min(chunk_px, dataset.height - top))
                if _meets(window, ground):
                    pieces, places = _trace_chunk(dataset, window, rule, scale)
                    seams.add(window, places)
                    found.append(pieces)
                else:
                    seams.skip(window)
            whole, waiting = _melt(_concatenate(found), seams, is_last=i + 1 == len(tops))
            yield (i + 1) / len(tops), _finish(whole, rule, scale)


def trace_all(path: Path, rule: TraceRule, scale: GroundScale, ground: Any = None) -> Footprints:
    """Return all footprints of a probability raster at once, as ``trace_footprints`` yields them."""
    parts = [part for _, part in trace_footprints(path, rule, scale, ground)]
    columns = zip(*((part.polygons, part.confidence, part.area_m2) for part in parts), strict=True)
    return Footprints(*(np.concatenate(column) for column in columns))


def _trace_chunk(
    dataset: DatasetReader, window: Window, rule: TraceRule, scale: GroundScale
) -> tuple[_Pieces, NDArray[np.int32]]:
    """Trace the pieces in a chunk; what is too small, and whole already, is not worth an outline."""
    values = dataset.read(1, window=window)
    places, count = label(find_buildings(values, rule.threshold))
    counts = np.bincount(places.ravel(), minlength=count + 1)[1:].astype("float64")
    sums = np.bincount(places.ravel(), weights=values.ravel(), minlength=count + 1)[1:].astype("float64")
    pixel_m2 = float(scale.pixel_area_m2(window.row_off + window.height / 2))
    worth = counts * pixel_m2 >= 0.5 * rule.min_area_m2
    for edge in (places[0], places[-1], places[:, 0], places[:, -1]):
        worth[edge[edge > 0] - 1] = True
    numbers = np.where(worth, np.cumsum(worth), 0).astype("int32")
    places = np.concatenate([[0], numbers]).astype("int32")[places]
    origin = Affine.translation(window.col_off, window.row_off)
    polygons = np.empty(int(worth.sum()), dtype=object)
    for outline, number in shapes(places, places > 0, connectivity=4, transform=origin):
        polygons[int(number) - 1] = shapely.geometry.shape(outline)
    return _Pieces(polygons, sums[worth], counts[worth]), places


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


def _finish(pieces: _Pieces, rule: TraceRule, scale: GroundScale) -> Footprints:
    """Simplify, measure, and pass over what is too small."""
    outlines = simplify_outlines(pieces.polygons, rule.simplify_px)
    rows = shapely.get_y(shapely.centroid(outlines))
    areas = shapely.area(outlines) * scale.pixel_area_m2(rows)
    keep = areas >= rule.min_area_m2
    confidence = pieces.sums / np.maximum(pieces.counts, 1) / FULL
    return Footprints(outlines[keep], confidence[keep], areas[keep])


def _meets(window: Window, ground: Any) -> bool:
    if ground is None:
        return True
    left, top = window.col_off, window.row_off
    return bool(shapely.box(left, top, left + window.width, top + window.height).intersects(ground))
