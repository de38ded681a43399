"""The corrections of a run: a file of its own in the run's folder, with the footprints and the checked ground."""

from __future__ import annotations

import traceback
from pathlib import Path

from osgeo import gdal, ogr
from qgis.core import (
    QgsDefaultValue,
    QgsFillSymbol,
    QgsProject,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QCoreApplication, QObject, QThread, pyqtSignal

from ...core.errors import RunError, TunerError
from ...core.folder import RunFolder
from ...core.replace import replacing
from ...core.roles import TRAINING
from ..layers import ROLE_FIELD
from ..messages import WARNING, log
from ..results import find_group

FOOTPRINTS, CHECKED = "footprints", "checked"
CHECKED_COLOUR = "0,150,70"
_STYLES = {
    FOOTPRINTS: {"color": "255,0,255,30", "outline_color": "230,0,200", "outline_width": "0.5"},
    CHECKED: {"color": f"{CHECKED_COLOUR},50", "outline_color": CHECKED_COLOUR, "outline_width": "0.6"},
}


class CopyThread(QThread):
    """Makes ``corrections.gpkg`` from a run's footprints; ``ended`` carries None, or a TunerError."""

    ended = pyqtSignal(object)

    def __init__(self, folder: RunFolder, parent: QObject | None = None) -> None:
        """Remember the run; ``start`` does it."""
        super().__init__(parent)
        self._folder = folder

    def run(self) -> None:
        """Copy; called by Qt, in the thread."""
        try:
            copy_footprints(self._folder)
            outcome: TunerError | None = None
        except TunerError as error:
            outcome = error
        except Exception as error:  # noqa: BLE001 - the thread's last line of defence: PyQt would abort QGIS
            log(traceback.format_exc(), WARNING)
            outcome = RunError(f"The corrections could not be begun: {error!r}.", "Please report it with QGIS's log.")
        self.ended.emit(outcome)


def copy_footprints(folder: RunFolder) -> None:
    """Write ``corrections.gpkg``: the footprints, and no checked ground yet; raises RunError."""
    with replacing(folder.corrections, RuntimeError) as partial:
        gdal.UseExceptions()
        made = gdal.VectorTranslate(str(partial), str(folder.footprints), format="GPKG", layerName=FOOTPRINTS)
        del made
        source = ogr.Open(str(partial), 1)
        crs = source.GetLayer(0).GetSpatialRef()
        layer = source.CreateLayer(CHECKED, crs, ogr.wkbMultiPolygon)
        layer.CreateField(ogr.FieldDefn(ROLE_FIELD, ogr.OFTString))
        del layer, source


class Corrections:
    """The two layers of a run's corrections in the project, on top of the run's group."""

    def __init__(self, folder: RunFolder) -> None:
        """Show the layers; those that are shown already are taken as they stand."""
        tr = QCoreApplication.translate
        titles = {CHECKED: tr("Corrections", "Checked ground"), FOOTPRINTS: tr("Corrections", "Corrected footprints")}
        self.footprints = _show(folder, FOOTPRINTS, titles[FOOTPRINTS])
        self.checked = _show(folder, CHECKED, titles[CHECKED])
        field = self.checked.fields().lookupField(ROLE_FIELD)
        self.checked.setDefaultValueDefinition(field, QgsDefaultValue(f"'{TRAINING}'"))

    @property
    def layers(self) -> tuple[QgsVectorLayer, QgsVectorLayer]:
        """The footprints and the checked ground."""
        return self.footprints, self.checked


def find_shown(folder: RunFolder) -> bool:
    """Tell whether the corrections' layers are in the project."""
    sources = {layer.source() for layer in QgsProject.instance().mapLayers().values()}
    return all(_name_source(folder, name) in sources for name in (FOOTPRINTS, CHECKED))


def _show(folder: RunFolder, name: str, title: str) -> QgsVectorLayer:
    project, source = QgsProject.instance(), _name_source(folder, name)
    for layer in project.mapLayers().values():
        if isinstance(layer, QgsVectorLayer) and layer.source() == source:
            return layer
    layer = QgsVectorLayer(source, title, "ogr")
    layer.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple(_STYLES[name])))
    project.addMapLayer(layer, False)
    find_group(folder, project).insertLayer(0, layer)
    return layer


def _name_source(folder: RunFolder, name: str) -> str:
    return f"{Path(folder.corrections).as_posix()}|layername={name}"
