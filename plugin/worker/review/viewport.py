"""Which pixels a look at the map takes: all of those in sight, or so many as the screen has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.windows import Window

from ...core.live_view import Box
from ..geodata.windows import widen_window
from .context import ReviewContext

#: So many pixels in sight are taken as they are; of more, means are taken.
MOST_PX = 1_500_000
_LEAST_SIDE_PX, _MARGIN_PX = 16, 32


@dataclass(frozen=True)
class Viewport:
    """A window of a raster, read into ``height`` x ``width`` pixels, and the ground in sight within it."""

    window: Window
    width: int
    height: int
    sight: Window

    @property
    def is_coarse(self) -> bool:
        """Whether means of several pixels are read."""
        return (self.width, self.height) != (self.window.width, self.window.height)

    @property
    def scale(self) -> tuple[float, float]:
        """How many of the raster's pixels one pixel is, across and down."""
        return self.window.width / self.width, self.window.height / self.height

    @property
    def grid(self) -> Affine:
        """Takes (column, row) of the frame to those of the raster."""
        return Affine.translation(self.window.col_off, self.window.row_off) @ Affine.scale(*self.scale)

    def place(self, bounds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return bounds (n, 4) in the frame's pixels as those in the raster's."""
        starts = (self.window.col_off, self.window.row_off) * 2
        return np.asarray(bounds * np.array(self.scale * 2) + np.array(starts))


def frame_sight(context: ReviewContext, box: Box, width_px: int, height_px: int) -> Viewport | None:
    """Return the frame for a box in the raster's coordinates on a screen of so many pixels; None: it is off the raster.

    Pixels as they are get a margin, so that a building at the edge of the sight parts as it does elsewhere.
    """
    left, top, right, bottom = _find_pixels(context, box)
    left, top = max(0, math.floor(left)), max(0, math.floor(top))
    right, bottom = min(context.width, math.ceil(right)), min(context.height, math.ceil(bottom))
    if left >= right or top >= bottom:
        return None
    sight = Window(left, top, right - left, bottom - top)
    if sight.width * sight.height <= MOST_PX:
        wide, _ = widen_window(sight, context, _MARGIN_PX)
        return Viewport(wide, wide.width, wide.height, sight)
    room = max(width_px, _LEAST_SIDE_PX) * max(height_px, _LEAST_SIDE_PX)
    scale = max(sight.width / max(width_px, _LEAST_SIDE_PX), sight.height / max(height_px, _LEAST_SIDE_PX), 1.0)
    scale *= max(1.0, math.sqrt(room / MOST_PX))
    return Viewport(sight, math.ceil(sight.width / scale), math.ceil(sight.height / scale), sight)


def read_frame(context: ReviewContext, frame: Viewport) -> NDArray[np.uint8]:
    """Return the frame's probabilities (channels, height, width); where it is coarse, the means of the first alone."""
    with rasterio.open(context.path) as dataset:
        if not frame.is_coarse:
            return np.asarray(dataset.read(window=frame.window))
        shape = (frame.height, frame.width)
        return np.asarray(dataset.read([1], window=frame.window, out_shape=(1, *shape), resampling=Resampling.average))


def _find_pixels(context: ReviewContext, box: Box) -> Any:
    """Return the bounds in pixels of a box: the raster may be turned."""
    xs, ys = (np.array(box)[list(sides)] for sides in ((0, 2, 2, 0), (1, 1, 3, 3)))
    cols, rows = ~context.transform @ np.array([xs, ys])
    return cols.min(), rows.min(), cols.max(), rows.max()
