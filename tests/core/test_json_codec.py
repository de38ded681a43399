"""Dataclasses from JSON and back: what is read is what was written, and what cannot be read is named."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Optional, get_args, get_type_hints

import pytest

from plugin.core.card import Card, Seeds
from plugin.core.counts import Counts
from plugin.core.doctor_report import DoctorReport
from plugin.core.events import EpochEnded, Event
from plugin.core.imagery import Imagery
from plugin.core.job import Job, Settings
from plugin.core.json_codec import WrongValueError, decode, described, encode, read_object
from plugin.core.model_specs import IdentifiedModel
from plugin.core.report import Link, Report, ThresholdChange
from plugin.core.run_comparison import RunComparison
from plugin.core.score import Rates


@dataclass(frozen=True)
class Point:
    """A place."""

    x: float
    y: float = 0.0


@dataclass(frozen=True)
class Shape:
    """Of everything that a field may be."""

    name: str
    corners: tuple[Point, ...] = ()
    size: tuple[int, int] = (1, 1)
    centre: Optional[Point] = None
    is_closed: bool = True
    weights: dict[str, float] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    anything: object = None
    note: Optional[str] = described("is left out where there is none", default=None, is_omitted=True)


WHOLE = Shape("a", (Point(1, 2.5), Point(3)), (4, 5), Point(0.5), False, {"a": 1.5}, ["x"], {"b": [1]}, "note")


@pytest.mark.parametrize("shape", [WHOLE, Shape("bare")], ids=["whole", "bare"])
def test_what_was_written_is_read_back(shape):
    assert decode(Shape, json.loads(json.dumps(encode(shape)))) == shape


def test_what_is_left_out_where_it_is_none_is_no_key():
    assert "note" not in encode(Shape("a"))
    assert encode(Shape("a"))["centre"] is None


def test_unknown_keys_are_passed_over_and_missing_ones_take_the_default():
    assert decode(Shape, {"name": "a", "colour": "red"}) == Shape("a")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([], '"" must be an object, not [].'),
        ({}, '"name" is missing.'),
        ({"name": 3}, '"name" must be text, not 3.'),
        ({"name": None}, '"name" must be text, not null.'),
        ({"name": "a", "is_closed": 1}, '"is_closed" must be true or false, not 1.'),
        ({"name": "a", "size": [1]}, '"size" must be a list of whole numbers, not [1].'),
        ({"name": "a", "size": [1, True]}, '"size" must be a list of whole numbers, not [1, true].'),
        ({"name": "a", "corners": [{"x": 1}, {"y": 1}]}, '"corners[1].x" is missing.'),
        ({"name": "a", "corners": {"x": 1}}, '"corners" must be a list of objects, not {"x": 1}.'),
        ({"name": "a", "centre": {"x": "left"}}, '"centre.x" must be a number, not "left".'),
        ({"name": "a", "centre": 3}, '"centre" must be an object or null, not 3.'),
        ({"name": "a", "weights": {"b": "heavy"}}, '"weights.b" must be a number, not "heavy".'),
        ({"name": "a", "tags": "xyz"}, '"tags" must be a list of texts, not "xyz".'),
    ],
)
def test_a_value_of_another_type_is_refused_by_its_place(content, sentence):
    with pytest.raises(WrongValueError) as caught:
        decode(Shape, content)
    assert str(caught.value) == sentence


def test_a_described_number_is_finite_unless_it_may_be_nan():
    assert decode(
        EpochEnded, {"epoch": 1, "epochs": 1, "train_loss": math.nan, "validation_loss": math.inf, "validation_f1": 0}
    )
    with pytest.raises(WrongValueError, match='"f1" must be a number or null, not NaN'):
        decode(Rates, {"f1": math.nan})


def test_where_faults_are_gathered_all_of_them_are_told_and_take_their_default():
    faults = []
    content = {"name": "a", "size": "big", "centre": {"x": 1, "y": "up"}, "corners": [{"x": 1}, 2]}
    assert decode(Shape, content, faults) == Shape("a", centre=Point(1))
    assert [fault.split('"')[1] for fault in faults] == ["corners[1]", "size", "centre.y"]


@pytest.mark.parametrize("text", ["", "{", "[1]", "3", "\x00"])
def test_a_file_that_holds_no_object_gives_none(tmp_path, text):
    path = tmp_path / "a.json"
    assert read_object(path) is None
    path.write_text(text, "utf-8")
    assert read_object(path) is None
    path.write_text('{"a": 1}', "utf-8-sig")
    assert read_object(path) == {"a": 1}


def test_what_is_read_from_files_is_typed_as_python_3_9_evaluates_it():
    kinds = [Report, Job, Card, RunComparison, DoctorReport, IdentifiedModel, Rates, Counts, *get_args(Event)]
    for kind in kinds:  # grows by what is found in them
        for item in fields(kind):
            written = re.sub(r"'[^']*'", "", str(item.type))  # a help text may speak of FILE|LAYER
            assert "|" not in written, f"{kind.__name__}.{item.name}"
        kinds += [each for each in find_dataclasses(tuple(get_type_hints(kind).values())) if each not in kinds]
    assert {Settings, Seeds, Imagery, Link, ThresholdChange} <= set(kinds)


def find_dataclasses(hints):
    """Return the dataclasses in types, however deep."""
    found = [each for each in hints if is_dataclass(each)]
    return found + [each for hint in hints for each in find_dataclasses(get_args(hint))]
