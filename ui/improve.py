"""Corrections in three steps: begin, mark ground as checked, improve."""

from __future__ import annotations

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QPushButton, QWidget

from .load import load_form
from .text import WrapLabel


class ImprovePanel(QWidget):
    """A button for each step, and what there is so far."""

    correct_requested = pyqtSignal()
    mark_toggled = pyqtSignal(bool)
    improve_requested = pyqtSignal()

    correctButton: QPushButton
    markButton: QPushButton
    checkedLabel: WrapLabel
    improveButton: QPushButton
    improveLabel: WrapLabel

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without corrections."""
        super().__init__(parent)
        load_form(self, "improve")
        self.correctButton.clicked.connect(self.correct_requested)
        self.markButton.toggled.connect(self.mark_toggled)
        self.improveButton.clicked.connect(self.improve_requested)
        self.show_none()

    def show_none(self) -> None:
        """Offer to begin."""
        self.correctButton.setEnabled(True)
        self.correctButton.setText(self.tr("1. Correct the footprints"))
        for button in (self.markButton, self.improveButton):
            button.setEnabled(False)
        self.checkedLabel.setText(self.tr("Nothing is corrected yet."))
        self.show_problem("")

    def show_begun(self, is_open: bool) -> None:
        """Offer to go on with corrections; ``is_open`` where their layers are in the project."""
        self.correctButton.setEnabled(True)
        self.correctButton.setText(self.tr("1. Go on correcting"))
        for button in (self.markButton, self.improveButton):
            button.setEnabled(is_open)

    def show_copying(self) -> None:
        """Say that the footprints are copied."""
        self.correctButton.setEnabled(False)
        self.checkedLabel.setText(self.tr("Copying the footprints..."))

    def show_checked(self, areas: int, footprints: int) -> None:
        """Say how much ground is checked, and how many footprints lie on it."""
        if areas == 0:
            self.checkedLabel.setText(self.tr("No ground is marked as checked yet."))
        elif areas == 1:
            self.checkedLabel.setText(self.tr("1 area is checked, with {} footprints on it.").format(footprints))
        else:
            text = self.tr("{areas} areas are checked, with {footprints} footprints on them.")
            self.checkedLabel.setText(text.format(areas=areas, footprints=footprints))

    def show_marking(self, is_on: bool) -> None:
        """Show whether ground is being marked on the map."""
        self.markButton.blockSignals(True)
        self.markButton.setChecked(is_on)
        self.markButton.blockSignals(False)

    def show_problem(self, sentence: str) -> None:
        """Say why something cannot be done, or what to heed."""
        self.improveLabel.setText(sentence)
        self.improveLabel.setVisible(bool(sentence))
