"""A run from end to end on a small town: what it leaves, how it is broken off, and how it goes on."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess

import pyogrio
import pytest
import rasterio

from plugin.core.events import (
    OCCASIONAL_STAGES,
    STAGES,
    Cancelled,
    EpochEnded,
    Failed,
    Finished,
    StageStarted,
    parse_event,
)
from plugin.core.folder import RunFolder
from plugin.core.job import load_job
from plugin.core.json_codec import encode
from plugin.core.models import load_card
from plugin.core.run_state import read_state
from plugin.worker.pipeline.run import run_job
from plugin.worker.runtime.progress import CancelRequested
from tests.worker.interrupted import Interrupted
from tests.worker.spawn import BOUND_S, command, environ, read_events, run_worker

USUAL_STAGES = tuple(stage for stage in STAGES if stage not in OCCASIONAL_STAGES)
LAST_STAGES = ("predict", "trace", "score", "write")
LONG_STAGES = ("base", "tune", "predict", "trace", "score", "write")
LEFT_BY = {
    "split": ("split.gpkg",),
    "base": ("base_probability.tif", "base_footprints.gpkg", "errors.gpkg"),
    "tune": ("model.safetensors", "model.json"),
    "predict": ("probability.tif",),
    "trace": ("footprints.gpkg",),
    "write": ("report.json", "report.html"),
}


def count_lines(path):
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture
def finished(finished_run):
    """A finished run, its folder and its events."""
    return finished_run


class Worker:
    """A worker that is followed by hand, so that it can be stopped in a stage of our choice."""

    def __init__(self, job, **more):
        self.process = subprocess.Popen(
            command("run", job),
            env=environ(**more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.process.stdin.write("follow\n")
        self.process.stdin.flush()

    def wait_for(self, stage):
        for line in self.process.stdout:
            event = parse_event(line)
            if isinstance(event, StageStarted) and event.stage == stage:
                return
        pytest.fail(f"the stage {stage} never came: {self.process.stderr.read()}")

    def order(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def end(self):
        """Hear the worker to its end; its input stays open, for closing it would cancel."""
        out = self.process.stdout.read()
        self.process.wait(BOUND_S)
        return read_events(out)


def test_a_run_tells_its_stages_in_order(finished):
    _, events = finished
    assert tuple(event.stage for event in events if isinstance(event, StageStarted)) == USUAL_STAGES
    assert isinstance(events[-1], Finished)
    assert [event.epoch for event in events if isinstance(event, EpochEnded)] == [1, 2, 3]


def test_a_run_learns_what_a_roof_is(finished):
    folder, _ = finished
    report = json.loads(folder.report.read_text())
    assert report["after"]["building"]["f1"] > 0.6
    assert report["after"]["building"]["f1"] > report["before"]["building"]["f1"]
    assert report["after"]["pixel"]["f1"] > 0.6


def test_before_and_after_are_scored_on_the_same_buildings(finished):
    folder, _ = finished
    report = json.loads(folder.report.read_text())
    truths = [score["building"]["tp"] + score["building"]["fn"] for score in (report["before"], report["after"])]
    assert truths[0] == truths[1] == report["ground"]["held-out"]["buildings"]
    pixels = [score["pixel"]["tp"] + score["pixel"]["fn"] for score in (report["before"], report["after"])]
    assert pixels[0] == pixels[1]


def test_the_report_keeps_to_its_schema_and_its_difference_is_told_at_the_end(finished, find_faults):
    folder, events = finished
    report = json.loads(folder.report.read_text())
    assert find_faults(report) == []
    assert encode(events[-1].difference) == report["difference"]
    assert report["repeatability"]["is_deterministic"]


def test_every_held_out_building_is_told_with_its_fate(finished):
    folder, _ = finished
    report = json.loads(folder.report.read_text())
    for model in ("before", "after"):
        _, _, _, (outcomes, *_) = pyogrio.raw.read(folder.errors, layer=model)
        told = {name: int((outcomes == name.upper()).sum()) for name in ("tp", "fp", "fn")}
        assert told == report["held_out_errors"][model]


def test_the_event_file_says_what_standard_output_said(finished):
    folder, events = finished
    assert read_events(folder.events.read_text()) == events


def test_footprints_lie_on_the_raster_with_confidence_and_area_and_are_valid(finished, town):
    folder, _ = finished
    with rasterio.open(town.raster) as dataset:
        crs, bounds = dataset.crs, dataset.bounds
    info = pyogrio.read_info(folder.footprints)
    assert rasterio.crs.CRS.from_user_input(info["crs"]) == crs
    assert {"confidence", "area_m2"} <= set(info["fields"])
    left, bottom, right, top = info["total_bounds"]
    assert bounds.left <= left < right <= bounds.right
    assert bounds.bottom <= bottom < top <= bounds.top


def test_nothing_half_written_is_left(finished):
    folder, _ = finished
    assert not [path.name for path in folder.path.iterdir() if "part" in path.name or path.name == "validation.tif"]
    assert not folder.checkpoint.exists()


def test_running_a_finished_job_again_does_nothing_twice_and_says_the_same(finished):
    folder, events = finished
    again = read_events(run_worker("run", folder.job).stdout)
    assert again[-1] == events[-1]
    assert all(event.resumed for event in again if isinstance(event, StageStarted) and event.stage in LONG_STAGES)


def test_the_tuned_model_is_a_base_model_and_predicts_elsewhere(finished, tmp_path):
    folder, _ = finished
    out = tmp_path / "footprints.gpkg"
    raster = json.loads(folder.job.read_text())["raster"]
    done = run_worker("predict", "--raster", raster, "--model", folder.card, "--out", out)
    assert done.returncode == 0, done.stderr
    assert pyogrio.read_info(out)["features"] == pyogrio.read_info(folder.footprints)["features"]


def test_the_tuned_models_card_tells_of_its_imagery_to_which_the_same_raster_is_like(finished):
    folder, _ = finished
    assert load_card(folder.card).imagery.values == "uint8"
    raster = json.loads(folder.job.read_text())["raster"]
    assert run_worker("liken", "--raster", raster, "--model", folder.card).stdout == "No difference was found.\n"


def test_two_workers_in_one_folder_are_refused(make_town_job, tmp_path):
    job = make_town_job(tmp_path, epochs=3)
    first = Worker(job)
    first.wait_for("base")
    second = run_worker("run", job)
    first.order("cancel")
    first.end()
    assert second.returncode == 1
    assert "Another worker is running" in second.stderr


def test_a_folder_with_the_run_of_another_job_is_refused_unless_begun_afresh(finished, make_town_job, tmp_path):
    folder, _ = finished
    for name in ("state.json", "model.safetensors", "model.json", "report.json"):
        (tmp_path / name).write_bytes((folder.path / name).read_bytes())
    job = make_town_job(tmp_path, epochs=1, seed=99)
    refused = run_worker("run", job)
    assert refused.returncode == 1
    assert "another job" in refused.stderr
    assert "--fresh" in refused.stderr


@pytest.fixture
def stopped_before(finished, tmp_path):
    """Return a function that makes a run which was broken off before a stage, and returns its job."""

    def stop(stage):
        shutil.copytree(finished[0].path, tmp_path, dirs_exist_ok=True)
        folder = RunFolder(tmp_path)
        content = json.loads(folder.state.read_text())
        gone = STAGES[STAGES.index(stage) :]
        content["results"] = {name: result for name, result in content["results"].items() if name not in gone}
        folder.state.write_text(json.dumps(content))
        for name in gone:
            for path in LEFT_BY.get(name, ()):
                (tmp_path / path).unlink()
        return folder.job

    return stop


@pytest.mark.parametrize("stage", LONG_STAGES)
def test_a_worker_killed_in_a_stage_goes_on_when_it_is_run_again(stage, finished, stopped_before, tmp_path):
    _, events = finished
    job = stopped_before(stage)
    worker = Worker(job)
    worker.wait_for(stage)
    worker.process.send_signal(signal.SIGKILL)
    worker.end()
    assert not RunFolder(tmp_path).report.exists()
    resumed = run_worker("run", job)
    assert resumed.returncode == 0, resumed.stderr
    ending = read_events(resumed.stdout)[-1]
    assert isinstance(ending, Finished)
    assert ending.after == events[-1].after


@pytest.mark.parametrize("stage", USUAL_STAGES)
def test_cancel_is_heard_in_every_stage(stage, stopped_before):
    """How soon is measured by the benchmark ``cancel``. The last stages may be over before the order is there."""
    worker = Worker(stopped_before(stage))
    worker.wait_for(stage)
    worker.order("cancel")
    events = worker.end()
    is_over = any(isinstance(event, Finished) for event in events)
    assert isinstance(events[-1], Finished if is_over else Cancelled)
    assert worker.process.returncode == (0 if is_over else 1)
    assert not is_over or stage in LAST_STAGES


@pytest.mark.parametrize("stage", ["check", "base", "tune", "predict", "trace"])
def test_a_cancel_at_the_beginning_of_a_long_stage_breaks_it_off(stage, stopped_before):
    job, channel = stopped_before(stage), Interrupted(stage)
    folder = RunFolder(job.parent)
    with pytest.raises(CancelRequested):
        run_job(load_job(job), folder, channel)
    assert channel.begun[-1] == stage
    assert stage not in read_state(folder).results


@pytest.mark.parametrize(("stage", "heard_in"), [("split", "base"), ("score", "score"), ("write", "write")])
def test_a_cancel_at_the_beginning_of_a_short_stage_is_heard_after_it(stage, heard_in, stopped_before):
    job, channel = stopped_before(stage), Interrupted(stage)
    with pytest.raises(CancelRequested):
        run_job(load_job(job), RunFolder(job.parent), channel)
    assert channel.begun[-1] == heard_in


def test_a_follower_that_is_gone_ends_the_worker(make_town_job, tmp_path):
    worker = Worker(make_town_job(tmp_path, epochs=3))
    worker.wait_for("tune")
    worker.process.stdin.close()
    worker.process.wait(BOUND_S)
    assert worker.process.returncode == 1


def test_finish_keeps_the_best_epoch_so_far(make_town_job, tmp_path):
    worker = Worker(make_town_job(tmp_path, epochs=50))
    worker.wait_for("tune")
    worker.order("finish")
    events = worker.end()
    assert isinstance(events[-1], Finished)
    assert 1 <= len([event for event in events if isinstance(event, EpochEnded)]) < 50


def test_a_full_disk_is_said_and_the_run_goes_on_once_there_is_room(make_town_job, tmp_path):
    """A limit on the size of files stands in for the full disk: writing fails in the same way."""
    job = make_town_job(tmp_path, epochs=1)
    limited = ["bash", "-c", 'ulimit -f 2000; trap "" XFSZ; exec "$@"', "-", *command("run", job)]
    full = subprocess.run(limited, env=environ(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert full.returncode == 1
    failure = read_events(full.stdout)[-1]
    assert isinstance(failure, Failed)
    assert "could not be written" in failure.message
    assert "disk full" in failure.hint
    assert not [path.name for path in tmp_path.iterdir() if ".part" in path.name]
    assert run_worker("run", job).returncode == 0


def test_the_same_job_twice_gives_the_same_scores(finished, make_town_job, tmp_path):
    _, events = finished
    again = read_events(run_worker("run", make_town_job(tmp_path, epochs=3)).stdout)
    assert again[-1].after == events[-1].after
    assert again[-1].before == events[-1].before
    assert again[-1].difference == events[-1].difference
    hashes = [RunFolder(path).model.read_bytes() for path in (finished[0].path, tmp_path)]
    assert hashes[0] == hashes[1]
