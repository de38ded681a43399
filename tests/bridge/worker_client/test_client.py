"""The three ways to talk to the worker: the same environment, QGIS's proxy and death for each."""

from __future__ import annotations

import ast
import json
import signal
import sys
import threading
from pathlib import Path

import pytest
from qgis.PyQt.QtCore import QObject

from footprint_tuner.plugin.bridge.worker_client.background import BackgroundJobs
from footprint_tuner.plugin.bridge.worker_client.client import WorkerClient
from footprint_tuner.plugin.bridge.worker_client.conversation import Conversation
from footprint_tuner.plugin.core.child_process import SetupCancelled
from footprint_tuner.plugin.core.errors import RunError, SetupError
from footprint_tuner.plugin.core.worker_death import describe_death

SAY_ENVIRON = """
import json, os
print(json.dumps({"event": "finished", "files": dict(os.environ)}))
print(json.dumps(dict(os.environ)), flush=True)
"""
DEATHS = {
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    "crashed": ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
    "exited": ("os._exit(9)", 9),
}


@pytest.fixture
def make_client(environment, tmp_path):
    """Return a function that makes a client whose worker is a small program."""

    def make(program):
        script = tmp_path / "worker.py"
        script.write_text(f"import os, signal, sys, time\n{program}\n", "utf-8")
        environment.python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}"\n', "utf-8")
        return WorkerClient(environment)

    return make


@pytest.fixture
def converse(wait_until):
    """Return a function that starts a conversation, waits for its first word or its end, and returns both."""
    owner = QObject()

    def begin(client):
        conversation, lines, endings = client.converse(["review"], owner), [], []
        conversation.heard.connect(lines.append)
        conversation.ended.connect(lambda *ending: endings.append(ending))
        conversation.start()
        wait_until(lambda: lines or endings)
        return lines, endings

    yield begin
    for conversation in owner.findChildren(Conversation):
        conversation.stop()
        conversation.wait()
    owner.deleteLater()


def test_the_proxy_and_the_environment_are_the_same_for_all_three(make_client, converse, set_proxy, tmp_path):
    set_proxy(proxyEnabled=True, proxyType="HttpProxy", proxyHost="proxy.example", proxyPort="3128")
    client = make_client(SAY_ENVIRON)
    run = client.run(["run"], tmp_path / "log.txt", lambda _: None).event.files
    asked = client.ask(["liken"])
    lines, _ = converse(client)
    conversed = json.loads(lines[0])["files"]
    for seen in (run, asked, conversed):
        assert seen["HTTPS_PROXY"] == seen["HTTP_PROXY"] == "http://proxy.example:3128"
        assert not [name for name in seen if name.startswith("QGIS_")]
        del seen["PWD"]  # the shell's, which starts the program
    assert run == asked == conversed


@pytest.mark.parametrize(("program", "code"), DEATHS.values(), ids=DEATHS)
def test_a_death_is_told_the_same_by_all_three(make_client, converse, tmp_path, program, code):
    client = make_client(program)
    assert client.run(["run"], tmp_path / "log.txt", lambda _: None).message == describe_death(code)
    with pytest.raises(RunError) as caught:
        client.ask(["liken"])
    assert caught.value.message == describe_death(code)
    assert caught.value.hint
    _, ((message, hint),) = converse(client)
    assert message == describe_death(code)
    assert hint


def test_without_an_environment_all_three_name_the_set_up(make_client, environment, tmp_path):
    client = make_client(SAY_ENVIRON)
    environment.marker.unlink()
    ways = (
        lambda: client.run(["run"], tmp_path / "log.txt", print),
        lambda: client.ask(["liken"]),
        lambda: client.converse(["review"], QObject()),
    )
    for way in ways:
        with pytest.raises(SetupError) as caught:
            way()
        assert "Set up" in caught.value.hint


def test_an_answer_may_follow_events_and_the_log_and_take_several_lines(make_client):
    client = make_client(
        """
import json
print("2026-01-01 WARNING a line of the log", file=sys.stderr, flush=True)
print(json.dumps({"event": "stage", "stage": "check"}))
print(json.dumps({"f1": 0.5, "runs": [{"name": "a"}]}, indent=2))
"""
    )
    assert client.ask(["score"]) == {"f1": 0.5, "runs": [{"name": "a"}]}


def test_a_command_that_says_why_it_failed_is_quoted(make_client):
    with pytest.raises(RunError) as caught:
        make_client('print("a line of the log"); sys.exit("The file is broken. Choose another.")').ask(["score"])
    assert caught.value.message == "The file is broken. Choose another."


def test_a_question_hears_a_cancel_while_the_worker_is_silent(make_client):
    cancelled = threading.Event()
    threading.Timer(0.3, cancelled.set).start()
    with pytest.raises(SetupCancelled):
        make_client("time.sleep(600)").ask(["liken"], cancelled.is_set)


def test_jobs_that_are_dropped_or_stopped_are_waited_for_and_not_answered(wait_until):
    jobs, answers, ended = BackgroundJobs(), [], []

    def work(tell, is_cancelled):
        while not is_cancelled():
            tell("still here")
        ended.append(True)

    dropped = jobs.start(work, answers.append)
    assert jobs.is_busy
    dropped.drop()
    assert not jobs.is_busy
    wait_until(lambda: ended)
    jobs.start(work, answers.append, answers.append)
    jobs.stop()
    assert len(ended) == 2
    ticks = []
    wait_until(lambda: ticks.append(1) or len(ticks) > 20)
    assert answers == []


def test_there_are_two_kinds_of_threads_and_one_place_that_knows_the_environment(root):
    found = {"QThread": [], "add_proxy(": [], "worker_environ(": []}
    for path in sorted(Path(root, "plugin", "bridge").rglob("*.py")):
        source = path.read_text("utf-8")
        found["QThread"] += [
            node.name
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.ClassDef) and {"QThread", "BackgroundThread"} & {ast.unparse(b) for b in node.bases}
        ]
        for call in ("add_proxy(", "worker_environ("):
            found[call] += [path.name] if call in source and f"def {call}" not in source else []
    assert found == {
        "QThread": ["BackgroundThread", "RunThread"],
        "add_proxy(": ["client.py"],
        "worker_environ(": ["client.py"],
    }
