"""Values of a raster, taken here and there, so that a large one is known in a second."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ...core.imagery import Imagery
from .raster import Raster, open_grid, read_patched, read_valid, regrid_raster
from .rasterize import PolygonIndex
from .windows import spread_windows

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
        values = _sample(dataset, native, spread_looks(raster, region))
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
    with open_grid(regrid_raster(raster, None)) as dataset:
        shape = (min(region.height, _MOST_PLACES), min(region.width, _MOST_PLACES))
        return bool(read_valid(dataset, raster, region, shape).any())


def measure_filled(raster: Raster, windows: Iterable[Window], drawn: PolygonIndex | None = None) -> float:
    """Return the share of pixels with a missing value that is filled, in windows of the file (on the ``drawn`` ground).

    Those are specks without data, and pixels that lack a value in some bands alone.
    """
    native = regrid_raster(raster, None)
    filled = known = 0
    with open_grid(native) as dataset:
        if native.rule is None and all(MaskFlags.all_valid in flags for flags in dataset.mask_flag_enums):
            return 0.0
        for window in windows:
            _, valid, patched = read_patched(dataset, native, window)
            if drawn is not None:
                valid &= drawn.draw(window) > 0
            known += int(valid.sum())
            filled += int((patched & valid).sum())
    return filled / known if known else 0.0


def spread_looks(raster: Raster, region: Window | None = None) -> list[Window]:
    """Return up to 8 x 8 windows of 128 px over a region (in the file's pixels; None: all of it)."""
    native = regrid_raster(raster, None)
    return spread_windows(region or Window(0, 0, native.width, native.height), _SIDE_PX, _MOST_ACROSS)


def _sample(dataset: DatasetReader, raster: Raster, windows: list[Window]) -> NDArray[np.float64]:
    """Return values (bands, n) of pixels of which no value is missing."""
    found = []
    for window in windows:
        values, valid, filled = read_patched(dataset, raster, window)
        found.append(values[:, valid & ~filled].astype("float64"))
    return np.concatenate(found, axis=1)
