"""Every building of held-out ground that the model got wrong, one after another."""

from __future__ import annotations

from qgis.PyQt.QtWidgets import QWidget

from .load import load_form


class ErrorPanel(QWidget):
    """Every building of held-out ground that the model got wrong, one after another."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without a run."""
        super().__init__(parent)
        load_form(self, "errors")
