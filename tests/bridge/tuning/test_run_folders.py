"""Where runs live."""

from __future__ import annotations

import re

import pytest
from qgis.PyQt.QtCore import QStandardPaths

from footprint_tuner.plugin.bridge.tuning.run_folders import clean_name, make_output, make_run_folder
from footprint_tuner.plugin.core.errors import InputError


def save(project, folder):
    folder.mkdir()
    assert project.write(str(folder / "towns.qgs"))
    return folder


def block(folder):
    """Make runs impossible in a folder, for root too: their folder's name is taken by a file."""
    folder.mkdir(exist_ok=True)
    (folder / "footprint_tuner_runs").touch()
    return folder


@pytest.fixture
def documents(tmp_path, monkeypatch):
    made = tmp_path / "Documents"
    made.mkdir()
    monkeypatch.setattr(QStandardPaths, "writableLocation", lambda _place: str(made))
    monkeypatch.setenv("HOME", str(tmp_path))
    return made


def test_a_run_lies_beside_the_saved_project_named_after_raster_and_time(project, tmp_path):
    saved = save(project, tmp_path / "project")
    folder = make_run_folder(str(tmp_path / "town.tif"), project).path
    assert folder.parent == saved / "footprint_tuner_runs"
    assert re.fullmatch(r"town_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(_\d)?", folder.name)
    assert list(folder.iterdir()) == []


def test_a_run_of_an_unsaved_project_lies_beside_the_raster(project, tmp_path):
    folder = make_run_folder(str(tmp_path / "town.tif"), project).path
    assert folder.parent.parent == tmp_path


def test_a_run_lies_beside_the_raster_where_the_projects_folder_cannot_be_written(project, tmp_path):
    block(save(project, tmp_path / "project"))
    assert make_run_folder(str(tmp_path / "town.tif"), project).path.parent.parent == tmp_path


def test_a_run_lies_among_the_documents_where_neither_can_be_written(project, tmp_path, documents):
    rasters = block(tmp_path / "rasters")
    assert make_run_folder(str(rasters / "town.tif"), project).path.parent.parent == documents


def test_a_run_on_a_raster_in_an_archive_makes_no_folder_named_after_the_archives_path(project, tmp_path, documents):
    folder = make_run_folder(f"/vsizip/{tmp_path}/towns.zip/town.tif", project).path
    assert folder.parent.parent == documents


def test_no_writable_folder_at_all_is_told_with_a_next_step(project, tmp_path, documents):
    for folder in (documents, tmp_path, tmp_path / "rasters"):
        block(folder)
    with pytest.raises(InputError, match="No folder for the run can be written") as caught:
        make_run_folder(str(tmp_path / "rasters" / "town.tif"), project)
    assert "Save As" in caught.value.hint


def test_two_runs_in_the_same_second_have_folders_of_their_own(project, tmp_path):
    folders = {make_run_folder(str(tmp_path / "town.tif"), project).path for _ in range(5)}
    assert len(folders) == 5


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("Büro übersicht 建物", "Büro_übersicht_建物"),
        ("../../etc: *passwd?", "etc_passwd"),
        ("...", "run"),
        ("x" * 300, "x" * 60),
        ("ort-ho_1.v2", "ort-ho_1_v2"),
    ],
)
def test_names_are_made_such_that_every_file_system_takes_them(name, cleaned):
    assert clean_name(name) == cleaned


def test_footprints_lie_among_the_runs_and_take_no_name_that_is_there(project, tmp_path):
    saved = save(project, tmp_path / "project")
    first = make_output(str(tmp_path / "town.tif"), project)
    assert first.parent == saved / "footprint_tuner_runs"
    assert re.fullmatch(r"town_[\d_-]+_footprints\.gpkg", first.name)
    assert not first.exists()
    first.touch()
    assert make_output(str(tmp_path / "town.tif"), project) != first


def test_footprints_without_a_folder_that_can_be_written_are_refused(project, documents, tmp_path):
    block(save(project, tmp_path / "project"))
    for folder in (tmp_path, documents):
        block(folder)
    with pytest.raises(InputError, match="No file for footprints"):
        make_output(str(tmp_path / "town.tif"), project)
