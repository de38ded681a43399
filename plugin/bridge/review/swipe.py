"""Before and after on the map: the swipe, and the key that flips. The project is never touched. Main thread only."""

from __future__ import annotations

from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QEvent, QObject, Qt

from ....ui.swipe import SwipePanel
from ...core.record import Record
from .curtain import Curtain
from .sides import find_missing, make_side
from .swipetool import SwipeTool

FLIP_KEY = Qt.Key.Key_F


class Swiper(QObject):
    """Wires the panel to one curtain at a time."""

    def __init__(self, canvas: QgsMapCanvas, panel: SwipePanel, parent: QObject | None = None) -> None:
        """Wait for a run."""
        super().__init__(parent)
        self._canvas, self._panel = canvas, panel
        self._record: Record | None = None
        self._position = 0.5
        self._is_swiping = False
        self.curtain: Curtain | None = None
        self.tool = SwipeTool(canvas)
        self.tool.moved.connect(self._move)
        self.tool.stepped.connect(lambda step: self._move(self._position + step))
        self.tool.turned.connect(panel.horizontalCheck.setChecked)
        self.tool.deactivated.connect(self._end)
        panel.swipe_toggled.connect(self._toggle)
        panel.flip_toggled.connect(self.flip)
        panel.sides_changed.connect(self._change_sides)
        panel.direction_changed.connect(self._turn)

    def open(self, record: Record) -> None:
        """Offer what the run has to show."""
        self._record = record
        self._panel.show_missing(find_missing(record))
        self._canvas.installEventFilter(self)

    def close(self) -> None:
        """Take everything off the map."""
        self._canvas.removeEventFilter(self)
        self.tool.end()
        self._end()
        self._drop()
        self._record = None

    def flip(self, is_held: bool) -> None:
        """Show the first side alone while the key or the button is held."""
        curtain = self._show() if is_held else self.curtain
        if curtain is None:
            return
        curtain.flip(is_held)
        if not is_held and not self._is_swiping:
            self._drop()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hear the flip key while the map has the keyboard; called by Qt."""
        kind = event.type()
        if kind == QEvent.Type.FocusOut:
            self.flip(False)
        elif kind == QEvent.Type.ShortcutOverride and _is_flip(event):
            event.accept()
            return True
        elif kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease) and _is_flip(event):
            if not event.isAutoRepeat():
                self.flip(kind == QEvent.Type.KeyPress)
            return True
        return bool(super().eventFilter(watched, event))

    def _toggle(self, is_on: bool) -> None:
        if not is_on:
            self.tool.end()
        elif (curtain := self._show()) is not None:
            self._is_swiping = curtain.has_line = True
            self._turn(self._panel.is_horizontal)
            curtain.move_to(self._position)
            self.tool.begin()
        self._panel.show_swiping(self._is_swiping)

    def _show(self) -> Curtain | None:
        """Put the curtain up where it is not, and return it; None where there is nothing to show."""
        if self.curtain is not None or self._record is None:
            return self.curtain
        if not self._record.folder.path.is_dir():
            self._panel.show_problem(self.tr("The run's folder is gone: {}.").format(self._record.folder.path))
            return None
        missing = find_missing(self._record)
        self._panel.show_missing(missing)
        first, second = (make_side(side, self._record) for side in self._panel.sides)
        self.curtain = Curtain(self._canvas, first, second)
        self.curtain.titles = self._panel.titles
        self.curtain.has_line = self._is_swiping
        return self.curtain

    def _change_sides(self) -> None:
        if self.curtain is not None:
            self._drop()
            if (curtain := self._show()) is not None:
                self._turn(self._panel.is_horizontal)
                curtain.move_to(self._position)

    def _move(self, position: float) -> None:
        self._position = min(max(position, 0.0), 1.0)
        if self.curtain is not None:
            self.curtain.move_to(self._position)

    def _turn(self, is_horizontal: bool) -> None:
        self.tool.turn(is_horizontal)
        if self.curtain is not None:
            self.curtain.turn(is_horizontal)

    def _end(self) -> None:
        """Take the swipe off the map: the tool has ended, or another one was chosen."""
        if self._is_swiping:
            self._is_swiping = False
            self._drop()
        self._panel.show_swiping(False)

    def _drop(self) -> None:
        curtain, self.curtain = self.curtain, None
        if curtain is not None:
            curtain.remove()


def _is_flip(event: QEvent) -> bool:
    return bool(event.key() == FLIP_KEY and event.modifiers() == Qt.KeyboardModifier.NoModifier)
