"""The form's line about bands, and the dialog behind it."""

import pytest
from osgeo import gdal
from qgis.core import QgsMultiBandColorRenderer, QgsRasterLayer, QgsSettings
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QDialogButtonBox

from tests.qt_events import settle_events

SELIM, START = "selimsef_spacenet4_resnet34unet", "unet:resnet34:imagenet"
SATELLITE = {"bands": 8, "kind": gdal.GDT_UInt16, "options": ("PHOTOMETRIC=MINISBLACK",), "name": "satellite"}


def press(dialog, button):
    QTest.mouseClick(dialog.assignButtons.button(button), Qt.MouseButton.LeftButton)


@pytest.fixture
def change(click, find_dialog):
    """Return a function that opens the dialog, chooses bands in it and presses OK."""

    def do(*bands):
        click("bandsButton")
        dialog = find_dialog("BandsDialog")
        if dialog.countSpin.isVisible():
            dialog.countSpin.setValue(len(bands))
        for combo, band in zip(dialog._combos, bands):
            combo.setCurrentIndex(combo.findData(band))
        press(dialog, QDialogButtonBox.StandardButton.Ok)

    return do


def test_the_line_is_there_where_a_raster_and_a_model_are_chosen(dock, find, make_raster):
    assert not find("bandsLine").isVisible()
    make_raster()
    assert find("bandsLine").isVisible()
    assert "red\u00a0←\u00a0band\u00a01" in find("bandsLine").text()
    assert not find("adaptationLine").isVisible()
    assert dock.read_choices().bands == (1, 2, 3)


def test_another_model_takes_its_bands_in_its_own_order(dock, find, make_raster):
    make_raster()
    dock.formPage.modelPicker.choose(SELIM)
    assert dock.read_choices().bands == (3, 2, 1, 0)
    assert "No near-infrared band" in find("adaptationLine").text()


def test_the_line_follows_how_the_layer_is_drawn(dock, make_raster):
    layer = make_raster(**SATELLITE)
    layer.setRenderer(QgsMultiBandColorRenderer(layer.dataProvider(), 5, 3, 2))
    assert dock.read_choices().bands == (5, 3, 2)


def test_a_raster_that_leaves_the_project_takes_its_line_with_it(dock, find, make_raster, project):
    layer = make_raster()
    project.removeMapLayer(layer.id())
    assert not find("bandsLine").isVisible()
    assert dock.read_choices().bands == ()


def test_a_raster_that_cannot_be_read_has_no_line(find, project, tmp_path):
    project.addMapLayer(QgsRasterLayer(str(tmp_path / "gone.tif"), "gone"))
    assert not find("bandsLine").isVisible()


def test_bands_that_are_changed_are_said_and_kept_for_that_raster_and_model(dock, find, make_raster, change):
    satellite = make_raster(**SATELLITE)
    dock.formPage.modelPicker.choose(SELIM)
    change(1, 3, 5, 8)
    assert dock.read_choices().bands == (1, 3, 5, 8)
    assert "near\u2011infrared\u00a0←\u00a0band\u00a08" in find("bandsLine").text()
    town = make_raster()
    find("rasterCombo").setLayer(town)
    assert dock.read_choices().bands == (3, 2, 1, 0)
    find("rasterCombo").setLayer(satellite)
    dock.formPage.modelPicker.choose("starter")
    assert dock.read_choices().bands == (5, 3, 2)
    dock.formPage.modelPicker.choose(SELIM)
    assert dock.read_choices().bands == (1, 3, 5, 8)


def test_the_dialog_offers_every_band_of_the_raster_and_none_by_name(make_raster, click, find_dialog):
    make_raster(**{**SATELLITE, "bands": 2}, names=["height", "Blue"])
    click("bandsButton")
    combo = find_dialog("BandsDialog")._combos[0]
    texts = [combo.itemText(index) for index in range(combo.count())]
    assert texts == ["none: filled", "Band 1: height", "Band 2: Blue"]
    assert combo.accessibleName() == "red"


def test_the_dialog_can_go_back_to_what_is_proposed_and_asks_for_one_band_at_least(make_raster, click, find_dialog):
    make_raster()
    click("bandsButton")
    dialog = find_dialog("BandsDialog")
    assert not dialog.countSpin.isVisible()
    for combo in dialog._combos:
        combo.setCurrentIndex(0)
    assert not dialog.assignButtons.button(QDialogButtonBox.StandardButton.Ok).isEnabled()
    press(dialog, QDialogButtonBox.StandardButton.RestoreDefaults)
    assert dialog.bands == (1, 2, 3)
    assert dialog.assignButtons.button(QDialogButtonBox.StandardButton.Ok).isEnabled()


def test_a_dialog_that_is_cancelled_changes_nothing(dock, make_raster, click, find_dialog):
    make_raster()
    click("bandsButton")
    dialog = find_dialog("BandsDialog")
    dialog._combos[0].setCurrentIndex(0)
    press(dialog, QDialogButtonBox.StandardButton.Cancel)
    assert dock.read_choices().bands == (1, 2, 3)


def test_a_start_takes_from_one_band_to_twelve(dock, find, make_raster, change, click, find_dialog):
    make_raster(**SATELLITE)
    dock.formPage.modelPicker.open_model(START)
    change(5, 3, 2, 7, 8)
    assert dock.read_choices().bands == (5, 3, 2, 7, 8)
    assert "band\u00a05\u00a0←\u00a0band\u00a08" in find("bandsLine").text()
    change(7)
    assert dock.read_choices().bands == (7,)
    click("bandsButton")
    dialog = find_dialog("BandsDialog")
    assert (dialog.countSpin.minimum(), dialog.countSpin.maximum()) == (1, 12)
    dialog.countSpin.setValue(12)
    settle_events()
    assert not dialog.assignArea.geometry().intersects(dialog.assignButtons.geometry())


def test_bands_that_come_new_are_those_that_nothing_takes_yet(dock, make_raster, click, find_dialog):
    layer = make_raster(**{**SATELLITE, "bands": 5})
    layer.setRenderer(QgsMultiBandColorRenderer(layer.dataProvider(), 4, 3, 2))
    dock.formPage.modelPicker.open_model(START)
    click("bandsButton")
    dialog = find_dialog("BandsDialog")
    dialog.countSpin.setValue(6)
    assert dialog.bands == (4, 3, 2, 1, 5, 0)
    dialog.countSpin.setValue(2)
    assert dialog.bands == (4, 3)


def test_bands_come_back_in_the_next_session(dock, make_dock, make_raster, change):
    layer = make_raster(**SATELLITE)
    dock.formPage.modelPicker.open_model(START)
    change(8, 7, 6, 5)
    dock.store_settings()
    later = make_dock()
    later.restore_settings()
    later.formPage.rasterCombo.setLayer(layer)
    assert (later.read_choices().base_model, later.read_choices().bands) == (START, (8, 7, 6, 5))


def test_bands_that_are_remembered_and_that_the_raster_lacks_are_proposed_anew(dock, make_dock, make_raster):
    layer = make_raster()
    for bands in ("[9, 1, 1]", "[1, 2]", '["a"]', "[0, 0, 0]", "[-1, 2, 3]", "3", "[]"):
        QgsSettings().setValue("footprint_tuner/bands", f'{{"{layer.id()}|starter": {bands}}}')
        later = make_dock()
        later.restore_settings()
        later.formPage.rasterCombo.setLayer(layer)
        assert later.read_choices().bands == (1, 2, 3)
