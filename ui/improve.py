"""Corrections: begin, mark ground as checked, improve."""

from __future__ import annotations

from qgis.PyQt.QtWidgets import QWidget

from .load import load_form


class ImprovePanel(QWidget):
    """Corrections: begin, mark ground as checked, improve."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without a run."""
        super().__init__(parent)
        load_form(self, "improve")
