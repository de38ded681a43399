"""Black or white collars that nobody declares: ground along a raster's border at one end of its kind of values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window
from scipy.ndimage import binary_dilation, binary_opening, find_objects, label

from .crs import measure_ground
from .windows import find_border_sides, spread_windows, touches_border

_SIDE_PX, _MOST_ACROSS = 128, 8
_LEAST_ON_BORDER = 16
_JITTER = 3
_KINDS = ("uint8", "uint16")
#: Larger than a building: so much of the raster and so much ground, or so long.
_LEAST_SHARE, _LEAST_M2, _LONG_M = 0.01, 400.0, 50.0
_ALL = 0.999
#: A collar is solid: so much of it is at least 5 cells wide, counted on over the border. Blown-out imagery is frayed.
_SOLID, _WIDTH = 0.97, 5
_REACH = 2
_EIGHT = np.ones((3, 3), dtype=bool)

#: The part of a raster that is the whole of it: left, top, right, bottom.
WHOLE = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Collar:
    """Ground along the border where all bands hold values up to ``limit`` (``is_dark``), or from it on.

    ``cells`` are the packed bits of the ground, thinned out to ``shape`` (height, width); ``share`` is its part of the
    raster, ``is_even`` whether it holds one value alone.
    """

    limit: float
    is_dark: bool
    cells: bytes
    shape: tuple[int, int]
    share: float
    is_even: bool

    def covers(
        self, values: NDArray[np.float32], place: tuple[float, float, float, float] = WHOLE
    ) -> NDArray[np.bool_]:
        """Return which pixels of ``values`` (bands, height, width) are the collar's.

        ``place`` is where they lie: left, top, right, bottom, each from 0 to 1 over the whole raster.
        """
        ground = np.unpackbits(np.frombuffer(self.cells, "uint8"), count=self.shape[0] * self.shape[1])
        rows = _spread(place[1], place[3], values.shape[1], self.shape[0])
        cols = _spread(place[0], place[2], values.shape[2], self.shape[1])
        is_near = ground.reshape(self.shape)[np.ix_(rows, cols)] > 0
        return np.asarray(is_near & _is_extreme(values, self.limit, self.is_dark))


def find_collars(
    dataset: DatasetReader, bands: tuple[int, ...], read_planes: Callable[[], NDArray[np.float32]]
) -> tuple[Collar, ...]:
    """Return the undeclared collars of a raster of 8 or 16 bits without sign.

    ``read_planes`` gives all bands (bands, height, width) thinned out, NaN where they are known to hold no data: it is
    called only where the border, in up to 28 windows of 128 px, holds such values.
    """
    kinds = {dataset.dtypes[band - 1] for band in bands}
    if len(kinds) != 1 or not kinds <= set(_KINDS):
        return ()
    top = float(np.iinfo(kinds.pop()).max)
    ends = [(float(_JITTER), True), (top - _JITTER, False)]
    ends = [end for end in ends if _is_on_border(dataset, bands, *end)]
    if not ends:
        return ()
    planes = read_planes()
    return tuple(found for end in ends if (found := _find_collar(dataset, planes, *end)) is not None)


def _find_collar(dataset: DatasetReader, planes: NDArray[np.float32], limit: float, is_dark: bool) -> Collar | None:
    extreme = _is_extreme(planes, limit, is_dark)
    numbers, _ = label(extreme, structure=_EIGHT)
    ground = measure_ground(dataset.crs, dataset.transform, dataset.width, dataset.height)
    cell_m = ground.gsd_m * np.array([dataset.height / extreme.shape[0], dataset.width / extreme.shape[1]])
    chosen = list(_choose_patches(numbers, cell_m))
    region = np.isin(numbers, [number for number, _ in chosen])
    share = float(region.mean())
    is_large = share >= _LEAST_SHARE and share * extreme.size * cell_m.prod() >= _LEAST_M2
    if not chosen or share > _ALL or not (is_large or any(is_long for _, is_long in chosen)) or not _is_solid(region):
        return None
    is_even = bool(np.ptp(planes[:, region]) == 0)
    wide = binary_dilation(region, structure=_EIGHT, iterations=_REACH)
    return Collar(limit, is_dark, np.packbits(wide).tobytes(), region.shape, share, is_even)


def _is_solid(region: NDArray[np.bool_]) -> bool:
    wide = binary_opening(np.pad(region, _WIDTH, mode="edge"), np.ones((_WIDTH, _WIDTH), dtype=bool))
    return bool(wide[_WIDTH:-_WIDTH, _WIDTH:-_WIDTH].sum() >= _SOLID * region.sum())


def _choose_patches(numbers: NDArray[np.int32], cell_m: NDArray[np.float64]) -> Iterator[tuple[int, bool]]:
    """Yield the patches on the border that hold a corner, or are both large and long; and whether they are long."""
    corners = set(numbers[[0, 0, -1, -1], [0, -1, 0, -1]].tolist())
    edges = np.unique(np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]]))
    sizes, frames = np.bincount(numbers.ravel()), find_objects(numbers)
    for number in edges[edges > 0].tolist():
        rows, cols = frames[number - 1]
        is_long = max((rows.stop - rows.start) * cell_m[0], (cols.stop - cols.start) * cell_m[1]) >= _LONG_M
        if number in corners or (is_long and sizes[number] >= _LEAST_SHARE * numbers.size):
            yield number, bool(is_long)


def _is_on_border(dataset: DatasetReader, bands: tuple[int, ...], limit: float, is_dark: bool) -> bool:
    for window in spread_windows(Window(0, 0, dataset.width, dataset.height), _SIDE_PX, _MOST_ACROSS):
        if any(find_border_sides(window, dataset)):
            extreme = _is_extreme(dataset.read(list(bands), window=window), limit, is_dark)
            if touches_border(extreme, window, dataset, _LEAST_ON_BORDER):
                return True
    return False


def _is_extreme(values: NDArray[np.float32], limit: float, is_dark: bool) -> NDArray[np.bool_]:
    return np.asarray((values <= limit if is_dark else values >= limit).all(axis=0))


def _spread(start: float, end: float, count: int, cells: int) -> NDArray[np.int64]:
    middles = start + (end - start) * (np.arange(count) + 0.5) / count
    return np.clip((middles * cells).astype("int64"), 0, cells - 1)
