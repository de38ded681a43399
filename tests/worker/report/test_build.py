"""The report keeps to its schema, its help tells every field, and its figures agree with each other."""

from __future__ import annotations

import copy
import json

import numpy as np
import pyogrio
import pytest
import shapely

from plugin.core.block_roles import HELD_OUT
from plugin.core.events import EpochEnded, parse_event
from plugin.core.folder import RunFolder
from plugin.core.job import load_job
from plugin.core.json_codec import encode
from plugin.core.models import find_card
from plugin.core.paths import RESOURCES
from plugin.core.report import REPORT_SCHEMA
from plugin.worker.dataset.inputs import Inputs
from plugin.worker.dataset.labels import read_labels
from plugin.worker.dataset.split import split_ground
from plugin.worker.geodata.raster import describe_raster
from plugin.worker.pipeline.evaluator import Evaluator
from plugin.worker.pipeline.outputs import write_outcomes
from plugin.worker.polygons.vectorize import Footprints
from plugin.worker.report.build import RunResults, Spent, TuningStage, build_report
from plugin.worker.runtime.determinism import CPU

HELP = RESOURCES / "help"
RULES = json.loads((HELP / "report.schema.json").read_text("utf-8"))


def list_fields(rule):
    """Return the name of every field in a rule."""
    if isinstance(rule, dict):
        names = rule["properties"] if isinstance(rule.get("properties"), dict) else {}
        return {*names, *(name for part in rule.values() for name in list_fields(part))}
    return set()


@pytest.fixture(scope="module")
def judged(town, make_town_job, tmp_path_factory):
    """A town's inputs, split and judge, and the scores and outcomes of a made-up base model and tuned model."""
    folder = tmp_path_factory.mktemp("judged")
    job = load_job(make_town_job(folder))
    card = find_card("imagenet_lite0")
    raster = describe_raster(str(town.raster), card)
    inputs = Inputs(job, card, raster, read_labels(str(town.labels), "", raster))
    split = split_ground(raster, inputs.labels, job.settings)
    evaluator = Evaluator(inputs, split, None)
    truth = inputs.labels.polygons[split.label_roles == HELD_OUT]
    scores = []
    for shift, lost in ((3.0, 4), (0.5, 0)):
        polygons = shapely.transform(truth[lost:], lambda xy, shift=shift: xy + np.array([shift, 0]))
        found = Footprints(polygons, np.full(len(polygons), 0.8), shapely.area(polygons) * 0.25)
        scores.append(evaluator.score_held_out(town.raster, found, card.separation))
    return inputs, split, evaluator, scores


@pytest.fixture(scope="module")
def report(judged):
    inputs, split, evaluator, scores = judged
    before, after = scores[0][0], scores[1][0]
    epoch = EpochEnded(1, 1, train_loss=0.5, validation_loss=0.4, validation_f1=0.6, is_best=True)
    tuning = TuningStage(1, 0.6, after.parting, (epoch,), "0" * 64)
    spent = Spent({"base": 1.5})
    results = RunResults(before, after, tuning, spent, "CPU, 2 threads", "cpu", "town", "Tuned on town")
    return json.loads(json.dumps(encode(build_report(inputs, split, evaluator.evaluation, results)), allow_nan=False))


def test_the_report_keeps_to_its_schema(report, find_faults):
    assert find_faults(report) == []
    assert report["schema"] == REPORT_SCHEMA == RULES["properties"]["schema"]["const"]


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda each: each.pop("difference"), "report.difference is missing"),
        (lambda each: each.update(more=1), "report.more is not in the schema"),
        (lambda each: each["after"]["building"].update(f1="high"), "report.after.building.f1 is not of type number"),
        (lambda each: each["after"]["building"].update(f1=1.2), "report.after.building.f1 is 1.2"),
        (lambda each: each["after"]["by_iou"].pop(), "report.after.by_iou has 9 items"),
        (lambda each: each.update(schema=1), "report.schema is not 2"),
    ],
)
def test_the_check_of_the_schema_finds_what_is_wrong(report, spoil, fault, find_faults):
    spoilt = copy.deepcopy(report)
    spoil(spoilt)
    assert find_faults(spoilt) == [fault]


def test_the_help_tells_every_field():
    text = (HELP / "report.md").read_text("utf-8")
    assert sorted(name for name in list_fields(RULES) if f"`{name}`" not in text) == []


def test_the_blocks_add_up_to_the_score_and_lie_on_held_out_ground(report, judged):
    inputs, split, *_ = judged
    for model in ("before", "after"):
        sums = {name: sum(block[model][name] for block in report["blocks"]) for name in ("tp", "fp", "fn")}
        assert sums == {name: report[model]["building"][name] for name in sums} == report["held_out_errors"][model]
    assert sum(block["area_m2"] for block in report["blocks"]) == pytest.approx(
        report["ground"]["held-out"]["area_m2"], rel=1e-3
    )
    frames = shapely.box(*np.array([block["bounds"] for block in report["blocks"]]).T)
    inverse = ~inputs.raster.transform
    pixels = shapely.transform(frames, lambda xy: np.column_stack(inverse @ xy.T))
    assert shapely.union_all(pixels).buffer(1e-6).covers(split.ground(HELD_OUT))


def test_a_small_town_gets_a_sentence_in_place_of_an_interval(report):
    assert report["difference"]["interval"] is None
    assert report["difference"]["is_more_than_noise"] is None
    assert report["interval"]["why_none"] in report["difference"]["sentence"]
    assert "are needed for an interval" in report["interval"]["why_none"]


def test_the_report_says_whether_the_figures_come_again(report):
    assert report["repeatability"] == {"is_deterministic": True, "operations": [], "sentence": CPU}


def test_every_buildings_fate_is_a_layer_in_the_rasters_coordinate_system(judged, tmp_path):
    inputs, _, evaluator, scores = judged
    path = RunFolder(tmp_path).errors
    write_outcomes(path, {"before": scores[0][1]}, inputs.raster)
    write_outcomes(path, {"after": scores[1][1]}, inputs.raster)
    assert sorted(name for name, _ in pyogrio.list_layers(path)) == ["after", "before"]
    for (score, outcomes), layer in zip(scores, ("before", "after"), strict=True):
        meta, _, wkb, columns = pyogrio.raw.read(path, layer=layer)
        fields = dict(zip(meta["fields"], columns, strict=True))
        told = {name: int((fields["outcome"] == name.upper()).sum()) for name in ("tp", "fp", "fn")}
        assert told == {name: getattr(score.building, name) for name in told}
        assert shapely.is_valid(shapely.from_wkb(wkb)).all()
        centres = shapely.get_coordinates(shapely.centroid(shapely.from_wkb(wkb)))
        back = np.column_stack(~inputs.raster.transform @ centres.T)
        assert back == pytest.approx(shapely.get_coordinates(shapely.centroid(outcomes.polygons)))
        assert set(fields) == {"outcome", "iou", "area_m2", "confidence", "block"}
        assert fields["block"].max() < len(evaluator.evaluation.blocks)


def test_writing_a_layer_again_replaces_it_and_keeps_the_other(judged, tmp_path):
    inputs, _, _, scores = judged
    path = RunFolder(tmp_path).errors
    write_outcomes(path, {"before": scores[0][1], "after": scores[0][1]}, inputs.raster)
    write_outcomes(path, {"after": scores[1][1]}, inputs.raster)
    counts = {name: pyogrio.read_info(path, layer=name)["features"] for name in ("before", "after")}
    assert counts == {"before": len(scores[0][1].polygons), "after": len(scores[1][1].polygons)}


def test_an_event_of_an_older_worker_has_no_difference():
    line = '{"event": "finished", "before": {"building": {}}, "after": {"building": {}}}'
    assert not parse_event(line).difference.is_known
