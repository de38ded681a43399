"""Ground is marked as checked by drawing on the map. Main thread only."""

from __future__ import annotations

from qgis.core import QgsFeature, QgsGeometry, QgsVectorLayer
from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QCoreApplication, QObject, pyqtSignal
from qgis.PyQt.QtGui import QColor

from ....core.block_roles import TRAINING
from ....core.errors import InputError, TunerError
from ....core.folder import RunFolder
from ...layers.layer_checks import ROLE_FIELD
from ...map_tools.area_tool import AreaTool
from ...worker_client.messages import WARNING, tell
from .checked_areas import measure_ground, move_geometry

_COLOUR = QColor(0, 150, 70)  # as in checked.qml


class CheckedMarker(QObject):
    """Adds what is drawn to a layer, each area a step that can be undone there.

    ``warned`` carries what to heed about the area that was drawn last ("": nothing); ``ended`` tells that the map was
    given back.
    """

    warned = pyqtSignal(str)
    ended = pyqtSignal()

    def __init__(self, iface: QgisInterface, parent: QObject | None = None) -> None:
        """Wait to be asked."""
        super().__init__(parent)
        self._iface = iface
        self._layer: QgsVectorLayer | None = None
        self._folder: RunFolder | None = None
        self.tool = AreaTool(iface.mapCanvas())
        self.tool.set_colour(_COLOUR)
        self.tool.drawn.connect(self._take)
        self.tool.refused.connect(lambda sentence: tell(iface.messageBar(), WARNING, sentence))
        self.tool.deactivated.connect(self._let_go)

    def begin(self, layer: QgsVectorLayer, folder: RunFolder) -> None:
        """Let the user draw checked ground of a run into a layer, until another tool is chosen."""
        self._layer, self._folder = layer, folder
        self.tool.begin()

    def end(self) -> None:
        """Give the map back; what was drawn stays."""
        self.tool.end()

    def stop(self) -> None:
        """End for good; a second time does nothing."""
        self.end()
        self.tool.remove()

    def _let_go(self) -> None:
        self._layer = self._folder = None
        self.ended.emit()

    def _take(self, geometry: QgsGeometry) -> None:
        layer, folder = self._layer, self._folder
        if layer is None or folder is None:
            return
        try:
            area = self._take_area(geometry, layer)
            warning = self._judge(area, layer, folder)
            switch_editing_on(layer)
        except TunerError as error:
            tell(self._iface.messageBar(), WARNING, error.message, error.hint)
            return
        feature = QgsFeature(layer.fields())
        feature.setAttribute(layer.fields().lookupField(ROLE_FIELD), TRAINING)
        feature.setGeometry(area)
        self._iface.setActiveLayer(layer)  # its edits are what Ctrl+Z undoes
        layer.beginEditCommand(self.tr("Mark checked area"))
        layer.addFeature(feature)
        layer.endEditCommand()
        layer.triggerRepaint()
        self.warned.emit(warning)

    def _take_area(self, geometry: QgsGeometry, layer: QgsVectorLayer) -> QgsGeometry:
        """Return what was drawn in the layer's coordinate system and kind; raises InputError."""
        whole = geometry if geometry.isGeosValid() else geometry.makeValid()
        whole = move_geometry(whole, self._iface.mapCanvas().mapSettings().destinationCrs(), layer.crs())
        parts = [part for part in whole.coerceToType(layer.wkbType()) if part.area() > 0]
        if len(parts) != 1:
            raise InputError(
                self.tr("The lines that you drew do not enclose an area."),
                self.tr("Draw it without crossing your own line."),
            )
        return parts[0]

    def _judge(self, area: QgsGeometry, layer: QgsVectorLayer, folder: RunFolder) -> str:
        """Return a warning for an area that a run cannot learn from as a whole, "" for any other.

        Raises InputError where it lies outside the raster.
        """
        ground = measure_ground(area, layer.crs(), folder)
        if not ground.is_on_raster:
            raise InputError(self.tr("The area lies outside the raster."), self.tr("Draw it on the raster."))
        if not ground.is_learnable:
            return self.tr("This area is held-out or validation area: the model never learns there. Draw it elsewhere.")
        if not ground.is_wholly_learnable:
            return self.tr("A part of this area is held-out or validation area: the model never learns there.")
        return ""


def switch_editing_on(layer: QgsVectorLayer) -> None:
    """Let a layer be edited; raises InputError where it cannot."""
    if layer.isEditable() or layer.startEditing():
        return
    tr = QCoreApplication.translate
    raise InputError(
        tr("CheckedMarker", 'The layer "{}" cannot be edited.').format(layer.name()),
        tr("CheckedMarker", "Is its file read-only, or the layer (Project > Properties > Data Sources)?"),
    )
