"""The footprints in sight at a threshold, quickly: what did not change since the last look is not done again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window
from scipy.ndimage import label

from ...core.live_view import TraceRequest
from ..geodata.polygons import apply_affine
from ..geodata.probability import find_buildings
from ..geodata.vector import Geometries
from ..polygons.simplify import simplify_outlines
from ..polygons.vectorize import outline_pieces
from ..polygons.watershed import find_instances
from .context import ReviewContext
from .viewport import Viewport, frame_sight, read_frame

#: Outlines are drawn from this least area on, so that a smaller one that is asked for needs no new ones.
_LEAST_M2 = 1.0


@dataclass(frozen=True)
class Seen:
    """The footprints in sight, in the raster's coordinates. Where means were looked at, they are coarse."""

    polygons: Geometries
    is_coarse: bool = False

    def to_wkb(self) -> bytes:
        """Return them as one MultiPolygon in WKB."""
        return bytes(shapely.to_wkb(shapely.multipolygons(self.polygons)))


@dataclass(frozen=True)
class _Drawing:
    """Outlines with their area in square metres; ``is_cut`` where they go on beyond the frame; in sight or not.

    All are there from ``least_m2`` on.
    """

    polygons: Geometries
    areas_m2: NDArray[np.float64]
    is_cut: NDArray[np.bool_]
    is_in_sight: NDArray[np.bool_]
    least_m2: float


_NOTHING = np.array([], dtype=object)


class LiveView:
    """Traces what is in sight by the rule of ``trace``: separation, simplification, least area.

    Unlike there, outlines are neither squared nor parted where simplifying makes neighbours overlap by a sliver, and
    what the frame cuts is not judged by its size. A coarse sight, of means
    of pixels, knows no seeds: touching buildings are one, and outlines run along the screen's pixels.
    """

    def __init__(self, context: ReviewContext) -> None:
        """Begin with nothing seen."""
        self._context = context
        self._frame: Viewport | None = None
        self._values: NDArray[np.uint8] = np.empty((0, 0, 0), dtype="uint8")
        self._threshold: float | None = None
        self._places: NDArray[np.int32] = np.empty((0, 0), dtype="int32")
        self._drawing: _Drawing | None = None

    def frame(self, request: TraceRequest) -> Viewport | None:
        """Return the frame that a look takes; None where nothing of the raster is in sight."""
        return frame_sight(self._context, request.box, request.width_px, request.height_px)

    def trace(self, request: TraceRequest) -> Seen:
        """Return the footprints in sight; raises RasterioError where the raster cannot be read."""
        frame = self.frame(request)
        if frame is None:
            return Seen(_NOTHING)
        if frame != self._frame:
            self._frame, self._threshold, self._values = None, None, read_frame(self._context, frame)
            self._frame = frame
        if request.threshold != self._threshold:
            self._places, self._drawing = self._find(frame, request.threshold), None
            self._threshold = request.threshold
        if self._drawing is None or request.min_area_m2 < self._drawing.least_m2:
            self._drawing = self._draw(frame, min(request.min_area_m2, _LEAST_M2))
        drawn = self._drawing
        is_kept = drawn.is_in_sight & (drawn.is_cut | (drawn.areas_m2 >= request.min_area_m2))
        return Seen(drawn.polygons[is_kept], frame.is_coarse)

    def _find(self, frame: Viewport, threshold: float) -> NDArray[np.int32]:
        """Return the number of the building at each pixel of the frame."""
        if frame.is_coarse:
            return np.asarray(label(find_buildings(self._values[0], threshold))[0], dtype="int32")
        separation = replace(self._context.separation, threshold=threshold)
        return find_instances(self._values, separation, self._measure_pixel(frame))

    def _measure_pixel(self, frame: Viewport) -> float:
        """Return the area of one pixel of the frame, in square metres."""
        across, down = frame.scale
        middle = frame.window.row_off + frame.window.height / 2
        return float(self._context.scale.pixel_area_m2(middle)) * across * down

    def _draw(self, frame: Viewport, least_m2: float) -> _Drawing:
        pixel_m2 = self._measure_pixel(frame)
        counts = np.bincount(self._places.ravel())
        is_cut = _find_cut(self._places, frame, self._context, len(counts))
        worth = (counts > 0) & (is_cut | (counts * pixel_m2 >= 0.5 * least_m2))
        worth[0] = False
        pieces = np.where(worth, np.cumsum(worth), 0).astype("int32")[self._places]
        counts, is_cut = counts[worth], is_cut[worth]
        if frame.is_coarse:
            outlines = outline_coarsely(pieces, counts)
        else:
            outlines = outline_pieces(pieces, len(counts), Window(0, 0, frame.width, frame.height))
            outlines = simplify_outlines(outlines, self._context.simplify_px)
        areas = shapely.area(outlines)
        outlines, areas, is_cut = outlines[areas > 0], areas[areas > 0], is_cut[areas > 0]
        bounds = frame.place(shapely.bounds(outlines).reshape(-1, 4))
        across, down = frame.scale
        areas_m2 = areas * across * down * self._context.scale.pixel_area_m2(bounds[:, [1, 3]].mean(axis=1))
        polygons = apply_affine(outlines, self._context.transform @ frame.grid)
        return _Drawing(polygons, areas_m2, is_cut, _is_in(bounds, frame.sight), least_m2)


def _find_cut(places: NDArray[np.int32], frame: Viewport, context: ReviewContext, count: int) -> NDArray[np.bool_]:
    """Tell of each number whether the frame cuts it; at the raster's own edge nothing is cut."""
    is_cut = np.zeros(count, dtype=bool)
    window = frame.window
    edges = (
        (window.row_off > 0, places[0]),
        (window.row_off + window.height < context.height, places[-1]),
        (window.col_off > 0, places[:, 0]),
        (window.col_off + window.width < context.width, places[:, -1]),
    )
    for goes_on, edge in edges:
        if goes_on:
            is_cut[edge] = True
    return is_cut


def _is_in(bounds: NDArray[np.float64], sight: Window) -> NDArray[np.bool_]:
    left, top, right, bottom = bounds.T
    ends = sight.col_off + sight.width, sight.row_off + sight.height
    return np.asarray((right > sight.col_off) & (left < ends[0]) & (bottom > sight.row_off) & (top < ends[1]))


def outline_coarsely(pieces: NDArray[np.int32], counts: NDArray[np.int64]) -> Geometries:
    """Return outlines along pixels; most pieces are small boxes, which need not be followed around."""
    rows, cols = np.nonzero(pieces)
    numbers = pieces[rows, cols] - 1
    low, high = (np.empty((2, len(counts)), dtype=np.int64) for _ in range(2))
    for place, each in enumerate((cols, rows)):
        low[place], high[place] = np.iinfo(np.int64).max, -1
        np.minimum.at(low[place], numbers, each)
        np.maximum.at(high[place], numbers, each)
    is_box = (high - low + 1).prod(axis=0) == counts
    outlines = np.empty(len(counts), dtype=object)
    outlines[is_box] = shapely.box(*low[:, is_box], *(high[:, is_box] + 1))
    is_other = np.concatenate([[False], ~is_box])
    rest = np.where(is_other, np.cumsum(is_other), 0).astype("int32")[pieces]
    outlines[~is_box] = outline_pieces(rest, int(is_other.sum()), Window(0, 0, 1, 1))
    return outlines
