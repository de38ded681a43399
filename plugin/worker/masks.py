"""What the network shall say of a window, made from the labels."""

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
        return np.sort(self._tree.query(_frame(window)))

    def draw(self, window: Window, values: Any = 1) -> NDArray[np.int32]:
        """Return the window (height, width) with each polygon's value where a pixel's centre lies in it, else 0.

        ``values`` is one number, or one for each polygon; later polygons lie on top.
        """
        shape = (int(window.height), int(window.width))
        found = self.find(window)
        if len(found) == 0:
            return np.zeros(shape, dtype="int32")
        chosen = np.broadcast_to(np.asarray(values), len(self.polygons))[found]
        shapes = zip(self.polygons[found], chosen.tolist(), strict=True)
        origin = Affine.translation(window.col_off, window.row_off)
        return np.asarray(rasterize(shapes, shape, transform=origin, dtype="int32"))


def _frame(window: Window) -> Any:
    left, top = window.col_off, window.row_off
    return shapely.box(left, top, left + window.width, top + window.height)
