"""The tool with which an area is drawn on the map."""

from __future__ import annotations

from qgis.core import QgsGeometry, QgsPointXY, QgsWkbTypes
from qgis.gui import QgsMapCanvas, QgsMapMouseEvent, QgsRubberBand
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QPoint, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QKeyEvent
from qgis.PyQt.QtWidgets import QApplication

from .map_tool import MapTool

_ENDS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_TAKES_BACK = (Qt.Key.Key_Backspace, Qt.Key.Key_Delete)
_CORNERS = 3


class AreaTool(MapTool):
    """Draws a polygon by clicks, or a rectangle by a drag; ``drawn`` tells it in the map's coordinate system.

    A right click or Enter closes the polygon, Backspace takes its last corner back, Esc takes all of them back, and
    ends the tool where there is none. The tool stays for the next area. ``refused`` says why nothing was drawn.
    """

    drawn = pyqtSignal(QgsGeometry)
    refused = pyqtSignal(str)

    def __init__(self, canvas: QgsMapCanvas) -> None:
        """Draw nothing yet."""
        super().__init__(canvas)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._corners: list[QgsPointXY] = []
        self._pressed: QPoint | None = None
        self._band = QgsRubberBand(canvas, QgsWkbTypes.PolygonGeometry)
        self._band.setWidth(2)

    @property
    def corners(self) -> list[QgsPointXY]:
        """The corners that are set."""
        return list(self._corners)

    @property
    def band(self) -> QgsRubberBand:
        """What is shown of the area while it is drawn."""
        return self._band

    def set_colour(self, colour: QColor) -> None:
        """Draw in a colour from here on."""
        self._band.setStrokeColor(colour)
        faint = QColor(colour)
        faint.setAlpha(60)
        self._band.setFillColor(faint)

    def remove(self) -> None:
        """End for good, and leave nothing on the map."""
        super().remove()
        if not sip.isdeleted(self._band):
            self.canvas().scene().removeItem(self._band)
            sip.delete(self._band)

    def deactivate(self) -> None:
        """Forget what was not finished; called by QGIS."""
        self._start_anew()
        super().deactivate()

    def canvasPressEvent(self, event: QgsMapMouseEvent) -> None:
        """Remember where a drag may begin; called by QGIS."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.pos()

    def canvasMoveEvent(self, event: QgsMapMouseEvent) -> None:
        """Show the area as it would be; called by QGIS."""
        if self._is_drag(event.pos()):
            self._show(self._make_rectangle(event.pos()))
        elif self._corners:
            self._show([*self._corners, event.mapPoint()])

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:
        """Set a corner, or finish; called by QGIS."""
        if event.button() == Qt.MouseButton.RightButton:
            self._finish()
            return
        if event.button() != Qt.MouseButton.LeftButton or self._pressed is None:
            return
        if self._is_drag(event.pos()):
            self._corners = self._make_rectangle(event.pos())
            self._finish()
        elif event.mapPoint() not in self._corners[-1:]:  # a double click comes twice
            self._corners.append(event.mapPoint())
            self._show(self._corners)
        self._pressed = None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Finish, take back or end; called by QGIS."""
        if not self.takes_key(event):
            event.ignore()
        elif event.key() in _ENDS:
            self._finish()
        elif event.key() in _TAKES_BACK:
            self._corners = self._corners[:-1]
            self._show(self._corners)
        elif self._corners or self._pressed is not None:
            self._start_anew()
        else:
            self.end()

    def takes_key(self, event: QKeyEvent) -> bool:
        """Tell whether a key is this tool's."""
        return super().takes_key(event) or event.key() in (*_ENDS, *_TAKES_BACK)

    def _finish(self) -> None:
        corners = self._corners
        if len(corners) < _CORNERS:
            if corners:
                self.refused.emit(self.tr("An area needs at least three corners: add one more, or press Esc."))
            return
        self._start_anew()
        self.drawn.emit(QgsGeometry.fromPolygonXY([corners]))

    def _start_anew(self) -> None:
        self._corners, self._pressed = [], None
        self._show([])

    def _is_drag(self, place: QPoint) -> bool:
        """Tell whether the button was held down over some way, and no corner is set."""
        if self._pressed is None or self._corners:
            return False
        return (place - self._pressed).manhattanLength() >= QApplication.startDragDistance()

    def _make_rectangle(self, place: QPoint) -> list[QgsPointXY]:
        """Return the corners of the rectangle that the drag spans on the screen, also where the map is turned."""
        start = self._pressed or place
        screen = (start, QPoint(place.x(), start.y()), place, QPoint(start.x(), place.y()))
        return [self.toMapCoordinates(corner) for corner in screen]

    def _show(self, corners: list[QgsPointXY]) -> None:
        self._band.reset(QgsWkbTypes.PolygonGeometry)
        for corner in corners:
            self._band.addPoint(corner, doUpdate=False)
        self._band.updatePosition()
        self._band.update()
        self._band.setVisible(bool(corners))
