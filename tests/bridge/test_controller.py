"""The dock, the threads and the project together: what the user sees of a run."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from qgis.core import QgsApplication, QgsPointXY, QgsSettings
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtWidgets import QFileDialog, QLabel, QPushButton

from footprint_tuner.plugin.bridge import setup
from footprint_tuner.plugin.core.environment import SetupStep, Verdict
from footprint_tuner.plugin.core.errors import SetupError
from footprint_tuner.plugin.core.folder import RunFolder
from footprint_tuner.plugin.core.job import Settings, load_job
from footprint_tuner.ui.dock import DockState
from footprint_tuner.ui.fields.choices import Choices


@pytest.fixture
def dock(environment, open_dock):
    """The dock on a machine whose environment is ready."""
    return open_dock()[0]


def read_tree(project):
    return {
        group.name(): [(node.name(), node.itemVisibilityChecked()) for node in group.findLayers()]
        for group in project.layerTreeRoot().findGroups()
    }


def read_message(dock):
    return dock.findChild(QLabel, "messageLabel").text()


def find_run(tmp_path):
    (found,) = (tmp_path / "footprint_tuner_runs").iterdir()
    return RunFolder(found)


def test_a_dock_on_a_machine_without_an_environment_asks_for_the_set_up(no_environment, open_dock):
    assert open_dock()[0].state is DockState.NEEDS_SETUP


def test_a_dock_on_a_machine_with_an_environment_offers_the_form_and_remembers_the_device(environment, open_dock):
    QgsSettings().setValue("footprint_tuner/device_text", "NVIDIA H100, 80 GB")
    dock, _ = open_dock()
    assert dock.state is DockState.IDLE
    assert "NVIDIA H100" in dock.formPage.deviceLine.text()


def test_a_finished_run_shows_its_scores_and_its_layers_on_top_of_the_project(
    dock, choices, project, wait_until, window, tmp_path
):
    dock.train_requested.emit(choices)
    assert dock.state is DockState.RUNNING
    wait_until(lambda: dock.state is DockState.ENDED)
    run = find_run(tmp_path)
    assert project.layerTreeRoot().children()[0].name() == run.path.name
    assert read_tree(project) == {
        run.path.name: [
            ("Footprints", True),
            ("Base model's footprints", False),
            ("Held-out area and blocks", True),
        ]
    }
    assert "0.250" in dock.findChild(QLabel, "beforeLabel").text()
    assert "0.750" in dock.findChild(QLabel, "afterLabel").text()

    assert any("0.250 before, 0.750 after" in text for text in window.read_messages())


def test_the_bands_that_the_dock_says_are_those_of_the_job(dock, choices, wait_until, tmp_path):
    for base_model, bands, expected in (
        ("starter", (2, 3, 1), (2, 3, 1)),
        ("xdxd_spacenet4", (), (3, 2, 1)),
        ("selimsef_spacenet4_resnet34unet", (3, 2, 1, 0), (3, 2, 1, 0)),
        ("unet:resnet34:none", (2,), (2,)),
    ):
        dock.train_requested.emit(replace(choices, base_model=base_model, bands=bands))
        wait_until(lambda: dock.state is DockState.ENDED)
        run = find_run(tmp_path)
        assert (load_job(run.job).base_model, load_job(run.job).bands) == (base_model, expected)
        shutil.rmtree(run.path)


def test_the_users_layers_are_as_they_were_after_a_run(dock, choices, wait_until):
    before = [feature.geometry().asWkt() for feature in choices.label_layer.getFeatures()]
    choices.label_layer.startEditing()
    dock.train_requested.emit(choices)
    wait_until(lambda: dock.state is DockState.ENDED)
    assert [feature.geometry().asWkt() for feature in choices.label_layer.getFeatures()] == before
    assert choices.label_layer.isEditable()
    assert not choices.label_layer.isModified()


def test_bad_input_is_told_in_the_dock_and_leaves_no_folder(dock, choices, tmp_path):
    dock.train_requested.emit(Choices(None, choices.label_layer))
    assert dock.state is DockState.ENDED
    assert "No raster is chosen." in read_message(dock)
    dock.train_requested.emit(Choices(choices.raster_layer, None))
    assert "No labels are chosen." in read_message(dock)
    assert not (tmp_path / "footprint_tuner_runs").exists()


def test_a_run_that_fails_is_told_in_the_dock_and_in_qgis(dock, choices, wait_until, window, monkeypatch):
    monkeypatch.setenv("STAND_IN", "fails")
    dock.train_requested.emit(choices)
    wait_until(lambda: dock.state is DockState.ENDED)
    assert "No label touches the raster." in read_message(dock)
    assert any("No label touches the raster." in text for text in window.read_messages())


def test_a_killed_worker_is_told_with_its_stage_and_resume_finishes_the_run(
    dock, choices, project, wait_until, monkeypatch, tmp_path
):
    monkeypatch.setenv("STAND_IN", "dies in predict")
    dock.train_requested.emit(choices)
    wait_until(lambda: dock.state is DockState.ENDED)
    assert '"predict"' in read_message(dock)
    assert read_tree(project) == {}
    monkeypatch.setenv("STAND_IN", "")
    dock.findChild(QPushButton, "resumeButton").click()
    assert dock.state is DockState.RUNNING
    wait_until(lambda: dock.state is DockState.ENDED)
    assert len(read_tree(project)[find_run(tmp_path).path.name]) == 3


def test_a_run_that_is_finished_twice_has_one_group_with_its_layers_once(dock, choices, project, wait_until, tmp_path):
    dock.train_requested.emit(choices)
    wait_until(lambda: dock.state is DockState.ENDED)
    run = find_run(tmp_path)
    run.report.unlink()
    dock.resume_requested.emit(str(run.path))
    assert dock.state is DockState.RUNNING
    wait_until(lambda: dock.state is DockState.ENDED)
    assert [len(layers) for layers in read_tree(project).values()] == [3]


def test_a_folder_without_a_run_cannot_be_resumed(dock, tmp_path):
    dock.resume_requested.emit(str(tmp_path))
    assert "cannot be resumed" in read_message(dock)


def test_no_run_begins_while_another_one_is_traced_anew(open_dock, environment, choices, window):
    dock, controller = open_dock()
    controller.reviewer.is_busy = True
    dock.train_requested.emit(choices)
    assert [text for text in window.read_messages() if "running already" in text]
    assert dock.state is DockState.IDLE


def test_a_second_click_while_a_run_is_under_way_is_refused_with_a_sentence(
    dock, choices, wait_until, window, monkeypatch, tmp_path
):
    monkeypatch.setenv("STAND_IN", "silent in tune")
    dock.train_requested.emit(choices)
    dock.train_requested.emit(choices)
    dock.setup_requested.emit()
    assert [text for text in window.read_messages() if "running already" in text]
    assert dock.state is DockState.RUNNING
    find_run(tmp_path)  # there is one only
    dock.cancel_requested.emit()
    wait_until(lambda: dock.state is DockState.ENDED)


def test_stop_and_keep_the_best_lets_the_run_go_to_its_end(dock, choices, wait_until, monkeypatch):
    monkeypatch.setenv("STAND_IN", "silent in predict")
    dock.train_requested.emit(choices)
    wait_until(lambda: dock.chart.epochs)
    dock.finish_requested.emit()
    wait_until(lambda: dock.state is DockState.ENDED)
    assert "0.750" in dock.findChild(QLabel, "afterLabel").text()


def test_a_cancelled_run_can_be_resumed(dock, choices, wait_until, monkeypatch, project):
    monkeypatch.setenv("STAND_IN", "silent in predict")
    dock.train_requested.emit(choices)
    wait_until(lambda: dock.chart.epochs)
    dock.findChild(QPushButton, "cancelButton").click()
    wait_until(lambda: dock.state is DockState.ENDED)
    assert "cancelled" in read_message(dock)
    assert not dock.findChild(QPushButton, "resumeButton").isHidden()
    assert read_tree(project) == {}


def test_a_run_shows_in_qgiss_task_manager_and_can_be_cancelled_there(dock, choices, wait_until, monkeypatch):
    monkeypatch.setenv("STAND_IN", "silent in tune")
    dock.train_requested.emit(choices)
    wait_until(lambda: [task for task in QgsApplication.taskManager().activeTasks() if task.progress() > 40])
    (task,) = QgsApplication.taskManager().activeTasks()
    assert "town_" in task.description()
    task.cancel()
    wait_until(lambda: dock.state is DockState.ENDED)
    wait_until(lambda: QgsApplication.taskManager().countActiveTasks() == 0)
    assert "cancelled" in read_message(dock)


def test_a_finished_runs_task_ends_too(dock, choices, wait_until):
    dock.train_requested.emit(choices)
    wait_until(lambda: dock.state is DockState.ENDED)
    wait_until(lambda: QgsApplication.taskManager().countActiveTasks() == 0)


def test_stopping_in_mid_run_waits_for_the_worker_and_shows_nothing_more(
    environment, open_dock, choices, wait_until, monkeypatch, count_workers
):
    monkeypatch.setenv("STAND_IN", "silent in tune")
    dock, controller = open_dock()
    dock.train_requested.emit(choices)
    wait_until(lambda: count_workers() == 1)
    controller.stop()
    assert count_workers() == 0
    wait_until(lambda: QgsApplication.taskManager().countActiveTasks() == 0)
    assert dock.state is DockState.RUNNING


def test_a_check_says_that_all_is_well_and_leaves_nothing(dock, choices, wait_until, window, tmp_path):
    dock.check_requested.emit(choices)
    wait_until(lambda: dock.state is not DockState.RUNNING)
    assert dock.state is DockState.IDLE
    assert any("can be used" in text for text in window.read_messages())
    assert not (tmp_path / "footprint_tuner_runs").exists()


def test_a_checks_findings_stay_in_the_dock_and_lead_to_the_map(dock, choices, wait_until, window, project):
    window.canvas.setDestinationCrs(choices.raster_layer.crs())
    dock.check_requested.emit(choices)
    wait_until(lambda: dock.state is DockState.IDLE)
    twins, tiny = dock.findingList.rows
    assert (twins.finding.kind, tiny.finding.kind) == ("twins", "tiny")
    twins.zoomButton.click()
    assert window.canvas.extent().contains(QgsPointXY(500006, 2999992))
    dock.findingList.findingsLayerButton.click()
    assert [layer.featureCount() for layer in project.mapLayersByName("Findings of the check")] == [1]


def test_the_shift_reaches_the_runs_job(dock, choices, wait_until, tmp_path):
    dock.train_requested.emit(replace(choices, settings=Settings(shift_east_m=-2.5, shift_north_m=1.0)))
    wait_until(lambda: dock.state is DockState.ENDED)
    settings = load_job(find_run(tmp_path).job).settings
    assert (settings.shift_east_m, settings.shift_north_m) == (-2.5, 1.0)


def test_a_check_tells_what_is_in_the_way(dock, choices, wait_until, monkeypatch):
    monkeypatch.setenv("STAND_IN", "fails")
    dock.check_requested.emit(choices)
    wait_until(lambda: dock.state is DockState.ENDED)
    assert "No label touches the raster." in read_message(dock)


def test_notices_reach_qgiss_message_log(dock, choices, wait_until):
    said = []
    log = QgsApplication.messageLog()
    log.messageReceived.connect(lambda text, tag, _level: said.append((tag, text)))
    dock.train_requested.emit(choices)
    wait_until(lambda: dock.state is DockState.ENDED)
    assert ("Footprint Tuner", "2 invalid labels were repaired for this run.") in said


def test_a_set_up_goes_from_the_button_to_the_form(no_environment, open_dock, wait_until, monkeypatch):
    def set_up(_environment, on_step, _is_cancelled):
        on_step(SetupStep("Installing", 1, 2, "torch"))
        return Verdict(True, "cpu", "x86", "Computes on the CPU.", "", {})

    monkeypatch.setattr(setup, "set_up", set_up)
    dock, _ = open_dock()
    dock.findChild(QPushButton, "setupButton").click()
    assert dock.state is DockState.SETTING_UP
    wait_until(lambda: dock.state is DockState.IDLE)
    assert QgsSettings().value("footprint_tuner/device_text") == "Computes on the CPU."


def test_a_set_up_that_fails_says_what_to_do_and_offers_itself_again(
    no_environment, open_dock, wait_until, window, monkeypatch
):
    def set_up(*_arguments):
        raise SetupError("The disk is full.", "Free 8 GB.")

    monkeypatch.setattr(setup, "set_up", set_up)
    dock, _ = open_dock()
    dock.findChild(QPushButton, "setupButton").click()
    wait_until(lambda: dock.state is DockState.NEEDS_SETUP)
    assert any("The disk is full. Free 8 GB." in text for text in window.read_messages())


def test_the_link_to_a_folder_opens_it(dock, monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    dock.folder_opened.emit(str(tmp_path / "Büro 建物"))
    assert opened[0].toLocalFile() == str(tmp_path / "Büro 建物")


@pytest.fixture
def ended(dock, choices, wait_until):
    """The dock at the end of a run, whose report is shown."""
    dock.train_requested.emit(choices)
    wait_until(lambda: dock.state is DockState.ENDED)
    return dock


def choose_file(window, path):
    """Answer the question where to."""
    (dialog,) = window.mainWindow().findChildren(QFileDialog)
    dialog.fileSelected.emit(str(path))
    dialog.close()


def test_a_tuned_model_is_exported_to_the_file_that_was_chosen(ended, wait_until, window, tmp_path):
    run, out = find_run(tmp_path), tmp_path / "given away" / "town"
    out.parent.mkdir()
    ended.findChild(QPushButton, "exportButton").click()
    choose_file(window, out)
    written = out.with_name("town.onnx")
    wait_until(lambda: any(f"exported to {written}" in text for text in window.read_messages()))
    assert json.loads(written.read_text("utf-8"))["--model"] == str(run.card)
    assert any("by at most 2.0e-06" in text for text in window.read_messages())
    assert ended.state is DockState.ENDED


def test_an_export_that_fails_says_why_and_another_may_follow(ended, wait_until, window, monkeypatch, tmp_path):
    monkeypatch.setenv("STAND_IN", "fails")
    ended.export_requested.emit(str(find_run(tmp_path).path))
    choose_file(window, tmp_path / "town.onnx")
    sentence = "This network cannot be written as ONNX. Export only its card."
    wait_until(lambda: any(sentence in text for text in window.read_messages()))
    wait_until(lambda: not window.mainWindow().findChildren(QFileDialog))
    ended.export_requested.emit(str(find_run(tmp_path).path))
    assert window.mainWindow().findChildren(QFileDialog)


def test_one_model_is_exported_at_a_time_and_closing_qgis_ends_it(
    environment, open_dock, wait_until, window, monkeypatch, tmp_path, count_workers
):
    monkeypatch.setenv("STAND_IN", "silent in export")
    dock, controller = open_dock()
    dock.export_requested.emit(str(tmp_path))
    choose_file(window, tmp_path / "town.onnx")
    wait_until(lambda: count_workers() == 1)
    dock.export_requested.emit(str(tmp_path))
    assert any("exported already" in text for text in window.read_messages())
    controller.stop()
    assert count_workers() == 0
    assert not (tmp_path / "town.onnx").exists()
