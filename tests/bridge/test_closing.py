"""QGIS is closed in the middle: nothing is broken off unasked, and what was begun is offered again."""

from __future__ import annotations

from pathlib import Path

import pytest
from qgis.core import QgsApplication, QgsSettings
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QApplication, QLabel, QMessageBox, QPushButton

from footprint_tuner.plugin.bridge.tuning.unfinished_run import find_unfinished
from footprint_tuner.plugin.core.errors import RunError
from footprint_tuner.plugin.core.folder import RunFolder
from footprint_tuner.plugin.core.lock import hold_lock
from footprint_tuner.ui.dock import DockState


@pytest.fixture
def running(environment, open_dock, choices, wait_until, monkeypatch):
    """A dock in mid-run, with its controller."""
    monkeypatch.setenv("STAND_IN", "silent in tune")
    dock, controller = open_dock()
    dock.train_requested.emit(choices)
    wait_until(lambda: [task for task in QgsApplication.taskManager().activeTasks() if task.progress() > 40])
    return dock, controller


@pytest.fixture
def answer():
    """Return a function that presses a button of the box that opens next, and a list of what the boxes said."""
    said = []

    def press(text):
        box = QApplication.activeModalWidget()
        if box is None:
            QTimer.singleShot(10, lambda: press(text))
            return
        said.append(box.text())
        next(button for button in box.buttons() if text in button.text().replace("&", "")).click()

    return lambda text: QTimer.singleShot(50, lambda: press(text)), said


def read_message(dock):
    return dock.findChild(QLabel, "messageLabel").text()


def test_with_nothing_at_work_qgis_closes_unasked(environment, open_dock, window):
    open_dock()
    assert window.close()


def test_cancel_at_the_question_leaves_qgis_open_and_the_run_at_work(
    running, window, answer, wait_until, count_workers
):
    dock, _ = running
    expect, said = answer
    expect("Cancel")
    assert not window.close()
    assert said == [f"The run {find_unfinished_name()} is not finished."]
    assert (dock.state, count_workers()) == (DockState.RUNNING, 1)
    dock.finish_requested.emit()
    wait_until(lambda: dock.state is DockState.ENDED)
    assert "0.750" in dock.findChild(QLabel, "afterLabel").text()


def test_cancel_at_qgiss_own_question_leaves_the_run_at_work_too(running, window, answer, wait_until, count_workers):
    dock, _ = running
    expect, _ = answer
    expect("Cancel")
    QgsApplication.taskManager().cancelAll()
    unsaved = QMessageBox.StandardButton.Discard | QMessageBox.StandardButton.Cancel
    said = QMessageBox.question(window.mainWindow(), "QGIS", "Layers are not saved.", unsaved)
    assert said == QMessageBox.StandardButton.Cancel
    due = []
    QTimer.singleShot(300, lambda: due.append(True))
    wait_until(lambda: due)
    assert (dock.state, count_workers()) == (DockState.RUNNING, 1)


def test_a_run_that_qgis_was_closed_over_is_offered_at_the_next_start(
    running, open_dock, window, answer, wait_until, monkeypatch
):
    dock, controller = running
    expect, _ = answer
    expect("Close QGIS")
    assert window.close()
    controller.stop()
    monkeypatch.setenv("STAND_IN", "")
    dock, _ = open_dock()
    assert "was not finished when QGIS was closed" in read_message(dock)
    dock.findChild(QPushButton, "resumeButton").click()
    assert dock.state is DockState.RUNNING
    wait_until(lambda: dock.state is DockState.ENDED)
    assert "0.750" in dock.findChild(QLabel, "afterLabel").text()
    assert find_unfinished() is None


def test_a_run_that_the_user_cancelled_is_not_offered_again(running, open_dock, wait_until):
    dock, controller = running
    dock.findChild(QPushButton, "cancelButton").click()
    wait_until(lambda: dock.state is DockState.ENDED)
    controller.stop()
    assert open_dock()[0].state is DockState.IDLE


def test_a_run_that_is_gone_finished_or_at_work_in_another_qgis_is_not_offered(running):
    _, controller = running
    folder = RunFolder(Path(find_unfinished_path()))
    controller.stop()
    assert find_unfinished() == folder
    with hold_lock(folder.lock, RunError("")):
        assert find_unfinished() is None
    folder.report.write_text("{}", encoding="utf-8")
    assert find_unfinished() is None
    folder.report.unlink()
    folder.job.unlink()
    assert find_unfinished() is None


def find_unfinished_path():
    return QgsSettings().value("footprint_tuner/unfinished_run", "", type=str)


def find_unfinished_name():
    return find_unfinished_path().rpartition("/")[2]
