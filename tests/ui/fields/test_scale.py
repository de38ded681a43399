"""The line that says at which scale a run works."""

from dataclasses import replace

import pytest
from osgeo import gdal, osr
from qgis.core import QgsRasterLayer

from footprint_tuner.plugin.core.models import list_cards
from footprint_tuner.ui.fields.scale import describe_scale, measure_gsd_m

CARD = replace(list_cards()[0], working_gsd_m=0.25)


@pytest.fixture
def make_layer(tmp_path):
    """Return a function that writes a raster of 40 x 20 pixels with an affine (GDAL's) and a CRS, as a layer."""

    def make(transform, epsg):
        path = str(tmp_path / "raster.tif")
        dataset = gdal.GetDriverByName("GTiff").Create(path, 40, 20, 3, gdal.GDT_Byte)
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(epsg)
        dataset.SetProjection(reference.ExportToWkt())
        dataset.SetGeoTransform(transform)
        del dataset
        return QgsRasterLayer(path, "raster")

    return make


def test_the_ground_sample_distance_of_utm_is_its_pixel(make_layer):
    layer = make_layer((333000, 0.5, 0, 3066000, 0, -0.5), 32645)
    assert measure_gsd_m(layer) == pytest.approx(0.5, rel=2e-3)


def test_in_web_mercator_it_is_what_the_ground_measures(make_layer):
    layer = make_layer((9518703.1, 0.5971642834779395, 0, 3203475.8, 0, -0.5971642834779395), 3857)
    assert measure_gsd_m(layer) == pytest.approx(0.528, rel=5e-3)


def test_in_degrees_it_is_metres_all_the_same(make_layer):
    layer = make_layer((-43.5, 4.49e-6, 0, -22.9, 0, -4.49e-6), 4326)
    assert measure_gsd_m(layer) == pytest.approx(0.479, rel=5e-3)


def test_what_will_be_done_is_said_in_words(make_layer):
    layer = make_layer((333000, 0.5, 0, 3066000, 0, -0.5), 32645)
    assert describe_scale(layer, CARD) == "0.50 m imagery, resampled to 0.25 m for the model"
    assert describe_scale(layer, replace(CARD, working_gsd_m=0.52)) == "0.50 m imagery, used at its own resolution"
    assert describe_scale(layer, replace(CARD, working_gsd_m=None)) == "0.50 m imagery, used at its own resolution"


def test_without_a_raster_or_a_model_nothing_is_said(make_layer):
    assert describe_scale(None, CARD) == ""
    assert describe_scale(make_layer((0, 1, 0, 0, 0, -1), 32645), None) == ""


def test_the_dock_says_it_for_the_chosen_raster_and_model(dock, find, make_layer, project):
    layer = make_layer((333000, 0.5, 0, 3066000, 0, -0.5), 32645)
    project.addMapLayer(layer)
    find("rasterCombo").setLayer(layer)
    assert find("scaleLine").text().startswith("0.50 m imagery, ")
    find("rasterCombo").setLayer(None)
    assert find("scaleLine").text() == ""
