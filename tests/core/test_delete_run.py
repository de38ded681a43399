"""A run that is deleted goes wholly or stays wholly."""

import json
import shutil

import pytest

from plugin.core import delete_run as module
from plugin.core.delete_run import delete_run, list_edited, list_kept, measure_bytes
from plugin.core.errors import RunError
from plugin.core.folder import RunFolder
from plugin.core.lock import hold_lock
from plugin.core.run_list import find_runs


def test_a_deleted_run_leaves_nothing(make_run, tmp_path):
    run = make_run("town")
    make_run("other")
    assert not delete_run(RunFolder(run))
    assert [path.name for path in run.parent.iterdir()] == ["other"]


def test_a_run_that_the_trash_took_is_not_looked_for_again(make_run, tmp_path):
    run = make_run()
    trash = tmp_path / "trash"

    def move(path):
        shutil.move(path, trash)
        return True

    assert delete_run(RunFolder(run), move)
    assert (trash / "job.json").exists()
    assert not run.exists()


def test_a_run_that_goes_on_is_not_deleted(make_run):
    run = make_run()
    with hold_lock(run / "run.lock", RunError("held")), pytest.raises(RunError, match="is still running"):
        delete_run(RunFolder(run))
    assert (run / "job.json").exists()


def test_what_cannot_be_moved_stays_as_it_was(make_run, monkeypatch):
    run = make_run()

    def refuse(*_):
        raise PermissionError("read-only")

    monkeypatch.setattr(type(run), "rename", refuse)
    with pytest.raises(RunError, match="cannot be deleted: read-only"):
        delete_run(RunFolder(run))
    assert (run / "job.json").exists()


def test_half_a_deletion_is_no_run_and_the_next_one_finishes_it(make_run, monkeypatch, tmp_path):
    run, other = make_run("town"), make_run("other")
    with monkeypatch.context() as broken:
        broken.setattr(module.shutil, "rmtree", lambda *_, **__: None)
        delete_run(RunFolder(run))
    assert (run.parent / ".footprint_tuner_deleted_town" / "job.json").exists()
    assert list(find_runs([tmp_path])) == [other]
    delete_run(RunFolder(other))
    assert list(run.parent.iterdir()) == []


def test_a_run_that_has_gone_is_told(tmp_path):
    with pytest.raises(RunError, match="any more"):
        delete_run(RunFolder(tmp_path / "gone"))


def test_the_size_counts_every_file(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_bytes(b"x" * 1000)
    (tmp_path / "b").write_bytes(b"x" * 24)
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    size = (tmp_path / "broken").lstat().st_size
    assert measure_bytes(tmp_path) == 1024 + size
    assert measure_bytes(tmp_path / "gone") == 0
    assert measure_bytes(tmp_path, lambda: True) == 0


_STAGES = ("base", "tune", "predict", "trace", "score")


@pytest.fixture
def mixed(tmp_path):
    """A folder of the user's own with a job written by hand beside its inputs, what the run wrote, and other work."""
    folder = tmp_path / "maps" / "town"
    folder.mkdir(parents=True)
    job = {"raster": "town.tif", "labels": "labels.gpkg"}
    (folder / "job.json").write_text(json.dumps(job), "utf-8")
    for name in ("town.tif", "labels.gpkg", "thesis.docx", "labels.qml", "model.onnx"):
        (folder / name).write_text(f"the user's {name}")
    for name in ("footprints.gpkg", "probability.tif", "probability.tif.ovr", "footprints.part.gpkg", "report.json"):
        (folder / name).touch()
    (folder / "state.json").write_text(json.dumps({"job": "", "results": {stage: {} for stage in _STAGES}}), "utf-8")
    (folder / "retrace.part").mkdir()
    return RunFolder(folder)


def test_what_is_not_the_runs_is_named_and_stays(mixed):
    kept = ["labels.gpkg", "labels.qml", "model.onnx", "thesis.docx", "town.tif"]
    assert list_kept(mixed) == kept
    assert not delete_run(mixed)
    assert sorted(path.name for path in mixed.path.iterdir()) == kept
    assert (mixed.path / "labels.gpkg").read_text() == "the user's labels.gpkg"
    assert [path.name for path in mixed.path.parent.iterdir()] == ["town"]


def test_a_file_under_the_name_of_a_runs_that_no_run_has_written_stays(mixed):
    state = {"job": "", "results": {}, "files": {"report.json": "", "footprints.gpkg": "another digest"}}
    (mixed.path / "state.json").write_text(json.dumps(state), "utf-8")
    kept = {"probability.tif", "footprints.gpkg"}
    assert kept <= set(list_kept(mixed))
    delete_run(mixed)
    left = {path.name for path in mixed.path.iterdir()}
    assert kept <= left
    assert not {"report.json", "state.json", "job.json"} & left


def test_what_is_not_the_runs_stays_where_there_is_a_trash_too(mixed, tmp_path):
    taken = []
    assert delete_run(mixed, lambda path: taken.append(sorted(each.name for each in path.iterdir())) is None)
    assert "job.json" in taken[0]
    assert "thesis.docx" not in taken[0]
    assert (mixed.path / "thesis.docx").exists()


def test_where_one_file_cannot_be_moved_all_stay(mixed, monkeypatch):
    before = sorted(path.name for path in mixed.path.iterdir())
    rename, kind = type(mixed.path).rename, type(mixed.path)

    def refuse(path, target):
        if path.name == "report.json":
            raise PermissionError("in use")
        return rename(path, target)

    monkeypatch.setattr(kind, "rename", refuse)
    with pytest.raises(RunError, match="in use"):
        delete_run(mixed)
    assert sorted(path.name for path in mixed.path.iterdir()) == before
    assert [path.name for path in mixed.path.parent.iterdir()] == ["town"]


def test_the_inputs_that_qgis_wrote_for_a_run_of_the_plugin_go_with_it(make_run):
    run = make_run()
    (run / "report.pdf").touch()
    assert list_kept(RunFolder(run)) == ["report.pdf"]
    delete_run(RunFolder(run))
    assert [path.name for path in run.iterdir()] == ["report.pdf"]


def test_a_run_that_is_reached_by_a_link_goes_and_the_link_too(make_run, tmp_path):
    run = make_run()
    link = tmp_path / "link"
    link.symlink_to(run)
    delete_run(RunFolder(link))
    assert not run.exists()
    assert not link.is_symlink()


def test_what_was_corrected_by_hand_is_named(make_run):
    run = make_run()
    assert list_edited(RunFolder(run)) == []
    for name in ("corrections.gpkg", "footprints_edited.gpkg", "footprints_edited_2.gpkg"):
        (run / name).touch()
    assert list_edited(RunFolder(run)) == ["corrections.gpkg", "footprints_edited.gpkg", "footprints_edited_2.gpkg"]
