"""F1 on validation ground over the threshold, its best point and the position at hand. Drawn with QPainter alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qgis.PyQt.QtCore import QEvent, QLocale, QPointF, QRectF, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QFont, QFontMetricsF, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from qgis.PyQt.QtWidgets import QLabel, QSizePolicy, QToolTip, QWidget

from ..fields.wrapped_text import format_score
from .axis import choose_ticks
from .plot import Line, Panel, Scale, draw_legend, draw_panel, format_tick, write_text

_GAP = 6.0
_LINES = 9


@dataclass(frozen=True)
class Curve:
    """What validation ground says of thresholds at one minimum area; ``done`` of it is known, from 0 to 1.

    ``points`` are (threshold, F1, precision, recall), in the order of their thresholds; ``best`` is (threshold, F1).
    """

    min_area_m2: float
    points: tuple[tuple[float, float, float, float], ...] = ()
    best: tuple[float, float] | None = None
    done: float = 0.0

    def find_f1(self, threshold: float) -> float | None:
        """Return the F1 at a threshold, on the straight line between its neighbours; None beyond what is known."""
        known = [(place, f1) for place, f1, *_ in self.points if math.isfinite(f1)]
        lower = max((each for each in known if each[0] <= threshold + 1e-9), default=None)
        upper = min((each for each in known if each[0] >= threshold - 1e-9), default=None)
        if lower is None or upper is None:
            return None
        span = upper[0] - lower[0]
        share = (threshold - lower[0]) / span if span > 0 else 0.0
        return lower[1] + share * (upper[1] - lower[1])


def format_threshold(threshold: float) -> str:
    """Return a threshold with two places, or three where it has them."""
    return str(QLocale().toString(threshold, "f", 3 if round(threshold * 1000) % 10 else 2))


class ThresholdChart(QLabel):
    """Draws the curve; a click or a drag on it chooses a threshold, hovering tells a point's numbers.

    It is a label because QGIS's dark themes colour the text of labels alone. By keyboard the slider does the same.
    """

    threshold_chosen = pyqtSignal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin empty."""
        super().__init__(parent)
        self._curve = Curve(0.0)
        self._threshold = 0.5
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("F1 on the validation area by threshold"))

    @property
    def curve(self) -> Curve:
        """The curve that is shown."""
        return self._curve

    def show_curve(self, curve: Curve) -> None:
        """Show what is known so far."""
        self._curve = curve
        self.update()

    def show_threshold(self, threshold: float) -> None:
        """Mark the position at hand."""
        self._threshold = threshold
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for the height of nine lines of text."""
        return QSize(280, round(QFontMetricsF(self._small_font()).height() * _LINES))

    def minimumSizeHint(self) -> QSize:
        """Be readable in the narrowest dock."""
        return QSize(200, self.sizeHint().height())

    def event(self, event: QEvent) -> bool:
        """Tell the numbers of the point under the pointer."""
        if event.type() != QEvent.Type.ToolTip or not isinstance(event, QHelpEvent):
            return bool(super().event(event))
        QToolTip.showText(event.globalPos(), self.describe_point_at(event.pos().x()), self)
        return True

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the threshold under the pointer."""
        self._choose(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Choose the threshold under the pointer that is dragged."""
        self._choose(event)

    def describe_point_at(self, x: float) -> str:
        """Return the numbers of the point nearest to a pixel, "" where there is none."""
        scale = self._make_scale(self._make_panel())
        near = min(self._curve.points, key=lambda point: abs(scale.x(point[0]) - x), default=None)
        if near is None:
            return ""
        text = self.tr("Threshold {threshold}: F1 {f1}, precision {precision}, recall {recall}")
        f1, precision, recall = (format_score(value) for value in near[1:])
        return text.format(threshold=format_threshold(near[0]), f1=f1, precision=precision, recall=recall)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the curve, its best point, and the position at hand."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._small_font())
        panel, line = self._make_panel(), QFontMetricsF(painter.font()).height()
        scale, best = self._make_scale(panel), self._curve.best
        draw_legend(painter, self.palette(), QRectF(0, 0, self.width() - 1, line), panel)
        draw_panel(painter, self.palette(), scale, panel, best[0] if best else None)
        self._draw_position(painter, scale)
        self._draw_thresholds(painter, scale, QRectF(0, self.height() - line, self.width(), line))
        painter.end()

    def _draw_position(self, painter: QPainter, scale: Scale) -> None:
        x = scale.x(self._threshold)
        colour = self.palette().color(QPalette.ColorRole.WindowText)
        painter.setPen(QPen(colour, 2))
        painter.drawLine(QPointF(x, scale.ground.top()), QPointF(x, scale.ground.bottom()))
        f1 = self._curve.find_f1(self._threshold)
        if f1 is not None:
            painter.setBrush(self.palette().color(QPalette.ColorRole.Window))
            painter.drawEllipse(QPointF(x, scale.y(f1)), 5, 5)

    def _draw_thresholds(self, painter: QPainter, scale: Scale, row: QRectF) -> None:
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        ticks = (0.1, 0.3, 0.5, 0.7, 0.9)
        for tick in ticks:
            place = QRectF(scale.x(tick) - 20, row.top(), 40, row.height())
            write_text(painter, place, format_tick(tick, ticks), Qt.AlignmentFlag.AlignHCenter)

    def _choose(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and self.isEnabled():
            ground = self._make_scale(self._make_panel()).ground
            share = (event.pos().x() - ground.left()) / ground.width()
            self.threshold_chosen.emit(min(1.0, max(0.0, share)))

    def _make_scale(self, panel: Panel) -> Scale:
        metrics = QFontMetricsF(self._small_font())
        left = max(metrics.horizontalAdvance(format_tick(tick, panel.ticks)) for tick in panel.ticks) + 2 * _GAP
        line = metrics.height()
        right = metrics.horizontalAdvance("0")
        ground = QRectF(left, 1.5 * line, self.width() - left - right, self.height() - 3 * line)
        return Scale(ground, 0.0, 1.0, panel.ticks[0], panel.ticks[-1])

    def _make_panel(self) -> Panel:
        scores = tuple((threshold, f1) for threshold, f1, *_ in self._curve.points)
        values = [f1 for _, f1 in scores if math.isfinite(f1)]
        best = self._curve.best
        text = self.tr("best {f1} at {threshold}")
        name = text.format(f1=format_score(best[1]), threshold=format_threshold(best[0])) if best else ""
        ticks = tuple(choose_ticks(min(values, default=0.0), max(values, default=1.0), 4))
        return Panel(self.tr("Validation F1"), (Line(name, "score", scores),), ticks)

    def _small_font(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(max(7.0, font.pointSizeF() * 0.85))
        return font
