"""The line that says by how much the next run moves the labels, and takes it back."""

from __future__ import annotations

from dataclasses import replace

from qgis.PyQt.QtCore import QLocale, pyqtSignal
from qgis.PyQt.QtWidgets import QPushButton, QWidget

from ...plugin.core.job import Settings
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel


class ShiftLine(QWidget):
    """Holds the shift of the labels for the next runs; hidden while there is none."""

    shift_changed = pyqtSignal(float, float)

    shiftLabel: WrapLabel
    undoShiftButton: QPushButton

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without a shift."""
        super().__init__(parent)
        self.east_m, self.north_m = 0.0, 0.0
        load_form(self, "tuning/shift")
        self.undoShiftButton.clicked.connect(self.clear)
        self.hide()

    def apply_to(self, settings: Settings) -> Settings:
        """Return the settings with this shift."""
        return replace(settings, shift_east_m=self.east_m, shift_north_m=self.north_m)

    def show_shift(self, east_m: float, north_m: float) -> None:
        """Move the labels by metres east and north in the next runs."""
        if (east_m, north_m) == (self.east_m, self.north_m):
            return
        self.east_m, self.north_m = east_m, north_m
        text = self.tr("Runs move the labels by {}; the layer stays as it is.")
        self.shiftLabel.setText(text.format(self._describe()))
        self.setVisible(bool(east_m or north_m))
        self.shift_changed.emit(east_m, north_m)

    def clear(self) -> None:
        """Take the labels as they lie."""
        self.show_shift(0.0, 0.0)

    def _describe(self) -> str:
        east = self.tr("{} m east") if self.east_m > 0 else self.tr("{} m west")
        north = self.tr("{} m north") if self.north_m > 0 else self.tr("{} m south")
        parts = [
            text.format(QLocale().toString(abs(metres), "f", 1))
            for text, metres in ((east, self.east_m), (north, self.north_m))
            if round(metres, 1)
        ]
        return self.tr(" and ").join(parts)
