"""The report of a run: one reader, one clear error, and a help and a schema that are made from it."""

from __future__ import annotations

import json
import re

import pytest

from plugin.core import report_docs
from plugin.core.counts import Counts
from plugin.core.errors import InputError
from plugin.core.json_codec import encode
from plugin.core.report import Report, parse_report, read_report
from plugin.core.report_docs import HELP, SCHEMA, TABLES, build_schema, describe_fields
from plugin.core.score import BuildingScore
from tests.conftest import make_report


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a report and returns its path."""

    def write(content):
        path = tmp_path / "report.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return path

    return write


def test_a_report_is_read_with_its_scores_blocks_and_raster(write):
    report = read_report(write(make_report()))
    assert (report.before.building.f1, report.after.building.interval) == (0.25, (0.5, 0.7))
    assert (len(report.blocks), report.blocks[0].after) == (12, Counts(5, 3, 5))
    assert (report.raster.crs, report.base_model.title) == ("EPSG:32645", "Starter")
    assert report.f1s == (0.25, report.after.building.f1)


def test_what_was_written_is_read_back_as_it_was(write):
    report = read_report(write(make_report()))
    assert read_report(write(encode(report))) == report


def test_a_report_holds_every_key_that_its_schema_asks_for():
    assert set(encode(Report())) == set(build_schema()["properties"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 1}, "has the schema 1, not 2"),
        ({"schema": 3}, "has the schema 3, not 2"),
        ({"schema": None}, "has the schema null, not 2"),
        ({"after": {"building": {"f1": "high"}}}, '"after.building.f1" must be a number or null, not "high".'),
        ({"after": 5}, '"after" must be an object, not 5.'),
        ({"before": {}}, "it holds no score."),
        ({"blocks": [{"bounds": [0, 0, 1]}]}, '"blocks[0].bounds" must be a list of numbers, not [0, 0, 1].'),
        ({"by_hand": {"threshold": "low"}}, '"by_hand.threshold" must be a number, not "low".'),
        ({"seconds": {"base": "long"}}, '"seconds.base" must be a number, not "long".'),
    ],
)
def test_a_broken_report_or_one_of_another_version_is_refused_with_one_sentence_and_a_next_step(write, change, said):
    path = write({**make_report(), **change})
    with pytest.raises(InputError) as caught:
        read_report(path)
    assert said in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_file_that_holds_no_object_is_refused(write, content):
    with pytest.raises(InputError, match="holds no JSON object"):
        read_report(write(content))


def test_of_a_broken_report_the_rest_is_read_where_its_faults_are_gathered():
    faults = []
    report = parse_report({**make_report(), "after": 5, "seconds": "long", "written": 7}, faults)
    assert [fault.split('"')[1] for fault in faults[:3]] == ["written", "after", "seconds"]
    assert (report.after.building, report.before.building.f1) == (BuildingScore(), 0.25)


def test_a_report_of_the_first_schema_is_read_as_far_as_it_goes():
    score = {"building": {"tp": 1, "fp": 1, "fn": 1, "precision": 0.5, "recall": 0.5, "f1": 0.5}, "pixel": {"iou": 0.5}}
    faults = []
    report = parse_report({"schema": 1, "before": score, "after": score, "tuning": {"best_epoch": 2}}, faults)
    assert faults == []
    assert (report.after.building.tp, report.blocks, report.difference.is_known) == (1, (), False)


def test_the_help_and_the_schema_are_what_the_dataclasses_say():
    again = "Run python -m plugin.core.report_docs."
    assert json.loads(SCHEMA.read_text("utf-8")) == build_schema(), again
    assert HELP.read_text("utf-8") == describe_fields(HELP.read_text("utf-8")), again


def test_the_help_has_a_table_for_each_part_of_a_report():
    assert re.findall(r"<!-- fields of (\w+) -->\n\|", HELP.read_text("utf-8")) == [kind.__name__ for kind in TABLES]


def test_the_command_writes_both_files_anew(tmp_path):
    (tmp_path / "report.md").write_text(HELP.read_text("utf-8"), "utf-8")
    report_docs.write(tmp_path)
    assert (tmp_path / "report.md").read_text("utf-8") == HELP.read_text("utf-8")
    assert (tmp_path / "report.schema.json").read_text("utf-8") == SCHEMA.read_text("utf-8")
