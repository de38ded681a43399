"""The worker's end of the protocol: events out, orders in. Each worker here is a real process with real pipes."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import pytest

from plugin.core.events import (
    Cancelled,
    Failed,
    Finding,
    Finished,
    Notice,
    Progress,
    StageStarted,
    Started,
    parse_event,
)
from plugin.worker.runtime import channel
from plugin.worker.runtime.channel import Channel
from plugin.worker.runtime.progress import CancelRequested
from tests.worker.spawn import BOUND_S

PRELUDE = """
import os, sys, threading, time
from plugin.core.events import Finished, Notice, Started
from plugin.worker.runtime import channel as subject
from plugin.worker.runtime.channel import Channel
from plugin.worker.runtime.progress import CancelRequested
def wait(channel, is_over=lambda: False):
    while not is_over():
        channel.raise_if_cancelled()
        time.sleep(0.01)
def read_all():
    for thread in threading.enumerate():
        if thread.name == "lifeline":
            thread.join()
"""
#: What is the very start for a worker that does not get its turn: as long as it takes, or nothing.
LONG, NONE = "subject._SILENCE_S = 600", "subject._SILENCE_S = 0"
READ_ALL = "w = Channel(); read_all(); w.raise_if_cancelled(); w.emit(Finished())"


@pytest.fixture
def start(root):
    """Return a function that starts a worker with the given program; its output is text."""
    started = []

    def start(program, stdin=subprocess.PIPE, **options):
        command = [sys.executable, "-c", PRELUDE + textwrap.dedent(program)]
        pipes = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, cwd=root, encoding="utf-8", **pipes, **options)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        with contextlib.suppress(ValueError):  # a pipe that the test has closed
            process.communicate()


def read_events(text):
    return [parse_event(line) for line in text.splitlines()]


def test_what_the_worker_says_is_one_event_a_line(start):
    out, _ = start(
        'w = Channel(); w.emit(Started("r")); w.start_stage("check"); w.send_notice("Ünï", "cödé", "warning")'
    ).communicate()
    assert read_events(out) == [Started("r"), StageStarted("check"), Notice("warning", "Ünï", "cödé")]


def test_a_stray_print_does_not_spoil_the_events(start):
    """Not one of Python's, nor one that a C library writes to the descriptor itself, nor one of a child's."""
    out, err = start("""
        import subprocess
        w = Channel()
        print("python prints")
        os.write(1, b"a library prints\\n")
        subprocess.run([sys.executable, "-c", "print('a child prints')"])
        w.emit(Finished())
    """).communicate()
    assert [type(event).__name__ for event in read_events(out)] == ["Finished"]
    assert all(word in err for word in ("python prints", "a library prints", "a child prints"))


def test_what_was_printed_before_the_events_began_is_not_lost(start):
    out, _ = start('print("early", end="\\n"); w = Channel(); w.emit(Finished())').communicate()
    assert out.splitlines()[0] == "early"


def test_an_output_for_people_holds_no_events(start):
    out, _ = start('w = Channel(is_spoken=False); w.emit(Finished()); print("3 footprints")').communicate()
    assert out == "3 footprints\n"


def test_every_event_goes_to_the_runs_file_as_well(tmp_path):
    first = Channel(is_spoken=False, listens=False)
    first.emit(Started("too early"))
    first.copy_to(tmp_path / "events.jsonl")
    first.start_stage("tune")
    again = Channel(is_spoken=False, listens=False)
    again.copy_to(tmp_path / "events.jsonl")
    again.start_stage("tune", resumed=True)
    lines = (tmp_path / "events.jsonl").read_text("utf-8")
    assert read_events(lines) == [StageStarted("tune"), StageStarted("tune", resumed=True)]


def test_an_input_that_was_at_its_end_from_the_start_is_left_alone(start):
    process = start(f"{LONG}; {READ_ALL}", stdin=subprocess.DEVNULL)
    out, _ = process.communicate()
    assert [type(event).__name__ for event in read_events(out)] == ["Finished"]


def test_an_input_that_ends_at_once_and_holds_no_order_is_left_alone(start):
    """Such as the list of jobs that a shell's loop reads from."""
    process = start(f"{LONG}; {READ_ALL}")
    out, _ = process.communicate("job2.json\njob3.json\n")
    assert '"finished"' in out


def test_an_input_that_is_closed_from_the_start_is_left_alone(start):
    process = start(f"{LONG}; {READ_ALL}", preexec_fn=lambda: os.close(0))
    assert '"finished"' in process.communicate()[0]


def test_an_input_that_ends_later_cancels(start):
    process = start(f"""
        {NONE}
        w = Channel()
        w.start_stage("tune")
        try:
            wait(w)
        except CancelRequested:
            w.send_notice("heard")
    """)
    assert '"stage"' in process.stdout.readline()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.stdin.close()
    assert '"heard"' in process.stdout.read()


def test_an_input_that_ends_in_the_first_moment_cancels_where_a_follower_had_proved_itself(start):
    """A QGIS that is killed just after it has started a worker leaves no orphan."""
    process = start("w = Channel(); w.start_stage('check'); wait(w)")
    process.stdin.write("follow\n")
    process.stdin.close()
    assert process.wait(BOUND_S) == 1
    assert '"stage"' in process.stdout.read()


@pytest.mark.parametrize("text", ["cancel\n", "follow\ncancel\n", "dance\n\n  cancel \n", "cancel\r\n"])
def test_the_order_to_cancel_is_heard_among_others(start, text):
    process = start("""
        w = Channel()
        try:
            wait(w)
        except CancelRequested:
            w.send_notice("heard")
    """)
    process.stdin.write(text)
    process.stdin.flush()
    assert '"heard"' in process.stdout.readline()


def test_an_order_that_comes_in_pieces_is_heard_once_it_is_whole(start):
    process = start("w = Channel(); w.start_stage('tune'); wait(w, lambda: w.finish_requested); w.send_notice('heard')")
    process.stdout.readline()
    for piece in ("fin", "ish"):
        process.stdin.write(piece)
        process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
    process.stdin.write("\n")
    process.stdin.flush()
    assert '"heard"' in process.stdout.readline()


def test_the_order_to_finish_is_heard_and_is_no_cancel(start):
    process = start("""
        w = Channel()
        wait(w, lambda: w.finish_requested)
        time.sleep(0.1)
        w.raise_if_cancelled()
        w.emit(Finished())
    """)
    process.stdin.write("finish\n")
    process.stdin.flush()
    assert '"finished"' in process.stdout.readline()


def test_a_worker_deep_in_a_native_call_ends_after_the_cancel(start):
    process = start("w = Channel(); w.start_stage('predict'); time.sleep(600)")
    process.stdout.readline()
    process.stdin.write("cancel\n")
    process.stdin.flush()
    assert process.wait(BOUND_S) == 1
    assert read_events(process.stdout.read()) == [Cancelled("predict")]


def test_the_mercy_before_a_hard_end_is_short_enough_for_a_cancel_within_two_seconds():
    assert channel._MERCY_S < 2


def test_a_worker_whose_follower_reads_no_more_goes_on_to_where_it_may_end(start):
    process = start("""
        w = Channel()
        w.start_stage("tune")
        wait(w, lambda: w.finish_requested)
        for _ in range(1000):
            w.send_notice("x" * 1000)
        os._exit(7)
    """)
    process.stdout.readline()
    process.stdout.close()
    process.stdin.write("finish\n")
    process.stdin.flush()
    assert process.wait(BOUND_S) == 7
    process.stdout = None


def test_a_terminal_is_no_lifeline(start):
    """A person may send the worker to the background there; what is typed is for the shell."""
    try:
        controller, terminal = pty.openpty()
    except OSError as error:
        pytest.skip(f"this machine gives no terminal: {error}")
    process = start(READ_ALL, stdin=terminal)
    os.write(controller, b"cancel\n\x04")
    out, _ = process.communicate()
    os.close(controller)
    os.close(terminal)
    assert '"finished"' in out


def interrupt(process):
    """Press Ctrl+C, and again where it fell between opening and reading: Python hears it when the reading is over.

    Once the worker has said something it has heard, and takes as long to end as it takes.
    """
    for _ in range(20):
        process.send_signal(signal.SIGINT)
        if select.select([process.stdout], [], [], 5)[0]:
            return


def heed_interrupts():
    """A shell starts what it puts into the background deaf to Ctrl+C, and so would be all that the tests start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_is_a_cancel_and_not_a_fault(root, tmp_path):
    """Sent while the job waits for its labels, which come through a pipe that stays empty."""
    os.mkfifo(tmp_path / "job.json")
    command = [sys.executable, "-m", "plugin.worker", "check", str(tmp_path / "job.json")]
    process = subprocess.Popen(
        command,
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=heed_interrupts,  # noqa: PLW1509 - no thread of this test's holds a lock
    )
    with (tmp_path / "job.json").open("w"):  # opens once the worker is about to read
        interrupt(process)
        out, err = process.communicate()
    assert process.returncode == 1
    assert read_events(out) == [Cancelled("")]
    assert err.splitlines()[-1].startswith("Cancelled.")


def test_progress_is_told_some_times_a_second_at_most_and_its_end_always(ear, monkeypatch):
    clock = iter(range(100_000, 200_000))
    monkeypatch.setattr(channel, "time", SimpleNamespace(monotonic=lambda: next(clock) / 100))
    ear.channel.start_stage("predict")
    for step in range(1, 1001):  # in ten seconds
        ear.channel.report(step / 1000)
    told = [event for event in ear.events if isinstance(event, Progress)]
    assert 40 <= len(told) <= 51
    assert told[-1] == Progress("predict", 1.0, 0.0)


def test_progress_hears_a_cancel(ear):
    ear.channel._cancelled.set()
    with pytest.raises(CancelRequested):
        ear.channel.report(0.5)


def test_the_stage_is_known_for_a_failure(ear):
    ear.channel.start_stage("trace")
    ear.channel.emit(Failed("It broke.", "Mend it.", ear.channel.stage))
    assert ear.events[-1].stage == "trace"


def test_json_for_programs_is_ascii_whatever_the_code_page(root):
    code = "from plugin.worker.runtime.channel import print_json; print_json({'title': 'Dächer → Häuser'})"
    environ = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    out = subprocess.run([sys.executable, "-c", code], cwd=root, env=environ, capture_output=True, check=True).stdout
    assert json.loads(out.decode("ascii")) == {"title": "Dächer → Häuser"}


def test_a_cancel_comes_too_late_for_what_must_not_be_broken_off(start):
    process = start("""
        w = Channel()
        w.start_stage("write")
        with w.past_cancel():
            w.send_notice("begun")
            w._cancelled.wait()
            time.sleep(subject._MERCY_S + 0.5)
            w.emit(Finished())
    """)
    process.stdin.write("follow\n")
    process.stdin.flush()
    assert [process.stdout.readline() for _ in range(2)][1].count("begun")
    process.stdin.write("cancel\n")
    process.stdin.flush()
    rest = process.stdout.read()
    assert [type(event) for event in read_events(rest)] == [Finished]
    assert process.wait(BOUND_S) == 0


def test_a_cancel_that_came_before_keeps_it_from_being_begun():
    channel_ = Channel(is_spoken=False, listens=False)
    channel_._cancelled.set()
    with pytest.raises(CancelRequested), channel_.past_cancel():
        pytest.fail("it was begun")


def test_a_cancel_that_nobody_hears_leaves_nothing_half_made(start, tmp_path):
    process = start(f"""
        from pathlib import Path
        from plugin.core.atomic_file import replacing
        w = Channel()
        with replacing(Path({str(tmp_path)!r}, "out.gpkg")) as partial:
            partial.touch()
            w.start_stage("trace")
            time.sleep(600)
    """)
    process.stdin.write("follow\ncancel\n")
    process.stdin.flush()
    assert process.wait(BOUND_S) == 1
    assert isinstance(read_events(process.stdout.read())[-1], Cancelled)
    assert list(tmp_path.iterdir()) == []


def test_notices_and_findings_are_a_line_each_on_standard_error(capfd):
    channel = Channel(is_spoken=False, listens=False)
    channel.send_notice("Two\nlines \x1b[31mof a file's name.", "Do this.")
    channel.emit(Finding("thin", "advice", "Few labels.", "Add some."))
    channel.emit(Finding("blank", "stop", "No imagery.", "Choose another."))
    channel.emit(Finding("other", "stop", "Another reason."))
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines() == ["Two lines  [31mof a file's name. Do this.", "Few labels. Add some.", "Another reason."]
    assert [notice.hint for notice in channel.notices] == ["Do this."]
