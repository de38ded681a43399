"""Windows of a raster, and the ground around them."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window


def cut_rows(region: Window, side_px: int) -> list[list[Window]]:
    """Return the square windows that cover a region, row by row from its top left; those at its far sides are cut."""
    left, top, width, height = region.col_off, region.row_off, region.width, region.height
    return [
        [
            Window(left + col, top + row, min(side_px, width - col), min(side_px, height - row))
            for col in range(0, width, side_px)
        ]
        for row in range(0, height, side_px)
    ]


def cut_windows(region: Window, side_px: int) -> list[Window]:
    """Return the windows of ``cut_rows``, one after another."""
    return [window for row in cut_rows(region, side_px) for window in row]


def spread_windows(region: Window, side_px: int, most_across: int) -> list[Window]:
    """Return up to so many windows across and down a region, spread from one end of it to the other."""
    lefts = _spread(region.col_off, region.width, side_px, most_across)
    tops = _spread(region.row_off, region.height, side_px, most_across)
    width, height = min(side_px, region.width), min(side_px, region.height)
    return [Window(left, top, width, height) for top in tops for left in lefts]


def _spread(start: int, length: int, side_px: int, most: int) -> list[int]:
    count = min(most, max(1, length // side_px))
    last = max(0, length - side_px)
    return [start + round(last * step / max(1, count - 1)) for step in range(count)]


def keep_meeting(windows: list[Window], ground: Any) -> list[Window]:
    """Return the windows that meet the ground, a geometry in the same pixels (None: all of them)."""
    if ground is None or not windows:
        return windows
    shapely.prepare(ground)
    places = np.array([(each.col_off, each.row_off, each.width, each.height) for each in windows], dtype="float64")
    boxes = shapely.box(*places[:, :2].T, *(places[:, :2] + places[:, 2:]).T)
    return [windows[place] for place in np.flatnonzero(shapely.intersects(boxes, ground))]


def widen_window(window: Window, dataset: DatasetReader, margin_px: int) -> tuple[Window, tuple[slice, slice]]:
    """Return the window with a margin, as far as the raster goes, and where the window lies in it."""
    left, top = max(0, window.col_off - margin_px), max(0, window.row_off - margin_px)
    right = min(dataset.width, window.col_off + window.width + margin_px)
    bottom = min(dataset.height, window.row_off + window.height + margin_px)
    row, col = window.row_off - top, window.col_off - left
    core = (slice(row, row + window.height), slice(col, col + window.width))
    return Window(left, top, right - left, bottom - top), core


def place_window(dataset: DatasetReader, window: Window) -> tuple[float, float, float, float]:
    """Return the left, top, right and bottom of a window, from 0 to 1 over the whole dataset."""
    left, top = window.col_off / dataset.width, window.row_off / dataset.height
    return left, top, left + window.width / dataset.width, top + window.height / dataset.height


def find_border_sides(window: Window, dataset: DatasetReader) -> tuple[bool, bool, bool, bool]:
    """Tell which sides of a window are the raster's: top, left, bottom, right."""
    right, bottom = window.col_off + window.width, window.row_off + window.height
    return window.row_off == 0, window.col_off == 0, bottom == dataset.height, right == dataset.width


def touches_border(places: NDArray[np.bool_], window: Window, dataset: DatasetReader, least_px: int) -> bool:
    """Tell whether so many of a window's places (height, width) lie on one side of the raster's border."""
    sides = (places[0], places[:, 0], places[-1], places[:, -1])
    is_border = find_border_sides(window, dataset)
    return any(own and side.sum() >= least_px for own, side in zip(is_border, sides, strict=True))
