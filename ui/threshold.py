"""The sliders of the live threshold, with F1 on validation ground."""

from __future__ import annotations

from qgis.PyQt.QtWidgets import QWidget

from .load import load_form


class ThresholdPanel(QWidget):
    """The sliders of the live threshold, with F1 on validation ground."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without a run."""
        super().__init__(parent)
        load_form(self, "threshold")
