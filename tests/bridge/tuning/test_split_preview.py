"""The split before the run: on the map, changed by real clicks, and taken along by the next run."""

from __future__ import annotations

import json

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsPointXY, QgsProject, QgsRectangle
from qgis.gui import QgsMapToolPan
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QLabel, QPushButton

from footprint_tuner.plugin.bridge.controller import Controller
from footprint_tuner.plugin.core.folder import RunFolder
from footprint_tuner.ui.dock import DockState, TunerDock

TITLE = "Split (before the run)"
UTM = QgsCoordinateReferenceSystem("EPSG:32645")
#: What the stand-in for the worker draws, and what its blocks hold: 10, 20, 30 and 40 buildings.
DRAWN = {1: "training", 2: "training", 3: "validation", 4: "held-out"}


@pytest.fixture
def canvas(window):
    """The map, 400 x 100 pixels, on which the stand-in's blocks lie side by side: 100 pixels each."""
    window.window.setCentralWidget(window.canvas)
    window.canvas.setFixedSize(400, 100)
    window.window.show()
    window.canvas.setDestinationCrs(UTM)
    window.canvas.setExtent(QgsRectangle(500000, 2999990, 500040, 3000000))
    return window.canvas


@pytest.fixture
def dock(environment, window, canvas, project, make_raster, make_labels):
    """The real dock with its controller, and layers chosen."""
    made = TunerDock(window.mainWindow())
    window.mainWindow().addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, made)
    made.formPage.controller = controller = Controller(window, made)
    raster, labels = make_raster(), make_labels()
    project.addMapLayers([raster, labels])
    made.formPage.rasterCombo.setLayer(raster)
    made.formPage.labelCombo.setLayer(labels)
    yield made
    controller.stop()


@pytest.fixture
def press(dock):
    def click(name):
        QTest.mouseClick(dock.findChild(QPushButton, name), Qt.MouseButton.LeftButton)

    return click


@pytest.fixture
def show(dock, press, wait_until):
    """Return a function that shows the split, and gives its layer."""

    def make():
        press("splitButton")
        wait_until(lambda: find_split() is not None)
        return find_split()

    return make


@pytest.fixture
def click_block(canvas, press, dock):
    """Return a function that clicks in the middle of a block on the map with the tool."""

    def click(number):
        if not dock.findChild(QPushButton, "changeButton").isChecked():
            press("changeButton")
        QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(100 * number - 50, 50))

    return click


def find_split():
    found = QgsProject.instance().mapLayersByName(TITLE)
    assert len(found) <= 1
    return found[0] if found else None


def read_roles(layer):
    return {feature["id"]: feature["block_role"] for feature in layer.getFeatures()}


def read_line(dock):
    return dock.findChild(QLabel, "splitLine").text()


def look(canvas, x):
    """Return the colour of a pixel of the map as it is on the screen, away from labels."""
    canvas.waitWhileRendering()
    return canvas.grab().toImage().pixelColor(x, 85)


def test_the_split_is_shown_before_the_run_with_its_counts(dock, show, project):
    layer = show()
    assert project.layerTreeRoot().children()[0].layer() is layer
    assert read_roles(layer) == DRAWN
    lines = ["Training: 2 blocks, 30 buildings", "Validation: 1 block, 30 buildings", "Held-out: 1 block, 40 buildings"]
    assert read_line(dock) == "\n".join(lines)
    assert dock.state is DockState.IDLE


def test_the_legend_says_what_each_role_is(show):
    labels = " ".join(item.label() for item in show().renderer().legendSymbolItems())
    for word in ("Training", "Validation", "Held-out", "Buffer", "Left out"):
        assert word in labels


def test_the_split_is_a_layer_that_qgis_does_not_ask_to_save_and_nobody_edits(show):
    layer = show()
    assert int(layer.customProperty("skipMemoryLayersCheck")) == 1
    assert layer.readOnly()
    assert not layer.startEditing()


def test_a_split_that_is_shown_again_takes_the_place_of_the_one_before(dock, press, show):
    show()
    press("splitButton")
    assert find_split() is None
    assert dock.findChild(QPushButton, "splitButton").text() == "Show the split"
    show()


def test_a_split_that_was_saved_with_the_project_goes_when_the_next_one_comes(show, project, make_labels):
    left = make_labels()
    left.setName(TITLE)
    left.setCustomProperty("footprint_tuner/split", True)
    project.addMapLayer(left)
    layer = project.mapLayersByName(TITLE)[0]
    layer.setName("left over")
    assert show() is not layer
    assert project.mapLayersByName("left over") == []


def test_a_click_on_a_block_gives_it_the_next_role_at_once(dock, show, click_block):
    layer = show()
    click_block(1)
    assert read_roles(layer) == {**DRAWN, 1: "validation"}
    assert "Training: 1 block, 20 buildings\nValidation: 2 blocks, 40 buildings" in read_line(dock)
    assert "Changed: 1 block" in read_line(dock)


def test_clicks_go_through_all_roles_and_come_back_to_the_drawn_one(dock, show, click_block):
    layer, seen = show(), []
    for _ in range(4):
        click_block(2)
        seen.append(read_roles(layer)[2])
    assert seen == ["validation", "held-out", "left-out", "training"]
    assert dock.read_choices().block_roles == ()
    assert "Changed" not in read_line(dock)


def test_a_clicked_block_changes_its_colour_on_the_map_before_the_worker_has_answered(
    show, click_block, canvas, wait_until, monkeypatch
):
    canvas.setLayers([show()])
    monkeypatch.setenv("STAND_IN", "silent in split")
    white = QColor("white")
    wait_until(lambda: look(canvas, 150) != white)
    before, beside = look(canvas, 150), look(canvas, 50)
    click_block(2)
    wait_until(lambda: look(canvas, 150) != before)
    after = look(canvas, 150)
    assert (before.blue() > before.red() + 20, after.red() > after.blue() + 20) == (True, True)
    assert look(canvas, 50) == beside


def test_the_worker_draws_the_buffers_of_the_changed_blocks_anew(dock, show, click_block, wait_until):
    layer = show()
    click_block(2)
    click_block(2)
    wait_until(lambda: "Training: 1 block, 4 buildings" in read_line(dock))
    assert find_split() is layer
    assert sorted(feature["role"] for feature in layer.getFeatures()) == [
        "buffer",
        "held-out",
        "held-out",
        "training",
        "validation",
    ]


def test_a_click_on_what_a_block_lost_to_the_buffer_changes_that_block(dock, show, click_block, wait_until, canvas):
    layer = show()
    click_block(2)
    click_block(2)
    wait_until(lambda: "Training: 1 block, 4 buildings" in read_line(dock))
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(75, 50))
    assert read_roles(layer)[1] == "validation"
    assert "buffer" in {feature["role"] for feature in layer.getFeatures()}


def test_a_change_that_leaves_nothing_held_out_is_told_and_can_be_taken_back(
    dock, show, click_block, wait_until, press
):
    layer = show()
    click_block(4)
    wait_until(lambda: "No building lies in the held-out area." in read_line(dock))
    assert read_roles(layer)[4] == "left-out"
    press("drawnButton")
    assert read_roles(layer) == DRAWN
    wait_until(lambda: "Held-out: 1 block, 40 buildings" in read_line(dock))
    assert dock.read_choices().block_roles == ()


def test_a_click_beside_the_blocks_changes_nothing(dock, show, click_block, canvas):
    layer = show()
    canvas.setExtent(QgsRectangle(500000, 2999990, 500080, 3000010))
    click_block(4)
    assert read_roles(layer) == DRAWN


def test_a_click_finds_its_block_in_a_map_of_another_coordinate_system(show, click_block, canvas):
    layer = show()
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    canvas.setExtent(canvas.mapSettings().layerExtentToOutputExtent(layer, layer.extent()))
    place = canvas.mapSettings().layerToMapCoordinates(layer, QgsPointXY(500025, 2999995))
    area = canvas.getCoordinateTransform().transform(place)
    click_block(1)
    before = read_roles(layer)
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(round(area.x()), round(area.y())))
    assert read_roles(layer) == {**before, 3: "held-out"}


def test_ctrl_z_takes_the_last_click_back_and_as_drawn_all_of_them(dock, show, click_block, canvas, press):
    layer = show()
    click_block(1)
    click_block(2)
    click_block(2)
    QTest.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert read_roles(layer) == {**DRAWN, 1: "validation", 2: "validation"}
    press("drawnButton")
    assert read_roles(layer) == DRAWN
    assert not dock.findChild(QPushButton, "drawnButton").isEnabled()
    QTest.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert read_roles(layer) == {**DRAWN, 1: "validation", 2: "validation"}


def test_esc_ends_the_tool_and_gives_the_map_back_to_the_one_before(dock, show, canvas, press):
    pan = QgsMapToolPan(canvas)
    canvas.setMapTool(pan)
    show()
    press("changeButton")
    assert canvas.mapTool() is not pan
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.mapTool() is pan
    assert not dock.findChild(QPushButton, "changeButton").isChecked()


def test_another_tool_ends_the_tool(dock, show, canvas, press):
    show()
    press("changeButton")
    pan = QgsMapToolPan(canvas)
    canvas.setMapTool(pan)
    assert not dock.findChild(QPushButton, "changeButton").isChecked()
    press("changeButton")
    press("changeButton")
    assert canvas.mapTool() is pan


def test_the_changed_blocks_go_into_the_next_run(dock, show, click_block, press, wait_until, tmp_path):
    show()
    click_block(2)
    click_block(1)
    click_block(1)
    press("trainButton")
    wait_until(lambda: dock.state is DockState.ENDED)
    (run,) = (tmp_path / "footprint_tuner_runs").iterdir()
    job = json.loads(RunFolder(run).job.read_text("utf-8"))
    assert job["block_roles"] == ["1=held-out", "2=validation"]


def change_seed(dock):
    dock.formPage.settingsGroup.seedSpin.setValue(7)


def change_share(dock):
    dock.formPage.settingsGroup.heldOutSpin.setValue(40)


def draw_label(dock):
    layer = dock.read_choices().label_layer
    layer.startEditing()
    layer.deleteFeature(next(layer.getFeatures()).id())


def shift_labels(dock):
    dock.shiftLine.show_shift(1.5, 0.0)


def choose_other_model(dock):
    combo = dock.formPage.modelPicker.modelCombo
    combo.setCurrentIndex(combo.findData("imagenet_lite0"))


@pytest.mark.parametrize("change", [change_seed, change_share, draw_label, shift_labels, choose_other_model])
def test_a_change_of_what_the_split_depends_on_takes_it_off_the_map_and_says_so(dock, show, click_block, change):
    show()
    click_block(1)
    change(dock)
    assert find_split() is None
    assert "Show the split again" in read_line(dock)
    assert dock.read_choices().block_roles == ()


def test_a_change_of_what_the_split_does_not_depend_on_leaves_it(dock, show):
    show()
    dock.formPage.settingsGroup.epochsSpin.setValue(9)
    dock.formPage.settingsGroup.minAreaSpin.setValue(9)
    assert find_split() is not None


def test_a_split_that_the_user_takes_off_the_map_is_forgotten(dock, show, click_block, project, canvas):
    layer = show()
    click_block(1)
    project.removeMapLayer(layer.id())
    assert dock.read_choices().block_roles == ()
    assert dock.findChild(QPushButton, "splitButton").text() == "Show the split"
    assert canvas.mapTool() is None


def test_labels_that_runs_move_are_moved_in_the_split_too(dock, show):
    dock.shiftLine.show_shift(1.5, -2.0)
    asked = []
    dock.split_requested.connect(asked.append)
    assert show() is not None
    assert (asked[0].settings.shift_east_m, asked[0].settings.shift_north_m) == (1.5, -2.0)
    dock.formPage.choices_changed.emit()
    assert find_split() is not None


def test_inputs_that_cannot_be_split_are_told_in_the_dock(dock, press, wait_until, monkeypatch):
    monkeypatch.setenv("STAND_IN", "fails")
    press("splitButton")
    wait_until(lambda: "No building lies in the held-out area." in read_line(dock))
    assert find_split() is None
    assert dock.findChild(QPushButton, "splitButton").isEnabled()


def test_no_raster_no_split_and_the_form_says_what_to_do(dock, press, project):
    project.clear()
    press("splitButton")
    assert dock.findChild(QLabel, "messageLabel").text() == "No raster is chosen."


def test_the_users_layers_are_as_they_were(dock, show, click_block, wait_until):
    labels = dock.read_choices().label_layer
    before = [feature.geometry().asWkt() for feature in labels.getFeatures()]
    show()
    click_block(1)
    assert [feature.geometry().asWkt() for feature in labels.getFeatures()] == before
    assert not labels.isEditable()


def test_nothing_is_left_when_the_plugin_goes(dock, show, press, wait_until, count_workers, monkeypatch, tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    show()
    monkeypatch.setenv("STAND_IN", "silent in split")
    press("splitButton")
    press("splitButton")
    wait_until(lambda: count_workers() == 1)
    dock.formPage.controller.stop()
    assert count_workers() == 0
    assert find_split() is None
    assert list(folder.iterdir()) == []
