"""The layers that are chosen in the dock belong to the project and return with it. Main thread only."""

from __future__ import annotations

from typing import Mapping

from qgis.core import QgsMapLayer, QgsProject
from qgis.PyQt.QtCore import QObject

from ....ui.fields.layer_combo import LayerCombo

_SCOPE, _KEY = "FootprintTuner", "/layers/"


class ChosenLayers(QObject):
    """Writes each choice into the project when it is made, and makes it again when the project is read."""

    def __init__(self, lists: Mapping[str, LayerCombo], parent: QObject | None = None) -> None:
        """Make the choices of the project that is open; ``lists`` are lists by the name of what is chosen there."""
        super().__init__(parent)
        self._lists = lists
        self._project = QgsProject.instance()
        for name, combo in lists.items():
            combo.layerChanged.connect(lambda layer, name=name: self._keep(name, layer))
            combo.model().rowsInserted.connect(lambda *_, name=name: self._restore(name))
        self._project.readProject.connect(self._restore_all)
        self._restore_all()

    def stop(self) -> None:
        """Leave the project alone; a second time does nothing."""
        if self._lists:
            self._lists = {}
            self._project.readProject.disconnect(self._restore_all)

    def _keep(self, name: str, layer: QgsMapLayer | None) -> None:
        chosen = layer.id() if layer is not None else ""
        if name in self._lists and chosen != self._read(name):
            self._project.writeEntry(_SCOPE, _KEY + name, chosen)

    def _restore_all(self, *_: object) -> None:
        for name in self._lists:
            self._restore(name)

    def _restore(self, name: str) -> None:
        """Make a choice that was made before, where nothing else is chosen and its layer is there."""
        layer = self._project.mapLayer(self._read(name)) if name in self._lists else None
        if layer is not None and self._lists[name].currentLayer() is None:
            self._lists[name].setLayer(layer)

    def _read(self, name: str) -> str:
        return str(self._project.readEntry(_SCOPE, _KEY + name, "")[0])
