"""A run that is deleted goes wholly or stays wholly."""

import shutil

import pytest

from plugin.core import discard
from plugin.core.discard import delete_run, measure_bytes
from plugin.core.errors import RunError
from plugin.core.folder import RunFolder
from plugin.core.history import find_runs
from plugin.core.lock import hold_lock


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
    with hold_lock(run / "run.lock", RunError("held")), pytest.raises(RunError, match="is going on"):
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
        broken.setattr(discard.shutil, "rmtree", lambda *_, **__: None)
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
