"""Setting up the worker's environment, once: what will happen, how far it is, and its log."""

from __future__ import annotations

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QLabel, QPlainTextEdit, QProgressBar, QPushButton, QWidget

from ...plugin.core.environment import SetupStep, locate_environment
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel

_MOST_LINES = 5000


class SetupPage(QWidget):
    """Asks for the set-up, follows it, and asks to cancel it."""

    setup_requested = pyqtSignal()
    setup_cancel_requested = pyqtSignal()

    setupTitle: QLabel
    reasonLabel: WrapLabel
    planLabel: WrapLabel
    placeLabel: WrapLabel
    setupButton: QPushButton
    setupStepLabel: WrapLabel
    setupBar: QProgressBar
    setupCancelButton: QPushButton
    setupLog: QPlainTextEdit

    def __init__(self, parent: QWidget | None = None) -> None:
        """Say what will happen."""
        super().__init__(parent)
        load_form(self, "tuning/setup")
        self.setupLog.setMaximumBlockCount(_MOST_LINES)
        self.placeLabel.setText(self.tr("It is kept in {}").format(locate_environment().folder))
        self.setupButton.clicked.connect(self._begin)
        self.setupCancelButton.clicked.connect(self._cancel)
        self.show_needed("", "")

    def show_needed(self, reason: str, hint: str) -> None:
        """Offer the set-up; ``reason`` and ``hint`` say why it is needed."""
        self.reasonLabel.setText(f"{reason} {hint}".strip())
        self.reasonLabel.setVisible(bool(reason or hint))
        self._show_going_on(False)

    def show_step(self, step: SetupStep) -> None:
        """Show how far the set-up is, and its latest line in the log."""
        self._show_going_on(True)
        if self.setupCancelButton.isEnabled():
            self.setupStepLabel.setText(step.name)
        self.setupBar.setRange(0, step.total)
        self.setupBar.setValue(min(step.done, step.total))
        if step.text:
            self.setupLog.appendPlainText(step.text)

    def show_ended(self, text: str) -> None:
        """Offer the set-up again after one that ended; its log stays."""
        self.setupLog.appendPlainText(text)
        self._show_going_on(False)

    def _begin(self) -> None:
        self.setupLog.clear()
        self.setupStepLabel.setText(self.tr("Starting"))
        self.setupBar.setRange(0, 0)
        self._show_going_on(True)
        self.setup_requested.emit()

    def _cancel(self) -> None:
        self.setupCancelButton.setEnabled(False)
        self.setupStepLabel.setText(self.tr("Cancelling"))
        self.setup_cancel_requested.emit()

    def _show_going_on(self, is_going_on: bool) -> None:
        self.setupButton.setVisible(not is_going_on)
        for widget in (self.setupStepLabel, self.setupBar, self.setupCancelButton):
            widget.setVisible(is_going_on)
        self.setupLog.setVisible(is_going_on or not self.setupLog.document().isEmpty())
        if not is_going_on:
            self.setupCancelButton.setEnabled(True)
