"""The review of a finished run: its errors, before and after, the threshold, and corrections."""

from __future__ import annotations

from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QFileDialog, QPushButton, QWidget

from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel
from .error_browser import ErrorBrowser
from .improve import ImprovePanel
from .swipe import SwipePanel
from .threshold import ThresholdPanel


class ReviewPage(QWidget):
    """Holds a panel for each way to look at a run; ``run_chosen`` tells the folder of another one to review."""

    run_chosen = pyqtSignal(str)

    reviewTitle: WrapLabel
    reviewLabel: WrapLabel
    chooseRunButton: QPushButton
    errorsGroup: QgsCollapsibleGroupBox
    errorPanel: ErrorBrowser
    swipeGroup: QgsCollapsibleGroupBox
    swipePanel: SwipePanel
    thresholdGroup: QgsCollapsibleGroupBox
    thresholdPanel: ThresholdPanel
    improveGroup: QgsCollapsibleGroupBox
    improvePanel: ImprovePanel

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without a run."""
        super().__init__(parent)
        load_form(self, "review/review_page")
        self._groups = (self.errorsGroup, self.swipeGroup, self.thresholdGroup, self.improveGroup)
        self.chooseRunButton.clicked.connect(self._choose)
        self.show_none()

    def show_none(self, message: str = "", hint: str = "") -> None:
        """Say why there is no run to review."""
        self.reviewTitle.setText(message or self.tr("No run is open."))
        self.reviewLabel.setText(hint or self.tr("Fine-tune a model, or choose the folder of a run."))
        for group in self._groups:
            group.hide()

    def show_run(self, name: str, sentence: str) -> None:
        """Begin the review of a run; the sentence tells its score."""
        self.reviewTitle.setText(name)
        self.reviewLabel.setText(sentence)
        for group in self._groups:
            group.show()

    def _choose(self) -> None:
        path = QFileDialog.getExistingDirectory(self, self.tr("Folder of a run"))
        if path:
            self.run_chosen.emit(path)
