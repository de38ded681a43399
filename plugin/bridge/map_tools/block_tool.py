"""The tool with which a click on the map changes a block of the split."""

from __future__ import annotations

from qgis.core import QgsPointXY
from qgis.gui import QgsMapCanvas, QgsMapMouseEvent
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QKeyEvent, QKeySequence

from .map_tool import MapTool


class BlockTool(MapTool):
    """Tells where the map was clicked, in the map's coordinate system, and that Ctrl+Z was pressed."""

    clicked = pyqtSignal(QgsPointXY)
    undo_requested = pyqtSignal()

    def __init__(self, canvas: QgsMapCanvas) -> None:
        """Point with a hand."""
        super().__init__(canvas)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:
        """Tell the place; called by QGIS."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(event.mapPoint())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Undo, or end; called by QGIS."""
        if not self.takes_key(event):
            event.ignore()
        elif event.key() == Qt.Key.Key_Escape:
            self.end()
        else:
            self.undo_requested.emit()

    def takes_key(self, event: QKeyEvent) -> bool:
        """Tell whether a key is this tool's."""
        return super().takes_key(event) or bool(event.matches(QKeySequence.StandardKey.Undo))
