"""Predicting elsewhere from the dock: the ground, the file, the warnings, and what can go wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsGeometry,
    QgsPointXY,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtTest import QTest

from footprint_tuner.plugin.bridge.controller import Controller
from footprint_tuner.plugin.core.folder import RunFolder
from footprint_tuner.plugin.core.imagery import Imagery
from footprint_tuner.plugin.core.models import find_card
from footprint_tuner.plugin.core.run_record import RunRecord
from footprint_tuner.ui.dock import TunerDock
from footprint_tuner.ui.fields.choices import DRAWN, POLYGONS, VISIBLE

LEFT, TOP, SIDE_M = 500000.0, 3000000.0, 32.0
UTM = QgsCoordinateReferenceSystem("EPSG:32645")


@pytest.fixture
def controller(environment, window):
    """The real dock and its controller, with the tab for predicting in front."""
    dock = TunerDock(window.mainWindow())
    window.mainWindow().addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    made = Controller(window, dock)
    window.mainWindow().resize(900, 700)
    window.mainWindow().setCentralWidget(window.mapCanvas())
    window.mainWindow().show()
    dock.tabs.setCurrentWidget(dock.predictTab)
    yield made
    made.stop()


@pytest.fixture
def page(controller):
    return controller._dock.predictPage


@pytest.fixture
def town(page, make_raster, project, window):
    """A raster in the project, chosen in the tab, and the map upon it."""
    layer = make_raster()
    project.addMapLayer(layer)
    page.predictRasterCombo.setLayer(layer)
    project.setCrs(UTM)
    window.mapCanvas().setDestinationCrs(UTM)
    window.mapCanvas().setExtent(layer.extent())
    return layer


@pytest.fixture
def choose_ground(page):
    return lambda kind: page.groundCombo.setCurrentIndex(page.groundCombo.findData(kind))


@pytest.fixture
def predict(page, wait_until):
    """Return a function that presses Predict, waits for the end, and returns what the tab says of it."""

    def press():
        page.predictButton.click()
        wait_until(page.predictButton.isEnabled)
        return page.predictMessage.messageLabel.text()

    return press


def read_asked(environment):
    return json.loads((environment.folder.parent / "asked.json").read_text("utf-8"))


def read_ground(environment):
    return json.loads((environment.folder.parent / "ground.json").read_text("utf-8"))


def list_files(tmp_path):
    return sorted((tmp_path / "footprint_tuner_runs").glob("*")) if (tmp_path / "footprint_tuner_runs").exists() else []


def test_the_footprints_of_a_whole_raster_come_as_a_styled_layer_on_top(
    page, town, predict, project, environment, tmp_path
):
    assert "3 footprints" in predict()
    (path,) = list_files(tmp_path)
    asked = read_asked(environment)
    assert (asked["--raster"], asked["--model"], asked["--bands"]) == (town.source(), "starter", "1,2,3")
    assert asked["--out"] == str(path)
    assert not {"--ground", "--threshold", "--min-area-m2"} & set(asked)
    layer = project.layerTreeRoot().children()[0].layer()
    assert (layer.isValid(), layer.featureCount(), Path(layer.source())) == (True, 3, path)
    plain = QgsVectorLayer(layer.source(), "plain", "ogr")
    assert layer.renderer().dump() != plain.renderer().dump()
    assert [notice.message for notice in page.differenceList.notices] == ["The raster is finer."]


def test_a_second_prediction_writes_a_second_file(page, town, predict, tmp_path):
    predict()
    predict()
    assert len(list_files(tmp_path)) == 2


def test_what_is_chosen_reaches_the_worker(page, town, predict, environment, tmp_path):
    page.predictThresholdSpin.setValue(0.75)
    page.predictAreaSpin.setValue(20)
    page.outWidget.setFilePath(str(tmp_path / "mine"))
    assert "mine.gpkg" in predict()
    asked = read_asked(environment)
    assert (asked["--threshold"], asked["--min-area-m2"], asked["--out"]) == ("0.75", "20", str(tmp_path / "mine.gpkg"))


def test_what_the_map_shows_is_the_ground(page, town, choose_ground, predict, window, environment):
    choose_ground(VISIBLE)
    window.mapCanvas().setExtent(QgsRectangle(LEFT + 4, TOP - 20, LEFT + 20, TOP - 4))
    shown = window.mapCanvas().extent()
    assert "3 footprints" in predict()
    left, right, bottom, top = read_ground(environment)["extent"]
    assert (left, bottom, right, top) == pytest.approx(
        (shown.xMinimum(), shown.yMinimum(), shown.xMaximum(), shown.yMaximum()), abs=1e-3
    )
    assert read_ground(environment)["crs"] == "32645"


def test_a_turned_map_is_taken_as_it_is_shown(page, town, choose_ground, predict, window, environment):
    choose_ground(VISIBLE)
    window.mapCanvas().setRotation(30)
    predict()
    left, right, *_ = read_ground(environment)["extent"]
    assert right - left > 1.1 * window.mapCanvas().mapSettings().mapUnitsPerPixel() * window.mapCanvas().width()


def drag(window, start, end):
    """Drag on the map from one place to another, in the map's coordinates."""
    view = window.mapCanvas().viewport()
    transform = window.mapCanvas().getCoordinateTransform()
    pixels = [QPoint(*(round(value) for value in (p.x(), p.y()))) for p in map(transform.transform, (start, end))]
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=pixels[0])
    QTest.mouseMove(view, pixels[1])
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=pixels[1])


def test_a_drawn_area_is_the_ground_and_stays_on_the_map(
    controller, page, town, choose_ground, predict, window, environment
):
    choose_ground(DRAWN)
    page.drawGroundButton.click()
    assert window.mapCanvas().mapTool() is controller._predict.tool
    drag(window, QgsPointXY(LEFT + 5, TOP - 5), QgsPointXY(LEFT + 15, TOP - 25))
    assert page.groundLine.text() == "An area is drawn."
    assert window.mapCanvas().mapTool() is not controller._predict.tool
    band = controller._predict.band
    assert band.isVisible()
    assert "3 footprints" in predict()
    left, right, bottom, top = read_ground(environment)["extent"]
    assert (left, right) == pytest.approx((LEFT + 5, LEFT + 15), abs=0.5)
    assert (bottom, top) == pytest.approx((TOP - 25, TOP - 5), abs=0.5)
    choose_ground(VISIBLE)
    assert not band.isVisible()


@pytest.mark.parametrize("selected", [[], [2]])
def test_polygons_of_a_layer_are_the_ground_the_selected_ones_where_there_are_any(
    page, town, choose_ground, predict, make_labels, project, environment, selected
):
    layer = project.addMapLayer(make_labels())
    choose_ground(POLYGONS)
    page.groundLayerCombo.setLayer(layer)
    layer.selectByIds(selected)
    predict()
    left, right, *_ = read_ground(environment)["extent"]
    assert (left, right) == pytest.approx((LEFT + (14 if selected else 2), LEFT + 22))


def test_the_ground_passes_the_protocol_in_the_maps_own_system(page, town, choose_ground, predict, window, environment):
    choose_ground(VISIBLE)
    window.mapCanvas().setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    window.mapCanvas().setExtent(QgsRectangle(86.999, 27.119, 87.002, 27.122))
    predict()
    assert read_ground(environment)["crs"] == "4326"


# -- bad input --------------------------------------------------------------------------------------------------------


def test_a_served_raster_is_refused(page, project, predict, tmp_path):
    layer = QgsRasterLayer("type=xyz&url=https://tiles.example/{z}/{x}/{y}.png", "tiles", "wms")
    project.addMapLayer(layer)
    page.predictRasterCombo.setLayer(layer)
    assert "served from elsewhere" in predict()
    assert list_files(tmp_path) == []


def test_a_raster_whose_file_is_gone_is_refused(page, town, predict, tmp_path):
    (tmp_path / "town.tif").unlink()
    assert "is not there" in predict()


def test_ground_outside_the_raster_is_refused_at_once(page, town, choose_ground, predict, window, environment):
    choose_ground(VISIBLE)
    window.mapCanvas().setExtent(QgsRectangle(LEFT + 1000, TOP, LEFT + 1100, TOP + 100))
    assert predict() == "The area lies outside the raster."
    assert not (environment.folder.parent / "asked.json").exists()


def test_no_area_no_layer_and_an_empty_layer_are_told(page, town, choose_ground, predict, project):
    choose_ground(DRAWN)
    assert predict() == "No area is drawn yet."
    choose_ground(POLYGONS)
    assert predict() == "No layer of polygons is chosen."
    nothing = project.addMapLayer(QgsVectorLayer("Polygon?crs=EPSG:32645", "nothing", "memory"))
    page.groundLayerCombo.setLayer(nothing)
    assert predict() == 'The layer "nothing" is empty.'


def test_a_map_without_a_place_for_the_raster_is_told(page, town, choose_ground, predict, window):
    choose_ground(VISIBLE)
    window.mapCanvas().setDestinationCrs(QgsCoordinateReferenceSystem())
    assert predict() == "The map has no coordinate system."
    far_side = QgsCoordinateReferenceSystem.fromProj("+proj=ortho +lat_0=0 +lon_0=-95 +datum=WGS84")
    window.mapCanvas().setDestinationCrs(far_side)
    said = predict()
    assert "cannot be transformed to" in said or "outside the raster" in said


def test_a_file_that_is_there_already_is_never_overwritten(page, town, predict, tmp_path):
    (tmp_path / "mine.gpkg").write_text("precious", "utf-8")
    page.outWidget.setFilePath(str(tmp_path / "mine.gpkg"))
    assert "is there already" in predict()
    assert (tmp_path / "mine.gpkg").read_text("utf-8") == "precious"
    page.outWidget.setFilePath(str(tmp_path / "gone" / "mine.gpkg"))
    assert "There is no folder" in predict()


def test_a_model_whose_card_has_gone_is_told(page, town, predict, tmp_path):
    card = tmp_path / "model.json"
    find_card("starter").save(card)
    page.choose_model(str(card))
    card.unlink()
    assert "There is no model card" in predict()


def test_a_band_that_the_model_was_tuned_with_and_the_raster_lacks_must_be_confirmed(
    page, town, predict, tmp_path, environment
):
    base = find_card("selimsef_spacenet4_resnet34unet")
    nothing = ((0.0,) * 4,) * 4
    imagery = Imagery("uint16", (3, 2, 1, 4), (0.5,) * 4, nothing, ((0.0, 0.0),) * 4)
    replace(base, parent=base.name, imagery=imagery, source="").save(tmp_path / "model.json")
    page.choose_model(str(tmp_path / "model.json"))
    assert page.read_choices().bands == (3, 2, 1, 0)
    assert "no near-infrared band" in predict()
    page.predictBandsRow.keep((3, 2, 1, 0))
    assert "3 footprints" in predict()
    assert read_asked(environment)["--bands"] == "3,2,1,0"


def test_a_machine_without_the_environment_is_told_where_the_set_up_is(page, town, predict, environment):
    environment.marker.unlink()
    assert "not set up" in predict()


def test_what_the_worker_refuses_is_told_with_its_next_step(page, town, predict, monkeypatch, tmp_path):
    monkeypatch.setenv("STAND_IN", "fails")
    assert predict() == "The area lies outside the raster."
    assert page.predictMessage.hintLabel.text() == "Draw it where the raster is."
    assert list_files(tmp_path) == []


def test_a_worker_that_dies_leaves_a_way_on(page, town, predict, monkeypatch, project):
    monkeypatch.setenv("STAND_IN", "dies in predict")
    assert "killed from outside" in predict()
    assert "Predict again" in page.predictMessage.hintLabel.text()
    assert len(project.mapLayers()) == 1


# -- while it runs ----------------------------------------------------------------------------------------------------


def test_a_prediction_is_cancelled_and_leaves_nothing(
    page, town, monkeypatch, wait_until, count_workers, tmp_path, project
):
    monkeypatch.setenv("STAND_IN", "silent in predict")
    page.predictButton.click()
    wait_until(lambda: page.predictStageLabel.text() == "Predicting")
    assert not page.predictButton.isEnabled()
    assert page.predictRasterCombo.isEnabled()
    page.cancelPredictButton.click()
    wait_until(page.predictButton.isEnabled)
    assert page.predictMessage.messageLabel.text() == "The prediction was cancelled."
    assert count_workers() == 0
    assert list_files(tmp_path) == []
    assert len(project.mapLayers()) == 1


def test_a_project_closed_in_the_middle_gets_no_layer_and_the_file_is_told(
    controller, page, town, monkeypatch, wait_until, project, tmp_path
):
    controller._predict._take_area(QgsGeometry.fromRect(QgsRectangle(LEFT, TOP - 9, LEFT + 9, TOP)))
    monkeypatch.setenv("STAND_IN", "silent in predict")
    page.predictButton.click()
    wait_until(lambda: page.predictStageLabel.text() == "Predicting")
    project.clear()
    controller._predict._thread.finish()  # the stand-in goes on
    wait_until(page.predictButton.isEnabled)
    assert project.mapLayers() == {}
    assert "closed during the prediction" in page.predictMessage.hintLabel.text()
    assert len(list_files(tmp_path)) == 1
    assert controller._predict._area is None


def test_a_plugin_that_is_unloaded_in_the_middle_ends_the_worker(
    controller, page, town, monkeypatch, wait_until, count_workers
):
    monkeypatch.setenv("STAND_IN", "silent in predict")
    page.predictButton.click()
    wait_until(lambda: page.predictStageLabel.text() == "Predicting")
    controller.stop()
    assert count_workers() == 0


# -- the warnings before ----------------------------------------------------------------------------------------------


def read_likeness(page):
    return [json.loads(notice.message) for notice in page.differenceList.notices]


def test_differences_are_told_before_the_button_is_pressed(page, town, monkeypatch, wait_until):
    monkeypatch.setenv("STAND_IN", "differs")
    page.predictThresholdSpin.setValue(0.75)
    page.choices_changed.emit()
    wait_until(lambda: page.differenceList.notices)
    (asked,) = read_likeness(page)
    assert asked == {"--raster": town.source(), "--model": "starter", "--bands": "1,2,3", "--json": ""} or set(
        asked
    ) == {
        "--raster",
        "--model",
        "--bands",
    }


def test_differences_are_asked_for_where_the_area_lies(controller, page, town, choose_ground, monkeypatch, wait_until):
    monkeypatch.setenv("STAND_IN", "differs")
    choose_ground(DRAWN)
    controller._predict._take_area(QgsGeometry.fromRect(QgsRectangle(LEFT, TOP - 9, LEFT + 9, TOP)))
    wait_until(lambda: any("--box" in asked for asked in read_likeness(page)))
    (asked,) = read_likeness(page)
    assert [float(value) for value in asked["--box"].split()] == [LEFT, TOP - 9, LEFT + 9, TOP]
    assert asked["--box-crs"] == "EPSG:32645"


def test_what_cannot_be_compared_is_a_warning_too(page, town, monkeypatch, wait_until):
    monkeypatch.setenv("STAND_IN", "fails")
    page.choices_changed.emit()
    wait_until(lambda: page.differenceList.notices)
    assert "outside the raster" in page.differenceList.notices[0].message


def test_a_raster_that_is_like_the_tuned_one_is_said_to_be(page, town, wait_until, tmp_path):
    replace(find_card("starter"), parent="starter").save(tmp_path / "model.json")
    page.choose_model(str(tmp_path / "model.json"))
    wait_until(lambda: "is like" in page.likenessLine.text())
    assert page.differenceList.notices == []


def test_nothing_is_compared_while_another_tab_is_in_front(controller, page, town, wait_until, monkeypatch):
    monkeypatch.setenv("STAND_IN", "differs")
    controller._dock.tabs.setCurrentWidget(controller._dock.tuneTab)
    page.choices_changed.emit()
    QTest.qWait(900)
    assert page.differenceList.notices == []
    controller._dock.tabs.setCurrentWidget(controller._dock.predictTab)
    wait_until(lambda: page.differenceList.notices)


def test_the_model_of_the_run_that_is_reviewed_is_offered_first(controller, page, town, tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    replace(find_card("starter"), name="run", title="Tuned on town").save(folder.card)
    controller._predict.open(RunRecord(folder))
    assert page.read_choices().model == str(folder.card)
    controller._predict.close()
    assert page.read_choices().model == str(folder.card)
