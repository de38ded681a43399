"""Drawings: their text is escaped once, and their numbers are short."""

from __future__ import annotations

import re

import pytest
from jinja2 import UndefinedError

from plugin.worker.report.html.svg import Row, draw_rows
from plugin.worker.runtime.templates import render


def test_text_in_a_drawing_is_escaped_and_numbers_have_two_digits():
    drawing = draw_rows('"a" < b', [Row("<i>", "#000000", 0.123456, None, "&")], most=1.0)
    assert 'aria-label="&#34;a&#34; &lt; b"' in drawing
    assert "<title>&#34;a&#34; &lt; b</title>" in drawing
    assert ">&lt;i&gt;</text>" in drawing
    assert ">&amp;</text>" in drawing
    assert re.findall(r"\d+\.\d{3,}", drawing) == []


def test_a_drawing_is_not_escaped_again_and_a_value_that_is_missing_is_no_blank():
    drawing = draw_rows("Title", [Row("Name", "#000000", 0.5, (0.4, 0.6), "0.5")])
    assert render("svg/drawing.svg.jinja", title=drawing, width=1, height=1).count("<circle") == 2
    with pytest.raises(UndefinedError):
        render("svg/drawing.svg.jinja", title="no width")
