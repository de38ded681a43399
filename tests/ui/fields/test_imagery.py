"""What a raster layer's bands are, and what is said of them."""

from dataclasses import replace

import pytest
from osgeo import gdal
from qgis.core import QgsMultiBandColorRenderer, QgsSingleBandGrayRenderer

from footprint_tuner.plugin.core.bands import propose_bands
from footprint_tuner.plugin.core.models import find_card
from footprint_tuner.ui.fields.imagery import (
    choose_bands,
    describe_adaptation,
    describe_bands,
    join_names,
    list_colours,
)

UNMARKED = {"kind": gdal.GDT_UInt16, "options": ("PHOTOMETRIC=MINISBLACK",)}
STARTER, XDXD = find_card("starter"), find_card("xdxd_spacenet4")
SELIM = find_card("selimsef_spacenet4_resnet34unet")


def draw(layer, *bands):
    layer.setRenderer(QgsMultiBandColorRenderer(layer.dataProvider(), *bands))
    return layer


def read(text):
    return text.replace("\u00a0", " ")


def test_bands_that_say_their_colours_are_taken_by_them_however_the_layer_is_drawn(make_raster):
    layer = draw(make_raster(bands=4, options=("PHOTOMETRIC=RGB", "ALPHA=YES")), 4, 3, 2)
    assert list_colours(layer) == ["red", "green", "blue", "alpha"]
    assert (choose_bands(layer, STARTER), choose_bands(layer, XDXD)) == ((1, 2, 3), (3, 2, 1))
    assert choose_bands(layer, SELIM) == (3, 2, 1, 0)


def test_bands_that_say_their_colours_by_name_are_taken_by_them(make_raster):
    layer = make_raster(bands=8, names=["coastal", "blue", "green", "yellow", "red", "edge", "nir", "nir2"], **UNMARKED)
    assert choose_bands(layer, STARTER) == (5, 3, 2)
    assert choose_bands(layer, SELIM) == (2, 3, 5, 7)


def test_bands_without_colours_are_taken_as_the_layer_is_drawn(make_raster):
    layer = draw(make_raster(bands=8, **UNMARKED), 5, 3, 2)
    assert (choose_bands(layer, STARTER), choose_bands(layer, XDXD)) == ((5, 3, 2), (2, 3, 5))
    assert choose_bands(layer, SELIM) == (2, 3, 5, 0)


def test_the_fourth_of_four_bands_is_near_infrared(make_raster):
    layer = draw(make_raster(bands=4, **UNMARKED), 3, 2, 1)
    assert choose_bands(layer, SELIM) == (1, 2, 3, 4)
    assert choose_bands(make_raster(bands=4, name="aerial"), SELIM) == (3, 2, 1, 4)


def test_a_layer_that_is_drawn_in_grey_is_no_witness_of_colours(make_raster):
    layer = make_raster(bands=7, **UNMARKED)
    layer.setRenderer(QgsSingleBandGrayRenderer(layer.dataProvider(), 6))
    assert choose_bands(layer, XDXD) == (1, 2, 3)
    assert choose_bands(draw(layer, 2, 2, 2), XDXD) == (1, 2, 3)
    assert choose_bands(draw(layer, -1, 2, 3), XDXD) == (1, 2, 3)


def test_the_drawing_that_qgis_begins_with_is_no_witness_either(make_raster):
    layer = make_raster(bands=8, **UNMARKED)
    assert layer.renderer().redBand() == 1
    assert choose_bands(layer, XDXD) == propose_bands([""] * 8, XDXD.bands)
    assert choose_bands(make_raster(bands=4, name="four", **UNMARKED), SELIM) == (1, 2, 3, 4)


def test_a_grey_raster_serves_every_colour(raster):
    assert choose_bands(raster, SELIM) == (1, 1, 1, 0)


def test_the_meeting_of_bands_is_said_pair_by_pair():
    assert read(describe_bands((3, 2, 0), ("blue", "green", "nir"))) == "blue ← band 3, green ← band 2, nir ← none"


@pytest.mark.parametrize(("kind", "said"), [(gdal.GDT_Byte, "8-bit"), (gdal.GDT_UInt16, "16-bit")])
def test_values_that_are_brought_to_the_models_statistics_are_said(make_raster, kind, said):
    text = describe_adaptation(make_raster(kind=kind), SELIM, (3, 2, 1, 0))
    assert text.startswith(f"{said} values are scaled, band by band, to the mean and spread")
    assert text.endswith("No near-infrared band: filled with the model's mean.")


def test_values_that_are_stretched_are_said_and_those_taken_as_they_are_are_not(make_raster):
    assert describe_adaptation(make_raster(), STARTER, (1, 2, 3)) == ""
    sixteen = make_raster(kind=gdal.GDT_UInt16, name="sixteen")
    assert describe_adaptation(sixteen, STARTER, (1, 2, 3)).startswith("16-bit values are stretched")
    floating = make_raster(kind=gdal.GDT_Float32, name="floating")
    assert describe_adaptation(floating, STARTER, (1, 2, 3)).startswith("Floating-point values are stretched")
    tuned = replace(STARTER, stretch=((0.0, 2000.0),) * 3)
    assert describe_adaptation(sixteen, tuned, (1, 2, 3)) == ""


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["red"], "red"), (["blue", "red"], "blue and red"), (["blue", "green", "red"], "blue, green and red")],
)
def test_names_are_joined_as_people_do(names, text):
    assert join_names(names) == text
