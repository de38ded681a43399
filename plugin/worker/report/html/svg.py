"""Small charts as SVG, drawn with what Qt's SVG Tiny knows too: shapes and text with attributes, no style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .markup import Markup, tag

WIDTH = 340.0
BEFORE, AFTER = "#767676", "#0072b2"
INK, MUTED, GRID = "#1f2328", "#57606a", "#d8dee4"
_TEXT_PX = 11.5
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


def draw_svg(title: str, height: float, *content: Markup, width: float = WIDTH, **attributes: str) -> Markup:
    """Return a picture that scales with its place; ``title`` is what is read out instead of it."""
    return tag(
        "svg",
        tag("title", title),
        *content,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=title,
        **attributes,
    )


def write(text: str, x: float, y: float, colour: str = MUTED, anchor: str = "start", weight: str = "normal") -> Markup:
    """Return text whose base line is at ``y``."""
    return tag(
        "text", text, x=x, y=y, fill=colour, text_anchor=anchor, font_size=_TEXT_PX, font_weight=weight, stroke="none"
    )


def draw_rows(title: str, rows: Sequence[Row], *, must_hold: float | None = None, most: float = math.inf) -> Markup:
    """Return values with intervals one beneath the other, on one axis up to ``most``; ``must_hold`` is marked."""
    left, top, step = max(84.0, 10 + _LETTER_PX * max(len(row.name) for row in rows)), 8.0, 30.0
    shown = [row.value for row in rows] + [end for row in rows if row.interval for end in row.interval]
    scale = fit_scale(shown + ([] if must_hold is None else [must_hold]), left, WIDTH - 14, most)
    bottom = top + step * len(rows)
    parts = [_draw_column(mark, scale, top, bottom, is_strong=mark[0] == must_hold) for mark in scale.mark()]
    for number, row in enumerate(rows):
        middle = top + step * (number + 0.6)
        parts.append(write(row.name, 0, middle + 4, INK))
        if row.interval:
            ends = scale(row.interval[0]), scale(row.interval[1])
            parts.append(_draw_bar(ends, middle, row.colour))
        parts.append(tag("circle", cx=scale(row.value), cy=middle, r=5, fill=row.colour))
        parts.append(write(row.text, scale(row.value), middle - 9, row.colour, "middle", "bold"))
    return draw_svg(title, bottom + 18, *parts)


def draw_lines(
    title: str, lines: Sequence[Line], *, across: str, up: str, marked: float | None = None, most: float = math.inf
) -> Markup:
    """Return lines over a common axis, named in a legend above; ``across`` and ``up`` (to ``most``) name the axes."""
    points = [(x, y) for line in lines for x, y in line.points if y is not None]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, right, top, bottom = 38.0, WIDTH - 12, 40.0, 172.0
    first, last = min(xs), max(xs)
    x_scale = Scale(first - (first == last) / 2, last + (first == last) / 2, left, right)
    y_scale = fit_scale(ys, bottom, top, most)
    parts = [write(up, 0, 12), _draw_legend(lines, 30)]
    for value, text in y_scale.mark():
        y = y_scale(value)
        parts.append(_draw_stroke((left, y), (right, y)))
        parts.append(write(text, left - 6, y + 4, MUTED, "end"))
    is_counted = all(float(x).is_integer() for x in xs)
    for value, text in x_scale.mark(6):
        if not is_counted or (value.is_integer() and first <= value <= last):
            parts.append(write(f"{value:.0f}" if is_counted else text, x_scale(value), bottom + 16, MUTED, "middle"))
    parts.append(write(across, right, bottom + 32, MUTED, "end"))
    if marked is not None:
        parts.append(_draw_stroke((x_scale(marked), top), (x_scale(marked), bottom), MUTED, "2 3"))
    for line in lines:
        places = [(x_scale(x), y_scale(y)) for x, y in line.points if y is not None]
        parts.extend(_draw_line(places, line))
    return draw_svg(title, bottom + 38, *parts)


def draw_pairs(title: str, groups: Sequence[tuple[str, float | None, float | None]], names: tuple[str, str]) -> Markup:
    """Return for each group two bars from 0 to 1, before and after; a value that is not known has none."""
    left, top, step = 118.0, 26.0, 36.0
    scale = Scale(0.0, 1.0, left, WIDTH - 36)
    bottom = top + step * len(groups)
    pairs = tuple(zip(names, (BEFORE, AFTER), strict=True))
    parts = [_draw_legend([Line(name, colour, ()) for name, colour in pairs], 12)]
    parts += [_draw_column(mark, scale, top, bottom) for mark in ((0.0, "0"), (0.5, "0.5"), (1.0, "1"))]
    for number, (name, *values) in enumerate(groups):
        y = top + step * number + 5
        first, _, second = name.partition("\n")
        parts += [write(first, 0, y + 11, INK), write(second, 0, y + 25)]
        for place, value in enumerate(values):
            if value is None:
                parts.append(write("no figure", left + 4, y + 11 + 14 * place))
                continue
            width = max(1.0, scale(value) - left)
            parts.append(tag("rect", x=left, y=y + 14 * place, width=width, height=12, fill=(BEFORE, AFTER)[place]))
            parts.append(write(f"{value:.2f}", left + width + 5, y + 10 + 14 * place, INK))
    return draw_svg(title, bottom + 18, *parts)


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


def _draw_stroke(
    start: tuple[float, float], stop: tuple[float, float], colour: str = GRID, dash: str | None = None
) -> Markup:
    (x1, y1), (x2, y2) = start, stop
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, stroke_width=1, stroke_dasharray=dash)


def _draw_column(
    mark: tuple[float, str], scale: Scale, top: float, bottom: float, *, is_strong: bool = False
) -> Markup:
    value, text = mark
    x = scale(value)
    line = _draw_stroke((x, top), (x, bottom), INK if is_strong else GRID)
    return Markup(line + write(text, x, bottom + 14, MUTED, "middle"))


def _draw_bar(ends: tuple[float, float], y: float, colour: str) -> Markup:
    bar = tag("line", x1=ends[0], y1=y, x2=ends[1], y2=y, stroke=colour, stroke_width=2)
    caps = [tag("line", x1=x, y1=y - 5, x2=x, y2=y + 5, stroke=colour, stroke_width=2) for x in ends]
    return Markup(bar + "".join(caps))


def _draw_line(places: Sequence[tuple[float, float]], line: Line) -> list[Markup]:
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    drawn = tag("polyline", points=text, fill="none", stroke=line.colour, stroke_width=2, stroke_dasharray=line.dash)
    return [drawn, *(tag("circle", cx=x, cy=y, r=2.5, fill=line.colour) for x, y in places)]


def _draw_legend(lines: Sequence[Line], y: float) -> Markup:
    x, parts = 0.0, []
    for line in lines:
        stroke: dict[str, Any] = {"stroke": line.colour, "stroke_width": 3.0, "stroke_dasharray": line.dash}
        parts += [tag("line", x1=x, y1=y - 4, x2=x + 18, y2=y - 4, **stroke), write(line.name, x + 24, y, INK)]
        x += 24 + _LETTER_PX * len(line.name) + 16
    return Markup("".join(parts))
