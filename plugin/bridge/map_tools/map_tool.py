"""What the plugin's tools on the map share: they come and go, and have keys that QGIS does not take from them."""

from __future__ import annotations

from qgis.gui import QgsMapCanvas, QgsMapTool
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QEvent, QObject, Qt
from qgis.PyQt.QtGui import QKeyEvent


class MapTool(QgsMapTool):
    """A tool that gives the map back to the tool before it, when it ends. Esc ends it, and so does any other tool.

    One that came in the place of another of the plugin's gives it back to what was before both: that one has ended.
    """

    def __init__(self, canvas: QgsMapCanvas) -> None:
        """Wait for ``begin``."""
        super().__init__(canvas)
        self.before: QgsMapTool | None = None  # which gets the map back

    def begin(self) -> None:
        """Take the map, and the keyboard."""
        canvas = self.canvas()
        now = canvas.mapTool()
        if now is not self:
            self.before = now.before if isinstance(now, MapTool) else now
            canvas.setMapTool(self)
        canvas.setFocus()

    def end(self) -> None:
        """Give the map back, where this tool has it."""
        if sip.isdeleted(self):
            return
        canvas, before = self.canvas(), self.before
        if canvas.mapTool() is not self:
            return
        if before is None or sip.isdeleted(before):
            canvas.unsetMapTool(self)
        else:
            canvas.setMapTool(before)

    def remove(self) -> None:
        """End for good; a second time does nothing."""
        self.end()
        if not sip.isdeleted(self):
            self.deleteLater()

    def activate(self) -> None:
        """Listen to keys before QGIS's shortcuts do; called by QGIS."""
        super().activate()
        self.canvas().installEventFilter(self)

    def deactivate(self) -> None:
        """Let QGIS's shortcuts have their keys back; called by QGIS."""
        self.canvas().removeEventFilter(self)
        super().deactivate()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep this tool's keys from the shortcuts of QGIS's window, which would undo or delete elsewhere."""
        if event.type() == QEvent.Type.ShortcutOverride and self.takes_key(event):
            event.accept()
            return True
        return bool(super().eventFilter(watched, event))

    def takes_key(self, event: QKeyEvent) -> bool:
        """Tell whether a key is this tool's."""
        return bool(event.key() == Qt.Key.Key_Escape)
