"""Make the sample city: Banepa, Nepal, as one raster, its labels, and its areas (training and held-out).

Run by the worker's Python: ``python tests/demo/sample.py PACKAGE_FOLDER OUT_FOLDER``. Imagery: OpenAerialMap,
CC BY 4.0; buildings: OpenStreetMap contributors, ODbL; both from the package fair-py-ops, as tiles of an XYZ scheme.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pyogrio
import rasterio
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window

TILE_PX = 256
HALF_WORLD_M = 20037508.342789244
GPKG = {"VERSION": "1.2"}  # later ones make the GDAL of QGIS 3.22 complain
WEB_MERCATOR = CRS.from_epsg(3857)
ROLES = {"train": "training", "test": "held-out"}


def read_place(path: Path) -> tuple[int, int, int]:
    """Return the XYZ tile (zoom, column, row) that a file's name says."""
    found = re.search(r"-(\d+)-(\d+)-(\d+)$", path.stem)
    if not found:
        raise ValueError(f"{path.name} does not end in column-row-zoom")
    column, row, zoom = (int(part) for part in found.groups())
    return zoom, column, row


def tile_size_m(zoom: int) -> float:
    """Return a tile's side in Web Mercator's metres."""
    return 2 * HALF_WORLD_M / 2**zoom


def write_raster(tiles: dict[Path, tuple[int, int, int]], out: Path) -> None:
    """Write all tiles as one GeoTIFF in Web Mercator, with an alpha band that is 0 where there is no tile."""
    zoom = next(iter(tiles.values()))[0]
    columns, rows = ([place[i] for place in tiles.values()] for i in (1, 2))
    size = tile_size_m(zoom)
    origin = Affine(
        size / TILE_PX, 0, min(columns) * size - HALF_WORLD_M, 0, -size / TILE_PX, HALF_WORLD_M - min(rows) * size
    )
    width, height = ((max(places) - min(places) + 1) * TILE_PX for places in (columns, rows))
    with rasterio.open(
        out,
        "w",
        driver="GTiff",
        width=width,
        height=height,
        count=4,
        dtype="uint8",
        crs=WEB_MERCATOR,
        transform=origin,
        tiled=True,
        blockxsize=256,
        blockysize=256,
        compress="deflate",
        photometric="rgb",
        alpha="yes",
    ) as target:
        for path, (_, column, row) in tiles.items():
            with rasterio.open(path) as source:
                values = source.read((1, 2, 3))
            window = Window((column - min(columns)) * TILE_PX, (row - min(rows)) * TILE_PX, TILE_PX, TILE_PX)
            target.write(np.concatenate([values, np.full((1, TILE_PX, TILE_PX), 255, "uint8")]), window=window)
        target.build_overviews([2, 4, 8], rasterio.enums.Resampling.average)


def write_areas(tiles: dict[Path, tuple[int, int, int]], out: Path) -> None:
    """Write the ground that each set of tiles covers, with its role."""
    size = tile_size_m(next(iter(tiles.values()))[0])
    grounds = []
    for part in ROLES:
        boxes = [
            shapely.box(
                x * size - HALF_WORLD_M,
                HALF_WORLD_M - (y + 1) * size,
                (x + 1) * size - HALF_WORLD_M,
                HALF_WORLD_M - y * size,
            )
            for path, (_, x, y) in tiles.items()
            if part in path.parts
        ]
        grounds.append(shapely.set_precision(shapely.union_all(boxes), 1e-6))
    pyogrio.raw.write(
        str(out),
        geometry=shapely.to_wkb(np.array([shapely.multipolygons(shapely.get_parts([ground])) for ground in grounds])),
        field_data=[np.array(list(ROLES.values()), dtype=object)],
        fields=["role"],
        geometry_type="MultiPolygon",
        crs=WEB_MERCATOR.to_wkt(),
        layer="areas",
        dataset_options=GPKG,
    )


def write_labels(folder: Path, out: Path) -> int:
    """Write the buildings of both sets, each once, in WGS 84 as they came; return their count."""
    found = []
    for part in ROLES:
        _, _, wkb, _ = pyogrio.raw.read(folder / part / "osm" / "labels.geojson", columns=[])
        found.append(shapely.from_wkb(wkb))
    polygons = np.unique(shapely.to_wkb(shapely.normalize(np.concatenate(found))))
    pyogrio.raw.write(
        str(out),
        geometry=polygons.astype(object),
        field_data=[np.arange(1, len(polygons) + 1)],
        fields=["number"],
        geometry_type="Polygon",
        crs="EPSG:4326",
        layer="buildings",
        dataset_options=GPKG,
    )
    return len(polygons)


def main(package: Path, out: Path) -> None:
    """Write raster.tif, areas.gpkg and labels.gpkg."""
    folder = package / "fair" / "infra" / "data" / "sample"
    tiles = {path: read_place(path) for part in ROLES for path in sorted((folder / part / "oam").glob("*.tif"))}
    out.mkdir(parents=True, exist_ok=True)
    for name in ("raster.tif", "areas.gpkg", "labels.gpkg"):
        (out / name).unlink(missing_ok=True)
    write_raster(tiles, out / "raster.tif")
    write_areas(tiles, out / "areas.gpkg")
    count = write_labels(folder, out / "labels.gpkg")
    print(f"Sample: {len(tiles)} tiles in raster.tif, {count} buildings in labels.gpkg, areas.gpkg")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
