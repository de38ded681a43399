"""F1 by threshold on validation ground: piece by piece, by the run's own rule, and for any least area at once."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import shapely

from plugin.core.block_roles import VALIDATION
from plugin.core.counts import Counts
from plugin.core.errors import InputError
from plugin.core.job import load_job
from plugin.core.models import find_card
from plugin.worker.dataset.inputs import Inputs
from plugin.worker.dataset.labels import read_labels
from plugin.worker.dataset.split import split_ground
from plugin.worker.evaluation.threshold_search import ThresholdSearch
from plugin.worker.geodata.raster import describe_raster
from plugin.worker.geodata.vector import append_layer, read_layer
from plugin.worker.review import f1_curve as module
from plugin.worker.review.context import open_scene
from plugin.worker.review.f1_curve import THRESHOLDS, F1Curve, list_thresholds


@pytest.fixture
def context(finished_run):
    return open_scene(finished_run[0].path)


@pytest.fixture(scope="module")
def chooser(finished_run):
    """What chose the run's own threshold: from the job, not from what the run wrote of its split."""
    job = load_job(finished_run[0].job)
    raster = describe_raster(job.raster, find_card(job.base_model))
    inputs = Inputs(job, find_card(job.base_model), raster, read_labels(job.labels, "", raster))
    split = split_ground(raster, inputs.labels, job.settings)
    own = inputs.labels.polygons[split.label_roles == VALIDATION]
    return ThresholdSearch(own, split.ground(VALIDATION), raster.scale, job.settings.min_area_m2)


def finish(curve):
    """Do all the work; return the curve as it was told on the way."""
    told = []
    while curve.is_wanted:
        if curve.step():
            told.append(curve.describe())
    return told


def score(chooser, context, threshold, least_m2):
    separation = replace(context.separation, threshold=threshold)
    return sum((tile.score(separation, least_m2) for tile in chooser.read(context.path)), Counts(0, 0, 0))


def test_every_point_is_what_the_run_itself_would_have_counted(context, chooser):
    curve = F1Curve(context)
    curve.ask(5.0)
    told = finish(curve)[-1]
    assert [point[0] for point in told.points] == list(THRESHOLDS)
    for threshold, f1, precision, recall in told.points[::6]:
        expected = score(chooser, context, threshold, 5.0)
        assert (f1, precision, recall) == pytest.approx((expected.f1, expected.precision, expected.recall))
    assert told.best[1] == max(point[1] for point in told.points) > 0.5


def test_at_the_runs_own_threshold_stands_the_runs_own_figure(context, finished_run):
    curve = F1Curve(context)
    curve.ask(context.min_area_m2)
    points = {point[0]: point[1] for point in finish(curve)[-1].points}
    report = json.loads(finished_run[0].report.read_text())
    assert points[context.chosen.threshold] == pytest.approx(report["tuning"]["validation_f1"], abs=5e-5)


def test_wide_steps_come_first_and_the_curve_grows_by_a_point_at_a_time(context):
    curve = F1Curve(context)
    curve.ask(5.0)
    told = finish(curve)
    assert [len(each.points) for each in told] == list(range(1, len(THRESHOLDS) + 1))
    assert all(each.points == sorted(each.points) for each in told)
    firsts = [point[0] for point in told[4].points]
    assert firsts[-1] - firsts[0] > 0.7
    assert min(np.diff(firsts)) > 0.15
    assert [each.done for each in told] == sorted(each.done for each in told)
    assert told[-1].done == 1


def test_each_threshold_comes_once():
    assert sorted(list_thresholds()) == list(THRESHOLDS)


def test_another_least_area_is_answered_without_a_new_search(context, chooser, monkeypatch):
    curve = F1Curve(context)
    curve.ask(5.0)
    finish(curve)
    monkeypatch.setattr(module, "open_chooser", None)
    curve.ask(30.0)
    assert not curve.is_wanted
    told = curve.describe()
    assert told.min_area_m2 == 30.0
    for threshold, f1, *_ in told.points[::9]:
        assert f1 == pytest.approx(score(chooser, context, threshold, 30.0).f1)
    curve.ask(1e6)
    assert curve.describe().best is None


def test_nothing_is_done_before_somebody_asks(context):
    curve = F1Curve(context)
    assert not curve.is_wanted
    assert curve.describe().points == []


def test_a_split_that_cannot_be_read_is_told_once(own_run):
    context = open_scene(own_run.path)
    own_run.split.write_bytes(b"no GeoPackage")
    curve = F1Curve(context)
    curve.ask(5.0)
    with pytest.raises(InputError):
        finish(curve)
    assert not curve.is_wanted


def test_a_split_without_validation_ground_is_told(own_run):
    context, layers = open_scene(own_run.path), {}
    for name in ("blocks", "labels"):
        layers[name] = read_layer(str(own_run.split), name)
    own_run.split.unlink()
    for name, layer in layers.items():
        roles = np.where(layer.columns["role"] == VALIDATION, "training", layer.columns["role"])
        append_layer(own_run.split, layer.geometries, {"role": roles}, layer.crs, name)
    with pytest.raises(InputError, match="no validation area"):
        module.open_chooser(context)
    assert shapely.is_valid(layers["blocks"].geometries).all()
