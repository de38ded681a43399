"""The tool that drags the swipe's line over the map."""

from __future__ import annotations

from qgis.gui import QgsMapCanvas, QgsMapMouseEvent
from qgis.PyQt.QtCore import QEvent, QObject, QPoint, Qt, pyqtSignal
from qgis.PyQt.QtGui import QKeyEvent

from ..maptool import MapTool

_STEP = 0.02
_BACK = (Qt.Key.Key_Left, Qt.Key.Key_Up)
_FORTH = (Qt.Key.Key_Right, Qt.Key.Key_Down)
_TURNS = {Qt.Key.Key_H: True, Qt.Key.Key_V: False}


class SwipeTool(MapTool):
    """``moved`` tells where the line goes (0 to 1), ``turned`` whether it is horizontal.

    A click or a drag with the left button brings the line to the pointer; arrow keys move it, H and V turn it, Esc ends
    the tool. The wheel, the middle button and Space move the map as ever.
    """

    moved = pyqtSignal(float)
    stepped = pyqtSignal(float)
    turned = pyqtSignal(bool)

    def __init__(self, canvas: QgsMapCanvas) -> None:
        """Wait for ``begin``."""
        super().__init__(canvas)
        self._is_dragging = False
        self.is_horizontal = False
        self.turn(False)

    def turn(self, is_horizontal: bool) -> None:
        """Drag a line that goes from side to side, or from top to bottom."""
        self.is_horizontal = is_horizontal
        self.setCursor(Qt.CursorShape.SplitVCursor if is_horizontal else Qt.CursorShape.SplitHCursor)

    def canvasPressEvent(self, event: QgsMapMouseEvent) -> None:
        """Bring the line here; called by QGIS."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._is_dragging = True
            self._move(event.pos())

    def canvasMoveEvent(self, event: QgsMapMouseEvent) -> None:
        """Let the line follow; called by QGIS."""
        if self._is_dragging:
            self._move(event.pos())

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:
        """Leave the line here; called by QGIS."""
        if event.button() == Qt.MouseButton.LeftButton and self._is_dragging:
            self._is_dragging = False
            self._move(event.pos())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the tool's keys before the map moves by its own arrow keys; called by Qt."""
        if event.type() == QEvent.Type.KeyPress and self.takes_key(event):
            self.keyPressEvent(event)
            return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move or turn the line, or end; called by QGIS."""
        key = event.key()
        if key in _BACK or key in _FORTH:
            self.stepped.emit(-_STEP if key in _BACK else _STEP)
        elif key in _TURNS:
            self.turned.emit(_TURNS[key])
        elif key == Qt.Key.Key_Escape:
            self.end()
        else:
            event.ignore()

    def takes_key(self, event: QKeyEvent) -> bool:
        """Tell whether a key is this tool's."""
        return super().takes_key(event) or event.key() in (*_BACK, *_FORTH, *_TURNS)

    def _move(self, place: QPoint) -> None:
        canvas = self.canvas()
        self.moved.emit(place.y() / canvas.height() if self.is_horizontal else place.x() / canvas.width())
