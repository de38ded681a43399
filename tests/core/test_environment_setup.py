"""The set-up from nothing: uv from the index, the environment by uv, the smoke test, and the marker last."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from plugin.core import environment as subject
from plugin.core.environment import SetupCancelled, locate_environment, main
from tests.conftest import Reply
from tests.waiting import LIMIT_S, wait_until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the stand-in for uv is a shell script")


def has_text(path):
    return path.exists() and path.read_text(encoding="utf-8").endswith("\n")


def wait_for(path):
    wait_until(lambda: has_text(path))
    return path.read_text(encoding="utf-8").strip()


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.parametrize("form", ["json", "html"])
def test_from_nothing_the_environment_gets_ready_whatever_form_the_index_has(index, form):
    index.publish(form)
    steps = []
    verdict = index.run(steps)
    assert verdict.ok
    assert locate_environment().is_ready
    assert list(dict.fromkeys(step.name for step in steps)) == ["Finding uv", "Creating", "Installing", "Checking"]
    downloaded = [(step.done, step.total) for step in steps if step.name == "Finding uv"]
    assert downloaded[-1] == (len(index.wheel), len(index.wheel))
    assert [(step.done, step.total) for step in steps if step.name == "Installing"][-1] == (500, 500)
    assert steps[-1].text == "Ready: runs on the CPU."


def test_uv_installs_the_lock_by_hash_from_the_same_index_and_nothing_else(index):
    index.run()
    venv, install = (call for call in index.calls if call.startswith("uv "))
    folder = locate_environment().folder
    assert venv == f"uv --no-config --color never venv --no-project --clear --python cpython>=3.11,<3.15 {folder}"
    assert "--require-hashes --only-binary :all:" in install
    assert install.endswith(f"-r {subject.LOCK_FILE}")
    assert f"UV_DEFAULT_INDEX={index.server.locate('/simple')}" in (index.record / "environ").read_text(
        encoding="utf-8"
    )


def test_the_marker_is_written_last_and_tells_lock_python_and_time(index):
    index.run()
    assert index.calls[-1] == "python marker=no"
    marker = json.loads(locate_environment().marker.read_text(encoding="utf-8"))
    assert set(marker) == {"lock", "python", "when"}
    assert marker["python"] == "3.12.1"


def test_what_is_ready_is_only_tested_again(index):
    index.run()
    requests, calls = len(index.server.requests), len(index.calls)
    assert index.run().ok
    assert len(index.server.requests) == requests
    assert index.calls[calls:] == ["python marker=yes"]


def test_what_is_ready_but_broken_is_made_anew(index):
    index.run()
    broken = index.plant("python-is-broken")
    assert not index.run().ok
    assert not locate_environment().is_ready
    broken.unlink()
    assert index.run().ok
    assert locate_environment().is_ready
    assert len(index.server.requests) == 2  # uv itself was there and is used again


def test_a_failed_smoke_test_leaves_no_marker_and_says_why(index):
    index.plant("python-is-broken")
    verdict = index.run()
    assert not verdict.ok
    assert "no module named torch" in verdict.text
    assert not locate_environment().is_ready


def test_a_set_up_cancelled_while_uv_runs_stops_uv_and_the_next_one_starts_anew(index):
    hangs = index.plant("uv-hangs")
    with pytest.raises(SetupCancelled):
        index.run(is_cancelled=lambda: has_text(index.record / "pid"))
    assert not is_alive(wait_for(index.record / "pid"))
    assert not locate_environment().is_ready
    hangs.unlink()
    assert index.run().ok
    assert [call for call in index.calls if "--clear" in call] == [call for call in index.calls if " venv " in call]


def test_a_set_up_cancelled_while_the_download_stands_still_ends(index):
    index.file.wait = threading.Event()
    steps = []
    with pytest.raises(SetupCancelled):
        index.run(steps, is_cancelled=lambda: any(step.done for step in steps))
    index.file.wait.set()
    assert index.calls == []


def test_a_set_up_cancelled_before_the_index_answers_ends(index):
    answers = threading.Event()
    index.server.replies["/simple/uv/"] = lambda _headers: answers.wait(LIMIT_S) and Reply(status=404)
    with pytest.raises(SetupCancelled):
        index.run(is_cancelled=lambda: bool(index.server.requests))
    answers.set()


def test_two_set_ups_at_once_are_told_apart(index):
    hangs = index.plant("uv-hangs")
    first = threading.Thread(target=index.run)
    first.start()
    wait_for(index.record / "pid")
    error = index.fail("Another set-up is running")
    assert "Wait" in error.hint
    hangs.unlink()
    first.join(LIMIT_S)
    assert locate_environment().is_ready


def test_a_set_up_whose_process_was_killed_is_redone_once_its_uv_has_ended(index):
    hangs = index.plant("uv-hangs")
    lock = subject.UV_LOCK_FILE
    code = (
        "import sys, pathlib; from plugin.core import environment as e;"
        f"e.UV_LOCK_FILE = pathlib.Path({str(lock)!r}); sys.exit(e.main(['set-up']))"
    )
    killed = subprocess.Popen([sys.executable, "-c", code], cwd=subject.PLUGIN_ROOT, stderr=subprocess.DEVNULL)
    pid = wait_for(index.record / "pid")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    index.fail("Another set-up is running")
    hangs.unlink()
    wait_until(lambda: not is_alive(pid))
    assert not locate_environment().is_ready
    assert index.run().ok


def test_the_folder_that_qgis_was_started_in_may_have_gone(index, tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    index.monkeypatch.chdir(folder)
    folder.rmdir()
    assert index.run().ok
    assert "cwd=" + str(locate_environment().folder.parent) in index.calls


def test_a_lock_file_that_nobody_holds_is_no_obstacle(index):
    home = locate_environment().folder.parent
    home.mkdir(parents=True)
    (home / "set-up.lock").write_text("12345", encoding="utf-8")
    assert index.run().ok


def test_a_home_that_cannot_be_made_is_named_with_the_way_out(index, tmp_path):
    (tmp_path / "a file").write_text("", encoding="utf-8")
    index.monkeypatch.setenv("FOOTPRINT_TUNER_HOME", str(tmp_path / "a file" / "home"))
    assert "FOOTPRINT_TUNER_HOME" in index.fail("cannot be written").hint


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_as_such(index):
    environment = locate_environment()
    environment.folder.parent.mkdir(parents=True)
    environment.log.symlink_to("/dev/full")
    assert "free some space" in index.fail("disk of .* is full").hint


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("error: failed to write\n  cause: No space left on device (os error 28)", "The disk is full"),
        ("error: No interpreter found for CPython >=3.11, <3.15 in search path", "No Python from 3.11 to 3.14"),
        ("error: Hash mismatch for `torch==2.15.0`", "does not match its pinned checksum"),
        ("error: error sending request\n  cause: dns error", "could not be downloaded"),
        ("error: invalid peer certificate: UnknownIssuer", "certificate is not trusted"),
        ("error: HTTP status client error (401 Unauthorized)", "refused the sign-in"),
        ("note\nerror: something never seen before", "uv ended with exit code 2: error: something never seen before"),
        ("Something without a sign", "uv ended with exit code 2: Something without a sign"),
    ],
)
def test_what_stops_uv_is_told_with_a_next_step_and_the_log(index, said, expected):
    index.plant("uv-says", f"{said}\n")
    error = index.fail(f"Installing: .*{expected}")
    assert str(locate_environment().log) in error.hint
    assert said.split("\n")[0] in locate_environment().log.read_text(encoding="utf-8")


def test_the_command_line_sets_up_once_and_prints_the_interpreter_alone(index, capsys):
    assert main(["python"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{locate_environment().python}\n"
    assert "Installing: Installed 2 packages" in printed.err
    calls = len(index.calls)
    assert main(["set-up"]) == 0
    assert capsys.readouterr().err == ""
    assert len(index.calls) == calls
    assert main(["check"]) == 0
    assert "Ready" in capsys.readouterr().out


def test_the_command_line_fails_with_a_sentence_and_a_hint(index, capsys):
    index.plant("python-is-broken")
    assert main(["set-up"]) == 1
    assert "no module named torch" in capsys.readouterr().err
    assert main(["python"]) == 1
    assert capsys.readouterr().out == ""
