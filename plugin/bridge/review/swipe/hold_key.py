"""The key that shows "before" while it is held down on the map."""

from __future__ import annotations

from qgis.gui import QgsMapCanvas
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QEvent, QObject, Qt, pyqtSignal

KEY = Qt.Key.Key_F
_LOSSES = (QEvent.Type.FocusOut, QEvent.Type.WindowDeactivate, QEvent.Type.Hide)


class HoldKey(QObject):
    """Listens to F on the map, whichever tool has it; ``held`` tells that it went down, and that it came up."""

    held = pyqtSignal(bool)

    def __init__(self, canvas: QgsMapCanvas, parent: QObject | None = None) -> None:
        """Hear nothing yet."""
        super().__init__(parent)
        self._canvas = canvas
        self._is_down = False

    def listen(self) -> None:
        """Begin to listen."""
        self._canvas.installEventFilter(self)

    def stop(self) -> None:
        """Hear nothing any more; a key that is down counts as let go."""
        if not sip.isdeleted(self._canvas):
            self._canvas.removeEventFilter(self)
        self._tell(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the key from QGIS's shortcuts and tools, repeats included; called by Qt."""
        kind = event.type()
        if kind in _LOSSES:
            self._tell(False)
        elif kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress) and _is_bare(event):
            event.accept()
            if kind == QEvent.Type.KeyPress and not event.isAutoRepeat():
                self._tell(True)
            return True
        elif kind == QEvent.Type.KeyRelease and event.key() == KEY and self._is_down:
            if not event.isAutoRepeat():
                self._tell(False)
            return True
        return bool(super().eventFilter(watched, event))

    def _tell(self, is_down: bool) -> None:
        if is_down != self._is_down:
            self._is_down = is_down
            self.held.emit(is_down)


def _is_bare(event: QEvent) -> bool:
    return bool(event.key() == KEY and event.modifiers() == Qt.KeyboardModifier.NoModifier)
