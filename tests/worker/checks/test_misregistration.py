"""Labels that lie off the imagery are found, which way and how far; labels that lie right are not accused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform as reproject

from plugin.core.models import find_card
from plugin.worker.checks.label_crops import look_at_labels
from plugin.worker.checks.misregistration import Misregistration, find_shift
from plugin.worker.dataset.labels import read_labels
from plugin.worker.geodata.offsets import LocalFrame, measure_frame
from plugin.worker.geodata.raster import describe_raster
from tests.conftest import ROOT

DATA = ROOT.parent / "shared" / "data"
REAL = ["zanzibar_z20", "kampala_z20", "austin_georef"]
DIRECTIONS = (0, 60, 150, 235, 300)

TURNED = Affine.translation(333000, 3066000) @ Affine.rotation(30) @ Affine.scale(0.5, -0.5)
#: Places of a raster of pixels of about half a metre: the coordinate system and the transform.
PLACES = {
    "in UTM": ("EPSG:32645", Affine(0.5, 0, 333000, 0, -0.5, 3066000)),
    "turned": ("EPSG:32645", TURNED),
    "in degrees": ("EPSG:4326", Affine(9e-6, 0, 24.9, 0, -4.5e-6, 60.2)),
    "in Web Mercator, far north": ("EPSG:3857", Affine(1.0, 0, 2771000, 0, -1.0, 8438000)),
}


def seed(direction, length_m=2.5):
    """Return metres east and north of a way with a compass direction in degrees."""
    return length_m * np.array([np.sin(np.radians(direction)), np.cos(np.radians(direction))])


def find(raster, polygons, number=1):
    return find_shift(look_at_labels(raster, polygons, number, lambda _: None), number)


def vector(shift):
    return np.array([shift.east_m, shift.north_m])


def move(polygons, raster, east_m, north_m):
    """Return polygons in pixels that were moved on the ground, by way of degrees on a sphere: the test's own way."""
    points = shapely.get_coordinates(polygons)
    xs, ys = raster.transform @ points.T
    lons, lats = (np.array(values) for values in reproject(raster.crs, "EPSG:4326", xs, ys))
    degree_m = 111_320.0
    lons, lats = lons + east_m / degree_m / np.cos(np.radians(lats)), lats + north_m / degree_m
    back = np.array(reproject("EPSG:4326", raster.crs, lons, lats))
    return shapely.set_coordinates(np.array(polygons).copy(), np.column_stack(~raster.transform @ back))


@pytest.fixture(scope="module", params=PLACES)
def placed(request, town, tmp_path_factory):
    """The town's imagery, laid at another place of the earth, and its buildings in pixels."""
    crs, transform = PLACES[request.param]
    path = tmp_path_factory.mktemp("placed") / "town.tif"
    with rasterio.open(town.raster) as source:
        profile = {**source.profile, "crs": CRS.from_string(crs), "transform": transform}
        with rasterio.open(path, "w", **profile) as target:
            target.write(source.read())
    return describe_raster(str(path), find_card("imagenet_lite0")), town.buildings


def test_labels_that_lie_right_are_not_accused(placed):
    raster, buildings = placed
    shift = find(raster, buildings)
    assert shift.length_m < 0.3
    assert not shift.is_certain(raster.native_gsd_m)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_seeded_shift_is_found_in_metres_and_direction(placed, direction):
    raster, buildings = placed
    shift = find(raster, move(buildings, raster, *seed(direction)))
    assert np.linalg.norm(vector(shift) - seed(direction)) < 0.5
    assert shift.within_m < 0.5
    assert shift.is_certain(raster.native_gsd_m)


def test_the_jobs_shift_takes_back_what_was_found(placed, tmp_path):
    """Labels that lie off, read again with the shift that was proposed, lie right."""
    raster, buildings = placed
    moved = move(buildings, raster, *seed(150))
    shift = find(raster, moved)
    with rasterio.open(raster.path) as dataset:
        at_place = shapely.transform(moved, lambda xy: np.column_stack(dataset.transform @ xy.T))
    path = tmp_path / "labels.geojson"
    degrees = shapely.transform(at_place, lambda xy: np.column_stack(reproject(raster.crs, "EPSG:4326", *xy.T)))
    path.write_text(shapely.to_geojson(shapely.GeometryCollection(list(degrees))), "utf-8")
    labels = read_labels(str(path), "", raster, (-shift.east_m, -shift.north_m))
    assert len(labels.polygons) == len(buildings)
    assert np.abs(shapely.bounds(labels.polygons) - shapely.bounds(buildings)).max() * raster.gsd_m < 0.5
    assert not find(raster, labels.polygons).is_certain(raster.native_gsd_m)


def test_labels_that_have_nothing_to_do_with_the_imagery_are_not_accused(town, card):
    raster = describe_raster(str(town.raster), card)
    for number in range(5):
        xs, ys = np.random.default_rng(number).uniform(20, 480, (2, 60))
        shift = find(raster, shapely.box(xs, ys, xs + 12, ys + 12), number)
        assert not shift.is_certain(raster.native_gsd_m), shift


def test_a_handful_of_labels_is_too_few_to_accuse(town, card):
    raster = describe_raster(str(town.raster), card)
    shift = find(raster, move(town.buildings[:12], raster, *seed(90)))
    assert shift.labels == 12
    assert not shift.is_certain(raster.native_gsd_m)


def test_without_imagery_nothing_is_said_of_a_shift(make_raster, card):
    black = np.zeros((3, 128, 128))
    raster = describe_raster(str(make_raster(black)), card)
    assert find(raster, shapely.box([20, 60], [20, 60], [30, 75], [30, 75])) is None


def test_a_shift_below_a_metre_or_two_pixels_is_left_alone():
    assert not Misregistration(0.9, 0.0, 0.05, 400).is_certain(0.3)
    assert Misregistration(1.2, 0.0, 0.05, 400).is_certain(0.3)
    assert not Misregistration(1.2, 0.0, 0.05, 400).is_certain(1.0)
    assert not Misregistration(1.2, 0.0, 0.5, 400).is_certain(0.3)


# -- ways on the ground -----------------------------------------------------------------------------------------------


def test_metres_and_pixels_are_each_others_way_back(placed):
    raster, _ = placed
    frame = measure_frame(raster)
    rows = np.array([0.0, 100.0, 511.0])
    steps = frame.to_pixels(3.0, -4.0, rows)
    for row, step in zip(rows, steps, strict=True):
        assert frame.to_metres(step, row) == pytest.approx([3.0, -4.0])


def test_a_pixel_in_degrees_is_narrower_in_the_north_than_it_is_high(town):
    raster = describe_raster(str(town.raster), find_card("imagenet_lite0"))
    frame = measure_frame(replace(raster, crs=CRS.from_epsg(4326), transform=Affine(1e-5, 0, 25.0, 0, -1e-5, 60.0)))
    assert isinstance(frame, LocalFrame)
    east, south = frame.to_metres(np.array([[1.0, 0.0], [0.0, 1.0]]), 0.0)
    assert east == pytest.approx([0.558, 0.0], abs=2e-3)
    assert south == pytest.approx([0.0, -1.114], abs=2e-3)


# -- real places ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=REAL)
def real(request):
    folder = DATA / request.param
    if not folder.is_dir():
        pytest.skip(f"the real place {folder} is not here")
    raster = describe_raster(str(folder / "mosaic.tif"), find_card("starter"))
    return raster, read_labels(str(folder / "buildings.geojson"), "", raster).polygons


def test_a_real_place_whose_labels_lie_right_is_not_accused(real):
    raster, polygons = real
    shift = find(raster, polygons)
    assert shift.length_m < 0.5
    assert not shift.is_certain(raster.native_gsd_m)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_seeded_shift_of_a_real_places_labels_is_found_within_half_a_metre(real, direction):
    raster, polygons = real
    shift = find(raster, move(polygons, raster, *seed(direction)))
    assert np.linalg.norm(vector(shift) - seed(direction)) < 0.5
    assert shift.is_certain(raster.native_gsd_m)
