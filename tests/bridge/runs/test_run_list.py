"""The tab of runs with its controller: found, read, opened, compared, repeated, sent and deleted on the disk."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from qgis.core import (
    QgsProject,
    QgsSettings,
)
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QFileDialog

from footprint_tuner.plugin.bridge.runs import run_list
from footprint_tuner.plugin.bridge.tuning.run_folders import keep_added, list_added, list_places
from footprint_tuner.plugin.core.atomic_file import locate_passing
from footprint_tuner.plugin.core.run_list import BROKEN_OFF, FINISHED
from footprint_tuner.ui.dock import DockState
from tests.conftest import make_report


@pytest.fixture
def dock(runs_controller):
    return runs_controller.dock


@pytest.fixture
def town(shown_town):
    return shown_town


def test_runs_are_looked_for_where_they_are_made_and_where_the_user_said(project, town, tmp_path, own_home):
    project.write(str(own_home / "towns.qgs"))
    keep_added(["/maps/others", "/maps/others"])
    assert list_places(project) == [
        own_home / "footprint_tuner_runs",
        own_home / "Documents" / "footprint_tuner_runs",
        tmp_path / "footprint_tuner_runs",
        Path("/maps/others"),
    ]
    QgsSettings().setValue("footprint_tuner/run_folders", "{")
    assert list_added() == []


def test_nothing_is_read_before_the_tab_is_looked_at(dock, town, make_run, monkeypatch, wait_until):
    read = []
    monkeypatch.setattr(run_list, "find_runs", lambda places, _: read.append(places) or [])
    make_run()
    dock.tabs.setCurrentWidget(dock.reviewTab)
    QTest.qWait(700)  # longer than the pause after a change of the project
    assert read == []
    dock.tabs.setCurrentWidget(dock.runsTab)
    wait_until(lambda: read)


def test_the_runs_beside_the_projects_raster_are_shown(look, town, make_run):
    make_run("one")
    make_run("two", without=["report.json"])
    page = look(2)
    assert {entry.name: entry.status for entry in page.entries} == {"one": FINISHED, "two": BROKEN_OFF}


def test_a_folder_that_is_added_is_looked_into_remembered_and_forgotten(look, dock, make_run, tmp_path, wait_until):
    make_run("far", runs=tmp_path / "elsewhere" / "results")
    page = look(0)
    page.place_added.emit(str(tmp_path / "elsewhere" / "results"))
    wait_until(lambda: len(page.entries) == 1)
    assert list_added() == [str(tmp_path / "elsewhere" / "results")]
    page.place_removed.emit(list_added()[0])
    wait_until(lambda: not page.entries)
    assert list_added() == []


def test_a_run_that_vanishes_while_it_is_listed_is_told(look, town, make_run):
    folder = make_run()
    page = look(1, folder)
    shutil.rmtree(folder)
    page.note_edited.emit(str(folder), "too late")
    assert "any more" in page.runsLine.text()
    look(0)
    assert "No run was found" in page.runsLine.text()


def test_a_run_is_opened_for_review(look, dock, runs_controller, town, make_real, project):
    folder = make_real()
    look(1, folder).do("open")
    assert dock.tabs.currentWidget() is dock.reviewTab
    assert runs_controller.reviewer.record.folder.path == folder
    assert project.layerTreeRoot().findGroup(folder.name) is not None


def test_a_note_is_written_and_shown(look, town, make_run):
    folder = make_run()
    page = look(1, folder)
    page.note_edited.emit(str(folder), "good 🏠")
    assert (folder / "note.txt").read_text("utf-8") == "good 🏠\n"
    assert page.entries[0].note == "good 🏠"


def test_a_note_in_a_folder_that_cannot_be_written_is_refused(look, town, make_run):
    folder = make_run()
    locate_passing(folder, "note.txt").write_text("no folder")
    page = look(1, folder)
    page.note_edited.emit(str(folder), "text")
    assert "could not be written" in page.runsLine.text()
    assert page.entries[0].note == ""


def test_two_runs_on_different_ground_are_not_compared_and_it_says_why(look, town, make_run):
    pair = make_run("one"), make_run("two", report=make_report(left=33.0))
    page = look(2, *pair)
    page.do("compare")
    assert "different areas" in page.runsLine.text()
    assert "the other's areas" in page.runsLine.text()


def test_the_size_of_a_run_is_measured_beside_the_work(look, town, make_run, wait_until):
    folder = make_run()
    (folder / "model.safetensors").write_bytes(b"x" * 3_000_000)
    page = look(1, folder)
    wait_until(lambda: "2.9 MiB" in page.runsLine.text() or "3 MiB" in page.runsLine.text())


def test_a_run_is_sent_as_a_zip(look, town, make_real, window, wait_until, tmp_path):
    folder = make_real()
    look(1, folder).do("send")
    (dialog,) = (each for each in window.mainWindow().findChildren(QFileDialog) if each.isVisible())
    assert "without imagery" in dialog.windowTitle()
    dialog.fileSelected.emit(str(tmp_path / "sent.zip"))
    dialog.close()
    wait_until(lambda: any("was written to" in message for message in window.read_messages()))
    assert json.loads(zipfile.ZipFile(tmp_path / "sent.zip").read(f"{folder.name}/job.json"))["raster"] == "town.tif"


def test_a_zip_that_cannot_be_written_is_told(look, town, make_real, window, wait_until, tmp_path):
    folder = make_real()
    look(1, folder).do("send")
    (dialog,) = (each for each in window.mainWindow().findChildren(QFileDialog) if each.isVisible())
    dialog.fileSelected.emit(str(folder / "inside.zip"))
    dialog.close()
    wait_until(lambda: any("into the run's own folder" in message for message in window.read_messages()))
    assert not (folder / "inside.zip").exists()


def test_a_finished_run_joins_the_table_that_is_looked_at(look, dock, town, make_labels, project, wait_until):
    page = look(0)
    labels = project.addMapLayer(make_labels())
    dock.formPage.rasterCombo.setLayer(town)
    dock.formPage.labelCombo.setLayer(labels)
    dock.train_requested.emit(dock.read_choices())
    wait_until(lambda: dock.state is DockState.ENDED)
    dock.tabs.setCurrentWidget(dock.runsTab)
    wait_until(lambda: len(page.entries) == 1)


def test_hundreds_of_runs_are_read_while_qgis_goes_on(look, town, make_run):
    first = make_run("run_0")
    for number in range(1, 450):
        shutil.copytree(first, first.with_name(f"run_{number}"))
    page = look(450, first)
    assert [entry.path for entry in page.chosen] == [first]


def test_stopping_in_the_middle_of_reading_and_twice_is_quiet(runs_controller, dock, town, make_run):
    first = make_run("run_0")
    for number in range(1, 100):
        shutil.copytree(first, first.with_name(f"run_{number}"))
    dock.tabs.setCurrentWidget(dock.runsTab)
    runs_controller._runs.stop()
    runs_controller._runs.stop()
    QgsProject.instance().clear()
    assert dock.runsPage.entries == []
