"""Windows of a raster, and the ground around them."""

from __future__ import annotations

from rasterio.io import DatasetReader
from rasterio.windows import Window


def widen_window(window: Window, dataset: DatasetReader, margin_px: int) -> tuple[Window, tuple[slice, slice]]:
    """Return the window with a margin, as far as the raster goes, and where the window lies in it."""
    left, top = max(0, window.col_off - margin_px), max(0, window.row_off - margin_px)
    right = min(dataset.width, window.col_off + window.width + margin_px)
    bottom = min(dataset.height, window.row_off + window.height + margin_px)
    row, col = window.row_off - top, window.col_off - left
    core = (slice(row, row + window.height), slice(col, col + window.width))
    return Window(left, top, right - left, bottom - top), core
