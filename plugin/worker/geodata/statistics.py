"""Values of a raster, taken here and there, so that a large one is known in a second."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ...core.imagery import Imagery
from .normalization import read_mask
from .raster import Raster, open_grid, open_raster, read_window, regrid_raster

_SIDE_PX = 128
_MOST_ACROSS = 8
_LEAST_PX = 1024
_MOST_PLACES = 1024


def measure_imagery(raster: Raster, region: Window | None = None) -> Imagery | None:
    """Return what a raster's values are like as the model reads them, None where it holds next to no data.

    They are read at full resolution in up to 8 x 8 windows of 128 px, spread over the ``region`` (in the file's pixels;
    None: all of it). Raises InputError and RunError where the file cannot be read.
    """
    native = regrid_raster(raster, None)
    with open_grid(native) as dataset:
        values = _sample(dataset, native, region or Window(0, 0, native.width, native.height))
        kinds = sorted({dataset.dtypes[band - 1] for band in native.bands if band})
    if values.shape[1] < _LEAST_PX:
        return None
    covariance = np.cov(values).reshape(len(values), -1)
    clipped = [((v <= 0).mean(), (v >= 1).mean()) if raster.is_clipped else (0.0, 0.0) for v in values]
    return Imagery(
        values=", ".join(kinds),
        bands=raster.bands,
        mean=tuple(np.round(values.mean(axis=1), 5).tolist()),
        covariance=tuple(tuple(row) for row in np.round(covariance, 7).tolist()),
        clipped=tuple((round(float(low), 4), round(float(high), 4)) for low, high in clipped),
    )


def holds_data(raster: Raster, region: Window) -> bool:
    """Tell whether a region (in the file's pixels) holds any data, looked at in up to 1024 x 1024 places."""
    with open_raster(raster.path) as dataset:
        shape = (min(region.height, _MOST_PLACES), min(region.width, _MOST_PLACES))
        return bool(read_mask(dataset, raster.bands, region, shape).any())


def _sample(dataset: DatasetReader, raster: Raster, region: Window) -> NDArray[np.float64]:
    """Return values (bands, n) of pixels that hold data."""
    lefts = _spread(region.col_off, region.width)
    tops = _spread(region.row_off, region.height)
    found = []
    for top in tops:
        for left in lefts:
            window = Window(left, top, min(_SIDE_PX, region.width), min(_SIDE_PX, region.height))
            values, valid = read_window(dataset, raster, window)
            found.append(values[:, valid].astype("float64"))
    return np.concatenate(found, axis=1)


def _spread(start: int, length: int) -> list[int]:
    """Return where windows begin, from one end of a length in pixels to the other."""
    count = min(_MOST_ACROSS, max(1, length // _SIDE_PX))
    last = max(0, length - _SIDE_PX)
    return [start + round(last * step / max(1, count - 1)) for step in range(count)]
