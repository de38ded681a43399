"""The protocol's lines: what is sent is what is heard, and what is not understood is passed over."""

import dataclasses
import json

import pytest

from plugin.core import events
from plugin.core.events import (
    STAGES,
    Cancelled,
    EpochEnded,
    Failed,
    Finding,
    Finished,
    Notice,
    Progress,
    Scored,
    StageStarted,
    Started,
    format_event,
    parse_event,
)
from plugin.core.score import BuildingScore, Difference, PixelScore, Score

SCORE = Score(building=BuildingScore(3, 1, 2, f1=0.6666666666666666), pixel=PixelScore(iou=0.5))
EVENTS = [
    Started("/tmp/Läufe/one", pid=7, device="cuda"),
    StageStarted("tune", resumed=True),
    Progress("tune", 0.25, left_s=None, text="epoch 1"),
    Progress("tune", 1.0, left_s=0.5),
    EpochEnded(1, 3, 0.51, 0.62, 0.73, is_best=True),
    Notice("warning", 'Two "odd" labels\nwere repaired.', "Look at them."),
    Finding("twins", "warning", "Two are one.", "Delete it.", 2, [[0.5, 1.0, 2.0, 3.0]], "EPSG:32645", -1.5, 0.25),
    Scored("before", SCORE),
    Finished({"footprints": "/tmp/f.gpkg"}, SCORE, SCORE, difference=Difference(0.0, sentence="The same.")),
    Finished({"footprints": "/tmp/f.gpkg"}),
    Cancelled("predict"),
    Failed("It broke.", "Mend it.", "trace", "too-few-buildings"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_what_is_sent_is_what_is_heard(event):
    assert parse_event(format_event(event)) == event


def test_every_kind_of_event_was_tried_here():
    assert {type(event) for event in EVENTS} == {
        item for item in vars(events).values() if dataclasses.is_dataclass(item) and item.__module__ == events.__name__
    }


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_one_line_of_json_in_ascii_whatever_its_texts_hold(event):
    line = format_event(event)
    assert "\n" not in line
    assert line.isascii()
    assert json.loads(line)["event"].islower()


def test_a_path_that_is_no_valid_text_comes_through():
    """POSIX names may hold bytes that no encoding knows; Python keeps them as lone surrogates."""
    event = Started("/runs/\udcff")
    assert parse_event(format_event(event).encode("ascii").decode("ascii")) == event


def test_the_first_event_names_the_protocol():
    assert json.loads(format_event(Started("/tmp/run")))["protocol"] == 1


def test_a_command_that_scores_nothing_has_empty_scores_in_its_line():
    content = json.loads(format_event(Finished()))
    assert [content[name] for name in ("before", "after", "difference")] == [{}, {}, {}]


def test_fields_of_a_newer_worker_are_passed_over():
    line = '{"event": "progress", "stage": "tune", "done": 0.5, "watts": 300}'
    assert parse_event(line) == Progress("tune", 0.5)


def test_fields_of_a_newer_plugin_may_be_absent():
    assert parse_event('{"event": "stage", "stage": "base"}') == StageStarted("base", resumed=False)
    assert parse_event('{"event": "failed", "message": "It broke."}') == Failed("It broke.")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\n",
        "Loading weights: 100%",
        "{",
        "null",
        "[]",
        "3",
        '"event"',
        "{}",
        '{"event": "sang", "song": "la"}',
        '{"event": null}',
        '{"event": ["progress"]}',
        '{"event": "progress"}',
        '{"event": "epoch", "epoch": 1}',
        "[" * 100_000,
    ],
    ids=lambda line: line[:30] or "nothing",
)
def test_a_line_without_an_event_is_passed_over(line):
    assert parse_event(line) is None


def test_the_stages_are_those_of_the_story():
    assert STAGES == ("check", "fetch", "split", "base", "tune", "predict", "trace", "score", "write")
