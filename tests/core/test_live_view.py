"""The live view's messages: what is on the wire stays as it is, to the key."""

import json

import pytest

from plugin.core.live_view import (
    CurvePoints,
    CurveRequest,
    Dropped,
    Footprints,
    Ready,
    Refused,
    TraceRequest,
    Unavailable,
    format_answer,
    format_request,
    parse_answer,
)

BOX = (0.0, 1.0, 2.0, 3.0)
REQUESTS = {
    '{"id": 7, "do": "trace", "box": [0.0, 1.0, 2.0, 3.0], "width_px": 40, "height_px": 30, "threshold": 0.5,'
    ' "min_area_m2": 5.0}': TraceRequest(BOX, 40, 30, 0.5, 5.0, 7),
    '{"id": 8, "do": "curve", "min_area_m2": 5.0}': CurveRequest(5.0, 8),
}
ANSWERS = {
    '{"ready": {"threshold": 0.4, "min_area_m2": 6.0, "chosen_threshold": 0.5, "chosen_min_area_m2": 5.0,'
    ' "crs": "WKT", "gsd_m": 0.5, "bounds": [0.0, 1.0, 2.0, 3.0]}}': Ready(0.4, 6.0, 0.5, 5.0, "WKT", 0.5, list(BOX)),
    '{"failed": {"message": "It is gone.", "hint": "Run it again."}}': Unavailable("It is gone.", "Run it again."),
    '{"curve": {"min_area_m2": 5.0, "points": [[0.5, 0.8, 0.9, null]], "best": null, "done": 0.25}}': CurvePoints(
        5.0, [[0.5, 0.8, 0.9, None]], None, 0.25
    ),
    '{"answer": 7, "wkb": "AAE=", "count": 3, "is_coarse": false, "seconds": 0.1}': Footprints(
        7, b"\x00\x01", 3, False, 0.1
    ),
    '{"answer": "t1", "dropped": true}': Dropped("t1"),
    '{"answer": null, "error": {"message": "No.", "hint": "Yes."}}': Refused(None, "No.", "Yes."),
}


@pytest.mark.parametrize(("line", "request_"), REQUESTS.items())
def test_a_request_is_written_as_ever(line, request_):
    assert format_request(request_) == line


@pytest.mark.parametrize(("line", "answer"), ANSWERS.items())
def test_an_answer_is_written_as_ever_and_read_as_it_was(line, answer):
    assert format_answer(answer) == line
    assert parse_answer(line.encode()) == answer


@pytest.mark.parametrize(
    "line", ["no JSON", "[1]", "7", "{}", '{"ready": 7}', '{"answer": 1}', '{"answer": 1, "wkb": 7}']
)
def test_what_is_no_answer_is_none(line):
    assert parse_answer(line.encode()) is None


def test_what_is_not_a_number_is_not_written():
    with pytest.raises(ValueError, match="JSON"):
        format_answer(CurvePoints(5.0, [[0.5, float("nan"), 0.9, 0.9]], None, 1.0))


def test_every_line_is_in_ascii():
    assert json.loads(format_answer(Refused(1, "Büro 建物"))) == {
        "answer": 1,
        "error": {"message": "Büro 建物", "hint": ""},
    }
    assert format_answer(Refused(1, "Büro")).isascii()
