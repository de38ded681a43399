"""Areas that are drawn in the map: into a layer of their own, or into the user's where it is being edited."""

from __future__ import annotations

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsEditorWidgetSetup,
    QgsFeature,
    QgsGeometry,
    QgsMapLayer,
    QgsProject,
    QgsVectorLayer,
)
from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtGui import QColor

from ....ui.tuning.form import FormPage
from ...core.block_roles import HELD_OUT, TRAINING
from ...core.errors import InputError, TunerError
from ..layers.layer_checks import ROLE_FIELD
from ..layers.own_layers import AREAS, mark, read_mark
from ..layers.results import apply_style
from ..map_tools.area_tool import AreaTool
from ..worker_client.messages import INFO, WARNING, tell

_COLOURS = {TRAINING: QColor(38, 132, 209), HELD_OUT: QColor(150, 70, 200)}  # as in areas.qml


class AreaDrawer(QObject):
    """Lets areas be drawn; every one can be undone in the layer that it went to. Main thread only."""

    def __init__(self, iface: QgisInterface, form: FormPage, parent: QObject | None = None) -> None:
        """Wait to be asked."""
        super().__init__(parent)
        self._iface = iface
        self._combo = form.settingsGroup.areasCombo
        self._role = TRAINING
        self.tool = AreaTool(iface.mapCanvas())
        self.tool.drawn.connect(self._take)
        self.tool.refused.connect(lambda sentence: tell(iface.messageBar(), WARNING, sentence))
        form.splitRow.area_requested.connect(self.begin)

    def begin(self, role: str) -> None:
        """Let the user draw areas of a role, until another tool is chosen."""
        try:
            _refuse_closed(self._combo.currentLayer())
        except TunerError as error:
            tell(self._iface.messageBar(), WARNING, error.message, error.hint)
            return
        self._role = role
        self.tool.set_colour(_COLOURS[role])
        self.tool.begin()

    def stop(self) -> None:
        """Give the map back; what was drawn stays."""
        self.tool.remove()

    def _take(self, geometry: QgsGeometry) -> None:
        """Add what was drawn to the layer of areas, as one step that can be undone."""
        try:
            layer = self._find_layer()
            feature = self._make_feature(geometry, layer)
        except TunerError as error:
            tell(self._iface.messageBar(), WARNING, error.message, error.hint)
            return
        layer.beginEditCommand(self.tr("Draw an area"))
        layer.addFeature(feature)
        layer.endEditCommand()
        layer.triggerRepaint()

    def _find_layer(self) -> QgsVectorLayer:
        """Return the layer that takes areas now, chosen as the form's and being edited."""
        project, chosen = QgsProject.instance(), self._combo.currentLayer()
        _refuse_closed(chosen)
        own = [layer for layer in project.mapLayers().values() if _is_drawn(layer)]
        layer = chosen or (own[0] if own else self._make_layer(project))
        layer.startEditing()
        self._combo.setLayer(layer)
        self._iface.setActiveLayer(layer)  # its edits are what Ctrl+Z undoes
        return layer

    def _make_layer(self, project: QgsProject) -> QgsVectorLayer:
        crs = self._read_crs()
        if not crs.isValid():
            raise InputError(
                self.tr("The map has no coordinate system."), self.tr("Set one (Project > Properties > CRS) first.")
            )
        layer = QgsVectorLayer(f"MultiPolygon?field={ROLE_FIELD}:string(20)", self.tr("Areas"), "memory")
        layer.setCrs(crs)
        names = [{self.tr("Training"): TRAINING}, {self.tr("Held-out"): HELD_OUT}]
        layer.setEditorWidgetSetup(0, QgsEditorWidgetSetup("ValueMap", {"map": names}))
        apply_style(layer, "areas")
        mark(layer, AREAS)
        project.addMapLayer(layer, False)
        project.layerTreeRoot().insertLayer(0, layer)
        what = self.tr('The layer "{}" is temporary.').format(layer.name())
        hint = self.tr("To keep it, right-click it > Make Permanent...")
        tell(self._iface.messageBar(), INFO, what, hint)
        return layer

    def _make_feature(self, geometry: QgsGeometry, layer: QgsVectorLayer) -> QgsFeature:
        whole = geometry if geometry.isGeosValid() else geometry.makeValid()
        try:
            whole.transform(QgsCoordinateTransform(self._read_crs(), layer.crs(), QgsProject.instance()))
        except QgsCsException as error:
            raise InputError(
                self.tr("The area cannot be transformed to the coordinate system of the areas layer."),
                self.tr("Draw it elsewhere."),
            ) from error
        parts = [part for part in whole.coerceToType(layer.wkbType()) if part.area() > 0]
        if len(parts) != 1:
            raise InputError(
                self.tr("The lines that you drew do not enclose an area."),
                self.tr("Draw it without crossing your own line."),
            )
        feature = QgsFeature(layer.fields())
        feature.setAttribute(layer.fields().lookupField(ROLE_FIELD), self._role)
        feature.setGeometry(parts[0])
        return feature

    def _read_crs(self) -> QgsCoordinateReferenceSystem:
        return self._iface.mapCanvas().mapSettings().destinationCrs()


def _refuse_closed(layer: QgsVectorLayer | None) -> None:
    """Raise InputError for a layer of the user's that is not being edited, or cannot take a role."""
    if layer is None or _is_drawn(layer):
        return
    if layer.fields().lookupField(ROLE_FIELD) < 0:
        raise InputError(
            f'The areas layer "{layer.name()}" has no field "{ROLE_FIELD}".',
            "Add the field, or choose no areas: then a new layer is made.",
        )
    if not layer.isEditable():
        raise InputError(
            f'The areas layer "{layer.name()}" is not being edited.',
            "Switch editing on for it (the pencil) to draw into it, or choose no areas: then a new layer is made.",
        )


def _is_drawn(layer: QgsMapLayer) -> bool:
    """Tell whether a layer of areas was made here; nothing is drawn into the copy in a run's folder."""
    return read_mark(layer) == AREAS
