"""Whether layers stay as they are."""

from __future__ import annotations

from contextlib import suppress
from typing import Iterable

from qgis.core import QgsMapLayer, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, pyqtBoundSignal, pyqtSignal


class LayerWatch(QObject):
    """Tells when one of the layers that it watches is edited, filtered, placed elsewhere, or read anew."""

    changed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        """Watch nothing."""
        super().__init__(parent)
        self._layers: list[tuple[QgsMapLayer, bool]] = []

    def watch(self, layers: Iterable[QgsMapLayer | None], selected: Iterable[QgsVectorLayer | None] = ()) -> None:
        """Watch these layers and no others; of the ``selected`` ones the selection counts, too."""
        self.stop()
        wanted = [(layer, False) for layer in layers] + [(layer, True) for layer in selected]
        for layer, is_selection in wanted:
            if layer is not None:
                self._layers.append((layer, is_selection))
                for signal in _list_signals(layer, is_selection):
                    signal.connect(self._tell)

    def stop(self) -> None:
        """Watch nothing any more."""
        layers, self._layers = self._layers, []
        for layer, is_selection in layers:
            if not sip.isdeleted(layer):
                for signal in _list_signals(layer, is_selection):
                    with suppress(TypeError):  # a raster that was read from elsewhere has another provider now
                        signal.disconnect(self._tell)

    def _tell(self, *_: object) -> None:
        self.changed.emit()


def _list_signals(layer: QgsMapLayer, is_selection: bool) -> list[pyqtBoundSignal]:
    if is_selection:
        return [layer.selectionChanged]
    signals = [layer.dataSourceChanged, layer.crsChanged, layer.dataChanged]
    if isinstance(layer, QgsRasterLayer) and layer.dataProvider() is not None:
        signals.append(layer.dataProvider().dataChanged)  # all that tells of a raster that is reloaded
    if isinstance(layer, QgsVectorLayer):
        signals += [layer.layerModified, layer.afterRollBack, layer.subsetStringChanged]
    return signals
