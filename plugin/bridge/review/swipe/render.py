"""Layers drawn in the background as they would lie on the map. Main thread only; the drawing is done by QGIS's."""

from __future__ import annotations

from typing import Any, Sequence

from qgis.core import QgsMapLayer, QgsMapRendererParallelJob, QgsMapSettings
from qgis.PyQt.QtCore import QObject, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QImage

#: Drawings that are under way, with their layers: nobody else keeps one that was given up until it has ended.
_UNDER_WAY: dict[QgsMapRendererParallelJob, Sequence[QgsMapLayer]] = {}


class Picture(QObject):
    """Layers of the plugin's own on transparent ground; ``drawn`` tells of itself that ``image`` is a new one.

    ``image`` is what was drawn last, for the map as ``settings`` tell it (both None before the first one); it stays
    while the next one is under way.
    """

    drawn = pyqtSignal(object)

    def __init__(self, layers: Sequence[QgsMapLayer], parent: QObject | None = None) -> None:
        """Draw nothing yet; the layers need not be in a project."""
        super().__init__(parent)
        self._layers = layers
        self._job: QgsMapRendererParallelJob | None = None
        self._key: tuple[Any, ...] = ()
        self.image: QImage | None = None
        self.settings: QgsMapSettings | None = None

    def draw(self, canvas_settings: QgsMapSettings) -> None:
        """Draw for the map as it is now; what is drawn or under way already is not begun again."""
        key = _describe(canvas_settings)
        if key == self._key:
            return
        self.cancel()
        self._key = key
        settings = QgsMapSettings(canvas_settings)
        settings.setLayers(list(self._layers))
        settings.setBackgroundColor(QColor(Qt.GlobalColor.transparent))
        job = self._job = QgsMapRendererParallelJob(settings)
        _UNDER_WAY[job] = self._layers
        job.finished.connect(self._take)
        job.finished.connect(lambda: _forget(job))
        job.start()

    def is_of(self, canvas_settings: QgsMapSettings) -> bool:
        """Tell whether ``image`` shows the map as it is now."""
        return self.settings is not None and _describe(self.settings) == _describe(canvas_settings)

    def cancel(self) -> None:
        """Give up what is under way, without waiting for it."""
        job, self._job, self._key = self._job, None, ()
        if job is not None:
            job.finished.disconnect(self._take)
            job.cancelWithoutBlocking()

    def _take(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            self.image, self.settings = job.renderedImage(), job.mapSettings()
            self.drawn.emit(self)


def wait_for_all() -> None:
    """End every drawing that is under way: QGIS takes apart what it draws with, when it ends."""
    for job in list(_UNDER_WAY):
        job.cancel()


def _forget(job: QgsMapRendererParallelJob) -> None:
    if _UNDER_WAY.pop(job, None) is not None:
        job.deleteLater()


def _describe(settings: QgsMapSettings) -> tuple[Any, ...]:
    """Return all of the map that a picture depends on."""
    extent, size = settings.visibleExtent(), settings.outputSize()
    box = (extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum())
    screen = (size.width(), size.height(), settings.outputDpi(), settings.devicePixelRatio(), settings.rotation())
    return (*box, *screen, settings.destinationCrs())
