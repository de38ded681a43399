"""Two sights of a run over the map: drawn when the map has moved, kept while only the line does. Main thread only."""

from __future__ import annotations

from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QEvent, QObject, QTimer

from .canvas_item import MapImage, SwipeItem
from .layer_choices import Layers
from .render import Picture


class SwipeView(QObject):
    """Holds the curtain over the map and the pictures on it; it changes nothing of the map or the project."""

    def __init__(self, canvas: QgsMapCanvas, parent: QObject | None = None) -> None:
        """Show nothing yet."""
        super().__init__(parent)
        self._canvas = canvas
        self._shown: tuple[Layers | None, ...] = (None, None, None)
        self._pictures: list[Picture | None] = [None, None, None]
        self.item = SwipeItem(canvas)
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._follow)
        # QGIS tells of a pan by a signal with an enum class, which PyQt5 cannot convert: from 3.40 on it ends QGIS
        canvas.viewport().installEventFilter(self)

    def show(self, backdrop: Layers, before: Layers, after: Layers | None) -> None:
        """Draw these for the map as it is now, each only where it is not drawn; what is shown stays until then."""
        for index, layers in enumerate((backdrop, before, after)):
            if layers is not self._shown[index] or self._pictures[index] is None:
                self._replace(index, layers)
        self._shown = (backdrop, before, after)
        for picture in self._pictures:
            if picture is not None:
                picture.draw(self._canvas.mapSettings())
        self.item.follow()

    def remove(self) -> None:
        """Leave the map; a second time does nothing."""
        for picture in self._pictures:
            if picture is not None:
                picture.cancel()
        self._pictures = [None, None, None]
        self._soon.stop()
        self._canvas.viewport().removeEventFilter(self)
        self.item.remove()
        self.deleteLater()

    def _replace(self, index: int, layers: Layers | None) -> None:
        """Draw other layers in a place; what the curtain shows there goes when they are drawn."""
        old, picture = self._pictures[index], None if layers is None else Picture(layers.layers)
        self._pictures[index] = picture
        if old is not None:
            old.cancel()
        if picture is None or layers is None:
            self._put(index, None, "")
            return
        picture.drawn.connect(self._take)
        if old is None:
            self._put(index, picture, layers.name)

    def _take(self, picture: Picture) -> None:
        """Show a picture that is drawn."""
        if picture in self._pictures:
            index = self._pictures.index(picture)
            layers = self._shown[index]
            self._put(index, picture, layers.name if layers is not None else "")

    def _put(self, index: int, picture: Picture | None, name: str) -> None:
        image = None if picture is None else MapImage(picture, name)
        if index == 0:
            self.item.backdrop = picture
        elif index == 1:
            self.item.before = image
        else:
            self.item.after = image
        self.item.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow a map that is dragged, after QGIS has moved what it shows; called by Qt."""
        if event.type() == QEvent.Type.MouseMove:
            self._soon.start()
        return bool(super().eventFilter(watched, event))

    def _follow(self) -> None:
        self.item.follow()
