"""Texts that stay narrow, and numbers as people read them."""

import pytest

from footprint_tuner.ui.fields.wrapped_text import WrapLabel, format_clock, format_count, format_score, soften

BREAK = "\u200b"


@pytest.mark.parametrize("text", ["", "a few short words", "well-known words"])
def test_short_words_are_left_as_they_are(text):
    assert soften(text) == text


def test_a_path_may_break_behind_its_slashes():
    assert soften("in /home/analyst/runs/town") == f"in /{BREAK}home/{BREAK}analyst/{BREAK}runs/{BREAK}town"


def test_a_word_without_any_seam_may_break_somewhere():
    assert max(map(len, soften("x" * 100).split(BREAK))) <= 16


def test_a_label_gives_back_its_text_as_it_was_given():
    label = WrapLabel()
    label.setText("/home/analyst/" + "x" * 100)
    assert label.text() == "/home/analyst/" + "x" * 100


@pytest.mark.parametrize(("value", "text"), [(0.68449, "0.684"), (1, "1.000"), (None, "\u2013"), ("?", "\u2013")])
def test_a_score_has_three_places(value, text):
    assert format_score(value) == text


def test_a_count_that_is_not_known_is_a_dash():
    assert (format_count(12), format_count(None)) == ("12", "\u2013")


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (61, "1:01"), (3599, "59:59"), (3600, "1:00:00")])
def test_the_time_so_far_reads_like_a_clock(seconds, text):
    assert format_clock(seconds) == text
