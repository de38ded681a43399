"""Correct and improve: the user's corrections become a run that goes on from this one's model. Main thread only."""

from __future__ import annotations

from qgis.core import (
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.gui import QgisInterface
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, Qt, pyqtBoundSignal, pyqtSignal
from qgis.PyQt.QtGui import QColor

from ....ui.improve import ImprovePanel
from ...core.errors import InputError, TunerError
from ...core.record import Record
from ...core.roles import HELD_OUT, TRAINING, VALIDATION
from ..areatool import AreaTool
from ..layers import ROLE_FIELD
from ..messages import WARNING, join, tell
from .corrections import CHECKED_COLOUR, CopyThread, Corrections, find_shown
from .improvement import prepare_improvement


class Improver(QObject):
    """Wires the panel to the corrections of one run; ``run_requested`` carries the delivery of an improving run."""

    run_requested = pyqtSignal(object)

    def __init__(self, iface: QgisInterface, panel: ImprovePanel, parent: QObject | None = None) -> None:
        """Wait for a run."""
        super().__init__(parent)
        self._iface, self._panel = iface, panel
        self._record: Record | None = None
        self._corrections: Corrections | None = None
        self._thread: CopyThread | None = None
        self.tool = AreaTool(iface.mapCanvas())
        self.tool.set_colour(QColor(*map(int, CHECKED_COLOUR.split(","))))
        self.tool.drawn.connect(self._mark)
        self.tool.refused.connect(lambda sentence: tell(iface.messageBar(), WARNING, sentence))
        self.tool.deactivated.connect(lambda: panel.show_marking(False))
        panel.correct_requested.connect(self._correct)
        panel.mark_toggled.connect(self._toggle)
        panel.improve_requested.connect(self._improve)

    def open(self, record: Record) -> None:
        """Begin with a run; corrections that were begun are gone on with."""
        self._record = record
        self._panel.show_none()
        if record.folder.corrections.is_file():
            self._panel.show_begun(is_open=False)
            if find_shown(record.folder):
                self._take_up(is_edited=False)

    def close(self) -> None:
        """End with the run; its corrections stay in the project."""
        self.tool.end()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.wait()
        if self._corrections is not None:
            for layer in self._corrections.layers:
                if not sip.isdeleted(layer):
                    _disconnect(layer, self._count)
        self._record = self._corrections = None
        self._panel.show_none()

    def _correct(self) -> None:
        if self._record is None or self._thread is not None:
            return
        if self._record.folder.corrections.is_file():
            self._take_up(is_edited=True)
            return
        self._panel.show_copying()
        self._thread = CopyThread(self._record.folder, self)
        self._thread.ended.connect(self._end_copy, Qt.ConnectionType.QueuedConnection)
        self._thread.start()

    def _end_copy(self, error: TunerError | None) -> None:
        thread, self._thread = self._thread, None
        if thread is None:
            return  # the run was closed
        thread.wait()
        thread.deleteLater()
        if error is None:
            self._take_up(is_edited=True)
        else:
            self._panel.show_none()
            self._panel.show_problem(join(error.message, error.hint))

    def _take_up(self, *, is_edited: bool) -> None:
        """Show the corrections, and with ``is_edited`` let them be edited with QGIS's tools."""
        if self._record is None:
            return
        corrections = Corrections(self._record.folder)
        if not all(layer.isValid() for layer in corrections.layers):
            self._panel.show_problem(
                self.tr("The corrections cannot be read: {}. Delete the file to begin anew.").format(
                    self._record.folder.corrections
                )
            )
            return
        if self._corrections is None or self._corrections.checked is not corrections.checked:
            for layer in corrections.layers:
                for signal in _list_signals(layer):
                    signal.connect(self._count)
        self._corrections = corrections
        self._panel.show_begun(is_open=True)
        self._count()
        if is_edited:
            corrections.footprints.startEditing()
            self._iface.setActiveLayer(corrections.footprints)

    def _toggle(self, is_on: bool) -> None:
        if not is_on or self._find_checked() is None:
            self.tool.end()
            self._panel.show_marking(False)
            return
        self.tool.begin()

    def _mark(self, geometry: QgsGeometry) -> None:
        """Add what was drawn to the checked ground, as one step that can be undone."""
        layer = self._find_checked()
        if layer is None or self._record is None:
            return
        try:
            feature = self._make_feature(geometry, layer)
        except TunerError as error:
            tell(self._iface.messageBar(), WARNING, error.message, error.hint)
            return
        layer.startEditing()
        self._iface.setActiveLayer(layer)  # its edits are what Ctrl+Z undoes
        layer.beginEditCommand(self.tr("Mark checked ground"))
        layer.addFeature(feature)
        layer.endEditCommand()
        layer.triggerRepaint()
        self._panel.show_problem(self._warn(feature.geometry()))

    def _make_feature(self, geometry: QgsGeometry, layer: QgsVectorLayer) -> QgsFeature:
        whole = geometry if geometry.isGeosValid() else geometry.makeValid()
        here = self._iface.mapCanvas().mapSettings().destinationCrs()
        try:
            whole.transform(QgsCoordinateTransform(here, layer.crs(), QgsProject.instance()))
        except QgsCsException as error:
            raise InputError(self.tr("The area lies nowhere near the raster."), self.tr("Draw it there.")) from error
        extent = QgsRasterLayer(str(self._record.folder.probability), "extent").extent() if self._record else None
        if extent is not None and not extent.isEmpty() and not whole.intersects(QgsGeometry.fromRect(extent)):
            raise InputError(self.tr("The area lies outside the raster."), self.tr("Draw it on the raster."))
        parts = [part for part in whole.coerceToType(layer.wkbType()) if part.area() > 0]
        if len(parts) != 1:
            raise InputError(self.tr("What was drawn is no area."), self.tr("Draw it without crossing your own line."))
        feature = QgsFeature(layer.fields())
        feature.setAttribute(layer.fields().lookupField(ROLE_FIELD), TRAINING)
        feature.setGeometry(parts[0])
        return feature

    def _warn(self, area: QgsGeometry) -> str:
        """Return a sentence where the area meets ground that is never learnt from, "" elsewhere."""
        if self._record is None:
            return ""
        blocks = QgsVectorLayer(f"{self._record.folder.split.as_posix()}|layername=blocks", "blocks", "ogr")
        request = QgsFeatureRequest().setFilterRect(area.boundingBox())
        request.setFilterExpression(f"\"role\" IN ('{HELD_OUT}', '{VALIDATION}')")
        if any(feature.geometry().intersects(area) for feature in blocks.getFeatures(request)):
            return self.tr("A part of this area is held-out or validation ground: it is never learnt from.")
        return ""

    def _count(self, *_: object) -> None:
        """Tell how much is checked by now."""
        corrections = self._corrections
        if corrections is None or any(sip.isdeleted(layer) for layer in corrections.layers):
            self._corrections = None
            self._panel.show_begun(is_open=False)
            return
        areas = [feature.geometry() for feature in corrections.checked.getFeatures()]
        found = 0
        for area in areas:
            engine = QgsGeometry.createGeometryEngine(area.constGet())
            engine.prepareGeometry()
            around = QgsFeatureRequest().setFilterRect(area.boundingBox()).setNoAttributes()
            nearby = corrections.footprints.getFeatures(around)
            found += sum(engine.intersects(each.geometry().constGet()) for each in nearby)
        self._panel.show_checked(len(areas), found)

    def _find_checked(self) -> QgsVectorLayer | None:
        """Return the layer of checked ground, None (and a sentence) where it is not in the project any more."""
        corrections = self._corrections
        if corrections is None or any(sip.isdeleted(layer) for layer in corrections.layers):
            self._corrections = None
            self._panel.show_begun(is_open=False)
            self._panel.show_problem(self.tr("The corrections are not in the project: press Go on correcting."))
            return None
        return corrections.checked

    def _improve(self) -> None:
        self._panel.show_problem("")
        if self._find_checked() is None or self._record is None or self._corrections is None:
            return
        try:
            delivery = prepare_improvement(self._record, *self._corrections.layers)
        except TunerError as error:
            self._panel.show_problem(join(error.message, error.hint))
            return
        self.tool.end()
        self.run_requested.emit(delivery)


def _list_signals(layer: QgsVectorLayer) -> list[pyqtBoundSignal]:
    return [layer.featureAdded, layer.featuresDeleted, layer.geometryChanged, layer.afterRollBack]


def _disconnect(layer: QgsVectorLayer, slot: object) -> None:
    for signal in _list_signals(layer):
        signal.disconnect(slot)
