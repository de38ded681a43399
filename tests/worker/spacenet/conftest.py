"""Cities in the layouts of SpaceNet's releases, made as they are needed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.warp import transform as reproject

from plugin.core.errors import InputError
from plugin.worker.spacenet.convert import convert_folder


@dataclass
class City:
    """A city of tiles of 96 x 96 pixels with four buildings each, and one more on each seam of the top row."""

    folder: Path
    rows: int = 3
    cols: int = 4
    utm = "EPSG:32616"
    degrees = "EPSG:4326"
    side = 96
    grid = Affine(0.5, 0, 733000, 0, -0.5, 3731000)

    @property
    def tiles(self):
        return [(row, col) for row in range(self.rows) for col in range(self.cols)]

    def place(self, row, col):
        return self.grid @ Affine.translation(col * self.side, row * self.side)

    def values(self, row, col, bands=3):
        rng = np.random.default_rng(100 * row + col)
        return rng.integers(300, 2000, (bands, self.side, self.side)).astype("uint16")

    def buildings(self, row, col):
        """Return the tile's buildings in its pixels: four inside, and its pieces of those on seams of the top row."""
        inside = [shapely.box(x, y, x + 14, y + 10) for x in (12, 60) for y in (14, 56)]
        left = [shapely.box(0, 30, 7, 44)] if row == 0 and col > 0 else []
        right = [shapely.box(self.side - 6, 30, self.side, 44)] if row == 0 and col < self.cols - 1 else []
        return inside + left + right

    @property
    def pieces(self):
        return [building for place in self.tiles for building in self.buildings(*place)]

    def write_tile(self, name, values, transform=None, crs=utm):
        """Write a GeoTIFF of values (bands, height, width); without a transform it lies in the city's corner."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = {"count": values.shape[0], "height": values.shape[1], "width": values.shape[2]}
        place = {"crs": crs, "transform": transform or self.grid}
        with rasterio.open(path, "w", driver="GTiff", dtype=values.dtype, **shape, **place) as target:
            target.write(values)

    def write_tiles(self, name, bands=3, scale=1):
        """Write a tile for each place, named by ``name``.format; its pixels are ``scale`` times as large."""
        for row, col in self.tiles:
            values = self.values(row, col, bands)[:, ::scale, ::scale]
            self.write_tile(name.format(row=row, col=col), values, self.place(row, col) @ Affine.scale(scale))

    def write_labels(self, name, crs=degrees):
        """Write a GeoJSON file for each place."""
        for row, col in self.tiles:
            self.write_geojson(name.format(row=row, col=col), self.buildings(row, col), self.place(row, col), crs)

    def write_geojson(self, name, polygons, transform=None, crs=degrees, *, names_crs=True):
        """Write polygons in pixels of ``transform`` as GeoJSON."""
        placed = shapely.transform(
            np.array(polygons, dtype=object), lambda xy: np.column_stack((transform or self.grid) @ xy.T)
        )
        moved = shapely.transform(placed, lambda xy: np.column_stack(reproject(self.utm, crs, xy[:, 0], xy[:, 1])))
        geometries = [json.loads(text) for text in shapely.to_geojson(moved)]
        features = [{"type": "Feature", "properties": {}, "geometry": geometry} for geometry in geometries]
        content = {"type": "FeatureCollection", "features": features}
        if names_crs:
            urn = "urn:ogc:def:crs:" + ("OGC:1.3:CRS84" if crs == self.degrees else crs.replace(":", "::"))
            content["crs"] = {"type": "name", "properties": {"name": urn}}
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")

    def write_summary(self, name, image, scale=1.0):
        """Write a summary in pixels; the tile of the last row's first column has no building."""
        rows = ["ImageId,BuildingId,PolygonWKT_Pix,PolygonWKT_Geo"]
        for row, col in self.tiles:
            if (row, col) == (self.rows - 1, 0):
                rows.append(f"{image.format(row=row, col=col)},-1,POLYGON EMPTY,POLYGON EMPTY")
                continue
            for number, building in enumerate(self.buildings(row, col)):
                wkt = shapely.to_wkt(shapely.transform(building, lambda xy: xy * scale))
                rows.append(f'{image.format(row=row, col=col)},{number},"{wkt}","{wkt}"')
        (self.folder / "summaryData").mkdir(parents=True, exist_ok=True)
        (self.folder / "summaryData" / name).write_text("\n".join(rows), encoding="utf-8")


@pytest.fixture
def make_city(tmp_path):
    """Return a function that makes a city, still without files."""
    return lambda rows=3, cols=4, name="city": City(tmp_path / name, rows, cols)


@pytest.fixture
def rio(make_city):
    """SpaceNet 1: colours, eight bands four times as coarse, GeoJSON in degrees, a summary in each one's pixels."""
    city = make_city(name="rio")
    city.write_tiles("3band/3band_0130_Public_img{row}{col}.tif")
    city.write_tiles("8band/8band_0130_Public_img{row}{col}.tif", 8, 4)
    city.write_labels("vectorData/geoJson/0130_Public_img{row}{col}_Geo.geojson")
    for name, scale in (("3Band", 1.0), ("8Band", 0.25)):
        city.write_summary(f"public_polygons_solution_{name}.csv", "0130_Public_img{row}{col}", scale)
    return city


@pytest.fixture
def vegas(make_city):
    """SpaceNet 2: four products of one AOI, GeoJSON in degrees, a summary in sharpened pixels."""
    city = make_city(name="AOI_2_Vegas_Train")
    for product, bands, scale in (("PAN", 1, 1), ("MUL", 8, 4), ("MUL-PanSharpen", 8, 1), ("RGB-PanSharpen", 3, 1)):
        city.write_tiles(f"{product}/{product}_AOI_2_Vegas_img{{row}}{{col}}.tif", bands, scale)
    city.write_labels("geojson/buildings/buildings_AOI_2_Vegas_img{row}{col}.geojson")
    city.write_summary("AOI_2_Vegas_Train_Building_Solutions.csv", "AOI_2_Vegas_img{row}{col}")
    return city


@pytest.fixture
def atlanta(make_city):
    """SpaceNet 4: two views of the same ground, and GeoJSON in UTM that both share."""
    city = make_city(name="Atlanta")
    for view in ("nadir10_catid_1030010003CAF100", "nadir7_catid_1030010003D22F00"):
        name = f"Atlanta_{view}/Pan-Sharpen/Pan-Sharpen_Atlanta_{view}_73{{row}}501_37{{col}}1539.tif"
        city.write_tiles(name, 4)
    city.write_labels("geojson/spacenet-buildings/spacenet-buildings_73{row}501_37{col}1539.geojson", city.utm)
    return city


@pytest.fixture
def convert(tmp_path, ear):
    """Return a function that converts a folder and returns what came of it."""
    return lambda folder, product="", **options: convert_folder(
        folder, tmp_path / "out", ear.channel, product, **options
    )


def _read_polygons(path):
    meta, _, geometries, fields = pyogrio.raw.read(str(path))
    return shapely.from_wkb(geometries), dict(zip(meta["fields"], fields, strict=True)), meta["crs"]


@pytest.fixture
def read_polygons():
    """Return a function that gives the polygons of a file, its columns and its coordinate system."""
    return _read_polygons


def _refusal_of(do, *arguments, **fields):
    with pytest.raises(InputError) as caught:
        do(*arguments, **fields)
    assert caught.value.hint
    return caught.value


@pytest.fixture
def refusal_of():
    """Return a function that calls another, which must refuse with a next step, and gives the refusal."""
    return _refusal_of
