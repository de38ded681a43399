"""Small charts as SVG: their axes are fitted here, their shapes stand in ``resources/report/svg``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

from markupsafe import Markup

from ...runtime.templates import render

WIDTH = 340.0
BEFORE, AFTER = "#767676", "#0072b2"
_LETTER_PX = 6.4


@dataclass(frozen=True)
class Scale:
    """Takes values from ``low`` to ``high`` to pixels from ``start`` to ``stop``."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        return self.start + (self.stop - self.start) * (value - self.low) / (self.high - self.low)

    def mark(self, count: int = 4) -> list[tuple[float, str]]:
        """Return round values, about ``count`` of them, and how they are written: all with as many digits."""
        step = _round_step((self.high - self.low) / count)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        values = [round(step * number, 10) for number in range(first, last + 1)]
        return [(value, f"{value:.{digits}f}".replace("-", "\u2212")) for value in values]


@dataclass(frozen=True)
class Line:
    """A line of a chart: points (x, y), y None where nothing is known."""

    name: str
    colour: str
    points: Sequence[tuple[float, float | None]]
    dash: str | None = None


@dataclass(frozen=True)
class Row:
    """A value with its interval (None: not known), drawn as a dot on a bar."""

    name: str
    colour: str
    value: float
    interval: tuple[float, float] | None
    text: str


#: A group of bars: its name, what stands beneath, and its value before and after (None: not known).
Group: TypeAlias = tuple[str, str, float | None, float | None]


@dataclass(frozen=True)
class _Entry:
    """A line of a legend: its text, and where it begins."""

    text: str
    colour: str
    dash: str | None
    x: float


def draw_rows(title: str, rows: Sequence[Row], *, must_hold: float | None = None, most: float = math.inf) -> Markup:
    """Return values with intervals one beneath the other, on one axis up to ``most``; ``must_hold`` is marked."""
    left, top, step = max(84.0, 10 + _LETTER_PX * max(len(row.name) for row in rows)), 8.0, 30.0
    shown = [row.value for row in rows] + [end for row in rows if row.interval for end in row.interval]
    scale = fit_scale(shown + ([] if must_hold is None else [must_hold]), left, WIDTH - 14, most)
    bottom = top + step * len(rows)
    values = {"rows": rows, "scale": scale, "top": top, "step": step, "bottom": bottom, "must_hold": must_hold}
    return render("svg/rows.svg.jinja", title=title, width=WIDTH, height=bottom + 18, **values)


def draw_lines(
    title: str, lines: Sequence[Line], *, across: str, up: str, marked: float | None = None, most: float = math.inf
) -> Markup:
    """Return lines over a common axis, named in a legend above; ``across`` and ``up`` (to ``most``) name the axes."""
    points = [(x, y) for line in lines for x, y in line.points if y is not None]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    first, last = min(xs), max(xs)
    room = (first == last) / 2
    x_scale = Scale(first - room, last + room, 38.0, WIDTH - 12)
    x_marks = x_scale.mark(6)
    if all(float(x).is_integer() for x in xs):
        x_marks = [(x, f"{x:.0f}") for x, _ in x_marks if x.is_integer() and first <= x <= last]
    return render(
        "svg/lines.svg.jinja",
        title=title,
        width=WIDTH,
        height=210,
        lines=lines,
        legend=_lay_legend([(line.name, line.colour, line.dash) for line in lines]),
        x_scale=x_scale,
        x_marks=x_marks,
        y_scale=fit_scale(ys, 172.0, 40.0, most),
        across=across,
        up=up,
        marked=marked,
    )


def draw_pairs(title: str, groups: Sequence[Group], names: tuple[str, str]) -> Markup:
    """Return for each group two bars from 0 to 1, before and after; a value that is not known has none."""
    top, step = 26.0, 36.0
    bottom = top + step * len(groups)
    legend = _lay_legend([(name, colour, None) for name, colour in zip(names, (BEFORE, AFTER), strict=True)])
    values = {"groups": groups, "legend": legend, "scale": Scale(0.0, 1.0, 118.0, WIDTH - 36)}
    values |= {"top": top, "step": step, "bottom": bottom}
    return render("svg/pairs.svg.jinja", title=title, width=WIDTH, height=bottom + 18, **values)


def fit_scale(values: Sequence[float], start: float, stop: float, most: float = math.inf) -> Scale:
    """Return a scale that holds the values with some room: it ends at round values, at 0 or at ``most``."""
    low, high = min(values), max(values)
    room = 0.15 * max(high - low, 0.02) + max(0.0, 0.01 - (high - low) / 2)
    step = _round_step((high - low + 2 * room) / 4)
    bottom, top = step * math.floor((low - room) / step), step * math.ceil((high + room) / step)
    return Scale(max(bottom, 0.0) if low >= 0 else bottom, min(top, 0.0) if high < 0 else min(top, most), start, stop)


def _round_step(rough: float) -> float:
    unit: float = 10.0 ** math.floor(math.log10(rough))
    return next(factor * unit for factor in (1.0, 2.0, 5.0, 10.0) if factor * unit >= rough * (1 - 1e-9))


def _lay_legend(names: Sequence[tuple[str, str, str | None]]) -> list[_Entry]:
    """Place (text, colour, dash) one beside the other."""
    ends = accumulate((40 + _LETTER_PX * len(text) for text, _, _ in names), initial=0.0)
    return [_Entry(*name, x) for name, x in zip(names, ends, strict=False)]
