"""Two pictures of the map on either side of a line, over the canvas."""

from __future__ import annotations

from typing import Any, Callable, Sequence

from qgis.core import QgsMapLayer, QgsMapRendererParallelJob, QgsMapSettings, QgsRectangle
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QPointF, QRectF, Qt, QTimer
from qgis.PyQt.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen
from qgis.PyQt.QtWidgets import QStyleOptionGraphicsItem, QWidget

_SETTLE_MS = 60
_GRIP_PX = 9.0
_INSET_PX = 6.0


class Side(QObject):
    """A picture of some layers for the canvas's extent, drawn in the background; ``image`` is None before the first."""

    def __init__(self, layers: Sequence[QgsMapLayer], tell: Callable[[], None], parent: QObject | None = None) -> None:
        """Keep the layers alive; ``tell`` is called when a picture is ready."""
        super().__init__(parent)
        self._layers, self._tell = list(layers), tell
        self._job: QgsMapRendererParallelJob | None = None
        self.image: QImage | None = None
        self.extent = QgsRectangle()

    def draw(self, settings: QgsMapSettings) -> None:
        """Begin a picture as the canvas would draw it; one that is under way is dropped."""
        self.cancel()
        own = QgsMapSettings(settings)
        own.setLayers(self._layers)
        own.setBackgroundColor(QColor(settings.backgroundColor()))
        job = QgsMapRendererParallelJob(own)
        job.finished.connect(lambda: self._take(job))
        self._job = job
        job.start()

    def cancel(self) -> None:
        """Drop the picture that is under way."""
        job, self._job = self._job, None
        if job is not None and job.isActive():
            job.cancel()

    def _take(self, job: Any) -> None:
        if self._job is not None and job is self._job:
            self._job = None
            self.image, self.extent = job.renderedImage(), QgsRectangle(job.mapSettings().visibleExtent())
            self._tell()


class Curtain(QgsMapCanvasItem):
    """Shows the first side before the line and the second behind it; ``is_flipped`` shows the first side alone."""

    def __init__(self, canvas: QgsMapCanvas, first: Sequence[QgsMapLayer], second: Sequence[QgsMapLayer]) -> None:
        """Draw both sides for the canvas's extent, and again whenever it changes."""
        super().__init__(canvas)
        self._canvas = canvas
        self.setZValue(50)
        self.position = 0.5
        self.is_horizontal = False
        self.is_flipped = False
        self.has_line = True
        self.titles = ("", "")
        self._owner = QObject()
        self.sides = (Side(first, self.update, self._owner), Side(second, self.update, self._owner))
        self._settle = QTimer(self._owner, singleShot=True, interval=_SETTLE_MS)
        self._settle.timeout.connect(self.draw_anew)
        for signal in (canvas.extentsChanged, canvas.destinationCrsChanged, canvas.rotationChanged):
            signal.connect(self._settle.start)
        canvas.mapCanvasRefreshed.connect(self._place)
        self._place()
        self.draw_anew()

    @property
    def is_ready(self) -> bool:
        """Whether both sides have a picture, of the extent that the canvas shows."""
        extent = self._canvas.mapSettings().visibleExtent()
        return all(side.image is not None and side.extent == extent for side in self.sides)

    def draw_anew(self) -> None:
        """Draw the sides for what the canvas shows now."""
        self._place()
        settings = self._canvas.mapSettings()
        for side in self.sides:
            side.draw(settings)

    def move_to(self, position: float) -> None:
        """Move the line to a share of the canvas's width, or height: 0 to 1."""
        self.position = min(max(position, 0.0), 1.0)
        self.update()

    def turn(self, is_horizontal: bool) -> None:
        """Let the line go from side to side, or from top to bottom."""
        self.is_horizontal = is_horizontal
        self.update()

    def flip(self, is_flipped: bool) -> None:
        """Show the first side alone, or both."""
        self.is_flipped = is_flipped
        self.update()

    def remove(self) -> None:
        """Leave nothing on the canvas."""
        for signal in (self._canvas.extentsChanged, self._canvas.destinationCrsChanged, self._canvas.rotationChanged):
            signal.disconnect(self._settle.start)
        self._canvas.mapCanvasRefreshed.disconnect(self._place)
        self._settle.stop()
        for side in self.sides:
            side.cancel()
        self._canvas.scene().removeItem(self)
        self._owner.deleteLater()
        sip.delete(self)

    def boundingRect(self) -> QRectF:
        """Return the canvas's whole rectangle; called by Qt."""
        return QRectF(0, 0, self._canvas.width(), self._canvas.height())

    def updatePosition(self) -> None:
        """Stay where the canvas is; called by QGIS."""
        self._place()

    def paint(
        self, painter: QPainter, _option: QStyleOptionGraphicsItem | None = None, _widget: QWidget | None = None
    ) -> None:
        """Paint both sides, the line and the titles; called by Qt."""
        whole = self.boundingRect()
        if self.is_flipped or not self.has_line:
            self._paint_side(painter, 0, whole)
            return
        first, second = self._part(whole)
        self._paint_side(painter, 0, first)
        self._paint_side(painter, 1, second)
        self._paint_line(painter, second)

    def _place(self) -> None:
        self.prepareGeometryChange()
        self.setPos(QPointF(0, 0))
        self.update()

    def _part(self, whole: QRectF) -> tuple[QRectF, QRectF]:
        first, second = QRectF(whole), QRectF(whole)
        if self.is_horizontal:
            first.setBottom(self.position * whole.height())
            second.setTop(first.bottom())
        else:
            first.setRight(self.position * whole.width())
            second.setLeft(first.right())
        return first, second

    def _paint_side(self, painter: QPainter, number: int, where: QRectF) -> None:
        side = self.sides[number]
        if where.isEmpty():
            return
        painter.save()
        painter.setClipRect(where)
        if side.image is not None:
            painter.drawImage(self._find_place(side.extent), side.image)
        self._paint_title(painter, self.titles[number], where.topLeft())
        painter.restore()

    def _find_place(self, extent: QgsRectangle) -> QRectF:
        """Return where a picture of an extent lies on the canvas: until the next one is ready, it moves along."""
        settings = self._canvas.mapSettings()
        shown = settings.visibleExtent()
        if extent == shown or settings.rotation() or extent.isEmpty():
            return self.boundingRect()
        transform = settings.mapToPixel()
        left_top = transform.transform(extent.xMinimum(), extent.yMaximum())
        right_bottom = transform.transform(extent.xMaximum(), extent.yMinimum())
        return QRectF(QPointF(left_top.x(), left_top.y()), QPointF(right_bottom.x(), right_bottom.y()))

    def _paint_title(self, painter: QPainter, text: str, corner: QPointF) -> None:
        if not text:
            return
        size = QFontMetricsF(painter.font()).size(0, text)
        box = QRectF(corner.x() + _INSET_PX, corner.y() + _INSET_PX, size.width() + 12, size.height() + 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(20, 26, 32, 200))
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QColor("white"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_line(self, painter: QPainter, second: QRectF) -> None:
        start = second.topLeft()
        end = second.topRight() if self.is_horizontal else second.bottomLeft()
        middle = (start + end) / 2
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for colour, width in ((QColor(20, 26, 32), 4), (QColor("white"), 2)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(start, end)
        painter.setBrush(QColor("white"))
        painter.setPen(QPen(QColor(20, 26, 32), 2))
        painter.drawEllipse(middle, _GRIP_PX, _GRIP_PX)
