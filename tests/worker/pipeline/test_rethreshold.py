"""Another threshold for a finished run: its files change together, or none, and the figures say what was done."""

from __future__ import annotations

import html
import json
import re
import subprocess

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely

from plugin.core.atomic_file import locate_passing, write_json
from plugin.core.errors import InputError, RunError
from plugin.core.events import Cancelled, Finished, Notice, Scored, StageStarted
from plugin.core.folder import RunFolder
from plugin.core.json_codec import encode
from plugin.core.lock import hold_lock
from plugin.core.report import ManualThreshold
from plugin.core.run_state import read_state
from plugin.worker.pipeline.resume import restate
from plugin.worker.pipeline.rethreshold import ThresholdRequest, retrace_run
from plugin.worker.runtime.channel import Channel
from plugin.worker.runtime.progress import CancelRequested
from tests.worker.conftest import write_vector
from tests.worker.interrupted import Interrupted
from tests.worker.spawn import BOUND_S, command, environ, read_events, run_worker


def retrace(folder, *options):
    done = run_worker("retrace", folder.path, *options)
    assert done.returncode == 0, done.stderr
    return read_events(done.stdout)


def making(folder):
    """Return where a retracing makes its files."""
    return locate_passing(folder.path, "retrace")


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def read_state_of(folder):
    """Return the state without the digests of files, which know when they were written."""
    return {name: value for name, value in read(folder.state).items() if name != "files"}


def read_figures(folder):
    """Return the report without when it was written."""
    return {name: value for name, value in read(folder.report).items() if name != "written"}


def read_features(path, layer=None):
    """Return a layer's geometries as WKB and its fields, each as a list; NaN, which is like nothing, as a text."""
    meta, _, wkb, columns = pyogrio.raw.read(path, layer=layer)
    lists = ([str(value) if value != value else value for value in each.tolist()] for each in columns)  # noqa: PLR0124
    return {"geometry": wkb.tolist(), **dict(zip(meta["fields"], lists, strict=True))}


def read_bytes(folder):
    return {path.name: path.read_bytes() for path in folder.path.iterdir() if path.is_file()}


@pytest.fixture(scope="module")
def other(finished_run):
    """A threshold that the run did not choose, and at which buildings are found, too."""
    chosen = read(finished_run[0].report)["tuning"]["parting"]["threshold"]
    return round(chosen + 0.1 if chosen < 0.7 else chosen - 0.1, 3)


def test_with_what_the_run_chose_all_is_as_the_run_left_it(own_run, finished_run):
    before, features = read_figures(own_run), read_features(own_run.footprints)
    state, card = read_state_of(own_run), read(own_run.card)
    events = retrace(own_run)
    assert read_figures(own_run) == before
    assert before["by_hand"] is None
    assert read_features(own_run.footprints) == features
    assert read_features(own_run.errors, "after") == read_features(finished_run[0].errors, "after")
    assert read_features(own_run.errors, "before") == read_features(finished_run[0].errors, "before")
    assert (read_state_of(own_run), read(own_run.card)) == (state, card)
    assert (events[-1].after, events[-1].difference) == (finished_run[1][-1].after, finished_run[1][-1].difference)


def test_the_stages_are_told_as_those_of_a_run(own_run, other):
    events = retrace(own_run, "--threshold", other)
    stages = [event.stage for event in events if isinstance(event, StageStarted)]
    assert stages == ["check", "split", "trace", "score", "write"]
    (scored,) = [event for event in events if isinstance(event, Scored)]
    assert scored.which == "after"
    assert isinstance(events[-1], Finished)
    assert events[-1].after == scored.score
    assert events[-1].files["footprints"] == str(own_run.footprints)
    assert sorted(path.name for path in own_run.path.iterdir() if "part" in path.name or "earlier" in path.name) == []


def test_another_threshold_is_in_every_file_and_marked(own_run, finished_run, other, find_faults):
    earlier = read_figures(own_run)
    retrace(own_run, "--threshold", other, "--min-area-m2", 20)
    report = read(own_run.report)
    assert find_faults(report) == []
    assert report["after"]["parting"] == {**earlier["after"]["parting"], "threshold": other}
    unchanged = {"after", "difference", "blocks", "held_out_errors", "by_hand", "written", "chain", "gain"}
    assert {name for name in earlier if report[name] != earlier[name]} <= unchanged
    assert report["before"] == earlier["before"]
    mark = report["by_hand"]
    assert (mark["threshold"], mark["min_area_m2"]) == (other, 20)
    assert (mark["chosen_threshold"], mark["chosen_min_area_m2"]) == (earlier["after"]["parting"]["threshold"], 5.0)
    assert "set manually" in mark["sentence"]
    assert "may flatter" in mark["sentence"]
    card = read(own_run.card)
    assert (card["threshold"], card["min_area_m2"]) == (other, 20)
    assert {**card, "threshold": None, "min_area_m2": None} == {
        **read(finished_run[0].card),
        "threshold": None,
        "min_area_m2": None,
    }


def test_the_new_figures_are_those_of_the_new_footprints(own_run, other):
    """Blocks, layer and sums agree, and the labels are still as many."""
    earlier = read_figures(own_run)
    retrace(own_run, "--threshold", other, "--min-area-m2", 20)
    report = read_figures(own_run)
    building = {name: report["after"]["building"][name] for name in ("tp", "fp", "fn")}
    assert report["after"] != earlier["after"]
    outcomes = read_features(own_run.errors, "after")["outcome"]
    assert building == {name: outcomes.count(name.upper()) for name in building} == report["held_out_errors"]["after"]
    assert building == {name: sum(block["after"][name] for block in report["blocks"]) for name in building}
    before = report["before"]["building"]
    assert building["tp"] + building["fn"] == before["tp"] + before["fn"]
    assert report["difference"]["f1"] == pytest.approx(report["after"]["building"]["f1"] - before["f1"])
    footprints = read_features(own_run.footprints)
    assert min(footprints["area_m2"]) >= 20
    found = [outcome != "FN" for outcome in read_features(own_run.errors, "after")["outcome"]]
    scored = np.array(read_features(own_run.errors, "after")["geometry"], dtype=object)[found]
    assert set(scored) <= set(footprints["geometry"])
    with rasterio.open(own_run.probability) as dataset:
        centres = shapely.point_on_surface(shapely.from_wkb(footprints["geometry"]))
        values = [value[0] for value in dataset.sample(shapely.get_coordinates(centres))]
    assert np.mean(np.array(values) >= 254 * other) > 0.8


def test_going_back_to_what_was_chosen_takes_the_mark_away(own_run, other):
    before, features, state = read_figures(own_run), read_features(own_run.footprints), read_state_of(own_run)
    retrace(own_run, "--threshold", other)
    assert read_figures(own_run) != before
    retrace(own_run, "--chosen")
    assert read_figures(own_run) == before
    assert read_features(own_run.footprints) == features
    assert read_state_of(own_run) == state


def test_the_page_bears_the_mark_as_long_as_it_holds(own_run, other):
    retrace(own_run, "--threshold", other)
    page = html.unescape(own_run.page.read_text("utf-8"))
    assert page.count("threshold set manually") == 2  # beside the large figure, and over the table
    assert read(own_run.report)["by_hand"]["sentence"] in page
    assert len(re.findall("data:image/jpeg", page)) > 1
    retrace(own_run, "--chosen")
    page = own_run.page.read_text("utf-8")
    assert "set manually" not in page
    assert "set manually" not in page


def test_a_least_area_alone_is_marked_as_such(own_run):
    retrace(own_run, "--min-area-m2", "30")
    report = read(own_run.report)
    assert report["by_hand"]["threshold"] == report["by_hand"]["chosen_threshold"]
    assert "minimum area was set manually to 30 m²" in report["by_hand"]["sentence"]
    assert "threshold" not in report["by_hand"]["sentence"]
    assert "minimum area set manually" in own_run.page.read_text("utf-8")


def test_what_is_in_force_stays_where_nothing_else_is_asked(own_run, other):
    retrace(own_run, "--threshold", other)
    retrace(own_run, "--min-area-m2", "12")
    mark = read(own_run.report)["by_hand"]
    assert (mark["threshold"], mark["min_area_m2"]) == (other, 12)


def test_a_run_that_is_resumed_afterwards_tells_what_was_set_by_hand(own_run, other):
    retrace(own_run, "--threshold", other, "--min-area-m2", 9)
    report, card, footprints = read(own_run.report), read(own_run.card), own_run.footprints.read_bytes()
    done = run_worker("run", own_run.job)
    assert done.returncode == 0, done.stderr
    ending = read_events(done.stdout)[-1]
    assert encode(ending.after.building) == report["after"]["building"]
    assert encode(ending.difference) == report["difference"]
    assert read(own_run.report) == report
    assert read(own_run.card) == {**card, "name": own_run.path.name}
    assert own_run.footprints.read_bytes() == footprints


def test_a_crash_between_two_files_is_mended_by_resuming(own_run, other):
    """What ``state.json`` says while the files are moved: the last stages are to be done again, as set by hand."""
    pristine = read_state(own_run)
    retrace(own_run, "--threshold", other, "--min-area-m2", 9)
    report, features = read_figures(own_run), read_features(own_run.footprints)
    restated = restate(pristine, dict.fromkeys(("trace", "score", "write")), ManualThreshold(other, 9))
    write_json(own_run.state, encode(restated))
    for path in (own_run.report, own_run.footprints):
        path.unlink()
    done = run_worker("run", own_run.job)
    assert done.returncode == 0, done.stderr
    again = read_figures(own_run)
    assert again.keys() == report.keys()
    # the folder is a copy of the run's: a run that is resumed is named after the folder that it lies in now
    assert {name for name in report if report[name] != again[name]} <= {"seconds", "run", "chain"}
    assert again["gain"] == report["gain"]
    assert read_features(own_run.footprints) == features


@pytest.mark.parametrize("stage", ["check", "split", "trace", "score", "write"])
def test_a_cancel_in_any_stage_leaves_all_as_it_was(own_run, stage, other):
    before = read_bytes(own_run)
    with pytest.raises(CancelRequested):
        retrace_run(own_run.path, ThresholdRequest(other), Interrupted(stage))
    assert read_bytes(own_run) == before
    assert not making(own_run).exists()


def test_a_worker_that_is_told_to_cancel_ends_and_leaves_nothing(own_run, other):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    before = {name: content for name, content in read_bytes(own_run).items() if not name.endswith(".txt")}
    started = command("retrace", own_run.path, "--threshold", other)
    with subprocess.Popen(started, env=environ(), text=True, **pipes) as process:
        process.stdin.write("follow\ncancel\n")
        process.stdin.flush()
        events = read_events(process.stdout.read())
        assert process.wait(BOUND_S) == 1
    assert isinstance(events[-1], Cancelled)
    after = {name: content for name, content in read_bytes(own_run).items() if not name.endswith(".txt")}
    assert after == before
    assert not making(own_run).exists()


@pytest.mark.parametrize("name", ["footprints", "errors", "model", "report"])
def test_where_one_file_cannot_be_replaced_all_stay_as_they_were(own_run, name, other):
    (path,) = own_run.path.glob(f"{name}.[gj][ps][ko]*")
    locate_passing(own_run.path, f"earlier {path.name}").write_text("no folder")
    before = read_bytes(own_run)
    with pytest.raises(RunError, match="Everything is as it was"):
        retrace_run(own_run.path, ThresholdRequest(other), Channel(is_spoken=False, listens=False))
    assert read_bytes(own_run) == before
    assert not making(own_run).exists()


def test_what_a_killed_worker_left_is_no_hindrance(own_run, other):
    making(own_run).mkdir()
    (making(own_run) / "footprints.gpkg").write_bytes(b"half")
    retrace(own_run, "--threshold", other)
    assert not making(own_run).exists()


def test_what_was_edited_is_kept_beside_the_new_files(own_run, other):
    write_json(own_run.report, {**read(own_run.report), "written": "2020-01-01T00:00:00+00:00"})
    before = {path.stem: path.read_bytes() for path in (own_run.footprints, own_run.errors)}
    events = retrace(own_run, "--threshold", other)
    told = [event.message for event in events if isinstance(event, Notice) and "is kept as" in event.message]
    names = [*(f"{name}.gpkg" for name in before), "report.json"]
    assert told == [f"What was edited in {name} is kept as {name.replace('.', '_edited.')}." for name in names]
    for name, content in before.items():
        assert (own_run.path / f"{name}_edited.gpkg").read_bytes() == content


def test_a_run_whose_state_is_gone_is_retraced_all_the_same(own_run, other):
    own_run.state.unlink()
    retrace(own_run, "--threshold", other)
    assert read(own_run.report)["by_hand"]["threshold"] == other
    assert not own_run.state.exists()


def _lose_raster(folder):
    folder.job.write_text(json.dumps({**read(folder.job), "raster": str(folder.path / "gone.tif")}))


def _lose_probability(folder):
    folder.probability.unlink()


def _renew(folder):
    write_json(folder.report, {**read(folder.report), "schema": 99})


def _forget_choice(folder):
    write_json(folder.report, {**read(folder.report), "tuning": {}})


def _move_labels(folder):
    """Shift all labels by 30 m: another split, and other held-out ground."""
    job = read(folder.job)
    meta, _, wkb, _ = pyogrio.raw.read(job["labels"])
    moved = shapely.transform(shapely.from_wkb(wkb), lambda xy: xy + np.array([3e-4, 0]))
    path = write_vector(folder.path / "labels.gpkg", moved, meta["crs"], kind="Polygon")
    folder.job.write_text(json.dumps({**job, "labels": str(path)}))


def _drop_labels(folder):
    job = read(folder.job)
    meta, _, wkb, _ = pyogrio.raw.read(job["labels"])
    path = write_vector(folder.path / "labels.gpkg", shapely.from_wkb(wkb)[:-6], meta["crs"], kind="Polygon")
    folder.job.write_text(json.dumps({**job, "labels": str(path)}))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_lose_raster, "gone.tif cannot be opened"),
        (_lose_probability, "probability raster is gone"),
        (_renew, "newer version"),
        (_forget_choice, "does not say what the run chose"),
        (_move_labels, "held-out area is not the one"),
        (_drop_labels, "held-out area is not the one"),
    ],
)
def test_what_cannot_be_retraced_is_refused_before_anything_is_touched(own_run, spoil, told, other):
    spoil(own_run)
    before = read_bytes(own_run)
    with pytest.raises(InputError, match=told) as caught:
        retrace_run(own_run.path, ThresholdRequest(other), Channel(is_spoken=False, listens=False))
    assert caught.value.hint
    assert read_bytes(own_run) == before


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="no run folder"):
        retrace_run(tmp_path, ThresholdRequest(0.5), Channel(is_spoken=False, listens=False))


def test_while_another_worker_is_at_it_nothing_is_retraced(own_run, other):
    with hold_lock(own_run.lock, RunError("held")):
        done = run_worker("retrace", own_run.path, "--threshold", other)
    assert done.returncode == 1
    assert "Another worker is running" in done.stderr


@pytest.mark.parametrize(
    "options",
    [("--threshold", "0"), ("--threshold", "1.5"), ("--min-area-m2", "-1"), ("--min-area-m2", "nan"), ()],
)
def test_wrong_usage_is_told(options, tmp_path):
    done = run_worker("retrace", *([tmp_path, *options] if options else []))
    assert done.returncode == 2
    assert "usage:" in done.stderr


def test_the_base_model_may_be_gone(own_run, other):
    job = read(own_run.job)
    own_run.job.write_text(json.dumps({**job, "base_model": str(own_run.path / "gone.json")}))
    retrace(own_run, "--threshold", other)
    assert RunFolder(own_run.path).card.is_file()
