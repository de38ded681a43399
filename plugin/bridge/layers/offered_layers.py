"""Which layers the dock's lists offer: none that the plugin made. Main thread only."""

from __future__ import annotations

from typing import Sequence

from qgis.core import QgsMapLayer, QgsProject
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, pyqtBoundSignal

from ....ui.fields.layer_combo import LayerCombo
from .own_layers import find_kind, take_double_in


class OfferedLayers(QObject):
    """Keeps the plugin's own layers out of lists, but for the kinds that a list allows."""

    def __init__(self, lists: Sequence[tuple[LayerCombo, Sequence[str]]], parent: QObject | None = None) -> None:
        """Look at the project's layers; ``lists`` are lists with the kinds that each may offer."""
        super().__init__(parent)
        self._lists = lists
        self._watched: dict[str, QgsMapLayer] = {}
        self._hidden: dict[LayerCombo, list[str]] = {}
        self._project = QgsProject.instance()
        self._project.layersAdded.connect(self._look)
        self._project.layersRemoved.connect(self._look)
        self._look()

    def stop(self) -> None:
        """Look at nothing any more; a second time does nothing."""
        if self._lists:
            self._lists = ()
            self._project.layersAdded.disconnect(self._look)
            self._project.layersRemoved.disconnect(self._look)
            self._watch({})

    def _look(self, *_: object) -> None:
        layers = self._project.mapLayers()
        for name, layer in layers.items():
            if name not in self._watched:
                take_double_in(layer)
        self._watch(layers)
        kinds = {name: find_kind(layer) for name, layer in layers.items()}
        for combo, allowed in self._lists:
            hidden = [name for name, kind in kinds.items() if kind and kind not in allowed]
            if hidden != self._hidden.get(combo, []):  # the list itself cannot be asked: it does not know who has gone
                self._hidden[combo] = hidden
                combo.setExceptedLayerList([layers[name] for name in hidden])

    def _watch(self, layers: dict[str, QgsMapLayer]) -> None:
        for name, layer in self._watched.items():
            if name not in layers and not sip.isdeleted(layer):
                for signal in _list_signals(layer):
                    signal.disconnect(self._look)
        for name, layer in layers.items():
            if name not in self._watched:
                for signal in _list_signals(layer):
                    signal.connect(self._look)
        self._watched = layers


def _list_signals(layer: QgsMapLayer) -> list[pyqtBoundSignal]:
    """Return what tells that a layer may be another's now; a new name alone does not make it so."""
    return [layer.dataSourceChanged, layer.customPropertyChanged]
