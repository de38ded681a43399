"""Every building of held-out ground, the model's errors first, one after another."""

from __future__ import annotations

import math
from typing import Collection

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QLocale, pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QComboBox, QPushButton, QSpinBox, QWidget

from ...plugin.core.building_outcomes import BADLY, BASE, MISSED, TUNED, WRONG, Choice, Outcome
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel, format_count
from .outcome_table import OutcomeTable

_ZOOM = "footprint_tuner/errors/zoom_to_each"


class ErrorBrowser(QWidget):
    """Steps through buildings. ``stepped`` carries the one to show on the map, and whether to zoom to it.

    ``layer_chosen`` asks for the buildings as another model left them (core.outcomes.BASE or TUNED), ``seen_changed``
    carries the marks of all that were looked at, ``layer_shown`` whether their layer is to be seen on the map.
    """

    layer_chosen = pyqtSignal(str)
    stepped = pyqtSignal(object, bool)
    seen_changed = pyqtSignal(object)
    layer_shown = pyqtSignal(bool)

    errorModelCombo: QComboBox
    errorKindCombo: QComboBox
    leastAreaSpin: QSpinBox
    mostAreaSpin: QSpinBox
    newOnlyCheck: QCheckBox
    errorTally: WrapLabel
    errorTable: OutcomeTable
    errorLine: WrapLabel
    previousButton: QPushButton
    nextButton: QPushButton
    errorLayerCheck: QCheckBox
    zoomCheck: QCheckBox

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without buildings."""
        super().__init__(parent)
        load_form(self, "review/error_browser")
        self._model = self.errorTable.rows
        self._mark = ""
        self._fill_combos()
        self.zoomCheck.setChecked(QgsSettings().value(_ZOOM, False, type=bool))
        self._connect()
        self.show_none()

    def show_none(self, message: str = "", hint: str = "") -> None:
        """Hold no buildings, and say why."""
        self._mark = ""
        self._model.show_outcomes([], ())
        self.errorTally.setText(message)
        self.errorLine.setText(hint)
        self.show_layer(None)

    def name_models(self, *, is_improved: bool) -> None:
        """Call the two models as the run does: an improved one began with the model of an earlier run."""
        names = (self.tr("Tuned model"), self.tr("Base model"))
        if is_improved:
            names = (self.tr("Improved model"), self.tr("Earlier model"))
        for index, name in enumerate(names):
            self.errorModelCombo.setItemText(index, name)

    def show_model(self, layer: str) -> None:
        """Tell whose buildings are to come, without asking for them."""
        self.errorModelCombo.blockSignals(True)
        self.errorModelCombo.setCurrentIndex(self.errorModelCombo.findData(layer))
        self.errorModelCombo.blockSignals(False)

    def show_layer(self, is_shown: bool | None) -> None:
        """Tell whether the errors' layer is to be seen on the map (None: it is not in the project)."""
        self.errorLayerCheck.setEnabled(is_shown is not None)
        self.errorLayerCheck.setChecked(bool(is_shown))

    def show_outcomes(self, outcomes: list[Outcome], seen: Collection[str]) -> None:
        """List buildings, worst first, with the marks of those that were looked at; the one at hand stays so."""
        self._model.show_outcomes(outcomes, seen)

    def show_problem(self, message: str, hint: str) -> None:
        """Say why a building cannot be shown."""
        self.errorLine.setText(f"{message} {hint}".strip())

    def step(self, by: int) -> None:
        """Go to another building, so many further down the table."""
        self.errorTable.step(by)

    def _fill_combos(self) -> None:
        self.errorModelCombo.addItem("", TUNED)
        self.errorModelCombo.addItem("", BASE)
        self.name_models(is_improved=False)
        for text, kind in (
            (self.tr("All, the errors first"), ""),
            (self.tr("Missed"), MISSED),
            (self.tr("Extra: match no building"), WRONG),
            (self.tr("Found, but badly outlined"), BADLY),
        ):
            self.errorKindCombo.addItem(text, kind)

    def _connect(self) -> None:
        self.errorModelCombo.currentIndexChanged.connect(
            lambda _: self.layer_chosen.emit(self.errorModelCombo.currentData())
        )
        self.errorKindCombo.currentIndexChanged.connect(lambda _: self._choose())
        self.leastAreaSpin.valueChanged.connect(lambda _: self._choose())
        self.mostAreaSpin.valueChanged.connect(lambda _: self._choose())
        self.newOnlyCheck.toggled.connect(lambda _: self._choose())
        self.errorLayerCheck.clicked.connect(self.layer_shown)
        self.zoomCheck.toggled.connect(lambda is_on: QgsSettings().setValue(_ZOOM, is_on))
        self.previousButton.clicked.connect(lambda: self.step(-1))
        self.nextButton.clicked.connect(lambda: self.step(1))
        self.errorTable.stepped.connect(self._step)
        self.errorTable.zoom_requested.connect(lambda row: self._show(row, is_zooming=True))
        self._model.modelReset.connect(self._find_again)
        self._model.seen_changed.connect(self.seen_changed)
        self._model.seen_changed.connect(lambda _: self._tell_tally())

    def _choose(self) -> None:
        most = self.mostAreaSpin.value() or math.inf
        kind = self.errorKindCombo.currentData()
        self._model.choose(Choice(kind, self.leastAreaSpin.value(), most, self.newOnlyCheck.isChecked()))

    def _step(self, row: int) -> None:
        self._mark = self._model.outcome(row).mark
        self._tell_place(row)
        self._show(row, is_zooming=self.zoomCheck.isChecked())

    def _show(self, row: int, *, is_zooming: bool) -> None:
        self.stepped.emit(self._model.outcome(row), is_zooming)

    def _find_again(self) -> None:
        """Go back to the building at hand after the table was filled anew."""
        row = self._model.find_row(self._mark) if self._mark else -1
        self.errorTable.show_row(row)
        self._tell_tally()
        self._tell_place(row)

    def _tell_tally(self) -> None:
        if not self._model.count_all():
            self.errorTally.setText(self.tr("There are no buildings in the held-out area."))
            return
        tally = self._model.count_kinds()
        text = self.tr("{} missed, {} extra (they match no building), {} found ({} of them badly outlined).")
        self.errorTally.setText(text.format(*map(format_count, tally)) + self._tell_seen())

    def _tell_seen(self) -> str:
        seen = self._model.count_seen()
        return " " + self.tr("You have looked at {}.").format(format_count(seen)) if seen else ""

    def _tell_place(self, row: int) -> None:
        count = self._model.rowCount()
        self.previousButton.setEnabled(row > 0)
        self.nextButton.setEnabled(row < count - 1)
        if row >= 0:
            place = self.tr("{} of {}").format(format_count(row + 1), format_count(count))
            self.errorLine.setText(f"{place}: {self._describe(self._model.outcome(row))}")
        elif count:
            self.errorLine.setText(self.tr("{} in the table.").format(format_count(count)))
        elif self._model.count_all():
            self.errorLine.setText(self.tr("None is chosen: choose another kind or size."))

    def _describe(self, outcome: Outcome) -> str:
        parts = [self._model.name_kind(outcome.kind).lower()]
        if outcome.area_m2 is not None:
            parts.append(self.tr("{} m²").format(QLocale().toString(outcome.area_m2, "f", 0)))
        if outcome.iou is not None:
            parts.append(self.tr("IoU {}").format(QLocale().toString(outcome.iou, "f", 2)))
        return ", ".join(parts) + "."
