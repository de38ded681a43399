"""What the swipe shows on either side of its line, and the flip."""

from __future__ import annotations

from typing import Mapping

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QStandardItemModel
from qgis.PyQt.QtWidgets import QCheckBox, QComboBox, QPushButton, QWidget

from .load import load_form
from .text import WrapLabel

BASE, TUNED, BASE_PROBABILITY, PROBABILITY, LABELS, IMAGERY = (
    "base",
    "tuned",
    "base_probability",
    "probability",
    "labels",
    "imagery",
)
_SETTING = "footprint_tuner/swipe_"


class SwipePanel(QWidget):
    """Two choices, a direction, a button for the swipe and one for the flip."""

    swipe_toggled = pyqtSignal(bool)
    flip_toggled = pyqtSignal(bool)
    sides_changed = pyqtSignal()
    direction_changed = pyqtSignal(bool)

    firstSideCombo: QComboBox
    secondSideCombo: QComboBox
    horizontalCheck: QCheckBox
    swipeButton: QPushButton
    flipButton: QPushButton
    swipeHint: WrapLabel

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin with the habits of the last time."""
        super().__init__(parent)
        load_form(self, "swipe")
        self._hint = self.swipeHint.text()
        for combo, name, usual in ((self.firstSideCombo, "first", BASE), (self.secondSideCombo, "second", TUNED)):
            for key, title in self._name_sides().items():
                combo.addItem(title, key)
            combo.setCurrentIndex(max(0, combo.findData(QgsSettings().value(f"{_SETTING}{name}", usual, type=str))))
            combo.activated.connect(self._change_sides)
        self.horizontalCheck.setChecked(QgsSettings().value(f"{_SETTING}horizontal", False, type=bool))
        self.horizontalCheck.toggled.connect(self._turn)
        self.swipeButton.toggled.connect(self.swipe_toggled)
        self.flipButton.pressed.connect(lambda: self.flip_toggled.emit(True))
        self.flipButton.released.connect(lambda: self.flip_toggled.emit(False))

    @property
    def sides(self) -> tuple[str, str]:
        """What is chosen for the two sides."""
        return self.firstSideCombo.currentData(), self.secondSideCombo.currentData()

    @property
    def titles(self) -> tuple[str, str]:
        """The names of the two sides."""
        return self.firstSideCombo.currentText(), self.secondSideCombo.currentText()

    @property
    def is_horizontal(self) -> bool:
        """Whether the line goes from side to side."""
        return bool(self.horizontalCheck.isChecked())

    def show_missing(self, reasons: Mapping[str, str]) -> None:
        """Offer what there is: ``reasons`` says why a side cannot be shown."""
        for combo, usual in ((self.firstSideCombo, IMAGERY), (self.secondSideCombo, TUNED)):
            model = combo.model()
            for row in range(combo.count()):
                reason = reasons.get(combo.itemData(row), "")
                if isinstance(model, QStandardItemModel):
                    model.item(row).setEnabled(not reason)
                combo.setItemData(row, reason, Qt.ItemDataRole.ToolTipRole)
            if combo.currentData() in reasons:
                combo.setCurrentIndex(combo.findData(usual))

    def show_swiping(self, is_on: bool) -> None:
        """Show whether the swipe is on the map."""
        self.swipeButton.blockSignals(True)
        self.swipeButton.setChecked(is_on)
        self.swipeButton.blockSignals(False)
        if is_on:
            self.swipeHint.setText(self._hint)

    def show_problem(self, sentence: str) -> None:
        """Say why there is nothing to be seen."""
        self.swipeHint.setText(sentence)

    def _change_sides(self) -> None:
        for name, key in zip(("first", "second"), self.sides):
            QgsSettings().setValue(f"{_SETTING}{name}", key)
        self.sides_changed.emit()

    def _turn(self, is_horizontal: bool) -> None:
        QgsSettings().setValue(f"{_SETTING}horizontal", is_horizontal)
        self.direction_changed.emit(is_horizontal)

    def _name_sides(self) -> dict[str, str]:
        return {
            BASE: self.tr("Base model's footprints"),
            TUNED: self.tr("Tuned model's footprints"),
            BASE_PROBABILITY: self.tr("Base model's probability"),
            PROBABILITY: self.tr("Tuned model's probability"),
            LABELS: self.tr("Labels"),
            IMAGERY: self.tr("Imagery alone"),
        }
