"""What the dock says goes when its cause goes, and a run that cannot begin leaves nothing."""

from __future__ import annotations

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsFeature
from qgis.PyQt.QtWidgets import QLabel, QPushButton

from footprint_tuner.plugin.core.folder import RunFolder
from footprint_tuner.ui.dock import DockState


def read_message(dock):
    return dock.findChild(QLabel, "messageLabel").text()


def find_run(tmp_path):
    (found,) = (tmp_path / "footprint_tuner_runs").iterdir()
    return RunFolder(found)


@pytest.fixture
def dock(environment, open_dock):
    """The dock on a machine whose environment is ready."""
    return open_dock()[0]


@pytest.fixture
def chosen(dock, choices):
    """The dock with both layers chosen in its form."""
    dock.formPage.rasterCombo.setLayer(choices.raster_layer)
    dock.formPage.labelCombo.setLayer(choices.label_layer)
    return dock


def refuse(dock, wait_until, monkeypatch):
    monkeypatch.setenv("STAND_IN", "refuses")
    dock.formPage.trainButton.click()
    wait_until(lambda: dock.state is DockState.ENDED)
    assert read_message(dock) == "No label touches the raster."


def test_a_run_whose_inputs_are_refused_leaves_no_folder_and_no_resume(chosen, wait_until, monkeypatch, tmp_path):
    refuse(chosen, wait_until, monkeypatch)
    assert chosen.findChild(QPushButton, "resumeButton").isHidden()
    assert chosen.findChild(QPushButton, "runFolderButton").isHidden()
    assert not (tmp_path / "footprint_tuner_runs").exists()


def test_a_refused_run_leaves_others_and_what_is_not_its_own(chosen, wait_until, monkeypatch, tmp_path):
    (tmp_path / "footprint_tuner_runs" / "another").mkdir(parents=True)
    refuse(chosen, wait_until, monkeypatch)
    assert [path.name for path in (tmp_path / "footprint_tuner_runs").iterdir()] == ["another"]


def test_a_run_that_is_resumed_and_refused_keeps_its_folder(chosen, wait_until, monkeypatch, tmp_path):
    monkeypatch.setenv("STAND_IN", "dies in base")
    chosen.formPage.trainButton.click()
    wait_until(lambda: chosen.state is DockState.ENDED)
    monkeypatch.setenv("STAND_IN", "refuses")
    chosen.resume_requested.emit(str(find_run(tmp_path).path))
    wait_until(lambda: chosen.state is DockState.ENDED)
    assert find_run(tmp_path).job.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda dock, layer: dock.formPage.labelCombo.setLayer(None),
        lambda dock, layer: layer.startEditing() and layer.deleteFeature(1),
        lambda dock, layer: layer.selectByIds([1]),
        lambda dock, layer: layer.setCrs(QgsCoordinateReferenceSystem("EPSG:32644")),
        lambda dock, layer: dock.formPage.settingsGroup.heldOutSpin.setValue(40),
    ],
    ids=["labels", "edit", "selection", "crs", "settings"],
)
def test_a_refusal_goes_when_what_was_refused_has_changed(chosen, choices, wait_until, monkeypatch, change):
    refuse(chosen, wait_until, monkeypatch)
    change(chosen, choices.label_layer)
    assert read_message(chosen) == ""


def test_a_layer_without_a_coordinate_system_is_told_until_it_has_one(chosen, choices):
    choices.label_layer.setCrs(QgsCoordinateReferenceSystem())
    chosen.formPage.trainButton.click()
    assert "has no coordinate system" in read_message(chosen)
    choices.label_layer.setCrs(QgsCoordinateReferenceSystem("EPSG:32645"))
    assert read_message(chosen) == ""


def test_a_raster_without_a_coordinate_system_is_told_until_it_is_read_anew(chosen, make_raster, project, tmp_path):
    raster = project.addMapLayer(make_raster(path=tmp_path / "none.tif", epsg=0))
    chosen.formPage.rasterCombo.setLayer(raster)
    for repair in (raster.reload, lambda: raster.setDataSource(raster.source(), raster.name(), "gdal")):
        chosen.formPage.trainButton.click()
        assert "has no coordinate system" in read_message(chosen)
        repair()
        assert read_message(chosen) == ""


@pytest.mark.parametrize(
    "change",
    [
        lambda raster, labels: (labels.startEditing(), labels.addFeature(QgsFeature(labels.fields()))),
        lambda raster, labels: labels.reload(),
        lambda raster, labels: raster.reload(),
        lambda raster, labels: raster.setDataSource(raster.source(), "another", "gdal"),
    ],
    ids=["edit", "read anew", "raster read anew", "raster of another file"],
)
def test_what_a_check_found_says_that_the_layers_have_changed_since(chosen, choices, wait_until, change):
    title = chosen.findingList.findingsTitle
    for _ in range(2):
        chosen.formPage.checkButton.click()
        wait_until(lambda: chosen.state is DockState.IDLE)
        assert not chosen.findingList.isHidden()
        assert "changed" not in title.text()
        choices.label_layer.selectByIds([1])
        assert "changed" not in title.text()
        change(choices.raster_layer, choices.label_layer)
        change(choices.raster_layer, choices.label_layer)
        assert title.text().count("(before the layers were changed)") == 1


def test_nothing_begins_with_all_labels_while_only_selected_ones_are_asked_for(chosen, choices, tmp_path):
    choices.label_layer.selectByIds([1])
    chosen.formPage.selectedCheck.setChecked(True)
    choices.label_layer.removeSelection()
    chosen.formPage.trainButton.click()
    assert read_message(chosen).startswith("Nothing is selected in the label layer")
    assert not (tmp_path / "footprint_tuner_runs").exists()
    chosen.formPage.selectedCheck.click()
    assert read_message(chosen) == ""


def test_a_new_project_shows_nothing_of_the_one_before(chosen, wait_until, project):
    chosen.formPage.trainButton.click()
    wait_until(lambda: chosen.state is DockState.ENDED)
    assert not chosen.reportPage.isHidden()
    project.clear()
    assert chosen.state is DockState.IDLE
    assert chosen.reportPage.isHidden()
    assert chosen.chart.isHidden()
    assert chosen.noticeList.notices == []


def test_a_run_that_can_be_resumed_is_offered_in_a_new_project_too(chosen, wait_until, monkeypatch, project, tmp_path):
    monkeypatch.setenv("STAND_IN", "dies in tune")
    chosen.formPage.trainButton.click()
    wait_until(lambda: chosen.state is DockState.ENDED)
    project.clear()
    assert not chosen.findChild(QPushButton, "resumeButton").isHidden()
    assert read_message(chosen) == f"The run {find_run(tmp_path).path.name} was not finished."
