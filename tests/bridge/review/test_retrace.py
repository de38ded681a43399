"""*Apply*: the whole run traced anew with another threshold, and nobody's edits lost."""

from __future__ import annotations

import json

import pytest
from qgis.core import QgsVectorLayer

from footprint_tuner.ui.review.threshold import Position
from tests.bridge.errorfile import write_run
from tests.bridge.open_run import canvas, count_drawn, folder, go_live, page, panel, read_tree, reviewer

__all__ = ("canvas", "folder", "go_live", "page", "panel", "reviewer")  # fixtures


def find_footprints(project, folder):
    (layer,) = (each for each in project.mapLayers().values() if each.source() == folder.footprints.as_posix())
    return layer


def apply(panel, threshold=0.2):
    panel.thresholdSpin.setValue(threshold)
    panel.applyButton.click()


def test_apply_renews_the_layers_the_scores_and_the_mark_and_leaves_the_tree(
    go_live, panel, page, project, folder, wait_until, canvas, window
):
    layer, tree = find_footprints(project, folder), read_tree(project)
    go_live()
    apply(panel)
    wait_until(lambda: not panel.applyBar.isVisibleTo(panel))
    assert layer.featureCount() == 13
    assert read_tree(project) == tree
    assert panel.handTitle.text() == "Threshold set manually"
    assert panel.handLabel.text() == "The threshold was set manually to 0.2."
    assert panel.applyLabel.text() == "Applied. F1 by building in the held-out area: 0.500 before, 0.700 now."
    assert "0.700" in page.reviewLabel.text()
    assert page.reviewLabel.text().endswith("Threshold set manually.")
    assert any("0.700 now" in text for text in window.read_messages())
    assert panel.liveButton.isChecked()
    assert count_drawn(canvas) == 13
    assert not panel.applyButton.isEnabled()


def test_back_to_chosen_takes_the_mark_away_and_the_sliders_back(go_live, panel, project, folder, wait_until):
    go_live()
    apply(panel)
    wait_until(lambda: panel.chosenButton.isEnabled() and panel.handTitle.text())
    panel.chosenButton.click()
    wait_until(lambda: not panel.handTitle.text())
    assert find_footprints(project, folder).featureCount() == 8
    assert panel.position == Position(0.5, 5.0)
    assert not panel.chosenButton.isVisibleTo(panel)


def test_a_run_that_was_set_by_hand_earlier_is_marked_when_it_is_opened(reviewer, panel, folder, page, go_live):
    by_hand = {"threshold": 0.5, "min_area_m2": 9.0, "chosen_threshold": 0.5, "sentence": "Manually to 9 m²."}
    report = json.loads(folder.report.read_text("utf-8"))
    folder.report.write_text(json.dumps({**report, "by_hand": by_hand}), "utf-8")
    reviewer.open(folder)
    assert (panel.handTitle.text(), panel.handLabel.text()) == ("Minimum area set manually", "Manually to 9 m².")
    assert page.reviewLabel.text().endswith("Minimum area set manually.")
    go_live()
    assert panel.position == Position(0.5, 9.0)


def test_other_parts_go_on_with_the_new_scores_after_apply(go_live, panel, reviewer, wait_until):
    class Listener:
        def __init__(self):
            self.heard = []

        def open(self, record):
            self.heard.append(record.report.after.building.f1)

        def renew(self, record):
            self.heard.append(("renewed", record.report.after.building.f1))

        def close(self):
            self.heard.append("closed")

    other = Listener()
    reviewer.parts.append(other)
    go_live()
    apply(panel)
    wait_until(lambda: other.heard == [("renewed", 0.7)])


@pytest.mark.parametrize("is_changed", [False, True])
def test_apply_is_refused_while_the_footprints_are_edited(
    go_live, panel, project, folder, draw, square, is_changed, count_workers
):
    layer = find_footprints(project, folder)
    go_live()
    layer.startEditing()
    if is_changed:
        draw(layer, [square(0)])
    apply(panel)
    assert 'The layer "Footprints" is being edited. Save its edits' in panel.applyLabel.text()
    assert not panel.applyBar.isVisibleTo(panel)
    assert count_workers() == 1  # the one that answers the sliders
    assert layer.featureCount() == int(is_changed)
    assert layer.commitChanges()
    assert layer.featureCount() == int(is_changed)


def test_apply_is_refused_while_the_errors_are_edited(go_live, panel, folder, project):
    errors = QgsVectorLayer(f"{folder.errors.as_posix()}|layername=after", "errors", "ogr")
    project.addMapLayer(errors)
    errors.startEditing()
    go_live()
    apply(panel)
    assert 'The layer "errors" is being edited.' in panel.applyLabel.text()
    errors.rollBack()


def test_apply_is_refused_while_another_program_edits_the_file(go_live, panel, folder):
    folder.footprints.with_name("footprints.gpkg-wal").write_bytes(b"")
    go_live()
    apply(panel)
    assert panel.applyLabel.text().startswith("footprints.gpkg is being edited by another program.")


def test_edits_that_begin_while_it_is_applied_stop_it(go_live, panel, project, folder, wait_until, monkeypatch):
    layer, report = find_footprints(project, folder), folder.report.read_bytes()
    go_live()
    monkeypatch.setenv("STAND_IN", "silent in trace")
    apply(panel)
    assert panel.applyBar.isVisibleTo(panel)
    layer.startEditing()
    wait_until(lambda: not panel.applyBar.isVisibleTo(panel))
    assert panel.applyLabel.text().startswith("A layer of the run is being edited")
    assert folder.report.read_bytes() == report
    assert layer.isEditable()
    layer.rollBack()


def test_footprints_that_were_edited_and_saved_are_kept_beside_the_new_ones(
    go_live, panel, project, folder, wait_until, draw, square, reviewer
):
    report = json.loads(folder.report.read_text("utf-8"))
    folder.report.write_text(json.dumps({**report, "written": "2020-01-01T00:00:00+00:00"}), "utf-8")
    reviewer.open(folder)
    layer = find_footprints(project, folder)
    layer.startEditing()
    draw(layer, [square(0)])
    assert layer.commitChanges()
    go_live()
    apply(panel)
    wait_until(lambda: not panel.applyBar.isVisibleTo(panel))
    assert panel.applyLabel.text().endswith("kept as footprints_edited.gpkg.")
    kept = QgsVectorLayer(str(folder.path / "footprints_edited.gpkg"), "", "ogr")
    assert (kept.featureCount(), layer.featureCount()) == (1, 13)


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ("fails", "The held-out area is another one. Run the job again."),
        ("dies in score", "killed from outside"),
    ],
)
def test_what_goes_wrong_is_told_and_everything_stays(
    go_live, panel, project, folder, wait_until, monkeypatch, behaviour, expected
):
    go_live()
    monkeypatch.setenv("STAND_IN", behaviour)
    apply(panel)
    wait_until(lambda: not panel.applyBar.isVisibleTo(panel))
    assert expected in panel.applyLabel.text()
    assert "Resume" not in panel.applyLabel.text()
    assert not panel.handTitle.text()
    assert find_footprints(project, folder).featureCount() == 0
    assert panel.applyButton.isEnabled()


def test_cancel_ends_it_and_the_run_is_as_it_was(go_live, panel, folder, wait_until, monkeypatch, reviewer):
    go_live()
    monkeypatch.setenv("STAND_IN", "silent in trace")
    apply(panel)
    wait_until(lambda: panel.applyBar.value() > 400)
    assert reviewer.is_busy
    panel.applyCancelButton.click()
    wait_until(lambda: not reviewer.is_busy)
    assert panel.applyLabel.text() == "Cancelled: the run has not changed."
    assert "by_hand" not in json.loads(folder.report.read_text("utf-8"))


def test_apply_waits_for_what_else_is_running(go_live, panel, reviewer):
    reviewer.is_free = lambda: False
    go_live()
    apply(panel)
    assert not panel.applyBar.isVisibleTo(panel)
    assert not reviewer.is_busy


def test_another_run_may_be_opened_while_one_is_applied(
    go_live, panel, reviewer, folder, wait_until, monkeypatch, tmp_path
):
    other = write_run(tmp_path / "other")
    go_live()
    monkeypatch.setenv("STAND_IN", "silent in trace")
    apply(panel)
    reviewer.open(other)
    assert reviewer.record.folder == other
    wait_until(lambda: not reviewer.is_busy)
    assert panel.applyLabel.text() == ""
    assert not panel.applyBar.isVisibleTo(panel)
    assert reviewer.record.folder == other


def test_the_end_of_the_plugin_waits_for_what_is_applied(go_live, panel, reviewer, count_workers, monkeypatch):
    go_live()
    monkeypatch.setenv("STAND_IN", "silent in trace")
    apply(panel)
    reviewer.stop()
    assert not reviewer.is_busy
    assert count_workers() == 0
