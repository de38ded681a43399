"""Before and after on the map: the swipe, and the flip. Main thread only.

Nothing here touches the project: what the two sides show is drawn from layers of the plugin's own over the map.
"""

from __future__ import annotations

from qgis.core import QgsApplication, QgsProject
from qgis.gui import QgsMapCanvas
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QTimer
from qgis.PyQt.QtWidgets import QWidget

from .....ui.fields.actions import QAction
from .....ui.review.swipe import SwipePanel
from ....core.errors import RunError
from ....core.run_record import RunRecord
from ...worker_client.messages import WARNING, join, log
from ..keys import forget, register
from .hold_key import HoldKey
from .layer_choices import SwipeLayers
from .map_tool import SwipeTool
from .render import wait_for_all
from .view import SwipeView

_SHORTCUT = "Ctrl+Alt+S"
#: So long after the map has moved the sides are drawn anew: a turn of the wheel comes in many steps.
_PAUSE_MS = 60


class Swipe(QObject):
    """The part of the review that parts the map into two sights of the run, and shows the first alone on a key."""

    def __init__(self, canvas: QgsMapCanvas, window: QWidget, panel: SwipePanel, parent: QObject | None = None) -> None:
        """Wait for a run; the key that begins a swipe is one of QGIS's shortcuts, which the user may change."""
        super().__init__(parent)
        self._canvas, self._panel = canvas, panel
        self._sights: SwipeLayers | None = None
        self._comparison: SwipeView | None = None
        self._place = 0.5
        self._is_held = False
        self.tool: SwipeTool | None = None
        self._key = HoldKey(canvas, self)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._draw)
        self._action = action = self._make_action(window)
        self.destroyed.connect(lambda: forget([action]))
        self._connect()

    @property
    def comparison(self) -> SwipeView | None:
        """What is shown over the map, None before it is asked for."""
        return self._comparison

    def open(self, record: RunRecord) -> None:
        """Offer the sights of a run."""
        self._panel.name_sights(is_improved=record.folder.earlier.is_file())
        self._sights = SwipeLayers(record, self._panel.names)
        self._panel.show_run(self._sights.find_missing())
        self._action.setEnabled(self._panel.swipeButton.isEnabled())
        self._key.listen()

    def renew(self, record: RunRecord) -> None:  # noqa: ARG002 - the files are where they were
        """Draw what is new."""
        self._draw()

    def close(self) -> None:
        """End with the run, and leave nothing on the map; a second time does nothing."""
        self._leave()
        if not sip.isdeleted(self._panel):
            self._panel.show_none()

    def stop(self) -> None:
        """End for good: the key leaves QGIS's list of shortcuts."""
        forget([self._action])

    def begin(self) -> None:
        """Part the map; where it is parted already, nothing happens."""
        if self._sights is None or self.tool is not None:
            return
        tool = self.tool = SwipeTool(self._canvas, self._place, is_horizontal=self._panel.is_horizontal)
        tool.moved.connect(self._move)
        tool.turned.connect(self._panel.show_direction)
        tool.deactivated.connect(self._forget_tool)
        tool.begin()
        self._panel.show_swipe(True)
        self._panel.show_note()
        self._draw()

    def end(self) -> None:
        """Give the map back to the tool before; where it is not parted, nothing happens."""
        tool = self.tool
        if tool is not None:
            tool.end()
            self._forget_tool()

    def _connect(self) -> None:
        panel, canvas = self._panel, self._canvas
        panel.swipe_toggled.connect(self._toggle)
        panel.sights_changed.connect(self._draw)
        panel.turned.connect(self._turn)
        panel.before_held.connect(self._hold)
        panel.destroyed.connect(self._leave)  # the project and its map outlive the dock
        self._key.held.connect(self._hold)
        for signal in (canvas.extentsChanged, canvas.rotationChanged, canvas.renderStarting):
            signal.connect(self._follow)
        canvas.destinationCrsChanged.connect(self._follow)
        QgsProject.instance().layersWillBeRemoved.connect(self._part_with)
        QgsApplication.instance().aboutToQuit.connect(wait_for_all)

    def _make_action(self, window: QWidget) -> QAction:
        action = QAction(self.tr("Swipe before and after (Footprint Tuner)"), self)
        action.setObjectName("FootprintTunerSwipe")
        action.setEnabled(False)
        action.triggered.connect(lambda: self._toggle(self.tool is None))
        window.addAction(action)
        register(action, _SHORTCUT)
        return action

    def _toggle(self, is_wanted: bool) -> None:
        if is_wanted:
            self.begin()
        else:
            self.end()

    def _forget_tool(self) -> None:
        """Take the line off the map, whoever took the map from its tool."""
        tool, self.tool = self.tool, None
        if tool is None:
            return
        if not sip.isdeleted(tool):
            tool.deleteLater()
        if not sip.isdeleted(self._panel):
            self._panel.show_swipe(False)
        self._show()

    def _move(self, place: float) -> None:
        self._place = place
        if self._comparison is not None:
            self._comparison.item.move_to(place)

    def _turn(self, is_horizontal: bool) -> None:
        if self.tool is not None:
            self.tool.lay(is_horizontal)
        self._show()

    def _hold(self, is_held: bool) -> None:
        self._is_held = is_held and self._sights is not None
        self._draw()

    def _follow(self) -> None:
        if self._is_wanted:
            self._pause.start()

    @property
    def _is_wanted(self) -> bool:
        return self.tool is not None or self._is_held

    def _draw(self) -> None:
        """Draw what is wanted for the map as it is now; what is drawn already is only shown."""
        self._pause.stop()
        if self._sights is not None and self._is_wanted:
            try:
                backdrop, before = self._sights.read_imagery(), self._sights.read(self._panel.before)
                after = self._sights.read(self._panel.after) if self.tool is not None else None
            except RunError as error:
                self._give_up(error)
                return
            if not backdrop.layers:
                self._panel.show_note(self._sights.describe_no_imagery())
            if self._comparison is None:
                self._comparison = SwipeView(self._canvas, self)
                self._comparison.item.move_to(self._place)
            self._comparison.show(backdrop, before, after)
        self._show()

    def _show(self) -> None:
        if self._comparison is not None:
            item, is_parted = self._comparison.item, self.tool is not None
            item.show_state(is_parted=is_parted, is_held=self._is_held, is_horizontal=self._panel.is_horizontal)

    def _give_up(self, error: RunError) -> None:
        """End because the run's files are not there any more, and say so."""
        self._is_held = False
        self.end()
        self._remove()
        self._panel.show_note(join(error.message, error.hint))
        log(join(error.message, error.hint), WARNING)

    def _part_with(self, ids: list[str]) -> None:
        """End where a layer of the run leaves the project."""
        layers = [QgsProject.instance().mapLayer(each) for each in ids]
        if self._sights is not None and any(self._sights.is_of_run(each) for each in layers if each is not None):
            self._is_held = False
            self.end()
            self._show()

    def _leave(self) -> None:
        self._sights = None
        self._pause.stop()
        self._key.stop()
        self._action.setEnabled(False)
        self.end()
        self._remove()

    def _remove(self) -> None:
        comparison, self._comparison = self._comparison, None
        if comparison is not None:
            comparison.remove()
