"""The course of a tuning: losses above, validation F1 below, one point an epoch. Drawn with QPainter alone."""

from __future__ import annotations

import math

from qgis.PyQt.QtCore import QEvent, QRectF, QSize, Qt
from qgis.PyQt.QtGui import QFont, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent, QPalette, QTextOption
from qgis.PyQt.QtWidgets import QLabel, QSizePolicy, QToolTip, QWidget

from ...plugin.core.events import EpochEnded
from ..fields.wrapped_text import format_score
from .axis import choose_ticks
from .plot import Line, Panel, Scale, draw_epochs, draw_legend, draw_panel, format_tick

_GAP = 6.0
_FEWEST = 10


class LossChart(QLabel):
    """Draws the epochs that it is given; hovering tells an epoch's numbers.

    It is a label because QGIS's dark themes colour the text of labels alone.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin empty."""
        super().__init__(parent)
        self._epochs: dict[int, EpochEnded] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Losses and validation F1 by epoch"))
        self.clear()

    @property
    def epochs(self) -> list[EpochEnded]:
        """The epochs shown, in their order."""
        return [self._epochs[number] for number in sorted(self._epochs)]

    @property
    def best(self) -> EpochEnded | None:
        """The best epoch so far, None before the first."""
        return next((event for event in reversed(self.epochs) if event.is_best), None)

    def clear(self) -> None:
        """Forget every epoch."""
        self._epochs = {}
        self._refresh()

    def add_epoch(self, event: EpochEnded) -> None:
        """Show one more epoch; an epoch that is told again (by a resumed run) takes the place of the earlier one."""
        self._epochs[event.epoch] = event
        self._refresh()

    def sizeHint(self) -> QSize:
        """Ask for the height of two panels of nine lines of text each."""
        return QSize(280, round(QFontMetricsF(self._small_font()).height() * 18))

    def minimumSizeHint(self) -> QSize:
        """Be readable in the narrowest dock."""
        return QSize(200, self.sizeHint().height())

    def event(self, event: QEvent) -> bool:
        """Tell the numbers of the epoch under the pointer."""
        if event.type() != QEvent.Type.ToolTip or not isinstance(event, QHelpEvent):
            return bool(super().event(event))
        QToolTip.showText(event.globalPos(), self.describe_epoch_at(event.pos().x()), self)
        return True

    def describe_epoch_at(self, x: float) -> str:
        """Return the numbers of the epoch nearest to a pixel, "" where there is none."""
        scale = self._make_scale(QRectF(self.rect()), self._make_panels()[0])
        near = min(self.epochs, key=lambda item: abs(scale.x(item.epoch) - x), default=None)
        return self._describe_epoch(near) if near else ""

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw both panels, or a word on what will be here."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._small_font())
        if self._epochs:
            self._draw_panels(painter)
        else:
            painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
            painter.drawText(QRectF(self.rect()), self._describe(), QTextOption(Qt.AlignmentFlag.AlignCenter))
        painter.end()

    def _draw_panels(self, painter: QPainter) -> None:
        line = QFontMetricsF(painter.font()).height()
        height = (self.height() - line - 2 * _GAP) / 2
        best = self.best.epoch if self.best else None
        for index, panel in enumerate(self._make_panels()):
            top = index * (height + _GAP)
            scale = self._make_scale(QRectF(0, top + line + _GAP, self.width(), height - 1.5 * line - _GAP), panel)
            draw_legend(painter, self.palette(), QRectF(0, top, self.width() - 1, line), panel)
            draw_panel(painter, self.palette(), scale, panel, best)
        row = QRectF(0, self.height() - line, self.width(), line)
        draw_epochs(painter, self.palette(), scale, row, self.tr("epoch"))

    def _make_scale(self, ground: QRectF, panel: Panel) -> Scale:
        metrics = QFontMetricsF(self._small_font())
        texts = [self.tr("epoch"), *(format_tick(tick, panel.ticks) for tick in panel.ticks)]
        left = max(metrics.horizontalAdvance(text) for text in texts) + _GAP + metrics.horizontalAdvance("0")
        ground = QRectF(left, ground.top(), ground.width() - left - metrics.horizontalAdvance("0"), ground.height())
        numbers = sorted(self._epochs) or [1]
        planned = max((event.epochs for event in self.epochs), default=1)
        last = max(numbers[-1], min(planned, max(_FEWEST, 2 * numbers[-1])))
        return Scale(ground, min(1, numbers[0]), last, panel.ticks[0], panel.ticks[-1])

    def _make_panels(self) -> tuple[Panel, Panel]:
        epochs = self.epochs
        training = tuple((item.epoch, item.train_loss) for item in epochs)
        validation = tuple((item.epoch, item.validation_loss) for item in epochs)
        scores = tuple((item.epoch, item.validation_f1) for item in epochs)
        losses = [value for _, value in training + validation if math.isfinite(value)]
        highest = max((value for _, value in scores if math.isfinite(value)), default=0.0)
        lines = (
            Line(self.tr("training"), "training", training),
            Line(self.tr("validation"), "validation", validation, Qt.PenStyle.DashLine),
        )
        best = self.tr("best {f1} (epoch {epoch})")
        name = best.format(f1=format_score(self.best.validation_f1), epoch=self.best.epoch) if self.best else ""
        ticks = tuple(choose_ticks(min(losses, default=0.0), max(losses, default=1.0)))
        return (
            Panel(self.tr("Loss"), lines, ticks),
            Panel(
                self.tr("Validation F1"), (Line(name, "score", scores),), tuple(choose_ticks(0.0, max(0.1, highest)))
            ),
        )

    def _refresh(self) -> None:
        self.setAccessibleDescription(self._describe())
        self.update()

    def _describe(self) -> str:
        if not self._epochs:
            return self.tr("Progress appears here after each pass through the training area.")
        return self._describe_epoch(self.epochs[-1])

    def _describe_epoch(self, event: EpochEnded) -> str:
        text = self.tr("Epoch {epoch} of {epochs}: training loss {training}, validation loss {validation}, F1 {f1}")
        return text.format(
            epoch=event.epoch,
            epochs=event.epochs,
            training=format_score(event.train_loss),
            validation=format_score(event.validation_loss),
            f1=format_score(event.validation_f1),
        )

    def _small_font(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(max(7.0, font.pointSizeF() * 0.85))
        return font
