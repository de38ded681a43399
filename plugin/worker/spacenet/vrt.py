"""Many tiles as one raster: a VRT, which names the tiles and copies nothing."""

from __future__ import annotations

import html
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.dtypes import dtype_rev, typename_fwd
from rasterio.errors import RasterioError
from rasterio.features import shapes
from rasterio.io import DatasetReader

from ...core.atomic_file import replacing
from ..geodata.crs import is_usable

#: Tiles whose pixels are larger or smaller by more than this share do not belong together.
_SAME_SIZE = 0.01
_LOOK_PX = 256
_LEAST_GROUND = 16
_COLOURS = ("red", "green", "blue")
_MOST_TOLD = 4
_UNUSABLE = {"alpha", "palette"}
#: The bands of WorldView's eight, and of four and three, in their usual order.
BAND_NAMES = {
    8: ("coastal", "blue", "green", "yellow", "red", "red edge", "near-infrared", "near-infrared 2"),
    4: ("red", "green", "blue", "near-infrared"),
    3: _COLOURS,
    1: ("grey",),
}
NADIR_BAND_NAMES = ("blue", "green", "red", "near-infrared")


@dataclass(frozen=True)
class Tile:
    """One tile's header, and ``ground``: where it holds data, in its coordinate system (empty: nowhere)."""

    path: Path
    width: int
    height: int
    crs: CRS | None
    transform: Affine
    count: int
    dtype: str
    nodata: float
    ground: shapely.Geometry
    kinds: tuple[str, ...]

    @property
    def colours(self) -> tuple[str, ...]:
        """The bands' colours as the file tells them, "" for another; none where red, green or blue is not told."""
        named = tuple(kind if kind in _COLOURS else "" for kind in self.kinds)
        return named if set(_COLOURS) <= set(named) else ()


@dataclass(frozen=True)
class Mosaic:
    """Tiles on one grid.

    ``edges`` (tiles, 4) are their left, top, right and bottom in its pixels, ``windows`` the same in whole ones.
    """

    tiles: tuple[Tile, ...]
    edges: NDArray[np.float64]
    windows: NDArray[np.int64]
    transform: Affine
    width: int
    height: int

    @property
    def crs(self) -> CRS:
        """The tiles' coordinate system."""
        return self.tiles[0].crs


def read_tile(path: Path) -> Tile | None:
    """Return a tile's header and where it holds data; None where it cannot be read to its end."""
    try:
        with rasterio.open(path) as dataset:
            nodata = 0.0 if dataset.nodata is None else float(dataset.nodata)
            return Tile(
                path,
                dataset.width,
                dataset.height,
                dataset.crs,
                dataset.transform,
                dataset.count,
                dataset.dtypes[0],
                nodata,
                _find_ground(dataset, nodata),
                tuple(kind.name for kind in dataset.colorinterp),
            )
    except (RasterioError, OSError):
        return None


def find_difference(tile: Tile, first: Tile) -> str:
    """Return what of a tile cannot be used, or not together with the first one ("": nothing)."""
    steps = (tile.transform.a / first.transform.a, tile.transform.e / first.transform.e)
    checks = [
        (tile.crs is not None and is_usable(tile.crs), "coordinate system"),
        (tile.transform.b == tile.transform.d == 0 and tile.transform.a > 0 > tile.transform.e, "orientation"),
        (tile.crs == first.crs, "coordinate system"),
        (tile.count == first.count and not _UNUSABLE & set(tile.kinds), "set of bands"),
        (tile.dtype == first.dtype, "kind of values"),
        (all(abs(step - 1) <= _SAME_SIZE for step in steps), "pixel size"),
    ]
    return next((what for is_same, what in checks if not is_same), "")


def lay_mosaic(tiles: Sequence[Tile]) -> Mosaic:
    """Lay tiles on the grid of the first one; each is moved by less than a pixel to the next whole one."""
    first = tiles[0].transform
    bounds = np.array([_bounds(tile) for tile in tiles])
    left, top = bounds[:, 0].min(), bounds[:, 1].max()
    left = first.c - math.ceil((first.c - left) / first.a - 1e-6) * first.a
    top = first.f - math.ceil((first.f - top) / first.e - 1e-6) * first.e
    edges = (bounds - (left, top, left, top)) / (first.a, first.e, first.a, first.e)
    windows = np.floor(edges + 0.5 + 1e-6).astype(np.int64)
    for window, tile, (x0, y0, x1, y1) in zip(windows, tiles, edges, strict=True):
        if abs(x1 - x0 - tile.width) < 0.25:
            window[2] = window[0] + tile.width  # pixel by pixel: its own size differs by nothing that can be seen
        if abs(y1 - y0 - tile.height) < 0.25:
            window[3] = window[1] + tile.height
    transform = Affine(first.a, 0, left, 0, first.e, top)
    return Mosaic(tuple(tiles), edges, windows, transform, int(windows[:, 2].max()), int(windows[:, 3].max()))


def write_vrt(path: Path, mosaic: Mosaic, names: Sequence[str]) -> None:
    """Write the mosaic as a VRT whose paths are relative, by a temporary name; raises RunError.

    ``names`` are those of the bands (empty: unknown). Red, green and blue of up to four bands are told in GDAL's own
    way; among more, what reads them knows WorldView's order, and older GDAL could not tell the near-infrared. Black
    rims of a tile (its nodata value, 0 where it names none) let the neighbour through that lies beneath.
    """
    first = mosaic.tiles[0]
    grid = ", ".join(f"{value!r}" for value in map(float, mosaic.transform.to_gdal()))
    lines = [
        f'<VRTDataset rasterXSize="{mosaic.width}" rasterYSize="{mosaic.height}">',
        f"  <SRS>{html.escape(mosaic.crs.to_wkt(), quote=False)}</SRS>",
        f"  <GeoTransform>{grid}</GeoTransform>",
    ]
    kind = typename_fwd[dtype_rev[first.dtype]]
    for band in range(1, first.count + 1):
        name = names[band - 1] if band <= len(names) else ""
        lines.append(f'  <VRTRasterBand dataType="{kind}" band="{band}">')
        lines += [f"    <Description>{html.escape(name)}</Description>"] if name else []
        lines.append(f"    <NoDataValue>{first.nodata:g}</NoDataValue>")
        is_told = name in _COLOURS and first.count <= _MOST_TOLD
        lines.append(f"    <ColorInterp>{name.capitalize() if is_told else 'Undefined'}</ColorInterp>")
        lines += [
            _describe_source(path.parent, tile, window, band, kind)
            for tile, window in zip(mosaic.tiles, mosaic.windows.tolist(), strict=True)
        ]
        lines.append("  </VRTRasterBand>")
    with replacing(path) as partial:
        partial.write_text("\n".join([*lines, "</VRTDataset>", ""]), encoding="utf-8")


def _describe_source(folder: Path, tile: Tile, window: list[int], band: int, kind: str) -> str:
    left, top, right, bottom = window
    try:
        name, is_relative = Path(os.path.relpath(tile.path.resolve(), folder.resolve())).as_posix(), 1
    except ValueError:  # on another drive of Windows
        name, is_relative = str(tile.path.resolve()), 0
    size = f'xSize="{tile.width}" ySize="{tile.height}"'
    return (
        f'    <ComplexSource><SourceFilename relativeToVRT="{is_relative}">{html.escape(name)}</SourceFilename>'
        f"<SourceBand>{band}</SourceBand>"
        f'<SourceProperties RasterXSize="{tile.width}" RasterYSize="{tile.height}" DataType="{kind}"/>'
        f'<SrcRect xOff="0" yOff="0" {size}/>'
        f'<DstRect xOff="{left}" yOff="{top}" xSize="{right - left}" ySize="{bottom - top}"/>'
        f"<NODATA>{tile.nodata:g}</NODATA></ComplexSource>"
    )


def _bounds(tile: Tile) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom in coordinates."""
    left, top = tile.transform @ (0, 0)
    right, bottom = tile.transform @ (tile.width, tile.height)
    return left, top, right, bottom


def _find_ground(dataset: DatasetReader, nodata: float) -> shapely.Geometry:
    """Return where a tile holds data, looked at in at most 256 x 256 pixels; holes and specks of it are passed over."""
    height, width = min(dataset.height, _LOOK_PX), min(dataset.width, _LOOK_PX)
    values = dataset.read(out_shape=(dataset.count, height, width))
    valid = ((values != nodata) & np.isfinite(values)).any(axis=0)
    scale = Affine.scale(dataset.width / width, dataset.height / height)
    if valid.all():
        parts = [shapely.box(0, 0, dataset.width, dataset.height)]
    else:
        outlines = shapes(valid.astype("uint8"), mask=valid, transform=scale)
        parts = [shapely.Polygon(outline["coordinates"][0]) for outline, _ in outlines]
    whole = shapely.union_all([part for part in parts if part.area > _LEAST_GROUND * scale.a * scale.e])
    return shapely.transform(whole, lambda xy: np.column_stack(dataset.transform @ xy.T))
