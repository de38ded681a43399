"""A list of the project's layers that guesses nothing."""

from __future__ import annotations

from qgis.core import QgsMapLayer
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import QModelIndex
from qgis.PyQt.QtWidgets import QWidget


class LayerCombo(QgsMapLayerComboBox):
    """None is chosen until somebody chooses one, and none again where that one leaves the project or the list.

    QGIS's own list would take the first layer by its name, and the next one where the chosen one goes.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin with none."""
        super().__init__(parent)
        self.show_none_as("")
        self.model().rowsAboutToBeRemoved.connect(self._let_go)

    def show_none_as(self, text: str) -> None:
        """Write a text where no layer is chosen."""
        self.setAllowEmptyLayer(True, text)
        self.setLayer(None)

    def setLayer(self, layer: QgsMapLayer | None) -> None:
        """Choose a layer; one that is not in the list is none."""
        if layer is not None and self._holds(layer):
            super().setLayer(layer)
        else:
            self._choose_none()

    def _holds(self, layer: QgsMapLayer) -> bool:
        return any(self.layer(row) == layer for row in range(self.count()))

    def _choose_none(self) -> None:
        was = self.currentLayer()
        self.setCurrentIndex(0)
        if was is not None:
            self.layerChanged.emit(None)

    def _let_go(self, _: QModelIndex, first: int, last: int) -> None:
        """Choose none before Qt goes on to the next row."""
        if first <= self.currentIndex() <= last:
            self._choose_none()
