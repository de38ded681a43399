"""The thread that follows a worker: every ending is told apart, and nothing is left behind."""

from __future__ import annotations

import json

import pytest
from qgis.PyQt.QtCore import QCoreApplication, QThread

from footprint_tuner.plugin.bridge.layers.layer_checks import take_areas, take_labels
from footprint_tuner.plugin.bridge.tuning.run_folders import make_run_folder
from footprint_tuner.plugin.bridge.tuning.run_inputs import prepare_delivery
from footprint_tuner.plugin.bridge.worker_client import client
from footprint_tuner.plugin.bridge.worker_client.background import BackgroundThread
from footprint_tuner.plugin.bridge.worker_client.run_thread import RunThread
from footprint_tuner.plugin.core import worker_process
from footprint_tuner.plugin.core.child_process import SetupCancelled
from footprint_tuner.plugin.core.environment import SetupStep
from footprint_tuner.plugin.core.errors import InputError, RunError, SetupError
from footprint_tuner.plugin.core.events import STAGES, Cancelled, Finished, Notice, Progress, StageStarted, Started
from footprint_tuner.plugin.core.job import DEFAULT_BASE_MODEL, Settings, load_job
from footprint_tuner.plugin.core.paths import Environment
from tests.waiting import LIMIT_S


class Listener:
    """Hears a RunThread on the main thread."""

    def __init__(self, run):
        self.events, self.endings, self.threads = [], [], set()
        run.told.connect(self.hear)
        run.ended.connect(self.end)

    def hear(self, event):
        self.events.append(event)
        self.threads.add(QThread.currentThread() is QCoreApplication.instance().thread())

    def end(self, ending):
        self.endings.append(ending)

    def is_in(self, stage):
        return any(isinstance(event, Progress) and event.stage == stage for event in self.events)


@pytest.fixture
def start(environment, make_raster, make_labels, project, monkeypatch):
    """Return a function that starts a run whose worker behaves as told."""
    started = []

    def begin(behaviour="", labels=None, areas=None, folder=None):
        monkeypatch.setenv("STAND_IN", behaviour)
        inputs = None
        if folder is None:
            taken = take_labels(labels or make_labels())
            ground = areas and take_areas(areas)
            raster = make_raster()
            inputs = prepare_delivery(raster, taken, ground, DEFAULT_BASE_MODEL, Settings(epochs=2))
            folder = make_run_folder(raster.source(), project)
        run = RunThread(environment, folder, inputs and inputs.write_to)
        listener = Listener(run)
        started.append(run)
        run.start()
        return run, listener

    yield begin
    for run in started:
        run.cancel()
        run.wait()


def test_a_run_that_goes_to_its_end_tells_every_event_on_the_main_thread(start, wait_until, count_workers):
    run, heard = start()
    wait_until(lambda: heard.endings)
    assert isinstance(heard.events[0], Started)
    assert [event.stage for event in heard.events if isinstance(event, StageStarted)] == list(STAGES)
    assert isinstance(heard.events[-1], Finished)
    assert heard.threads == {True}
    (ending,) = heard.endings
    assert ending.kind == "finished"
    assert ending.event.after.building.f1 == 0.75
    assert "now in tune" in run.folder.log.read_text("utf-8")
    run.wait()
    assert count_workers() == 0


def test_a_runs_folder_holds_the_job_the_labels_and_the_areas(start, wait_until, make_labels, tmp_path):
    areas = make_labels(fields="&field=role:string", values=["training", "held-out"])
    run, heard = start(areas=areas)
    wait_until(lambda: heard.endings)
    saved = json.loads(run.folder.job.read_text("utf-8"))
    assert (saved["labels"], saved["areas"]) == ("labels.gpkg", "areas.gpkg")
    job = load_job(run.folder.job)
    assert job.raster == str(tmp_path / "town.tif")
    assert job.labels == str(run.folder.labels)
    assert (job.labels_layer, job.areas_layer) == ("labels", "areas")
    assert job.name == run.folder.path.name
    assert job.settings.epochs == 2
    assert run.folder.labels.exists()
    assert run.folder.areas.exists()


def test_a_run_that_fails_hands_on_the_workers_sentence_and_next_step(start, wait_until):
    _, heard = start("fails")
    wait_until(lambda: heard.endings)
    (ending,) = heard.endings
    assert (ending.kind, ending.message) == ("failed", "No label touches the raster.")
    assert ending.hint == "Choose labels of the same place."


@pytest.mark.parametrize("stage", STAGES)
def test_a_worker_killed_in_a_stage_is_told_with_the_stage_and_can_be_resumed(start, wait_until, stage):
    run, heard = start(f"dies in {stage}")
    wait_until(lambda: heard.endings)
    (ending,) = heard.endings
    assert (ending.kind, ending.stage) == ("died", stage)
    assert "memory" in ending.message
    assert "Resume" in ending.hint
    assert f"now in {stage}" in ending.log_tail
    assert run.folder.is_resumable
    resumed, again = start(folder=run.folder)
    wait_until(lambda: again.endings)
    assert again.endings[0].kind == "finished"
    assert resumed.folder.report.exists()


@pytest.mark.parametrize("stage", STAGES)
def test_a_cancel_is_heard_while_the_worker_is_silent(start, wait_until, count_workers, monkeypatch, stage):
    monkeypatch.setattr(worker_process, "_GRACE_S", LIMIT_S)  # nothing but the order ends it
    run, heard = start(f"silent in {stage}")
    wait_until(lambda: heard.is_in(stage))
    run.cancel()
    wait_until(lambda: heard.endings)
    assert heard.events[-1] == Cancelled(stage)
    assert (heard.endings[0].kind, heard.endings[0].stage) == ("cancelled", stage)
    run.wait()
    assert count_workers() == 0


def test_a_worker_that_hears_no_cancel_is_killed_and_the_run_counts_as_cancelled(start, wait_until, count_workers):
    run, heard = start("deaf in tune")
    wait_until(lambda: heard.is_in("tune"))
    run.cancel()
    wait_until(lambda: heard.endings)
    assert heard.endings[0].kind == "cancelled"
    run.wait()
    assert count_workers() == 0


def test_a_finish_reaches_a_silent_worker_and_the_run_goes_to_its_end(start, wait_until):
    run, heard = start("silent in tune")
    wait_until(lambda: heard.is_in("tune"))
    run.finish()
    wait_until(lambda: heard.endings)
    assert heard.endings[0].kind == "finished"


def test_a_cancel_before_the_labels_are_copied_leaves_no_folder_and_starts_no_worker(start, wait_until, make_labels):
    labels = make_labels(*["POLYGON((0 0,1 0,1 1,0 0))"] * 5000)
    run, heard = start(labels=labels)
    run.cancel()
    wait_until(lambda: heard.endings)
    assert heard.endings[0].kind == "cancelled"
    assert not any(isinstance(event, Started) for event in heard.events)
    assert not run.folder.path.exists()


def test_labels_that_turn_out_to_be_empty_fail_the_run_and_leave_no_folder(start, wait_until, make_labels):
    run, heard = start(labels=make_labels(None, None))
    wait_until(lambda: heard.endings)
    assert heard.endings[0].kind == "failed"
    assert "is empty" in heard.endings[0].message
    assert not run.folder.path.exists()


def test_labels_without_a_polygon_are_told_before_the_worker_starts(start, wait_until, make_labels, square):
    _, heard = start(labels=make_labels(square(0), None))
    wait_until(lambda: heard.endings)
    assert isinstance(heard.events[0], Notice)
    assert "1 features without a polygon" in heard.events[0].message


def test_a_worker_that_cannot_be_started_fails_the_run_with_a_next_step(start, environment, wait_until):
    environment.python.unlink()
    _, heard = start()
    wait_until(lambda: heard.endings)
    assert heard.endings[0].kind == "failed"
    assert "Set up" in heard.endings[0].hint


def test_a_fault_of_the_plugin_itself_ends_the_run_and_not_qgis(start, wait_until, monkeypatch):
    monkeypatch.setattr(client.WorkerProcess, "run", lambda *_: 1 / 0)
    _, heard = start()
    wait_until(lambda: heard.endings)
    assert heard.endings[0].kind == "failed"
    assert "ZeroDivisionError" in heard.endings[0].message
    assert "Traceback" in heard.endings[0].log_tail


def run_setup(wait_until, set_up, cancel=False):
    thread = BackgroundThread(lambda tell, is_cancelled: set_up(Environment(None), tell, is_cancelled))
    steps, outcomes = [], []
    thread.told.connect(steps.append)
    thread.ended.connect(outcomes.append)
    if cancel:
        thread.cancel()
    thread.start()
    wait_until(lambda: outcomes)
    thread.wait()
    return steps, outcomes[0]


def test_a_set_up_tells_its_steps_and_its_verdict(wait_until):
    step = SetupStep("Installing", 1, 2, "torch")

    def set_up(_environment, on_step, _is_cancelled):
        on_step(step)
        return "verdict"

    assert run_setup(wait_until, set_up) == ([step], "verdict")


def test_a_set_up_hears_a_cancel(wait_until):
    def set_up(_environment, _on_step, is_cancelled):
        if is_cancelled():
            raise SetupCancelled

    outcome = run_setup(wait_until, set_up, cancel=True)[1]
    assert isinstance(outcome, SetupCancelled)


@pytest.mark.parametrize("error", [SetupError("The disk is full.", "Free some space."), InputError("No.", "Yes.")])
def test_a_set_up_that_fails_hands_on_the_sentence_and_next_step(wait_until, error):
    def set_up(*_arguments):
        raise error

    assert run_setup(wait_until, set_up)[1] is error


def test_a_fault_in_the_set_up_ends_it_and_not_qgis(wait_until):
    outcome = run_setup(wait_until, lambda *_: 1 / 0)[1]
    assert isinstance(outcome, RunError)
    assert "ZeroDivisionError" in outcome.message
