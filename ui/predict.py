"""A tuned model for another raster, or a part of one."""

from __future__ import annotations

from qgis.PyQt.QtWidgets import QWidget

from .load import load_form


class PredictPage(QWidget):
    """A tuned model for another raster, or a part of one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without a run."""
        super().__init__(parent)
        load_form(self, "predict")
