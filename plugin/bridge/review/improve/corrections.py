"""The corrections of a run: a file of its own in the run's folder, with the footprints and the checked ground."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from osgeo import gdal, ogr
from qgis.core import QgsDefaultValue, QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QCoreApplication

from ....core.atomic_file import replacing
from ....core.block_roles import TRAINING
from ....core.errors import InputError
from ....core.folder import RunFolder
from ...layers.layer_checks import ROLE_FIELD
from ...layers.own_layers import CORRECTIONS, mark
from ...layers.results import apply_style, find_group

FOOTPRINTS, CHECKED = "footprints", "checked"
_STYLES = {FOOTPRINTS: "corrections", CHECKED: "checked"}


def copy_footprints(folder: RunFolder, is_cancelled: Callable[[], bool] = lambda: False) -> None:
    """Write ``corrections.gpkg``: the footprints, and no checked ground yet; raises RunError, also where cancelled."""

    def go_on(*_: object) -> int:
        return 0 if is_cancelled() else 1

    with replacing(folder.corrections, RuntimeError) as partial:
        made = gdal.VectorTranslate(
            str(partial), str(folder.footprints), format="GPKG", layerName=FOOTPRINTS, callback=go_on
        )
        if made is None or is_cancelled():
            raise OSError(gdal.GetLastErrorMsg() or "it was cancelled")
        del made
        source = ogr.Open(str(partial), 1)
        layer = source.CreateLayer(CHECKED, source.GetLayer(0).GetSpatialRef(), ogr.wkbMultiPolygon)
        layer.CreateField(ogr.FieldDefn(ROLE_FIELD, ogr.OFTString))
        del layer, source


class Corrections:
    """The two layers of a run's corrections in the project, on top of the run's group."""

    def __init__(self, folder: RunFolder) -> None:
        """Show the layers; those that are shown already are taken as they stand. Raises InputError: unreadable."""
        tr = QCoreApplication.translate
        titles = {CHECKED: tr("Corrections", "Checked areas"), FOOTPRINTS: tr("Corrections", "Corrected footprints")}
        layers = {name: _take(folder, name, titles[name]) for name in (FOOTPRINTS, CHECKED)}
        for layer in layers.values():
            mark(layer, CORRECTIONS)
            if layer.id() not in QgsProject.instance().mapLayers():
                QgsProject.instance().addMapLayer(layer, False)
                find_group(folder, QgsProject.instance()).insertLayer(0, layer)
        self.footprints, self.checked = layers[FOOTPRINTS], layers[CHECKED]
        field = self.checked.fields().lookupField(ROLE_FIELD)
        self.checked.setDefaultValueDefinition(field, QgsDefaultValue(f"'{TRAINING}'"))

    @property
    def layers(self) -> tuple[QgsVectorLayer, QgsVectorLayer]:
        """The footprints and the checked ground."""
        return self.footprints, self.checked


def open_corrections(folder: RunFolder) -> tuple[QgsVectorLayer, QgsVectorLayer]:
    """Return the corrected footprints and the checked ground as they are saved; raises InputError."""
    if not folder.corrections.is_file():
        raise InputError(
            f"No footprints of the run {folder.path.name} were corrected yet.",
            "Correct them in the dock (Review > Correct and improve), or name both layers.",
        )
    layers = tuple(QgsVectorLayer(_name_source(folder, name), name, "ogr") for name in (FOOTPRINTS, CHECKED))
    return _require_readable(layers[0], folder), _require_readable(layers[1], folder)


def count_checked(folder: RunFolder) -> int:
    """Return how many areas the file says are checked; 0 where it cannot be read."""
    return max(0, QgsVectorLayer(_name_source(folder, CHECKED), CHECKED, "ogr").featureCount())


def is_shown(folder: RunFolder) -> bool:
    """Tell whether the corrections' layers are in the project."""
    return all(_find(folder, name) is not None for name in (FOOTPRINTS, CHECKED))


def _find(folder: RunFolder, name: str) -> QgsVectorLayer | None:
    layers, source = QgsProject.instance().mapLayers().values(), _name_source(folder, name)
    return next((each for each in layers if isinstance(each, QgsVectorLayer) and each.source() == source), None)


def _renew(layer: QgsVectorLayer, folder: RunFolder) -> QgsVectorLayer:
    """Return a layer of the project's that reads its file anew: it may have been gone, or made anew, meanwhile."""
    if not layer.isValid():
        layer.setDataSource(layer.source(), layer.name(), "ogr")
    elif not layer.isEditable():
        layer.reload()
    return _require_readable(layer, folder)


def _take(folder: RunFolder, name: str, title: str) -> QgsVectorLayer:
    shown = _find(folder, name)
    if shown is not None:
        return _renew(shown, folder)
    layer = _require_readable(QgsVectorLayer(_name_source(folder, name), title, "ogr"), folder)
    apply_style(layer, _STYLES[name])
    return layer


def _require_readable(layer: QgsVectorLayer, folder: RunFolder) -> QgsVectorLayer:
    if layer.isValid():
        return layer
    raise InputError(
        f"The corrections cannot be read: {folder.corrections}.",
        "Give the file another name, or delete it, and start again.",
    )


def _name_source(folder: RunFolder, name: str) -> str:
    return f"{Path(folder.corrections).as_posix()}|layername={name}"
