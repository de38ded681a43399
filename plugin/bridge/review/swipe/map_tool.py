"""The tool with which the line of the swipe is moved on the map."""

from __future__ import annotations

from qgis.gui import QgsMapCanvas, QgsMapMouseEvent
from qgis.PyQt.QtCore import QEvent, QObject, Qt, pyqtSignal
from qgis.PyQt.QtGui import QKeyEvent

from ...map_tools.map_tool import MapTool

#: How far a key moves the line, as a share of the map; with Shift a fifth of that.
_STEP = 0.02
_FINE = 5
_TURNS = {Qt.Key.Key_V: False, Qt.Key.Key_H: True}
_KEYS = {
    False: {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1},
    True: {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1},
}
_IGNORED = Qt.KeyboardModifier.KeypadModifier


class SwipeTool(MapTool):
    """Tells where the line is to be, as a share of the map from its left or top edge, and how it is to lie.

    A press anywhere takes the line there and a drag moves it; the wheel, the middle button and the space bar stay
    QGIS's own.
    """

    moved = pyqtSignal(float)
    turned = pyqtSignal(bool)

    def __init__(self, canvas: QgsMapCanvas, place: float, *, is_horizontal: bool) -> None:
        """Begin with the line where it is."""
        super().__init__(canvas)
        self.place = place
        self.is_horizontal = is_horizontal
        self._is_pressed = False
        self.lay(is_horizontal)

    def lay(self, is_horizontal: bool) -> None:
        """Move up and down from here on, or left and right."""
        self.is_horizontal = is_horizontal
        self.setCursor(Qt.CursorShape.SplitVCursor if is_horizontal else Qt.CursorShape.SplitHCursor)

    def deactivate(self) -> None:
        """Let go of the line; called by QGIS."""
        self._is_pressed = False
        super().deactivate()

    def canvasPressEvent(self, event: QgsMapMouseEvent) -> None:
        """Take the line; called by QGIS."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._is_pressed = True
            self._move_to_mouse(event)

    def canvasMoveEvent(self, event: QgsMapMouseEvent) -> None:
        """Move the line while it is held; called by QGIS."""
        if self._is_pressed:
            self._move_to_mouse(event)

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:
        """Leave the line; called by QGIS."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._is_pressed = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take this tool's keys, which QGIS would else move the map with."""
        if event.type() == QEvent.Type.KeyPress and self.takes_key(event):
            self._take_key(event)
            return True
        return super().eventFilter(watched, event)

    def takes_key(self, event: QKeyEvent) -> bool:
        """Tell whether a key is this tool's."""
        if super().takes_key(event):
            return True
        modifiers = event.modifiers() & ~_IGNORED
        if event.key() in _KEYS[self.is_horizontal]:
            return modifiers in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)
        return event.key() in _TURNS and modifiers == Qt.KeyboardModifier.NoModifier

    def _take_key(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in _TURNS:
            self.turned.emit(_TURNS[key])
        elif key == Qt.Key.Key_Escape:
            self.end()
        else:
            is_fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._move(self.place + _KEYS[self.is_horizontal][key] * (_STEP / _FINE if is_fine else _STEP))

    def _move_to_mouse(self, event: QgsMapMouseEvent) -> None:
        size, at = self.canvas().viewport().size(), event.pos()
        self._move(at.y() / size.height() if self.is_horizontal else at.x() / size.width())

    def _move(self, place: float) -> None:
        self.place = min(1.0, max(0.0, place))
        self.moved.emit(self.place)
