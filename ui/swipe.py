"""What the swipe shows on either side of its line, and the flip."""

from __future__ import annotations

from qgis.PyQt.QtWidgets import QWidget

from .load import load_form


class SwipePanel(QWidget):
    """What the swipe shows on either side of its line, and the flip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without a run."""
        super().__init__(parent)
        load_form(self, "swipe")
