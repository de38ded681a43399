"""Why GDAL cannot open or read a file, in words that lead on."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path

import pyogrio
import rasterio
from pyogrio.errors import DataSourceError
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from ...core.errors import InputError, first_line

GONE = "The file is not there: was it moved?"
_EXPORT = "Export it as a GeoTIFF in QGIS (right click the layer > Export > Save As), and choose that file."


def find_cause(error: BaseException) -> str:
    """Return what GDAL itself said, which rasterio keeps beneath an error of its own."""
    while error.__cause__ is not None:
        error = error.__cause__
    return first_line(error)


def advise_raster(path: str, error: BaseException) -> str:
    """Return what to do about a raster that cannot be opened."""
    if _is_gone(path):
        return GONE
    if _list_vector_layers(path):
        return "It is a vector file: choose a raster."
    if Path(path).is_file() and Path(path).stat().st_size == 0:
        return "The file is empty: copy it again."
    if "not recognized" in str(error):
        return f"QGIS may have a driver for this format that the plugin lacks. {_EXPORT}"
    return f"Is it complete? Copy it again; if QGIS can show it: {_EXPORT[0].lower()}{_EXPORT[1:]}"


def advise_vector(path: str) -> str:
    """Return what to do about a vector file that cannot be opened."""
    if _is_gone(path):
        return GONE
    with contextlib.suppress(RasterioError, OSError), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        rasterio.open(path).close()
        return "It is a raster: make polygons of it (Raster > Conversion > Polygonize), and choose those."
    return "Is it a vector file that QGIS can open?"


def refuse_unplaced(dataset: DatasetReader, path: str) -> None:
    """Raise InputError for a raster whose place is known, but not by a grid, and for one that only holds others."""
    if dataset.subdatasets and (dataset.count == 0 or dataset.crs is None):
        raise InputError(
            f"The file {path} holds {len(dataset.subdatasets)} rasters, and none is named.",
            f"Name one of them: {', '.join(dataset.subdatasets[:8])}.",
        )
    if dataset.gcps[0]:
        raise InputError(
            f"The raster {path} has control points, but no grid that they were turned into.",
            "Warp it (Raster > Projections > Warp), and choose the new file.",
        )
    if dataset.rpcs is not None and dataset.transform.is_identity:
        raise InputError(
            f"The raster {path} is a raw satellite image: it has rational polynomials (RPC), but no grid.",
            "Orthorectify it (Raster > Projections > Warp, or gdalwarp -rpc), and choose the new file.",
        )


def _is_gone(path: str) -> bool:
    """Tell whether a plain file is not there; GPKG:FILE:TABLE and the like are no plain files."""
    return not path.startswith("/vsi") and ":" not in path[2:] and not Path(path).exists()


def _list_vector_layers(path: str) -> list[str]:
    with contextlib.suppress(DataSourceError, OSError, ValueError):
        return [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    return []
