"""Ground that is asked for, from any coordinate system to the raster's pixels."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import shapely

from plugin.core.errors import InputError
from plugin.worker.geodata.raster import describe_raster
from plugin.worker.inference.aoi import AreaOfInterest
from tests.worker.conftest import ORIGIN, UTM, make_square, place

SIDE_PX = 400


@pytest.fixture
def raster(make_raster, card):
    return describe_raster(str(make_raster(size=(SIDE_PX, SIDE_PX))), card)


def move(polygon, target):
    def turn(xy):
        return np.column_stack(rasterio.warp.transform(UTM, target, xy[:, 0], xy[:, 1]))

    return shapely.transform(place([polygon]), turn)


def refusal_of(patch, raster):
    with pytest.raises(InputError) as caught:
        patch.locate(raster)
    assert caught.value.hint
    return caught.value.message


def test_a_box_in_the_rasters_own_system(raster):
    found = AreaOfInterest(tuple(place([shapely.box(100, 50, 200, 90)])[0].bounds)).locate(raster)
    assert found.symmetric_difference(shapely.box(100, 50, 200, 90)).area < 1e-3


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:32644"])
def test_a_box_of_another_system_covers_the_same_ground(raster, crs):
    box = tuple(move(make_square(100, 100, 80), crs)[0].bounds)
    found = AreaOfInterest(box, crs).locate(raster)
    assert found.buffer(0.5).contains(make_square(100, 100, 80))
    assert found.area < 1.2 * 80 * 80


@pytest.mark.parametrize(
    ("box", "crs"), [((-180, -90, 180, 90), "EPSG:4326"), ((-2.1e7, -2.1e8, 2.1e7, 2.1e8), "EPSG:3857")]
)
def test_a_map_that_shows_the_whole_world_means_the_whole_raster(raster, box, crs):
    assert AreaOfInterest(box, crs).locate(raster).area == pytest.approx(SIDE_PX**2, rel=1e-4)


def test_ground_is_cut_at_the_rasters_border(raster, make_labels):
    path = make_labels([make_square(-50, -50, 100), make_square(380, 380, 100)])
    found = AreaOfInterest(file=str(path)).locate(raster)
    assert found.area == pytest.approx(50 * 50 + 20 * 20, rel=1e-3)


def test_a_layer_of_a_file_is_named_after_a_bar(raster, make_vector):
    path = make_vector(place([make_square(0, 0)]), "ground.gpkg", layer="first")
    make_vector(place([make_square(100, 100)]), "ground.gpkg", layer="second")
    for layer in ("second", "layername=second"):
        assert AreaOfInterest(file=f"{path}|{layer}").locate(raster).bounds == pytest.approx(
            (100, 100, 110, 110), abs=1e-3
        )


def test_a_crossed_polygon_is_mended(raster, make_labels):
    bow = shapely.Polygon([(10, 10), (50, 50), (50, 10), (10, 50)])
    assert AreaOfInterest(file=str(make_labels([bow]))).locate(raster).area == pytest.approx(800, rel=1e-3)


@pytest.mark.parametrize("box", [(0.0, 0.0, 1.0, 1.0), (333500.0, 3066000.0, 333600.0, 3066100.0)])
def test_ground_outside_the_raster_is_refused(raster, box):
    assert refusal_of(AreaOfInterest(box), raster) == "The area lies outside the raster."


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        (AreaOfInterest((5.0, 5.0, 5.0, 9.0)), "has no area"),
        (AreaOfInterest((9.0, 5.0, 5.0, 9.0)), "has no area"),
        (AreaOfInterest((float("nan"), 0.0, 1.0, 1.0)), "has no area"),
        (AreaOfInterest((0.0, 0.0, 1.0, 1.0), "EPSG:nonsense"), "not understood"),
        (
            AreaOfInterest((0.0, 0.0, 1.0, 1.0), 'LOCAL_CS["a drawing",UNIT["metre",1]]'),
            "does not cover the raster",
        ),
        (AreaOfInterest(file="gone.gpkg"), "cannot be read"),
    ],
)
def test_what_is_no_ground_is_refused_with_a_next_step(raster, patch, said):
    assert said in refusal_of(patch, raster)


def test_ground_without_polygons_or_without_a_system_is_refused(raster, make_vector):
    lines = make_vector([shapely.LineString([ORIGIN @ (1, 1), ORIGIN @ (5, 5)])], "lines.gpkg")
    assert "no polygon" in refusal_of(AreaOfInterest(file=str(lines)), raster)
    lost = make_vector(place([make_square(1, 1)]), "lost.gpkg", crs=None)
    assert "no coordinate system" in refusal_of(AreaOfInterest(file=str(lost)), raster)
