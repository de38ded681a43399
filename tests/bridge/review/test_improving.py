"""A model is improved from Processing, and through the whole dock: from corrections to the new run's review."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from qgis.core import QgsFeature, QgsGeometry, QgsProject, QgsVectorLayer
from qgis.PyQt.QtWidgets import QLabel

from footprint_tuner.plugin.bridge.review.improve.controller import Improver
from footprint_tuner.plugin.bridge.review.improve.corrections import copy_footprints
from footprint_tuner.plugin.core.folder import RunFolder
from footprint_tuner.plugin.core.job import load_job
from footprint_tuner.ui.dock import DockState
from tests.bridge.algorithms.test_algorithms import Feedback, provider, refuse, run
from tests.bridge.review.test_improve import find_layer, record, rectangle

__all__ = ("provider", "record", "run")  # fixtures


def check_ground(record, *areas):
    """Begin the run's corrections and mark ground as checked, saved in the file."""
    copy_footprints(record.folder)
    layer = QgsVectorLayer(f"{record.folder.corrections}|layername=checked")
    for area in areas:
        feature = QgsFeature(layer.fields())
        feature["role"] = "training"
        feature.setGeometry(QgsGeometry.collectGeometry([area]))
        assert layer.dataProvider().addFeature(feature)


@pytest.fixture
def outputs(tmp_path, record):
    return {"RUN": str(record.folder.path), "RUN_FOLDER": str(tmp_path / "new"), "FOOTPRINTS": "TEMPORARY_OUTPUT"}


def test_the_algorithm_takes_the_runs_own_corrections(run, environment, record, outputs):
    check_ground(record, rectangle(1, 3, 10, 10))
    results, _ = run("improve", {**outputs, "EPOCHS": 2, "REPLAY_SHARE": 0.25})
    new = RunFolder(Path(results["RUN_FOLDER"]))
    job = load_job(new.job)
    assert (job.parent, job.base_model) == (str(record.folder.path), str(record.folder.card))
    assert (job.settings.epochs, job.settings.replay_share, job.settings.learning_rate) == (2, 0.25, None)
    assert new.earlier.read_bytes() == record.folder.split.read_bytes()
    assert [QgsVectorLayer(str(path)).featureCount() for path in (new.labels, new.areas)] == [1, 1]
    assert (results["F1_BEFORE"], results["F1_AFTER"], results["MODEL"]) == (0.25, 0.75, str(new.card))


def test_the_algorithm_takes_other_layers_without_a_role(run, environment, record, outputs, make_labels, project):
    houses = make_labels(rectangle(2, 4, 3, 3).asWkt(), rectangle(6, 4, 3, 3).asWkt())
    ground = make_labels(rectangle(1, 3, 10, 10).asWkt())
    project.addMapLayers([houses, ground])
    results, _ = run("improve", {**outputs, "CORRECTIONS": houses.id(), "CHECKED": ground.id()})
    new = RunFolder(Path(results["RUN_FOLDER"]))
    assert [QgsVectorLayer(str(path)).featureCount() for path in (new.labels, new.areas)] == [2, 1]
    assert not record.folder.corrections.exists()


def test_the_algorithm_says_what_to_do_where_nothing_was_corrected(run, environment, record, outputs):
    said = refuse(run, "improve", outputs)
    assert "No footprints of the run run were corrected yet." in said
    assert "name both layers" in said
    assert not Path(outputs["RUN_FOLDER"]).exists()


@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        ((), "No area is marked as checked."),
        ((rectangle(20, 2, 5, 5),), "All of the checked area is held-out or validation area"),
        ((rectangle(500, 2, 5, 5),), "The checked area lies outside the raster."),
    ],
)
def test_the_algorithm_refuses_ground_that_teaches_nothing(run, environment, record, outputs, areas, expected):
    check_ground(record, *areas)
    assert expected in refuse(run, "improve", outputs)
    assert not Path(outputs["RUN_FOLDER"]).exists()


def test_the_algorithm_refuses_a_folder_that_is_no_run(run, environment, outputs, tmp_path):
    (tmp_path / "photographs").mkdir()
    layers = {"RUN": str(tmp_path / "photographs")}
    assert "were corrected yet" in refuse(run, "improve", {**outputs, **layers})


def test_a_cancelled_improvement_ends_without_results(run, environment, record, outputs, monkeypatch):
    monkeypatch.setenv("STAND_IN", "silent in tune")
    check_ground(record, rectangle(1, 3, 10, 10))
    results, _ = run("improve", outputs, Feedback(cancel_at="tune"))
    assert set(results) == {"RUN_FOLDER"}


@pytest.fixture
def reviewed(environment, open_dock, record, wait_until):
    """A dock in which the run is reviewed, with corrections begun and some ground checked, nothing of it saved."""
    dock, controller = open_dock()
    controller.reviewer.open(record.folder)
    panel = dock.reviewPage.improvePanel
    panel.correctButton.click()
    wait_until(panel.markButton.isEnabled)
    panel.markButton.click()
    improver = next(part for part in controller.reviewer.parts if isinstance(part, Improver))
    improver.marker.tool.canvas().setDestinationCrs(find_layer(record, "checked").crs())
    improver.marker.tool.drawn.emit(rectangle(1, 3, 10, 10))
    return dock, controller


def test_an_improved_run_is_opened_for_review_and_names_its_models(reviewed, record, wait_until, project):
    dock, controller = reviewed
    dock.reviewPage.improvePanel.improveButton.click()
    assert dock.state is DockState.RUNNING
    assert dock.tabs.currentWidget() is dock.tuneTab
    wait_until(lambda: dock.state is DockState.ENDED)
    new = controller.reviewer.record
    assert new.job.parent == str(record.folder.path)
    titles = [dock.findChild(QLabel, name).text() for name in ("beforeTitle", "afterTitle")]
    assert titles == ["tuned model", "improved model"]
    assert "base model 0.250" in dock.findChild(QLabel, "chainLabel").text()
    group = project.layerTreeRoot().findGroup(new.name)
    assert "Earlier model's footprints" in [node.name() for node in group.findLayers()]


def test_edits_that_are_not_saved_count_and_stay_unsaved(reviewed, record, wait_until):
    dock, controller = reviewed
    layer = find_layer(record, "footprints")
    added = QgsFeature(layer.fields())
    added.setGeometry(rectangle(2, 2, 1, 1))
    assert layer.addFeature(added)
    dock.reviewPage.improvePanel.improveButton.click()
    wait_until(lambda: dock.state is DockState.ENDED)
    new = controller.reviewer.record.folder
    assert QgsVectorLayer(f"{new.labels}|layername=labels").featureCount() == 2
    assert layer.isModified()
    assert find_layer(record, "checked").isModified()


def test_another_run_that_is_going_keeps_improve_from_starting(reviewed, wait_until, monkeypatch, window):
    dock, controller = reviewed
    monkeypatch.setenv("STAND_IN", "silent in tune")
    panel = dock.reviewPage.improvePanel
    panel.improveButton.click()
    going = controller._run
    panel.improveButton.click()
    assert controller._run is going
    assert "Something is running already." in window.read_messages()[-1]
    dock.cancel_requested.emit()
    wait_until(lambda: dock.state is DockState.ENDED)


def test_a_cancelled_improvement_can_be_resumed(reviewed, wait_until, monkeypatch, record):
    dock, controller = reviewed
    monkeypatch.setenv("STAND_IN", "silent in tune")
    dock.reviewPage.improvePanel.improveButton.click()
    folder = controller._run.folder
    wait_until(lambda: dock.chart.epochs or folder.state.exists())
    dock.cancel_requested.emit()
    wait_until(lambda: dock.state is DockState.ENDED)
    assert controller.reviewer.record.folder.path == record.folder.path  # what was reviewed stays open
    monkeypatch.setenv("STAND_IN", "")
    dock.resume_requested.emit(str(folder.path))
    wait_until(lambda: dock.state is DockState.ENDED)
    assert controller.reviewer.record.folder.path == folder.path


def test_the_corrections_are_in_the_project_that_is_saved_and_opened_again(reviewed, record, wait_until, tmp_path):
    dock, controller = reviewed
    for name in ("footprints", "checked"):
        assert find_layer(record, name).commitChanges()
    project = QgsProject.instance()
    assert project.write(str(tmp_path / "town.qgs"))
    project.clear()
    assert project.read(str(tmp_path / "town.qgs"))
    wait_until(lambda: controller.reviewer.record is not None)
    panel = dock.reviewPage.improvePanel
    assert panel.markButton.isEnabled()
    wait_until(lambda: panel.checkedLabel.text() == "1 area is checked. In the checked area: 1 footprint.")
    assert json.loads(record.folder.report.read_text("utf-8"))["schema"] == 2
