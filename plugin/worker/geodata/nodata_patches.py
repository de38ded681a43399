"""Whether a nodata value is one of imagery's own: black shadows where it is 0, white roofs where it is 255."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window
from scipy.ndimage import binary_dilation, label

from .windows import spread_windows

_SIDE_PX, _MOST_ACROSS = 256, 6
_LEAST_PATCHES = 5
_LEAST_PX = 9
_NEAR = 0.2
_MOSTLY = 0.5


def is_imagery(dataset: DatasetReader, bands: tuple[int, ...], nodata: float, spread: float) -> bool:
    """Tell whether what holds ``nodata`` in all ``bands`` is imagery, by its patches in up to 6 x 6 windows of 256 px.

    It is where no patch touches the raster's border, and most patches inside pass over into values near it: within a
    fifth of the ``spread`` of all values. What was cut out has sharp edges.
    """
    count = near = 0
    for window in spread_windows(Window(0, 0, dataset.width, dataset.height), _SIDE_PX, _MOST_ACROSS):
        values = dataset.read(list(bands), window=window).astype("float32")
        void = (values == nodata).all(axis=0)
        if _touches_border(void, window, dataset):
            return False
        close = (np.abs(values - nodata) <= _NEAR * spread).all(axis=0)
        for patch in _list_patches(void):
            ring = binary_dilation(patch, iterations=2) & ~patch & ~void
            count += 1
            near += bool(ring.any() and close[ring].mean() >= _MOSTLY)
    return count >= _LEAST_PATCHES and near >= _MOSTLY * count


def _touches_border(void: NDArray[np.bool_], window: Window, dataset: DatasetReader) -> bool:
    right, bottom = window.col_off + window.width, window.row_off + window.height
    sides = (
        (window.row_off == 0, void[0]),
        (window.col_off == 0, void[:, 0]),
        (bottom == dataset.height, void[-1]),
        (right == dataset.width, void[:, -1]),
    )
    return any(is_border and side.sum() >= _LEAST_PX for is_border, side in sides)


def _list_patches(void: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    """Yield the largest patches of at least 9 pixels that lie wholly inside, up to 8 of them."""
    numbers, _ = label(void)
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    for edge in (numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]):
        sizes[edge] = 0
    for number in np.argsort(sizes)[::-1][:8]:
        if sizes[number] >= _LEAST_PX:
            yield numbers == number
