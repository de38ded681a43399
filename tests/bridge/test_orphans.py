"""A run whose project is closed before its end: nothing of it gets into the next project, and nothing is lost."""

from __future__ import annotations

from qgis.PyQt.QtWidgets import QLabel

from footprint_tuner.ui.dock import DockState
from tests.bridge.test_controller import find_run


def test_a_run_that_ends_after_its_project_was_closed_stays_out_of_the_next_one(
    open_dock, environment, choices, project, wait_until, window, tmp_path
):
    dock, controller = open_dock()
    dock.train_requested.emit(choices)
    project.clear()
    wait_until(lambda: dock.state is DockState.ENDED)
    assert find_run(tmp_path).report.exists()
    assert project.mapLayers() == {}
    assert controller.reviewer.record is None
    assert "0.750" in dock.findChild(QLabel, "afterLabel").text()
    assert any("The project was closed during the run" in text for text in window.read_messages())


def test_a_project_that_is_closed_while_a_runs_layers_are_shown_is_left_alone(
    open_dock, environment, choices, project, wait_until
):
    dock, controller = open_dock()
    dock.train_requested.emit(choices)
    wait_until(controller._loader.isActive)
    project.clear()
    assert dock.state is DockState.ENDED
    assert controller.reviewer.record is None
    assert project.mapLayers() == {}
