"""The live threshold: the worker's footprints over the map."""

from __future__ import annotations

import shutil

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform, QgsProject, QgsRectangle, QgsSettings
from qgis.PyQt.QtGui import QColor

from footprint_tuner.plugin.bridge.review.run_opener import Reviewer
from footprint_tuner.plugin.bridge.review.threshold.controller import LiveThreshold
from footprint_tuner.plugin.bridge.review.threshold.slider_state import read_position
from footprint_tuner.ui.review.review_page import ReviewPage
from footprint_tuner.ui.review.threshold import LIVE, Position
from tests.bridge.open_run import (
    UTM,
    canvas,
    count_drawn,
    folder,
    go_live,
    list_bands,
    page,
    panel,
    read_asked,
    read_tree,
    reviewer,
)

__all__ = ("canvas", "folder", "go_live", "page", "panel", "reviewer")  # fixtures


def test_live_draws_what_the_worker_found_as_no_layer_and_says_how_many(go_live, panel, canvas, project, folder):
    tree = read_tree(project)
    go_live()
    assert panel.thresholdSpin.value() == 0.5
    assert count_drawn(canvas) == 8
    assert panel.liveLabel.text() == "8 footprints on the map."
    assert read_tree(project) == tree
    (request,) = read_asked(folder)
    left, bottom, right, top = request["box"]
    assert (left, bottom, right, top) == pytest.approx((500000, 2999968, 500032, 3000000))
    assert (request["width_px"], request["height_px"]) == (canvas.width() - 2, canvas.height() - 2)  # less its frame


def test_the_footprints_follow_both_sliders(go_live, panel, canvas, wait_until):
    go_live()
    panel.thresholdSpin.setValue(0.2)
    wait_until(lambda: count_drawn(canvas) == 13)
    panel.areaSpin.setValue(20)
    wait_until(lambda: count_drawn(canvas) == 6)
    panel.areaSpin.setValue(1000)
    wait_until(lambda: panel.liveLabel.text().startswith("0 "))
    assert count_drawn(canvas) == 0


def test_only_the_newest_question_waits_while_one_is_under_way(go_live, panel, canvas, wait_until, monkeypatch, folder):
    monkeypatch.setenv("STAND_IN", "slow in trace")
    go_live()
    for step in range(30):
        panel.thresholdSpin.setValue(0.1 + step / 100)
    wait_until(lambda: count_drawn(canvas) == 10)
    thresholds = [request["threshold"] for request in read_asked(folder)]
    assert thresholds[0] == 0.5
    assert thresholds[-1] == 0.39
    assert len(thresholds) <= 5


def test_the_curve_is_asked_for_once_the_area_rests(go_live, panel, wait_until, folder):
    go_live()
    assert panel.curveLabel.text() == "F1 on the validation area 0.495 (best 0.505 at 0.40)"
    for area in range(20, 60, 5):
        panel.areaSpin.setValue(area)
    wait_until(lambda: panel.curve.curve.min_area_m2 == 55 and panel.curve.curve.done == 1)
    assert [request["min_area_m2"] for request in read_asked(folder, "curve")] == [5.0, 55.0]
    panel.thresholdSpin.setValue(0.3)
    assert panel.curveLabel.text() == "F1 on the validation area 0.545 (best 0.555 at 0.40)"


def test_a_map_that_was_moved_or_zoomed_is_asked_for_anew(go_live, canvas, wait_until, folder):
    go_live()
    canvas.setExtent(QgsRectangle(500000, 2999990, 500010, 3000000))
    wait_until(lambda: len(read_asked(folder)) == 2)
    request = read_asked(folder)[-1]
    assert request["box"] == pytest.approx([500000, 2999990, 500010, 3000000])
    assert (request["width_px"], request["height_px"]) == (canvas.width() - 2, canvas.height() - 2)  # less its frame


def test_only_the_part_of_the_raster_that_is_seen_is_asked_for(go_live, canvas, folder):
    canvas.setExtent(QgsRectangle(499984, 2999968, 500048, 3000032))
    go_live()
    (request,) = read_asked(folder)
    assert request["box"] == pytest.approx([500000, 2999968, 500032, 3000000])
    assert (request["width_px"], request["height_px"]) == (159, 159)  # half the map's pixels


def test_a_map_in_another_system_and_turned_asks_in_the_rasters_and_draws_in_its_own(go_live, canvas, folder):
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    canvas.setRotation(30)
    transform = QgsCoordinateTransform(UTM, canvas.mapSettings().destinationCrs(), QgsProject.instance())
    there = transform.transformBoundingBox(QgsRectangle(500000, 2999968, 500032, 3000000))
    canvas.setExtent(there)
    go_live()
    (request,) = read_asked(folder)
    assert request["box"] == pytest.approx([500000, 2999968, 500032, 3000000], abs=0.5)
    (drawn,) = list_bands(canvas)
    box = drawn.asGeometry().boundingBox()
    assert there.contains(box)
    assert box.width() == pytest.approx(there.width() * 30 / 32, rel=0.1)


def test_a_map_elsewhere_says_so_and_shows_nothing(go_live, panel, canvas, wait_until, folder):
    go_live()
    canvas.setExtent(QgsRectangle(400000, 2999968, 400032, 3000000))
    wait_until(lambda: "none of the raster" in panel.liveLabel.text())
    assert list_bands(canvas) == []
    assert len(read_asked(folder)) == 1
    canvas.setExtent(QgsRectangle(500000, 2999968, 500032, 3000000))
    wait_until(lambda: count_drawn(canvas) == 8)


def test_a_map_that_cannot_be_brought_into_the_rasters_system_says_so(go_live, panel, canvas, wait_until):
    go_live()
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    canvas.setExtent(QgsRectangle(-4000, -4000, -3000, -3000))
    wait_until(lambda: "cannot be transformed" in panel.liveLabel.text())
    assert list_bands(canvas) == []


def test_an_error_of_the_worker_is_told_and_live_goes_on(reviewer, panel, wait_until, monkeypatch, canvas):
    monkeypatch.setenv("STAND_IN", "errs in trace")
    panel.liveButton.click()
    wait_until(lambda: "cannot be read" in panel.liveLabel.text())
    assert panel.liveButton.isChecked()
    assert list_bands(canvas) == []


def test_a_worker_that_dies_is_told_in_a_sentence_and_live_goes_off(go_live, panel, wait_until, monkeypatch, canvas):
    monkeypatch.setenv("STAND_IN", "dies in trace")
    panel.liveButton.click()
    wait_until(lambda: "killed" in panel.liveLabel.text())
    assert not panel.liveButton.isChecked()
    assert not panel.thresholdSlider.isEnabled()
    monkeypatch.setenv("STAND_IN", "")
    go_live()
    assert count_drawn(canvas) == 8


def test_a_probability_that_is_gone_is_told_with_a_next_step(reviewer, panel, wait_until, folder, count_workers):
    folder.probability.unlink()
    panel.liveButton.click()
    wait_until(lambda: "probability is gone. Run the job again." in panel.liveLabel.text())
    assert not panel.liveButton.isChecked()
    wait_until(lambda: count_workers() == 0)


def test_a_run_folder_that_is_gone_is_told(reviewer, panel, wait_until, folder):
    shutil.rmtree(folder.path)
    panel.liveButton.click()
    wait_until(lambda: not panel.liveButton.isChecked())
    assert panel.liveLabel.text().startswith("The run's probability is gone.")


def test_without_an_environment_live_says_how_to_get_one(reviewer, panel, environment):
    environment.marker.unlink()
    panel.liveButton.click()
    assert not panel.liveButton.isChecked()
    assert "Set up" in panel.liveLabel.text()


def test_an_interpreter_that_cannot_be_started_is_told(reviewer, panel, environment, wait_until):
    environment.python.chmod(0o600)
    panel.liveButton.click()
    wait_until(lambda: "could not be started" in panel.liveLabel.text())
    assert not panel.liveButton.isChecked()


ENDS = {
    "live is switched off": lambda reviewer, panel: panel.liveButton.click(),
    "the run is closed": lambda reviewer, panel: reviewer.close(),
    "the project is closed": lambda reviewer, panel: QgsProject.instance().clear(),
    "the plugin is unloaded": lambda reviewer, panel: reviewer.stop(),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_it_ends_with_nothing_left_when(end, go_live, reviewer, panel, canvas, count_workers, wait_until):
    go_live()
    assert count_workers() == 1
    end(reviewer, panel)
    assert list_bands(canvas) == []
    assert not panel.liveButton.isChecked()
    wait_until(lambda: count_workers() == 0)


def test_the_sliders_are_where_they_were_when_the_project_is_opened_again(
    go_live, panel, reviewer, folder, wait_until, project, tmp_path
):
    go_live()
    panel.thresholdSpin.setValue(0.31)
    panel.areaSpin.setValue(12.5)
    wait_until(lambda: read_position(reviewer.record) == Position(0.31, 12.5))
    assert project.write(str(tmp_path / "town.qgs"))
    project.clear()
    assert reviewer.record is None
    assert project.read(str(tmp_path / "town.qgs"))
    assert reviewer.record.folder == folder
    go_live()
    assert panel.position == Position(0.31, 12.5)


def test_whether_the_footprints_are_filled_is_kept_between_sessions(go_live, panel, canvas, window, environment, page):
    go_live()
    (band,) = list_bands(canvas)
    assert band.strokeColor() == QColor(LIVE)
    assert band.fillColor().alpha() > 0
    panel.fillCheck.click()
    assert band.fillColor().alpha() == 0
    assert QgsSettings().value("footprint_tuner/live_fill", True, type=bool) is False
    again = ReviewPage(window.window)
    LiveThreshold(window, environment, again.thresholdPanel, Reviewer(again))
    assert not again.thresholdPanel.fillCheck.isChecked()
