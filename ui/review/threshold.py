"""The sliders of the live threshold, with F1 on validation ground."""

from __future__ import annotations

from dataclasses import dataclass

from qgis.gui import QgsDoubleSpinBox
from qgis.PyQt.QtCore import QLocale, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QPainter, QPen, QPixmap
from qgis.PyQt.QtWidgets import QCheckBox, QLabel, QProgressBar, QPushButton, QSlider, QWidget

from ..charts.threshold_chart import Curve, ThresholdChart, format_threshold
from ..fields.colours import choose_colour, fade
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel, format_count, format_score
from .slider_spin import SliderSpin

#: The live footprints' colour: no style of a run's layers has it, and imagery hardly ever.
LIVE = "#00e5ff"
FILL_ALPHA = 110
_THRESHOLDS = tuple(percent / 100 for percent in range(5, 96))
#: Round areas, closer together where they matter more.
_AREAS_M2 = (
    *(half / 2 for half in range(7)),
    *range(4, 11),
    *(12, 14, 16, 18, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 100, 120, 140, 160, 180, 200),
)
_STEPS = 1000


@dataclass(frozen=True)
class Position:
    """Where the sliders stand."""

    threshold: float
    min_area_m2: float


class ThresholdPanel(QWidget):
    """Moves threshold and minimum area; ``position_changed`` and ``apply_requested`` carry a Position."""

    live_toggled = pyqtSignal(bool)
    fill_toggled = pyqtSignal(bool)
    position_changed = pyqtSignal(object)
    apply_requested = pyqtSignal(object)
    cancel_requested = pyqtSignal()
    chosen_requested = pyqtSignal()

    liveButton: QPushButton
    swatchLabel: QLabel
    fillCheck: QCheckBox
    liveLabel: WrapLabel
    sliderBox: QWidget
    thresholdSlider: QSlider
    thresholdSpin: QgsDoubleSpinBox
    areaSlider: QSlider
    areaSpin: QgsDoubleSpinBox
    curve: ThresholdChart
    curveLabel: WrapLabel
    bestButton: QPushButton
    applyButton: QPushButton
    chosenButton: QPushButton
    applyBar: QProgressBar
    applyCancelButton: QPushButton
    applyLabel: WrapLabel
    handTitle: WrapLabel
    handLabel: WrapLabel

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without a run."""
        super().__init__(parent)
        load_form(self, "review/threshold")
        self._threshold = SliderSpin(self.thresholdSlider, self.thresholdSpin, _THRESHOLDS)
        self._area = SliderSpin(self.areaSlider, self.areaSpin, _AREAS_M2)
        self._in_force: Position | None = None
        self._is_live = self._is_applying = False
        self._connect()
        self.show_fill(True)
        self.show_none()

    def _connect(self) -> None:
        self.liveButton.clicked.connect(self.live_toggled)
        self.fillCheck.toggled.connect(self._fill)
        self._threshold.value_changed.connect(self._move)
        self._area.value_changed.connect(self._move)
        self.curve.threshold_chosen.connect(self._take_from_curve)
        self.bestButton.clicked.connect(self._take_best)
        self.applyButton.clicked.connect(lambda: self.apply_requested.emit(self.position))
        self.chosenButton.clicked.connect(self.chosen_requested)
        self.applyCancelButton.clicked.connect(self._cancel)

    @property
    def position(self) -> Position:
        """Where the sliders stand."""
        return Position(self._threshold.value, self._area.value)

    def show_none(self) -> None:
        """Forget the run."""
        self.show_off()
        self.show_by_hand("", "")
        self.show_applied("")

    def show_off(self, sentence: str = "") -> None:
        """Offer the live view; ``sentence`` tells why it ended where that was not asked for."""
        self._is_live = False
        self._in_force = None
        self.liveButton.setChecked(False)
        self.curve.show_curve(Curve(0.0))
        hint = self.tr("With Live on, the footprints of the visible map follow the sliders.")
        self._tell(self.liveLabel, sentence or hint)
        self._refresh()

    def show_starting(self) -> None:
        """Say that the run is being read."""
        self.liveButton.setChecked(True)
        self._tell(self.liveLabel, self.tr("Reading the run..."))

    def show_live(self, position: Position, in_force: Position) -> None:
        """Offer the sliders; ``in_force`` is what the run's footprints were traced with."""
        self._is_live = True
        self.liveButton.setChecked(True)
        self._tell(self.liveLabel, "")
        self._threshold.show(position.threshold)
        self._area.show(position.min_area_m2)
        self.show_in_force(in_force)

    def show_in_force(self, position: Position) -> None:
        """Remember what the run's footprints were traced with: that need not be applied."""
        self._in_force = Position(
            round(position.threshold, 3), round(position.min_area_m2, 1)
        )  # as the sliders tell it
        self._refresh()

    def show_curve(self, curve: Curve) -> None:
        """Show what validation ground says, as far as it is known."""
        self.curve.show_curve(curve)
        self._refresh()

    def show_count(self, count: int, *, is_coarse: bool) -> None:
        """Say how many footprints the map shows; coarse ones run together, so that their count says nothing."""
        if is_coarse:
            text = self.tr("Outlines are coarse at this scale and neighbours are merged: zoom in for exact outlines.")
        else:
            text = self.tr("1 footprint on the map.") if count == 1 else self.tr("{} footprints on the map.")
        self._tell(self.liveLabel, text.format(format_count(count)))

    def show_told(self, sentence: str) -> None:
        """Say why there are no footprints on the map."""
        self._tell(self.liveLabel, sentence)

    def show_fill(self, is_filled: bool) -> None:
        """Show whether the live footprints are filled."""
        self.fillCheck.setChecked(is_filled)
        self._draw_swatch()

    def show_applying(self, percent: float) -> None:
        """Show how much of the whole raster was traced and scored anew."""
        if not self._is_applying:
            self.applyCancelButton.setEnabled(True)
            self._tell(self.applyLabel, self.tr("Tracing the whole raster, and scoring the held-out area..."))
        self._is_applying = True
        self.applyBar.setValue(round(percent / 100 * _STEPS))
        self._refresh()

    def show_applied(self, sentence: str) -> None:
        """Say how the applying ended."""
        self._is_applying = False
        self._tell(self.applyLabel, sentence)
        self._refresh()

    def show_by_hand(self, title: str, sentence: str) -> None:
        """Mark a run whose threshold was set by hand, and offer the way back; no title takes the mark away."""
        self._tell(self.handTitle, title)
        self._tell(self.handLabel, sentence)
        self.chosenButton.setVisible(bool(title))
        colour = choose_colour(self.handTitle.palette(), "warning")
        self.handTitle.setStyleSheet(f"color: {colour.name()};")

    def move_to(self, position: Position) -> None:
        """Move the sliders as if the user had."""
        self._area.choose(position.min_area_m2)
        self._threshold.choose(position.threshold)

    def _move(self, _value: float) -> None:
        self._refresh()
        self.position_changed.emit(self.position)

    def _take_from_curve(self, threshold: float) -> None:
        if self._is_live:
            self._threshold.choose(round(threshold, 2))

    def _take_best(self) -> None:
        if self.curve.curve.best is not None:
            self._threshold.choose(self.curve.curve.best[0])

    def _cancel(self) -> None:
        self.applyCancelButton.setEnabled(False)
        self._tell(self.applyLabel, self.tr("Cancelling; the run does not change."))
        self.cancel_requested.emit()

    def _fill(self, is_filled: bool) -> None:
        self._draw_swatch()
        self.fill_toggled.emit(is_filled)

    def _refresh(self) -> None:
        """Show what can be done at this moment, and what validation ground says of this position."""
        is_new = self._in_force is not None and self.position != self._in_force
        self.sliderBox.setEnabled(self._is_live)
        self.curve.setVisible(self._is_live)
        self.curve.show_threshold(self.position.threshold)
        self._tell(self.curveLabel, self._describe_curve() if self._is_live else "")
        self.curve.setAccessibleDescription(self.curveLabel.text())
        best = self.curve.curve.best
        self.bestButton.setEnabled(self._is_live and best is not None and best[0] != self.position.threshold)
        self.applyButton.setEnabled(self._is_live and is_new and not self._is_applying)
        self.chosenButton.setEnabled(not self._is_applying)
        self.applyBar.setVisible(self._is_applying)
        self.applyCancelButton.setVisible(self._is_applying)

    def _describe_curve(self) -> str:
        curve, position = self.curve.curve, self.position
        if not curve.points or curve.min_area_m2 != position.min_area_m2:
            area = QLocale().toString(position.min_area_m2, "g", 6)
            return self.tr("Scoring the validation area, buildings from {} m²...").format(area)
        f1 = format_score(curve.find_f1(position.threshold))
        text = self.tr("F1 on the validation area {f1}").format(f1=f1)
        if curve.best is not None:
            best = self.tr("best {f1} at {threshold}")
            best = best.format(f1=format_score(curve.best[1]), threshold=format_threshold(curve.best[0]))
            text = f"{text} ({best})"
        if curve.done < 1:
            share = QLocale().toString(round(100 * curve.done))
            text = self.tr("{text}; {share} % of the curve is known").format(text=text, share=share)
        return text

    def _draw_swatch(self) -> None:
        side = self.swatchLabel.fontMetrics().height()
        pixmap = QPixmap(side, side)
        pixmap.fill(QColor(Qt.GlobalColor.transparent))
        painter = QPainter(pixmap)
        painter.setPen(QPen(QColor(LIVE), 3))
        painter.setBrush(fade(QColor(LIVE), FILL_ALPHA if self.fillCheck.isChecked() else 0))
        painter.drawRect(2, 2, side - 4, side - 4)
        painter.end()
        self.swatchLabel.setPixmap(pixmap)

    @staticmethod
    def _tell(label: WrapLabel, text: str) -> None:
        label.setText(text)
        label.setVisible(bool(text))
