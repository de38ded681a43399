"""The map's two sides, the line between them, and what each is called: painted over the map, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from qgis.gui import QgsMapCanvas, QgsMapCanvasItem
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QPointF, QRectF, QSizeF, Qt
from qgis.PyQt.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF, QTransform

from .render import Picture

#: Above the map, below the marks of QGIS and of other tools.
_HEIGHT = -5.0
_GRIP_PX = 13.0
_LINE, _DARK = QColor(255, 255, 255), QColor(20, 20, 20, 200)
_LINE_PX, _CASING_PX = 2.0, 4.0
_MARGIN_PX = 8.0
#: Two places of a picture so far apart tell precisely enough how it is turned and stretched.
_APART_PX = 1000


@dataclass(frozen=True)
class MapImage:
    """One side: its picture, which lies on the backdrop's, and what it is called."""

    picture: Picture
    name: str


class SwipeItem(QgsMapCanvasItem):
    """Shows two leaves parted by a line, or the first alone; moving the line only paints again what was drawn.

    ``place`` is where the line is: 0 at the left or top edge of the map, 1 at the right or bottom one.
    """

    def __init__(self, canvas: QgsMapCanvas) -> None:
        """Show nothing yet."""
        super().__init__(canvas)
        self._canvas = canvas
        self._frame = QRectF()
        self.backdrop: Picture | None = None
        self.before: MapImage | None = None
        self.after: MapImage | None = None
        self.is_parted = False
        self.is_held = False
        self.is_horizontal = False
        self.place = 0.5
        self.setZValue(_HEIGHT)
        self.hide()

    def move_to(self, place: float) -> None:
        """Put the line elsewhere, and paint what lies between its old place and its new one."""
        old, self.place = self._find_grip(), min(1.0, max(0.0, place))
        if self.is_parted and not self.is_held:
            self.update(old.united(self._find_grip()))

    def show_state(self, *, is_parted: bool, is_held: bool, is_horizontal: bool) -> None:
        """Part the map, or show the first leaf alone while it is held, or neither."""
        self.is_parted, self.is_held, self.is_horizontal = is_parted, is_held, is_horizontal
        self.setVisible(is_parted or is_held)
        self.follow()
        self.update()

    def follow(self) -> None:
        """Stay in the window, also while the map is dragged beneath it."""
        frame = QRectF(self._canvas.mapToScene(0, 0), QSizeF(self._canvas.viewport().size()))
        if frame != self._frame:
            self.prepareGeometryChange()
            self._frame = frame

    def remove(self) -> None:
        """Leave the map; a second time does nothing."""
        if not sip.isdeleted(self):
            self._canvas.scene().removeItem(self)
            sip.delete(self)

    def boundingRect(self) -> QRectF:
        """Return the whole map in pixels of the scene; called by Qt."""
        return self._frame

    def updatePosition(self) -> None:
        """Paint anew where the map was moved; called by QGIS."""
        self.follow()
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        """Paint what is drawn so far; called by Qt."""
        parts = self._list_parts()
        for part, map_image in parts:
            painter.save()
            painter.setClipRect(part, Qt.ClipOperation.IntersectClip)
            self._paint_map_image(painter, map_image)
            self._paint_name(painter, part, map_image)
            painter.restore()
        if len(parts) > 1:
            self._paint_line(painter)

    def _list_parts(self) -> list[tuple[QRectF, MapImage]]:
        """Return each side that is to be seen, with its ground in pixels of the scene."""
        if self.before is None:
            return []
        if self.is_held or self.after is None:
            return [(self._frame, self.before)]
        first, second = QRectF(self._frame), QRectF(self._frame)
        middle = self._find_line()
        if self.is_horizontal:
            first.setBottom(middle.y())
            second.setTop(middle.y())
        else:
            first.setRight(middle.x())
            second.setLeft(middle.x())
        return [(first, self.before), (second, self.after)]

    def _paint_map_image(self, painter: QPainter, map_image: MapImage) -> None:
        """Paint a side, on the map's plain ground where nothing is drawn yet."""
        pictures = [each for each in (self.backdrop, map_image.picture) if each is not None]
        if not all(self._is_shown(each) for each in pictures):
            return
        painter.fillRect(self._frame, self._canvas.canvasColor())
        for picture in pictures:
            if picture.image is not None:
                painter.save()
                painter.setTransform(self._find_transform(picture), True)
                painter.drawImage(QPointF(0, 0), picture.image)
                painter.restore()

    def _is_shown(self, picture: Picture) -> bool:
        """Tell whether a picture can be shown: one of another place or scale only where it is soon replaced."""
        canvas = self._canvas.mapSettings()
        if picture.settings is None or picture.settings.destinationCrs() != canvas.destinationCrs():
            return False
        return self.is_parted or picture.is_of(canvas)

    def _find_transform(self, picture: Picture) -> QTransform:
        """Return what brings a picture's pixels to where their ground is on the map now, also where that is turned."""
        settings = picture.settings
        if settings is None or picture.is_of(self._canvas.mapSettings()):
            return QTransform()
        pixels = settings.mapToPixel()
        corners = ((0, 0), (_APART_PX, 0), (0, _APART_PX))
        zero, right, down = (self.toCanvasCoordinates(pixels.toMapCoordinates(x, y)) for x, y in corners)
        across, along = (right - zero) / _APART_PX, (down - zero) / _APART_PX
        return QTransform(across.x(), across.y(), along.x(), along.y(), zero.x(), zero.y())

    def _find_line(self) -> QPointF:
        """Return the line's middle, on whole pixels, where its grip is."""
        frame, middle = self._frame, self._frame.center()
        if self.is_horizontal:
            return QPointF(middle.x(), frame.top() + round(self.place * frame.height()))
        return QPointF(frame.left() + round(self.place * frame.width()), middle.y())

    def _find_grip(self) -> QRectF:
        """Return the strip of the map that the line and its grip may cover."""
        middle, reach = self._find_line(), _GRIP_PX + 2
        if self.is_horizontal:
            return QRectF(self._frame.left(), middle.y() - reach, self._frame.width(), 2 * reach)
        return QRectF(middle.x() - reach, self._frame.top(), 2 * reach, self._frame.height())

    def _paint_line(self, painter: QPainter) -> None:
        middle, frame = self._find_line(), self._frame
        ends = (
            (QPointF(frame.left(), middle.y()), QPointF(frame.right(), middle.y()))
            if self.is_horizontal
            else (QPointF(middle.x(), frame.top()), QPointF(middle.x(), frame.bottom()))
        )
        for colour, width in ((_DARK, _CASING_PX), (_LINE, _LINE_PX)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(*ends)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(middle)
        painter.rotate(90 if self.is_horizontal else 0)
        painter.setPen(QPen(_DARK, 1.5))
        painter.setBrush(_LINE)
        painter.drawEllipse(QPointF(0, 0), _GRIP_PX, _GRIP_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_DARK)
        for side in (-1, 1):
            painter.drawPolygon(QPolygonF([QPointF(side * 9, 0), QPointF(side * 3, -5), QPointF(side * 3, 5)]))
        painter.restore()

    def _paint_name(self, painter: QPainter, part: QRectF, map_image: MapImage) -> None:
        """Paint what a side is called into its outer corner, with dots while it is being drawn."""
        canvas = self._canvas.mapSettings()
        is_drawn = map_image.picture.is_of(canvas) and (self.backdrop is None or self.backdrop.is_of(canvas))
        text = map_image.name if is_drawn else f"{map_image.name} \N{HORIZONTAL ELLIPSIS}"
        font = self._canvas.font()
        font.setBold(True)
        size = QFontMetricsF(font).size(0, text) + QSizeF(2 * _MARGIN_PX, _MARGIN_PX)
        plate = QRectF(self._frame.topLeft() + QPointF(_MARGIN_PX, _MARGIN_PX), size)
        if part.left() > self._frame.left():
            plate.moveRight(part.right() - _MARGIN_PX)
        if part.top() > self._frame.top():
            plate.moveBottom(part.bottom() - _MARGIN_PX)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_DARK)
        painter.drawRoundedRect(plate, 4, 4)
        painter.setPen(_LINE)
        painter.setFont(font)
        painter.drawText(plate.adjusted(_MARGIN_PX, _MARGIN_PX / 2, 0, 0), text)
