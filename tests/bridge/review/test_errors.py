"""Stepping through the buildings of held-out ground on the map."""

from __future__ import annotations

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsRectangle
from qgis.gui import QgsGui, QgsRubberBand
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QCoreApplication, QEvent

from footprint_tuner.plugin.bridge.layers.results import load_results
from footprint_tuner.plugin.bridge.review.errors.controller import ErrorController
from footprint_tuner.plugin.bridge.review.errors.zoom import plan_extent
from footprint_tuner.plugin.core.building_outcomes import BASE, TUNED
from footprint_tuner.plugin.core.folder import RunFolder
from footprint_tuner.plugin.core.run_record import RunRecord
from footprint_tuner.ui.review.error_browser import ErrorBrowser
from tests.bridge.errorfile import LEFT, TOP, TOWN, write_errors
from tests.waiting import LIMIT_S

UTM = QgsCoordinateReferenceSystem("EPSG:32645")


@pytest.fixture
def record(tmp_path):
    """A run with four buildings on held-out ground, of which the base model found one."""
    folder = RunFolder(tmp_path / "Büro 建物 run")
    folder.path.mkdir()
    write_errors(folder.errors, {BASE: TOWN[:1], TUNED: TOWN})
    return RunRecord(folder, key="town")


@pytest.fixture
def panel(window):
    made = ErrorBrowser(window.window)
    made.resize(300, 500)
    return made


@pytest.fixture
def canvas(window):
    window.canvas.resize(400, 300)
    window.canvas.setDestinationCrs(UTM)
    window.canvas.setExtent(QgsRectangle(LEFT, TOP - 48, LEFT + 64, TOP))
    return window.canvas


@pytest.fixture
def steps(window, canvas, panel):
    made = ErrorController(canvas, window.window, panel)
    yield made
    if not sip.isdeleted(made) and not sip.isdeleted(panel):
        made.close()
    if not sip.isdeleted(made):
        made.deleteLater()


@pytest.fixture
def fill(steps, panel, record, wait_until):
    """Return a function that opens a run and waits until its buildings are listed."""

    def do(run=record):
        steps.open(run)
        wait_until(panel.errorTable.rows.rowCount)

    return do


def list_bands(canvas):
    return [item for item in canvas.scene().items() if isinstance(item, QgsRubberBand)]


def find_band(canvas):
    (band,) = list_bands(canvas)
    return band.asGeometry()


def place(kind):
    return next(square for name, *_, square in TOWN if name == kind)


def find_middle(square):
    left, top, side = square
    return LEFT + left + side / 2, TOP - top - side / 2


def test_a_step_brings_the_building_into_the_middle_and_marks_it(fill, panel, canvas):
    fill()
    panel.step(1)
    assert "1 of 4: missed, 100 m²" in panel.errorLine.text()
    centre = canvas.extent().center()
    assert (centre.x(), centre.y()) == pytest.approx(find_middle(place("FN")))
    band = find_band(canvas)
    assert band.area() == pytest.approx(100)
    assert (band.centroid().asPoint().x(), band.centroid().asPoint().y()) == pytest.approx(find_middle(place("FN")))


def test_the_mark_goes_on_with_the_next_step(fill, panel, canvas):
    fill()
    panel.step(1)
    panel.step(1)
    assert "2 of 4: extra, 16 m²" in panel.errorLine.text()
    assert find_band(canvas).area() == pytest.approx(16)
    centre = canvas.extent().center()
    assert (centre.x(), centre.y()) == pytest.approx(find_middle(place("FP")))


def test_the_scale_stays_where_the_building_fits_it(fill, panel, canvas):
    fill()
    width = canvas.extent().width()
    panel.step(1)
    assert canvas.extent().width() == pytest.approx(width)


def test_zooming_makes_the_building_a_fifth_of_the_map(fill, panel, canvas):
    panel.zoomCheck.setChecked(True)
    fill()
    panel.step(1)
    assert canvas.extent().height() == pytest.approx(10 / 0.2)


@pytest.mark.parametrize(
    ("shown", "side", "is_zooming", "height"),
    [
        ((400, 300), 30, False, 300),
        ((400, 300), 30, True, 150),
        ((400, 300), 200, False, 1000),
        ((400, 300), 2, False, 10),
        ((400, 300), 0, True, 300),
    ],
)
def test_a_building_too_large_or_too_small_for_the_scale_changes_it(shown, side, is_zooming, height):
    box = QgsRectangle(1000, 1000, 1000 + side, 1000 + side)
    planned = plan_extent(QgsRectangle(0, 0, *shown), box, is_zooming=is_zooming)
    assert planned.height() == pytest.approx(height)
    assert planned.width() / planned.height() == pytest.approx(shown[0] / shown[1])
    assert planned.center() == box.center()


def test_a_project_in_another_coordinate_system_shows_the_same_place(fill, panel, canvas):
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    canvas.setExtent(QgsRectangle(87.0, 27.1, 87.001, 27.101))
    fill()
    panel.step(1)
    centre, band = canvas.extent().center(), find_band(canvas)
    assert band.boundingBox().contains(centre)
    assert 86.99 < centre.x() < 87.01
    assert 27.1 < centre.y() < 27.2


def test_the_mark_follows_when_the_project_changes_its_coordinate_system(fill, panel, canvas):
    fill()
    panel.step(1)
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    assert QgsRectangle(86.9, 27.0, 87.1, 27.2).contains(find_band(canvas).boundingBox())


def test_a_place_that_the_projects_coordinate_system_does_not_reach_is_told(fill, panel, canvas, record):
    write_errors(record.folder.errors, {TUNED: [("FN", 0.1, 100.0, None, (1e9, 0, 10))]})
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    fill()
    panel.step(1)
    assert "does not cover this building" in panel.errorLine.text()


def test_the_base_models_buildings_are_read_when_they_are_asked_for(fill, panel, canvas, wait_until):
    fill()
    panel.step(1)
    panel.errorModelCombo.setCurrentIndex(panel.errorModelCombo.findData(BASE))
    wait_until(lambda: panel.errorTable.rows.rowCount() == 1)
    assert list_bands(canvas) == []
    panel.step(1)
    assert find_band(canvas).area() == pytest.approx(64)


def test_closing_leaves_nothing_on_the_map_and_can_be_done_twice(fill, panel, canvas, steps):
    fill()
    panel.step(1)
    steps.close()
    steps.close()
    assert list_bands(canvas) == []
    assert panel.errorTable.rows.rowCount() == 0
    panel.step(1)


def test_closing_while_the_file_is_read_fills_no_table(steps, panel, record, wait_until):
    write_errors(record.folder.errors, {TUNED: TOWN * 2000})
    steps.open(record)
    steps.close()
    ticks = []
    wait_until(lambda: ticks.append(1) or len(ticks) > 40)
    assert panel.errorTable.rows.rowCount() == 0


def test_what_is_on_its_way_when_another_run_is_opened_is_not_taken(steps, panel, record, wait_until, tmp_path):
    steps.open(record)
    (reader,) = steps._jobs._threads
    assert reader.wait(1000 * LIMIT_S)
    steps.close()
    other = RunFolder(tmp_path / "other")
    other.path.mkdir()
    write_errors(other.errors, {TUNED: TOWN[:1]})
    counts = []
    panel.errorTable.rows.modelReset.connect(lambda: counts.append(panel.errorTable.rows.rowCount()))
    steps.open(RunRecord(other))
    wait_until(panel.errorTable.rows.rowCount)
    assert counts == [1]


def test_what_was_looked_at_is_known_again_also_where_the_folder_was_moved(fill, panel, record, steps, tmp_path):
    fill()
    panel.step(1)
    panel.errorTable.rows.turn_tick(0)
    steps.close()
    moved = record.folder.path.rename(tmp_path / "elsewhere")
    fill(RunRecord(RunFolder(moved), key=record.key))
    assert "You have looked at 1." in panel.errorTally.text()
    steps.close()
    fill(RunRecord(RunFolder(moved), key="another"))
    assert "looked at" not in panel.errorTally.text()


def test_a_file_that_is_gone_is_told_and_so_is_one_that_goes_in_the_middle(fill, steps, panel, record, wait_until):
    fill()
    record.folder.errors.rename(record.folder.path / "away")
    panel.step(1)
    assert "is gone, or cannot be read. Choose the run again" in panel.errorLine.text()
    steps.open(record)
    wait_until(lambda: "no longer in the run's folder" in panel.errorTally.text())
    assert panel.errorTable.rows.rowCount() == 0


def test_a_file_that_is_broken_is_told(steps, panel, record, wait_until):
    record.folder.errors.write_bytes(b"broken" * 1000)
    steps.open(record)
    wait_until(lambda: "cannot be read" in panel.errorTally.text())


def test_a_file_that_was_written_anew_is_read_again_and_the_building_at_hand_is_kept(fill, panel, record, wait_until):
    fill()
    panel.step(1)
    write_errors(record.folder.errors, {BASE: TOWN[:1], TUNED: TOWN[2:]})
    panel.step(1)
    wait_until(lambda: panel.errorTable.rows.rowCount() == 2)
    assert panel.errorLine.text().startswith("2 of 2: extra, 16 m²")


def test_a_building_without_numbers_or_outline_stops_nobody(fill, panel, record, canvas):
    rows = [("FN", None, None, None, (2, 4, 8)), ("FP", None, 5.0, None, None)]
    write_errors(record.folder.errors, {TUNED: rows})
    fill()
    panel.step(1)
    assert "has no outline" in panel.errorLine.text()
    panel.step(1)
    assert panel.errorLine.text() == "2 of 2: missed."
    assert find_band(canvas).area() == pytest.approx(64)


def test_a_run_without_buildings_on_held_out_ground_is_told(steps, panel, record, wait_until):
    write_errors(record.folder.errors, {BASE: (), TUNED: ()})
    steps.open(record)
    wait_until(lambda: "no buildings" in panel.errorTally.text())


def test_the_layer_is_not_seen_at_first_and_the_box_shows_and_hides_it(fill, steps, panel, record, project):
    layer = next(iter(load_results(record.folder, project)))
    node = project.layerTreeRoot().findLayer(layer.id())
    fill()
    assert (node.isVisible(), panel.errorLayerCheck.isChecked()) == (False, False)
    panel.errorLayerCheck.click()
    assert node.isVisible()
    node.setItemVisibilityChecked(False)
    assert not panel.errorLayerCheck.isChecked()


def test_stepping_goes_on_after_the_user_has_removed_the_layer(fill, panel, record, project, canvas):
    layer = next(iter(load_results(record.folder, project)))
    fill()
    project.removeMapLayer(layer.id())
    assert not panel.errorLayerCheck.isEnabled()
    panel.step(1)
    assert find_band(canvas).area() == pytest.approx(100)


def test_a_dock_that_goes_before_the_project_does_leaves_nobody_listening(fill, panel, record, project):
    layer = next(iter(load_results(record.folder, project)))
    fill()
    sip.delete(panel)
    project.layerTreeRoot().findLayer(layer.id()).setItemVisibilityChecked(True)
    project.clear()


def list_keys():
    actions = QgsGui.shortcutsManager().listActions()
    return {each.shortcut().toString(): each for each in actions if "error" in each.text().lower()}


def test_the_keys_leave_qgiss_list_when_the_plugin_ends(steps):
    assert set(list_keys()) == {"Alt+Right", "Alt+Left"}
    steps.stop()
    assert list_keys() == {}


def test_the_keys_for_the_map_are_qgiss_shortcuts_and_go_with_the_part(fill, steps, panel, window):
    keys = list_keys()
    assert set(keys) == {"Alt+Right", "Alt+Left"}
    assert not keys["Alt+Right"].isEnabled()
    fill()
    keys["Alt+Right"].trigger()
    keys["Alt+Right"].trigger()
    keys["Alt+Left"].trigger()
    assert panel.errorLine.text().startswith("1 of 4")
    steps.close()
    assert not keys["Alt+Right"].isEnabled()
    steps.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert list_keys() == {}
