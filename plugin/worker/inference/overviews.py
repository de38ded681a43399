"""Overviews of a probability raster: without them, a look at the whole of it reads every pixel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import rasterio
from affine import Affine
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ...core.atomic_file import replacing
from ..geodata.probability import NODATA
from ..geodata.windows import cut_windows

#: The finest overview: a sixteenth of the raster, so that all of them together are a tenth of the file.
FIRST = 4
_SIDE_PX = 256
_CHUNK_PX = 2048
_OPTIONS = {"GDAL_TIFF_OVR_BLOCKSIZE": str(_SIDE_PX), "SPARSE_OK_OVERVIEW": "ON"}


def add_overviews(path: Path) -> None:
    """Add means of 4 x 4 pixels, 8 x 8 and so on to a GeoTIFF, as far as there is more than a block of them."""
    _add(path, FIRST)


def name_sidecar(path: Path) -> Path:
    """Return the file beside a raster in which GDAL finds its overviews."""
    return path.with_name(f"{path.name}.ovr")


def has_overviews(path: Path) -> bool:
    """Tell whether a raster has overviews, or is so small that it needs none."""
    with rasterio.open(path) as dataset:
        return bool(dataset.overviews(1)) or max(dataset.width, dataset.height) <= _CHUNK_PX


def build_sidecar(path: Path) -> Iterator[None]:
    """Write the overviews of a raster's first band beside it, piece by piece, by a temporary name.

    The raster itself is not touched. Raises RunError where the file cannot be written.
    """
    with replacing(name_sidecar(path), RasterioError) as partial:
        with rasterio.open(path) as source:
            width, height = (-(-size // FIRST) for size in (source.width, source.height))
            profile = {"width": width, "height": height, "count": 1, "dtype": "uint8", "nodata": NODATA}
            place = {"crs": source.crs, "transform": source.transform @ Affine.scale(FIRST)}
            layout = {
                "tiled": True,
                "blockxsize": _SIDE_PX,
                "blockysize": _SIDE_PX,
                "compress": "deflate",
                "sparse_ok": True,
            }
            with rasterio.open(partial, "w", driver="GTiff", **profile, **place, **layout) as target:
                for window in cut_windows(Window(0, 0, source.width, source.height), _CHUNK_PX):
                    _shrink(source, window, target)
                    yield
        _add(partial, 2)


def _add(path: Path, first: int) -> None:
    with rasterio.Env(**_OPTIONS), rasterio.open(path, "r+") as dataset:
        side = max(dataset.width, dataset.height)
        factors = [factor for factor in (first << step for step in range(12)) if side / factor > _SIDE_PX / 2]
        if factors:
            dataset.build_overviews(factors, Resampling.average)


def _shrink(source: DatasetReader, window: Window, target: DatasetReader) -> None:
    place = Window(
        window.col_off // FIRST, window.row_off // FIRST, -(-window.width // FIRST), -(-window.height // FIRST)
    )
    means = source.read(1, window=window, out_shape=(place.height, place.width), resampling=Resampling.average)
    target.write(means, 1, window=place)
