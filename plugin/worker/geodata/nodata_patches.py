"""Whether a nodata value is one of imagery's own: black shadows where it is 0, white roofs where it is 255."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window
from scipy.ndimage import binary_dilation, find_objects, label

from .crs import measure_ground
from .windows import spread_windows, touches_border

_SIDE_PX, _MOST_ACROSS = 512, 6
_LEAST_PATCHES, _MOST_PATCHES = 5, 16
_RING_PX = 2
_LEAST_PX = 9
_NEAR = 0.2
_MOSTLY = 0.5
#: A patch of a building's size: its area, its longer side, and how much of its frame it takes up.
_LEAST_M2, _LONGEST_M, _COMPACT = 40.0, 60.0, 0.35


@dataclass(frozen=True)
class Patches:
    """What holds no data inside a raster, as looked at: so many patches (``count``), and what they are like.

    So many pass over into values near the nodata value (``near``), so many are as large as buildings (``built``);
    ``has_collar`` where some touch the raster's border.
    """

    count: int
    near: int
    built: int
    has_collar: bool

    @property
    def is_imagery(self) -> bool:
        """Whether these are shadows or roofs: none touches the border, most pass over softly or are like buildings."""
        return not self.has_collar and (self.is_built or self._is_most(self.near))

    @property
    def is_built(self) -> bool:
        """Whether most are as large as buildings."""
        return self._is_most(self.built)

    def _is_most(self, some: int) -> bool:
        return self.count >= _LEAST_PATCHES and some >= _MOSTLY * self.count


def look_at_patches(
    dataset: DatasetReader, bands: tuple[int, ...], nodata: float | None, mask: str, spread: float
) -> Patches:
    """Look at what holds ``nodata`` in all ``bands`` (None: what the ``mask`` hides) in up to 6 x 6 windows of 512 px.

    Near the nodata value is what lies within a fifth of the ``spread`` of all values. The ``mask`` is a data rule's.
    """
    gsd_m = measure_ground(dataset.crs, dataset.transform, dataset.width, dataset.height).gsd_m
    count = near = built = 0
    has_collar = False
    for window in spread_windows(Window(0, 0, dataset.width, dataset.height), _SIDE_PX, _MOST_ACROSS):
        if nodata is None:
            void = close = read_rule_mask(dataset, mask, window=window) == 0
        else:
            with np.errstate(over="ignore", invalid="ignore"):
                values = dataset.read(list(bands), window=window).astype("float32")
                void = (values == np.float32(nodata)).all(axis=0)
                close = (np.abs(values - np.float32(nodata)) <= _NEAR * spread).all(axis=0)
        has_collar |= touches_border(void, window, dataset, _LEAST_PX)
        for frame, patch in _list_patches(void):
            ring = binary_dilation(patch, iterations=_RING_PX) & ~patch & ~void[frame]
            count += 1
            near += bool(ring.any() and close[frame][ring].mean() >= _MOSTLY)
            built += _is_like_building(patch, gsd_m)
    return Patches(count, near, built, has_collar)


def read_rule_mask(dataset: DatasetReader, mask: str, **where: Any) -> NDArray[Any]:
    """Return what a data rule's ``mask`` says (0: no data), read as rasterio's ``where`` says (window, out_shape)."""
    if mask.isdecimal():
        return np.asarray(dataset.read(int(mask), **where))
    return np.asarray(dataset.read_masks(int(mask.rpartition(",")[2]), **where))


def _is_like_building(patch: NDArray[np.bool_], gsd_m: float) -> bool:
    rows, cols = np.flatnonzero(patch.any(axis=1)), np.flatnonzero(patch.any(axis=0))
    height, width = int(np.ptp(rows)) + 1, int(np.ptp(cols)) + 1
    size = int(patch.sum())
    is_small = max(height, width) * gsd_m <= _LONGEST_M
    return is_small and size * gsd_m**2 >= _LEAST_M2 and size >= _COMPACT * height * width


def _list_patches(void: NDArray[np.bool_]) -> Iterator[tuple[tuple[slice, slice], NDArray[np.bool_]]]:
    """Yield the largest patches of at least 9 pixels that lie wholly inside, up to 16 of them: frame, and patch in it.

    The frame reaches 2 px around the patch.
    """
    numbers, _ = label(void)
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    for edge in (numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]):
        sizes[edge] = 0
    frames = find_objects(numbers)
    for number in np.argsort(sizes)[::-1][:_MOST_PATCHES]:
        if sizes[number] >= _LEAST_PX:
            rows, cols = (slice(max(0, s.start - _RING_PX), s.stop + _RING_PX) for s in frames[number - 1])
            yield (rows, cols), numbers[rows, cols] == number
