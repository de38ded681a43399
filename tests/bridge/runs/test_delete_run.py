"""A run that is deleted: what is said before, and what is gone after."""

from __future__ import annotations

import pytest
from qgis.core import QgsVectorLayer
from qgis.PyQt.QtWidgets import QMessageBox, QPushButton

from footprint_tuner.plugin.bridge.layers.project_layers import move_to_trash
from footprint_tuner.plugin.bridge.runs import delete_run
from footprint_tuner.plugin.core.errors import RunError
from footprint_tuner.plugin.core.folder import RunFolder
from footprint_tuner.plugin.core.lock import hold_lock


@pytest.fixture
def dock(runs_controller):
    return runs_controller.dock


@pytest.fixture
def town(shown_town):
    return shown_town


def answer(window, delete):
    (box,) = window.mainWindow().findChildren(QMessageBox, "deleteRunBox")
    text = box.text() + box.informativeText()
    if delete:
        box.findChild(QPushButton, "deleteRunButton").click()
    else:
        box.reject()
    return text


def test_a_deletion_says_what_is_lost_and_a_no_keeps_the_run(look, town, make_real, window, wait_until):
    folder = make_real("first")
    (folder / "model.safetensors").write_bytes(b"x" * 2_000_000)
    for name in ("corrections.gpkg", "thesis.docx"):
        (folder / name).touch()
    child = make_real("second", job={"parent": str(folder)})
    look(2, folder).do("delete")
    (box,) = window.mainWindow().findChildren(QMessageBox, "deleteRunBox")
    wait_until(lambda: "MiB" in box.informativeText())
    text = answer(window, delete=False)
    assert "first" in text
    assert "tuned model" in text
    assert "will have no parent: second" in text
    assert "Your corrections are deleted, too: corrections.gpkg" in text
    assert "stay in its folder: thesis.docx" in text
    assert folder.exists()
    assert child.exists()


def test_a_trash_that_cannot_be_made_takes_nothing(own_home, make_run, monkeypatch):
    """Qt itself would move the run to the current folder."""
    (own_home / "data").touch()
    folder = make_run()
    monkeypatch.chdir(own_home)
    assert not move_to_trash(folder)
    assert (folder / "job.json").exists()
    assert sorted(path.name for path in own_home.iterdir()) == ["data"]


@pytest.fixture(params=[True, False], ids=["with a trash", "without one"])
def trash(request, monkeypatch, own_home):
    """Where the trash is, None where there is none."""
    if not request.param:
        monkeypatch.setattr(delete_run, "move_to_trash", lambda _: False)
    return own_home / "data" / "Trash" if request.param else None


def test_a_deleted_run_leaves_the_disk_the_project_and_the_table(
    look, runs_controller, town, make_real, project, window, wait_until, trash
):
    folder, other = make_real("first"), make_real("second")
    look(2, folder).do("open")
    assert len(project.mapLayers()) > 1
    page = look(2, folder)
    page.do("delete")
    assert "layers are removed from the project" in answer(window, delete=True)
    wait_until(lambda: [entry.path for entry in page.entries] == [other])
    assert not folder.exists()
    assert list(project.mapLayers().values()) == [town]
    assert project.layerTreeRoot().findGroup("first") is None
    assert runs_controller.reviewer.record is None
    assert project.readEntry("FootprintTuner", "/review", "")[0] == ""
    assert [path.name for path in folder.parent.iterdir()] == ["second"]
    said = "moved to the trash" if trash else "was deleted"
    assert any(said in message for message in window.read_messages())
    assert trash is None or (trash / "files" / "first" / "job.json").exists()


def test_a_run_that_goes_on_is_not_deleted(look, town, make_run, window):
    folder = make_run()
    page = look(1, folder)
    with hold_lock(folder / "run.lock", RunError("held")):
        page.do("delete")
    assert window.mainWindow().findChildren(QMessageBox) == []
    assert any("is still running" in message for message in window.read_messages())
    assert folder.exists()


@pytest.mark.parametrize("is_linked", [False, True])
def test_a_run_whose_layer_is_edited_is_not_deleted(look, town, make_real, project, window, tmp_path, is_linked):
    folder = make_real()
    (tmp_path / "link").symlink_to(folder.parent)
    way = tmp_path / "link" / folder.name if is_linked else folder
    layer = project.addMapLayer(QgsVectorLayer(str(way / "footprints.gpkg"), "Footprints"))
    assert layer.startEditing()
    look(1, folder).do("delete")
    assert any("is being edited" in message for message in window.read_messages())
    layer.rollBack()
    assert folder.exists()


def test_a_run_that_another_program_edits_is_not_deleted(look, town, make_real, window):
    folder = make_real()
    (folder / "corrections.gpkg-wal").touch()
    look(1, folder).do("delete")
    assert any("corrections.gpkg is being edited by another" in message for message in window.read_messages())
    assert folder.exists()


def test_a_run_that_has_just_begun_is_not_deleted(look, runs_controller, town, make_real, window, monkeypatch):
    folder = make_real()
    monkeypatch.setattr(runs_controller, "_run", type("Begun", (), {"folder": RunFolder(folder)})())
    look(1, folder).do("delete")
    assert any("is still running" in message for message in window.read_messages())
    monkeypatch.undo()
    assert folder.exists()
