"""Following a worker: its endings are told apart, it is heard and obeyed, and nothing can make the follower hang.

The workers are small programs that speak the protocol; each is a real process with real pipes.
"""

import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from plugin.core import worker_process
from plugin.core.errors import RunError
from plugin.core.events import Finished, Progress, StageStarted, Started
from plugin.core.score import BuildingScore, Score
from plugin.core.worker_death import describe_death
from plugin.core.worker_process import WorkerProcess
from tests.waiting import LIMIT_S, wait_until

PRELUDE = """
import json, os, signal, subprocess, sys, threading, time
def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)
def read_orders():
    return [line.decode() for line in sys.stdin.buffer]
def wait_for(order):
    while (line := sys.stdin.readline()) and line.strip() != order:
        pass
    return bool(line)
"""


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """Return a function that makes a follower of a worker with the given program, and is patient with it."""
    monkeypatch.setattr(worker_process, "_GRACE_S", LIMIT_S)
    log = tmp_path / "log.txt"

    def make(program, prelude=PRELUDE):
        script = tmp_path / "worker.py"
        script.write_text(prelude + textwrap.dedent(program), "utf-8")
        return WorkerProcess([sys.executable, str(script)], dict(os.environ), log)

    make.log = log
    return make


def hear(follower):
    """Follow to the end and return the events and the ending."""
    heard = []
    return heard, follower.run(heard.append)


# -- endings ----------------------------------------------------------------------------------------------------------


def test_a_worker_that_has_done_its_work_is_finished(worker):
    heard, ending = hear(
        worker("""
            say("started", run="r")
            say("stage", stage="check")
            say("progress", stage="check", done=0.5)
            scores = [{"building": {"f1": f1}} for f1 in (0.2, 0.8)]
            say("finished", files={"footprints": "f.gpkg"}, before=scores[0], after=scores[1])
        """)
    )
    before, after = (Score(building=BuildingScore(f1=f1)) for f1 in (0.2, 0.8))
    finished = Finished({"footprints": "f.gpkg"}, before, after)
    assert heard == [Started("r"), StageStarted("check"), Progress("check", 0.5), finished]
    assert (ending.kind, ending.event) == ("finished", finished)


def test_a_worker_that_finished_is_finished_even_if_it_crashes_on_its_way_out(worker):
    _, ending = hear(worker('say("finished"); os.kill(os.getpid(), signal.SIGSEGV)'))
    assert ending.kind == "finished"


def test_a_worker_that_heard_the_cancel_is_cancelled(worker):
    follower = worker("""
        say("stage", stage="tune")
        wait_for("cancel")
        say("cancelled", stage="tune")
        sys.exit(1)
    """)
    ending = follower.run(lambda event: follower.cancel())
    assert (ending.kind, ending.stage) == ("cancelled", "tune")
    assert ending.message
    assert ending.hint


def test_a_worker_that_dies_of_the_cancel_is_cancelled_all_the_same(worker):
    follower = worker('say("stage", stage="base"); wait_for("cancel"); os._exit(9)')
    assert follower.run(lambda event: follower.cancel()).kind == "cancelled"


def test_a_worker_that_gives_up_says_why_and_what_to_do(worker):
    _, ending = hear(
        worker("""
            say("stage", stage="check")
            say("failed", message="No label touches the raster.", hint="Choose others.", stage="check")
            sys.exit(1)
        """)
    )
    assert (ending.kind, ending.stage) == ("failed", "check")
    assert (ending.message, ending.hint) == ("No label touches the raster.", "Choose others.")


def test_a_worker_that_ends_without_a_word_has_died_and_its_code_stage_and_last_words_are_told(worker):
    _, ending = hear(
        worker("""
            say("stage", stage="predict")
            print("first word", *range(40), "last word", sep="\\n", file=sys.stderr)
            sys.exit(3)
        """)
    )
    assert (ending.kind, ending.stage) == ("died", "predict")
    assert "exit code 3" in ending.message
    assert "Resume" in ending.hint
    assert ending.log_tail.endswith("last word")
    assert "first word" not in ending.log_tail


def test_a_worker_that_ends_with_code_0_but_without_a_word_has_died_too(worker):
    _, ending = hear(worker("pass"))
    assert ending.kind == "died"


def test_a_worker_that_was_killed_is_said_to_have_run_out_of_memory_probably(worker):
    _, ending = hear(worker('say("stage", stage="tune"); os.kill(os.getpid(), signal.SIGKILL)'))
    assert (ending.kind, ending.stage) == ("died", "tune")
    assert "probably because the machine ran out of memory" in ending.message
    assert "batch size" in ending.hint


def test_a_worker_that_crashed_is_told_by_its_signal(worker):
    _, ending = hear(worker("os.kill(os.getpid(), signal.SIGSEGV)"))
    assert ending.kind == "died"
    assert "signal 11" in ending.message


def test_a_crash_on_windows_is_told_as_one():
    assert "crashed (error 0xc0000005)" in describe_death(0xC0000005)


def test_the_last_words_of_an_earlier_run_are_not_taken_for_this_ones(worker):
    worker.log.write_text("an old error\n", "utf-8")
    _, ending = hear(worker('print("a new error", file=sys.stderr); sys.exit(1)'))
    assert ending.log_tail == "a new error"
    assert worker.log.read_text("utf-8") == "an old error\na new error\n"


def test_a_worker_that_cannot_be_started_is_told_with_a_next_step(tmp_path):
    with pytest.raises(RunError, match="could not be started") as caught:
        hear(WorkerProcess([str(tmp_path / "no-python"), "-m", "plugin.worker"], {}, tmp_path / "log.txt"))
    assert "Set up" in caught.value.hint


def test_a_log_that_cannot_be_written_is_told_with_a_next_step(tmp_path):
    with pytest.raises(RunError, match="log cannot be written") as caught:
        hear(WorkerProcess([sys.executable, "-c", ""], {}, tmp_path / "missing" / "log.txt"))
    assert caught.value.hint


# -- orders -----------------------------------------------------------------------------------------------------------


def test_a_follower_proves_itself_at_the_start_so_that_its_end_is_noticed_from_the_first_moment(worker):
    heard, _ = hear(worker('say("notice", level="info", message=sys.stdin.readline())'))
    assert heard[0].message == "follow\n"


def test_an_order_given_before_the_start_arrives_after_the_follower_has_proved_itself(worker):
    follower = worker("""
        say("notice", level="info", message=sys.stdin.readline() + sys.stdin.readline())
        say("cancelled")
    """)
    follower.cancel()
    heard, ending = hear(follower)
    assert heard[0].message == "follow\ncancel\n"
    assert ending.kind == "cancelled"


def test_the_order_to_finish_arrives_and_the_worker_may_go_on(worker):
    follower = worker("""
        say("stage", stage="tune")
        say("finished", files={"order": "finish"} if wait_for("finish") else {})
    """)
    ending = follower.run(lambda event: isinstance(event, StageStarted) and follower.finish())
    assert (ending.kind, ending.event.files) == ("finished", {"order": "finish"})


def test_a_silent_worker_still_hears_the_cancel(worker):
    follower = worker("""
        say("stage", stage="base")
        wait_for("cancel")
        say("cancelled", stage="base")
    """)
    begun = threading.Event()
    thread = threading.Thread(target=lambda: (begun.wait() and time.sleep(0.3)) or follower.cancel())
    thread.start()
    ending = follower.run(lambda event: begun.set())
    thread.join()
    assert ending.kind == "cancelled"


@pytest.mark.parametrize(("wish", "kind"), [("is_cancelled", "cancelled"), ("is_finishing", "finished")])
def test_a_silent_worker_hears_what_its_follower_is_asked_for(worker, wish, kind):
    follower = worker("""
        say("stage", stage="tune")
        order = sys.stdin.readline() and sys.stdin.readline().strip()
        say("cancelled") if order == "cancel" else say("finished", files={"order": order})
    """)
    begun = threading.Event()
    ending = follower.run(lambda event: begun.set(), **{wish: begun.is_set})
    assert ending.kind == kind


def test_a_stubborn_worker_is_killed_after_the_grace(worker, monkeypatch):
    monkeypatch.setattr(worker_process, "_GRACE_S", 0.5)
    follower = worker('say("notice", level="info", message=str(os.getpid())); time.sleep(600)')
    heard = []
    ending = follower.run(lambda event: (heard.append(event), follower.cancel()))
    assert ending.kind == "cancelled"
    with pytest.raises(ProcessLookupError):
        os.kill(int(heard[0].message), 0)


def test_a_stubborn_worker_that_never_stops_talking_is_killed_all_the_same(worker, monkeypatch):
    monkeypatch.setattr(worker_process, "_GRACE_S", 0.5)
    follower = worker("""
        while True:
            say("progress", stage="tune", done=0.1)
            time.sleep(0.01)
    """)
    assert follower.run(lambda event: follower.cancel()).kind == "cancelled"


def test_the_workers_input_is_closed_at_the_end_so_that_one_that_hangs_on_it_ends(worker):
    """The output is at its end, the worker lives on: it reads until there is nothing more to come."""
    _, ending = hear(
        worker("""
            say("stage", stage="write")
            sys.stdout.flush()
            os.close(1)
            read_orders()
            os._exit(5)
        """)
    )
    assert ending.kind == "died"
    assert "exit code 5" in ending.message


def test_a_worker_is_not_left_alone_when_the_listener_fails(worker):
    pids = []

    def fail(event):
        pids.append(int(event.message))
        raise KeyError

    with pytest.raises(KeyError):
        worker('say("notice", level="info", message=str(os.getpid())); read_orders()').run(fail)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


# -- what must not make it hang or stumble ----------------------------------------------------------------------------


def test_a_worker_that_floods_its_standard_error_does_not_block(worker):
    _, ending = hear(
        worker("""
            for _ in range(2000):
                print("x" * 1000, file=sys.stderr)
            say("finished")
        """)
    )
    assert ending.kind == "finished"
    assert worker.log.stat().st_size >= 2_000_000


def test_a_stray_line_is_passed_over(worker):
    heard, ending = hear(
        worker("""
            print("Downloading: 100%")
            print('{"event": "sang"}')
            sys.stdout.buffer.write(b"\\xff\\xfe no text\\n")
            say("stage", stage="check")
            print("{")
            say("finished")
        """)
    )
    assert [type(event) for event in heard] == [StageStarted, Finished]
    assert ending.kind == "finished"


def test_a_last_line_without_its_end_is_heard(worker):
    _, ending = hear(worker("""sys.stdout.write('{"event": "finished"}')"""))
    assert ending.kind == "finished"


def test_a_worker_that_said_its_last_word_but_does_not_end_is_not_waited_for(worker, monkeypatch):
    """A driver that hangs while it is unloaded must not leave the user before a running bar."""
    monkeypatch.setattr(worker_process, "_GRACE_S", 0.5)
    _, ending = hear(worker('say("finished"); time.sleep(600)'))
    assert ending.kind == "finished"


def test_a_child_of_a_dead_worker_that_holds_its_output_is_not_waited_for(worker, monkeypatch, tmp_path):
    monkeypatch.setattr(worker_process, "_GRACE_S", 0.5)
    _, ending = hear(
        worker(f"""
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdin=subprocess.DEVNULL)
            open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
            say("stage", stage="tune")
            os.kill(os.getpid(), signal.SIGKILL)
        """)
    )
    os.kill(int((tmp_path / "pid").read_text()), 9)
    assert (ending.kind, ending.stage) == ("died", "tune")


def test_the_worker_gets_the_environment_that_it_was_given_and_no_other(tmp_path, monkeypatch):
    monkeypatch.setenv("QGIS_SECRET", "1")
    script = "import os, json; print(json.dumps({'event': 'finished', 'files': dict(os.environ)}), flush=True)"
    ending = WorkerProcess([sys.executable, "-c", script], {"GIVEN": "1"}, tmp_path / "log.txt").run(lambda event: None)
    assert ending.event.files["GIVEN"] == "1"
    assert "QGIS_SECRET" not in ending.event.files


def test_when_the_follower_is_killed_the_workers_input_ends(tmp_path, root):
    """The lifeline of a real QGIS that dies: the worker must see the end of its input at once."""
    worker = f"import sys; sys.stdin.read(); open({str(tmp_path / 'gone')!r}, 'w').close()"
    program = f"""
import os, sys
from pathlib import Path
from plugin.core.worker_process import WorkerProcess
script = {worker!r}
command = [sys.executable, "-c", "print('{{\\"event\\": \\"stage\\", \\"stage\\": \\"tune\\"}}', flush=True);" + script]
WorkerProcess(command, dict(os.environ), Path({str(tmp_path / "log.txt")!r})).run(lambda event: os.kill(os.getpid(), 9))
"""
    assert subprocess.run([sys.executable, "-c", program], cwd=root).returncode == -9
    wait_until((tmp_path / "gone").exists)
