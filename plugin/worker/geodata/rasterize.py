"""Polygons drawn into windows of pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.windows import Window

from .vector import Geometries


class PolygonIndex:
    """Polygons in pixel coordinates, drawn window by window."""

    def __init__(self, polygons: Geometries) -> None:
        """Index the polygons."""
        self.polygons = polygons
        self._tree = shapely.STRtree(polygons)

    def find(self, window: Window) -> NDArray[np.int64]:
        """Return the places of the polygons whose box meets the window, in ascending order."""
        return self._find(*frame_of(window))

    def draw(self, window: Window, values: Any = 1) -> NDArray[np.int32]:
        """Return the window (height, width) with each polygon's value where a pixel's centre lies in it, else 0.

        ``values`` is one number, or one for each polygon; later polygons lie on top.
        """
        return self.draw_frame(*frame_of(window), values)

    def draw_frame(self, frame: Affine, shape: tuple[int, int], values: Any = 1) -> NDArray[np.int32]:
        """Draw as ``draw`` does, into pixels that ``frame`` takes to the polygons' coordinates: turned, scaled."""
        found = self._find(frame, shape)
        if len(found) == 0:
            return np.zeros(shape, dtype="int32")
        chosen = np.broadcast_to(np.asarray(values), len(self.polygons))[found]
        shapes = zip(self.polygons[found], chosen.tolist(), strict=True)
        return np.asarray(rasterize(shapes, shape, transform=frame, dtype="int32"))

    def _find(self, frame: Affine, shape: tuple[int, int]) -> NDArray[np.int64]:
        height, width = shape
        xs, ys = frame @ np.array([[0, width, width, 0], [0, 0, height, height]])
        return np.sort(self._tree.query(shapely.box(min(xs), min(ys), max(xs), max(ys))))


def frame_of(window: Window) -> tuple[Affine, tuple[int, int]]:
    """Return the transform from a window's pixels to the raster's, and the shape (height, width)."""
    return Affine.translation(window.col_off, window.row_off), (int(window.height), int(window.width))
