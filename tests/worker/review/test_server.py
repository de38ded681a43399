"""The command ``review``: a real process that answers line by line, takes the newest first, and leaves no orphan."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.crs import CRS

from plugin.worker.geodata.vector import read_layer
from plugin.worker.inference.overviews import name_sidecar
from tests.waiting import wait_until
from tests.worker.spawn import BOUND_S, command, environ, run_worker


class ReviewServer:
    """A reviewer's end of the pipes."""

    def __init__(self, path):
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self.process = subprocess.Popen(command("review", path), env=environ(), text=True, **pipes)
        self.ready = self.hear().get("ready")

    def hear(self):
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return json.loads(line)

    def say(self, *requests):
        """Send requests in one go; what is no text is sent as JSON."""
        lines = [each if isinstance(each, str) else json.dumps(each) for each in requests]
        self.process.stdin.write("\n".join(lines) + "\n")
        self.process.stdin.flush()

    def wait_for(self, is_meant):
        """Return all lines up to the first that is meant."""
        heard = [self.hear()]
        while not is_meant(heard[-1]):
            heard.append(self.hear())
        return heard

    def ask(self, **request):
        self.say({"id": 1, **request})
        return self.wait_for(lambda line: line.get("answer") == 1)[-1]

    def trace(self, **more):
        return self.ask(**make_trace(self.ready["bounds"], **more))


def make_trace(box, **more):
    return {"do": "trace", "box": box, "width_px": 900, "height_px": 700, "threshold": 0.5, "min_area_m2": 5.0, **more}


def read_polygons(answer):
    content = shapely.from_wkb(base64.b64decode(answer["wkb"]))
    assert content.geom_type == "MultiPolygon"
    return shapely.get_parts(content)


@pytest.fixture
def begin():
    """Return a function that begins the review of a folder."""
    begun = []

    def begin(path):
        begun.append(ReviewServer(path))
        return begun[-1]

    yield begin
    for reviewer in begun:
        reviewer.process.kill()
        with contextlib.suppress(ValueError):
            reviewer.process.communicate()


@pytest.fixture(scope="module")
def shared(finished_run):
    """A review of the run that all share."""
    reviewer = ReviewServer(finished_run[0].path)
    yield reviewer
    reviewer.process.kill()
    reviewer.process.communicate()


def test_the_first_line_says_what_is_in_force_and_where(shared, finished_run, town):
    report = json.loads(finished_run[0].report.read_text())
    chosen = report["tuning"]["parting"]["threshold"]
    assert shared.ready["threshold"] == shared.ready["chosen_threshold"] == chosen
    assert shared.ready["min_area_m2"] == shared.ready["chosen_min_area_m2"] == report["settings"]["min_area_m2"]
    with rasterio.open(town.raster) as dataset:
        assert CRS.from_wkt(shared.ready["crs"]) == dataset.crs
        assert shared.ready["bounds"] == list(dataset.bounds)
    assert shared.ready["gsd_m"] == 0.5


def test_the_whole_at_the_runs_own_threshold_is_the_runs_own_footprints(shared, finished_run):
    answer = shared.trace(threshold=shared.ready["threshold"], min_area_m2=shared.ready["min_area_m2"])
    polygons = read_polygons(answer)
    own = read_layer(str(finished_run[0].footprints)).geometries
    assert answer["count"] == len(polygons) == len(own)
    assert not answer["is_coarse"]
    assert 0 < answer["seconds"] < 10
    ours, theirs = shapely.STRtree(own).query(polygons, predicate="intersects")
    overlaps = shapely.area(shapely.intersection(polygons[ours], own[theirs]))
    unions = shapely.area(shapely.union(polygons[ours], own[theirs]))
    assert (
        np.maximum.reduceat((overlaps / unions)[np.argsort(ours, kind="stable")], np.unique(ours, True)[1]) > 0.5
    ).all()


def test_a_higher_threshold_and_a_larger_least_area_leave_fewer(shared):
    counts = [shared.trace(threshold=each)["count"] for each in (0.3, 0.9)]
    assert counts[1] < counts[0]
    assert shared.trace(threshold=0.3, min_area_m2=80.0)["count"] < counts[0]


def test_of_traces_that_wait_only_the_newest_is_worked(shared):
    traces = [{"id": f"t{i}", **make_trace(shared.ready["bounds"], threshold=0.2 + 0.1 * i)} for i in range(5)]
    shared.say(*traces)
    heard = shared.wait_for(lambda line: line.get("answer") == "t4")
    dropped = [line["answer"] for line in heard if line.get("dropped")]
    assert dropped == ["t0", "t1", "t2", "t3"]
    assert heard[-1]["count"] > 0


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ("no JSON", "no JSON"),
        ("[1, 2]", "no JSON object"),
        ({"id": 9, "do": "dance"}, '"do"'),
        ({"id": 9, **make_trace([0, 0, 1])}, '"box"'),
        ({"id": 9, **make_trace([1, 0, 0, 1])}, '"box"'),
        ({"id": 9, **make_trace([0, 0, 1, float("nan")])}, '"box"'),
        ({"id": 9, **make_trace([0, 0, 1, 1], threshold=0)}, '"threshold"'),
        ({"id": 9, **make_trace([0, 0, 1, 1], threshold="high")}, '"threshold"'),
        ({"id": 9, **make_trace([0, 0, 1, 1], width_px=0)}, '"width_px"'),
        ({"id": 9, **make_trace([0, 0, 1, 1], min_area_m2=-1)}, '"min_area_m2"'),
        ({"id": 9, "do": "curve"}, '"min_area_m2"'),
    ],
)
def test_a_bad_request_is_answered_and_the_next_one_too(shared, request_, told):
    shared.say(request_)
    answer = shared.wait_for(lambda line: "error" in line)[-1]
    assert answer["answer"] == (9 if isinstance(request_, dict) else None)
    assert told in answer["error"]["message"]
    assert answer["error"]["hint"]
    assert shared.trace()["count"] > 0


def test_the_curve_comes_piece_by_piece_and_a_trace_does_not_wait_for_it(shared):
    shared.say({"id": 7, "do": "curve", "min_area_m2": 5.0}, {"id": 8, **make_trace(shared.ready["bounds"])})
    heard = shared.wait_for(lambda line: line.get("curve", {}).get("done") == 1)
    curves = [line["curve"] for line in heard if "curve" in line]
    (traced,) = [place for place, line in enumerate(heard) if line.get("answer") == 8]
    assert traced <= 1
    assert len(curves) == 1 + len(curves[-1]["points"]) == 38
    assert curves[-1]["best"][1] == max(f1 for _, f1, *_ in curves[-1]["points"])
    shared.say({"id": 9, "do": "curve", "min_area_m2": 60.0})
    again = shared.hear()["curve"]
    assert again["done"] == 1
    assert again["min_area_m2"] == 60.0
    assert again["points"] != curves[-1]["points"]


def test_the_imagery_and_the_job_s_labels_may_be_gone(own_run, begin):
    job = json.loads(own_run.job.read_text())
    own_run.job.write_text(json.dumps({**job, "raster": "/gone/town.tif", "labels": "/gone/labels.gpkg"}))
    reviewer = begin(own_run.path)
    assert reviewer.trace()["count"] > 0
    reviewer.say({"id": 2, "do": "curve", "min_area_m2": 5.0})
    assert reviewer.wait_for(lambda line: line.get("curve", {}).get("points"))


def test_what_was_set_by_hand_is_told_beside_what_was_chosen(own_run, begin):
    card = json.loads(own_run.card.read_text())
    own_run.card.write_text(json.dumps({**card, "threshold": 0.37, "min_area_m2": 12.5}))
    ready = begin(own_run.path).ready
    assert (ready["threshold"], ready["min_area_m2"]) == (0.37, 12.5)
    assert (ready["chosen_threshold"], ready["chosen_min_area_m2"]) == (card["threshold"], card["min_area_m2"])


def test_a_probability_that_goes_meanwhile_is_told_and_may_come_back(own_run, begin):
    reviewer = begin(own_run.path)
    own_run.probability.rename(own_run.path / "elsewhere.tif")
    answer = reviewer.trace()
    assert "could not be read" in answer["error"]["message"]
    (own_run.path / "elsewhere.tif").rename(own_run.probability)
    assert reviewer.trace()["count"] > 0


def _lose(folder):
    folder.probability.unlink()


def _empty(folder):
    folder.job.unlink()


def _renew(folder):
    report = json.loads(folder.report.read_text())
    folder.report.write_text(json.dumps({**report, "schema": 99}))


def _spoil(folder):
    folder.probability.write_bytes(b"no raster")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [(_lose, "probability raster is gone"), (_empty, "no run folder"), (_renew, "newer"), (_spoil, "cannot be read")],
)
def test_a_run_that_cannot_be_reviewed_is_refused_with_a_next_step(own_run, spoil, told):
    spoil(own_run)
    done = run_worker("review", own_run.path)
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    failed = json.loads(line)["failed"]
    assert told in failed["message"]
    assert failed["hint"]


def test_no_folder_at_all_is_refused(tmp_path):
    done = run_worker("review", tmp_path / "gone")
    assert done.returncode == 1
    assert "There is no run folder" in json.loads(done.stdout)["failed"]["message"]


@pytest.mark.parametrize("is_busy", [False, True])
def test_where_the_reviewer_is_gone_the_process_ends(own_run, begin, is_busy):
    reviewer = begin(own_run.path)
    if is_busy:
        reviewer.say({"id": 2, "do": "curve", "min_area_m2": 5.0}, {"id": 3, **make_trace(reviewer.ready["bounds"])})
        reviewer.hear()
    reviewer.process.stdin.close()
    assert reviewer.process.wait(BOUND_S) == 0


def test_it_starts_without_torch():
    program = "import plugin.worker.review.server, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], env=environ(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.fixture
def wide_run(own_run):
    """A run whose probability was stretched to 7,168 x 7,168 pixels, without overviews, as an older version left it."""
    with rasterio.open(own_run.probability) as dataset:
        values, profile = dataset.read(), dataset.profile
    transform = profile["transform"] @ rasterio.Affine.scale(1 / 14)
    profile.update(width=14 * profile["width"], height=14 * profile["height"], transform=transform)
    with rasterio.open(own_run.probability, "w", **profile) as target:
        for band, plane in enumerate(values, 1):
            target.write(np.repeat(np.repeat(plane, 14, axis=0), 14, axis=1), band)
    return own_run


def test_a_far_look_at_an_old_large_run_waits_for_its_overviews_and_no_other(wide_run, begin):
    before = wide_run.probability.read_bytes()
    reviewer = begin(wide_run.path)
    answer = reviewer.trace()
    assert answer["is_coarse"]
    assert wide_run.probability.read_bytes() == before
    with rasterio.open(wide_run.probability) as dataset:
        assert dataset.overviews(1)[0] == 4
    made = name_sidecar(wide_run.probability).stat()
    assert reviewer.trace(threshold=0.4)["is_coarse"]
    assert name_sidecar(wide_run.probability).stat() == made


def test_what_was_made_of_the_overviews_does_not_outlast_the_process(wide_run, begin):
    reviewer = begin(wide_run.path)
    reviewer.say({"id": 2, **make_trace(reviewer.ready["bounds"])})
    wait_until(lambda: list(wide_run.path.glob(".footprint_tuner_*/part.ovr")))
    reviewer.process.stdin.close()
    reviewer.process.wait(BOUND_S)
    assert [path.name for path in wide_run.path.iterdir() if "part" in path.name] == []


def test_where_overviews_cannot_be_kept_the_look_is_slow_but_right(wide_run, begin):
    name_sidecar(wide_run.probability).mkdir()
    (name_sidecar(wide_run.probability) / "in the way").touch()
    answer = begin(wide_run.path).trace()
    assert answer["count"] > 0
    assert answer["is_coarse"]
