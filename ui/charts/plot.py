"""How the charts are drawn: a panel of lines over epochs or thresholds, with its grid, legend and best point."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Sequence

from qgis.PyQt.QtCore import QLocale, QPointF, QRectF, Qt
from qgis.PyQt.QtGui import QFontMetricsF, QPainter, QPalette, QPen, QTextOption

from ..fields.colours import choose_colour, fade
from .axis import choose_epoch_ticks, count_places

_RADIUS = 2.5
_KEY = 18.0
_GAP = 6.0


@dataclass(frozen=True)
class Line:
    """One line of a panel: its name in the legend, its colour's name, and (epoch, value) where it has a value.

    What stands here as an epoch may be any number along the panel's lower side.
    """

    name: str
    colour: str
    points: tuple[tuple[float, float], ...]
    style: Qt.PenStyle = Qt.PenStyle.SolidLine


@dataclass(frozen=True)
class Panel:
    """Lines that share a vertical axis, which goes through ``ticks``."""

    title: str
    lines: tuple[Line, ...]
    ticks: tuple[float, ...]


@dataclass(frozen=True)
class Scale:
    """Where an epoch and a value lie in ``ground``, in pixels."""

    ground: QRectF
    first: float
    last: float
    low: float
    high: float

    def x(self, epoch: float) -> float:
        """Return the pixel of an epoch; a single one stands in the middle."""
        share = (epoch - self.first) / (self.last - self.first) if self.last > self.first else 0.5
        return float(self.ground.left() + share * self.ground.width())

    def y(self, value: float) -> float:
        """Return the pixel of a value."""
        return float(self.ground.bottom() - (value - self.low) / (self.high - self.low) * self.ground.height())


def draw_panel(painter: QPainter, palette: QPalette, scale: Scale, panel: Panel, best: float | None) -> None:
    """Draw a panel's grid, best epoch and lines into the scale's ground."""
    _draw_grid(painter, palette, scale, panel.ticks)
    if best is not None:
        painter.setPen(QPen(choose_colour(palette, "score"), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(scale.x(best), scale.ground.top()), QPointF(scale.x(best), scale.ground.bottom()))
    for line in panel.lines:
        _draw_line(painter, palette, scale, line, best)


def draw_legend(painter: QPainter, palette: QPalette, row: QRectF, panel: Panel) -> None:
    """Write the panel's title at the left of ``row`` and the keys of its lines at the right."""
    painter.setPen(palette.color(QPalette.ColorRole.WindowText))
    write_text(painter, row, panel.title, Qt.AlignmentFlag.AlignLeft)
    right = row.right()
    for line in reversed(panel.lines):
        width = QFontMetricsF(painter.font()).horizontalAdvance(line.name) + 1
        right -= width
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        write_text(painter, QRectF(right, row.top(), width, row.height()), line.name, Qt.AlignmentFlag.AlignLeft)
        right -= _KEY + 4
        painter.setPen(QPen(choose_colour(palette, line.colour), 2, line.style))
        painter.drawLine(QPointF(right, row.center().y()), QPointF(right + _KEY, row.center().y()))
        right -= 2 * _GAP


def draw_epochs(painter: QPainter, palette: QPalette, scale: Scale, row: QRectF, title: str) -> None:
    """Write whole epochs under the axis, and ``title`` at the left of the row."""
    painter.setPen(palette.color(QPalette.ColorRole.WindowText))
    write_text(
        painter, QRectF(0, row.top(), scale.ground.left() - _GAP, row.height()), title, Qt.AlignmentFlag.AlignLeft
    )
    most = max(2, int(scale.ground.width() / (QFontMetricsF(painter.font()).horizontalAdvance("000") * 1.5)))
    for epoch in choose_epoch_ticks(round(scale.first), round(scale.last), most):
        place = QRectF(scale.x(epoch) - 20, row.top(), 40, row.height())
        write_text(painter, place, QLocale().toString(epoch), Qt.AlignmentFlag.AlignHCenter)


def format_tick(value: float, ticks: Sequence[float]) -> str:
    """Return a tick's value with as many places as tell the ticks apart."""
    return str(QLocale().toString(value, "f", count_places(ticks)))


def write_text(painter: QPainter, place: QRectF, text: str, alignment: Qt.AlignmentFlag) -> None:
    """Write one line of text into ``place``, in its middle from top to bottom."""
    option = QTextOption(alignment | Qt.AlignmentFlag.AlignVCenter)
    option.setWrapMode(QTextOption.WrapMode.NoWrap)
    painter.drawText(place, text, option)


def _draw_grid(painter: QPainter, palette: QPalette, scale: Scale, ticks: Sequence[float]) -> None:
    text = palette.color(QPalette.ColorRole.WindowText)
    height = QFontMetricsF(painter.font()).height()
    for tick in ticks:
        y = scale.y(tick)
        painter.setPen(QPen(fade(text, 45), 1))
        painter.drawLine(QPointF(scale.ground.left(), y), QPointF(scale.ground.right(), y))
        painter.setPen(text)
        place = QRectF(0, y - height / 2, scale.ground.left() - _GAP, height)
        write_text(painter, place, format_tick(tick, ticks), Qt.AlignmentFlag.AlignRight)


def _draw_line(painter: QPainter, palette: QPalette, scale: Scale, line: Line, best: float | None) -> None:
    colour = choose_colour(palette, line.colour)
    points = [(epoch, value) for epoch, value in line.points if math.isfinite(value)]
    places = [QPointF(scale.x(epoch), scale.y(value)) for epoch, value in points]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, 2, line.style))
    for start, end in zip(places, places[1:]):
        painter.drawLine(start, end)
    painter.setPen(QPen(colour, 1))
    painter.setBrush(colour)
    for (epoch, _), place in zip(points, places):
        radius = _RADIUS * 2 if line.colour == "score" and epoch == best else _RADIUS
        painter.drawEllipse(place, radius, radius)
