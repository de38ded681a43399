"""One worker at a time in a folder, and no lock that outlives its holder."""

import subprocess
import sys
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from plugin.core import lock
from plugin.core.errors import RunError
from plugin.core.lock import hold_lock, is_held

REFUSAL = RunError("Another worker is running here.", "Wait for it.")
HOLDER = """
import sys
from pathlib import Path
from plugin.core.errors import RunError
from plugin.core.lock import hold_lock
with hold_lock(Path(sys.argv[1]), RunError("held", "")):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def hold_elsewhere(tmp_path, root):
    """Return a function that lets another process hold the lock."""
    holders = []

    def hold():
        command = [sys.executable, "-c", HOLDER, str(tmp_path / "run.lock")]
        holder = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holders.append(holder)
        assert holder.stdout.readline() == b"held\n"
        return holder

    yield hold
    for holder in holders:
        holder.kill()
        holder.communicate()


def test_a_second_process_is_refused_with_what_the_caller_says(tmp_path, hold_elsewhere):
    hold_elsewhere()
    with pytest.raises(RunError) as caught, hold_lock(tmp_path / "run.lock", REFUSAL):
        pass
    assert caught.value is REFUSAL


def test_a_second_holder_in_the_same_process_is_refused_too(tmp_path):
    with hold_lock(tmp_path / "run.lock", REFUSAL), pytest.raises(RunError), hold_lock(tmp_path / "run.lock", REFUSAL):
        pass


def test_the_lock_is_free_once_its_holder_has_ended(tmp_path, hold_elsewhere):
    holder = hold_elsewhere()
    holder.communicate()
    with hold_lock(tmp_path / "run.lock", REFUSAL):
        pass


def test_the_lock_is_free_once_its_holder_was_killed(tmp_path, hold_elsewhere):
    holder = hold_elsewhere()
    holder.kill()
    holder.communicate()
    with hold_lock(tmp_path / "run.lock", REFUSAL):
        pass


def test_the_lock_is_let_go_when_the_work_breaks_off(tmp_path):
    with pytest.raises(KeyError), hold_lock(tmp_path / "run.lock", REFUSAL):
        raise KeyError
    with hold_lock(tmp_path / "run.lock", REFUSAL):
        pass


def test_a_lock_file_that_was_left_behind_is_no_lock(tmp_path):
    (tmp_path / "run.lock").write_text("4711", "utf-8")
    with hold_lock(tmp_path / "run.lock", REFUSAL):
        pass


def test_a_program_started_under_the_lock_does_not_keep_it(tmp_path):
    """A browser opened by a run, say, must not hold the run's folder for ever."""
    with hold_lock(tmp_path / "run.lock", REFUSAL):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with hold_lock(tmp_path / "run.lock", REFUSAL):
            pass
    finally:
        child.communicate(b"\n")


def test_looking_whether_a_lock_is_held_makes_and_changes_nothing(tmp_path, hold_elsewhere):
    assert not is_held(tmp_path / "run.lock")
    assert list(tmp_path.iterdir()) == []
    holder = hold_elsewhere()
    assert is_held(tmp_path / "run.lock")
    holder.communicate()
    assert not is_held(tmp_path / "run.lock")


def test_one_that_only_looks_does_not_keep_a_worker_from_its_lock(tmp_path, monkeypatch):
    """A look holds the lock for a moment: it is over in the first pause of whoever wants the lock."""
    look = ExitStack()
    look.enter_context(hold_lock(tmp_path / "run.lock", REFUSAL))
    pauses = []
    monkeypatch.setattr(lock, "time", SimpleNamespace(sleep=lambda seconds: (pauses.append(seconds), look.close())))
    with hold_lock(tmp_path / "run.lock", REFUSAL):
        assert len(pauses) == 1
