"""How many footprints lie on checked ground: counted a little at a time, anew after each edit. Main thread only."""

from __future__ import annotations

import time
from typing import Iterator

from qgis.core import QgsCoordinateTransform, QgsCsException, QgsFeatureRequest, QgsGeometry, QgsProject, QgsVectorLayer
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QTimer, pyqtBoundSignal, pyqtSignal

from ...layers.layer_watch import LayerWatch

_PAUSE_MS = 150
_SLICE_S = 0.015


class CheckedCount(QObject):
    """Tells how many areas and footprints there are, soon after it begins and after every edit.

    QGIS opens a layer's file anew where editing begins or is saved: until then no reading may be under way, else it
    would find nothing. That is why this is no thread's work.
    """

    told = pyqtSignal(int, int)

    def __init__(self, parent: QObject | None = None) -> None:
        """Count nothing."""
        super().__init__(parent)
        self._layers: list[QgsVectorLayer] = []
        self._steps: Iterator[tuple[int, int]] = iter(())
        self._counts = 0, 0
        self._watch = LayerWatch(self)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._slice = QTimer(self, interval=0)
        self._watch.changed.connect(self._wait)
        self._pause.timeout.connect(self._start)
        self._slice.timeout.connect(self._go_on)

    def begin(self, footprints: QgsVectorLayer, checked: QgsVectorLayer) -> None:
        """Count these two layers from here on, unsaved edits included."""
        self.stop()
        self._layers = [footprints, checked]
        self._watch.watch(self._layers)
        for layer in self._layers:
            for signal in _list_signals(layer):
                signal.connect(self._wait)
        self._wait()

    def stop(self) -> None:
        """Count nothing any more; a second time does nothing."""
        self._drop()
        self._pause.stop()
        self._watch.stop()
        layers, self._layers = self._layers, []
        for layer in layers:
            if not sip.isdeleted(layer):
                for signal in _list_signals(layer):
                    signal.disconnect(self._wait)

    def _wait(self, *_: object) -> None:
        """Let the layers go, and count them soon."""
        self._drop()
        self._pause.start()

    def _drop(self) -> None:
        self._slice.stop()
        self._steps = iter(())

    def _start(self) -> None:
        if self._layers and not any(sip.isdeleted(layer) for layer in self._layers):
            self._counts = 0, 0
            self._steps = _count(*self._layers)
            self._slice.start()

    def _go_on(self) -> None:
        """Count for a moment, and tell at the end."""
        end = time.monotonic() + _SLICE_S
        for counts in self._steps:
            self._counts = counts
            if time.monotonic() > end:
                return
        self._drop()
        self.told.emit(*self._counts)


def _count(footprints: QgsVectorLayer, checked: QgsVectorLayer) -> Iterator[tuple[int, int]]:
    """Yield the counts of areas and of footprints that meet one, as they grow."""
    transform = QgsCoordinateTransform(checked.crs(), footprints.crs(), QgsProject.instance())
    areas = [feature.geometry() for feature in checked.getFeatures(QgsFeatureRequest().setNoAttributes())]
    found: set[int] = set()
    for area in areas:
        yield len(areas), len(found)
        try:
            area.transform(transform)
        except QgsCsException:
            continue
        for number in _find(footprints, area):
            found.add(number)
            yield len(areas), len(found)
    yield len(areas), len(found)


def _find(footprints: QgsVectorLayer, area: QgsGeometry) -> Iterator[int]:
    """Yield the numbers of the footprints that meet an area."""
    if area.isEmpty():
        return
    engine = QgsGeometry.createGeometryEngine(area.constGet())
    engine.prepareGeometry()
    request = QgsFeatureRequest().setFilterRect(area.boundingBox()).setNoAttributes()
    for feature in footprints.getFeatures(request):
        if feature.hasGeometry() and engine.intersects(feature.geometry().constGet()):
            yield feature.id()


def _list_signals(layer: QgsVectorLayer) -> list[pyqtBoundSignal]:
    return [layer.beforeEditingStarted, layer.beforeCommitChanges, layer.editingStopped, layer.willBeDeleted]
