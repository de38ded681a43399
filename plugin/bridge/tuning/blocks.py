"""The blocks of a split on the map before the run: a layer of the plugin's own. Main thread only."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping

from qgis.core import (
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ....ui.tuning.split import RoleCount
from ...core.block_roles import BLOCK_ROLES, BUFFER, HELD_OUT, LEFT_OUT
from ..layers.own_layers import SPLIT, find_kind, mark
from ..layers.results import apply_style

_FIELDS = ("id", "role", "block_role", "buildings")


class BlockLayer(QObject):
    """The layer that shows a split; ``removed`` tells that somebody else took it away.

    It lives in memory, QGIS does not ask to save it, and nobody can edit it but the plugin.
    """

    removed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        """Show nothing."""
        super().__init__(parent)
        self._layer: QgsVectorLayer | None = None

    @property
    def layer(self) -> QgsVectorLayer | None:
        """The layer, None while nothing is shown."""
        return self._layer

    def show(self, path: Path) -> None:
        """Show the blocks that the worker wrote; the layer stays the same where there is one."""
        source = QgsVectorLayer(f"{path.as_posix()}|layername=blocks", "blocks", "ogr")
        layer = self._layer or self._add(source)
        features = []
        for found in source.getFeatures():
            feature = QgsFeature(layer.fields())
            feature.setAttributes([found[name] for name in _FIELDS])
            feature.setGeometry(found.geometry())
            features.append(feature)
        layer.dataProvider().truncate()
        layer.dataProvider().addFeatures(features)
        layer.updateExtents()
        layer.triggerRepaint()

    def remove(self) -> None:
        """Take the layer off the map."""
        layer, self._layer = self._layer, None
        if layer is not None:
            layer.willBeDeleted.disconnect(self._forget)
            QgsProject.instance().removeMapLayer(layer.id())

    def read_roles(self) -> dict[int, str]:
        """Return the role of every block by its number."""
        return {feature["id"]: feature["block_role"] for feature in self._list_features()}

    def count(self) -> list[RoleCount]:
        """Return how many blocks have each role, and how many buildings lie on their ground."""
        features = self._list_features()
        numbers = {role: {each["id"] for each in features if each["block_role"] == role} for role in BLOCK_ROLES}
        buildings = {role: [each["buildings"] for each in features if each["role"] == role] for role in BLOCK_ROLES}
        return [RoleCount(role, len(numbers[role]), sum(buildings[role])) for role in BLOCK_ROLES]

    def find_block(self, point: QgsPointXY, transform: QgsCoordinateTransform) -> int | None:
        """Return the number of the block at a point, which ``transform`` brings into the layer's coordinate system."""
        if self._layer is None:
            return None
        try:
            place = transform.transform(point)
        except QgsCsException:
            return None
        around = QgsFeatureRequest().setFilterRect(QgsRectangle(place, place))
        area = QgsGeometry.fromPointXY(place)
        hits = [feature["id"] for feature in self._layer.getFeatures(around) if feature.geometry().intersects(area)]
        return hits[0] if hits else None

    def paint(self, roles: Mapping[int, str]) -> None:
        """Give blocks other roles at once; their buffers are drawn anew by the worker."""
        if self._layer is None:
            return
        fields, changes = self._layer.fields(), {}
        for feature in self._list_features():
            role = roles.get(feature["id"])
            if role is not None:
                is_buffer = feature["role"] == BUFFER and role not in (HELD_OUT, LEFT_OUT)
                shown = BUFFER if is_buffer else role
                changes[feature.id()] = {fields.lookupField("role"): shown, fields.lookupField("block_role"): role}
        self._layer.dataProvider().changeAttributeValues(changes)
        self._layer.triggerRepaint()

    def _list_features(self) -> list[QgsFeature]:
        return [] if self._layer is None else list(self._layer.getFeatures())

    def _add(self, source: QgsVectorLayer) -> QgsVectorLayer:
        project = QgsProject.instance()  # one that was saved with such a layer holds it, empty
        in_memory = [layer for layer in project.mapLayers().values() if layer.providerType() == "memory"]
        left = [layer.id() for layer in in_memory if find_kind(layer) == SPLIT]
        project.removeMapLayers(left)
        fields = "field=id:integer&field=role:string&field=block_role:string&field=buildings:integer"
        layer = QgsVectorLayer(f"Polygon?{fields}", self.tr("Split (before the run)"), "memory")
        layer.setCrs(source.crs())
        layer.setCustomProperty("skipMemoryLayersCheck", 1)  # QGIS need not ask whether it is to be saved
        layer.setReadOnly(True)
        apply_style(layer, "split")
        mark(layer, SPLIT)
        project.addMapLayer(layer, False)
        project.layerTreeRoot().insertLayer(0, layer)
        layer.willBeDeleted.connect(self._forget)
        self._layer = layer
        return layer

    def _forget(self) -> None:
        self._layer = None
        self.removed.emit()
