"""Labels that lie across the date line are where they are, however their file writes them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform as reproject

from plugin.worker.dataset.labels import read_labels
from plugin.worker.evaluation.scored_layers import Comparison
from plugin.worker.evaluation.vector_files import match_files
from plugin.worker.geodata.date_line import find_period, unwrap_geometries
from plugin.worker.geodata.raster import describe_raster
from plugin.worker.inference.aoi import AreaOfInterest

UTM = "EPSG:32760"
RADIUS = 6378137.0
DEGREES = CRS.from_epsg(4326)


def move(polygons, source, target):
    return shapely.transform(polygons, lambda xy: np.column_stack(reproject(source, target, *xy.T)))


def build_houses():
    """Return fifteen houses of 12 m around 180 degrees east, 17 degrees south, in UTM; three of them lie across."""
    (x,), (y,) = reproject("EPSG:4326", UTM, [180.0], [-17.0])
    corners = [(x + 20 * i - 46, y + 20 * j) for i in range(5) for j in range(3)]
    return np.array([shapely.box(left, low, left + 12, low + 12) for left, low in corners], dtype=object)


def cut(polygon):
    """Return a polygon of 0 to 360 degrees as GeoJSON asks: in parts that end at the date line."""
    west, east = shapely.box(0, -90, 180, 90) & polygon, shapely.box(180, -90, 360, 90) & polygon
    parts = [west, shapely.transform(east, lambda xy: xy - (360, 0))]
    parts = [part for part in parts if not part.is_empty]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def to_mercator(polygons):
    return shapely.transform(
        polygons,
        lambda xy: np.column_stack(
            [np.radians(xy[:, 0]) * RADIUS, np.log(np.tan(np.radians(90 + xy[:, 1]) / 2)) * RADIUS]
        ),
    )


HOUSES = build_houses()
JUMPING = move(HOUSES, UTM, "EPSG:4326")
EASTERN = shapely.transform(JUMPING, lambda xy: np.column_stack([xy[:, 0] % 360, xy[:, 1]]))
WAYS = {
    "jumping": (JUMPING, "EPSG:4326"),
    "0 to 360": (EASTERN, "EPSG:4326"),
    "cut": (np.array([cut(each) for each in EASTERN], dtype=object), "EPSG:4326"),
    "UTM": (HOUSES, UTM),
    "the other zone": (move(HOUSES, UTM, "EPSG:32701"), "EPSG:32701"),
    "Mercator": (to_mercator(JUMPING), "EPSG:3857"),
}
#: Coordinate system, pixel size, and the houses there.
RASTERS = {
    "UTM": (UTM, 0.5, HOUSES),
    "degrees beyond 180": ("EPSG:4326", 5e-6, EASTERN),
    "degrees below -180": ("EPSG:4326", 5e-6, shapely.transform(EASTERN, lambda xy: xy - (360, 0))),
    "Mercator beyond its end": ("EPSG:3857", 0.5, to_mercator(EASTERN)),
    "a Mercator of the Pacific": ("EPSG:3832", 0.5, move(HOUSES, UTM, "EPSG:3832")),
}


@pytest.fixture
def open_raster(make_raster, card):
    def open_raster(name):
        crs, size, houses = RASTERS[name]
        left, bottom, right, top = shapely.total_bounds(houses)
        transform = Affine(size, 0, left - 20 * size, 0, -size, top + 20 * size)
        shape = (math.ceil((top - bottom) / size) + 40, math.ceil((right - left) / size) + 40)
        return describe_raster(str(make_raster(size=shape, crs=crs, transform=transform)), card)

    return open_raster


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", RASTERS)
def test_labels_across_the_date_line_are_where_they_are(make_vector, open_raster, name, way):
    polygons, crs = WAYS[way]
    labels = read_labels(str(make_vector(list(polygons), crs=crs)), "", open_raster(name))
    areas_m2 = shapely.area(labels.polygons) * labels_pixel_m2(open_raster(name))
    assert areas_m2 == pytest.approx(np.full(15, 144.0), rel=0.02)
    assert labels.describe() == []


def labels_pixel_m2(raster):
    return float(raster.scale.pixel_area_m2(raster.height / 2))


@pytest.mark.parametrize("truth", WAYS)
@pytest.mark.parametrize("found", ["cut", "UTM"])
def test_a_score_across_the_date_line_matches_every_house(make_vector, truth, found):
    paths = [
        str(make_vector(list(WAYS[way][0]), f"{i}.gpkg", crs=WAYS[way][1])) for i, way in enumerate((truth, found))
    ]
    counts = match_files(*paths, Comparison(0.9, min_area_m2=100)).counts
    assert (counts.tp, counts.fp, counts.fn) == (15, 0, 0)


@pytest.mark.parametrize("way", ["jumping", "0 to 360", "cut"])
def test_ground_across_the_date_line_is_where_it_is(make_vector, open_raster, way):
    polygons, crs = WAYS[way]
    ground = AreaOfInterest(file=str(make_vector(list(polygons), crs=crs))).locate(open_raster("degrees below -180"))
    assert ground.area * labels_pixel_m2(open_raster("degrees below -180")) == pytest.approx(15 * 144, rel=0.02)


@pytest.mark.parametrize(
    ("crs", "period"),
    [
        ("EPSG:4326", 360),
        ("EPSG:4807", 400),
        ("EPSG:3857", 2 * math.pi * RADIUS),
        ("EPSG:3832", 2 * math.pi * RADIUS),
        ("EPSG:32660", 0),
        ("EPSG:3031", 0),
        ("EPSG:3035", 0),
    ],
)
def test_systems_that_go_round_the_earth_are_known(crs, period):
    assert find_period(CRS.from_user_input(crs).to_wkt()) == pytest.approx(period, rel=1e-9)


def test_what_spans_the_earth_is_left_alone():
    world = np.array([shapely.box(-180, -90, 180, 90), shapely.box(-170, -10, 170, 10), None], dtype=object)
    assert unwrap_geometries(world, DEGREES, 0.0).tolist() == world.tolist()
