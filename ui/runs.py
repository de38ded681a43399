"""The runs that there are, in a table."""

from __future__ import annotations

from qgis.PyQt.QtWidgets import QWidget

from .load import load_form


class RunsPage(QWidget):
    """The runs that there are, in a table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without a run."""
        super().__init__(parent)
        load_form(self, "runs")
