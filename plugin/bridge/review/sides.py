"""What either side of the swipe is drawn from: layers of its own, which no project ever sees. Main thread only."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsColorRampShader,
    QgsFillSymbol,
    QgsMapLayer,
    QgsProject,
    QgsRasterLayer,
    QgsRasterShader,
    QgsSingleBandPseudoColorRenderer,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtGui import QColor

from ....ui.swipe import BASE, BASE_PROBABILITY, IMAGERY, LABELS, PROBABILITY, TUNED
from ...core.record import Record
from ..results import apply_style

_FULL = 254.0  # the byte of the probability 1
_LABELS = {"color": "0,0,0,0", "outline_color": "255,221,51", "outline_width": "0.4"}
_RAMP = ((0.0, "#00000000"), (0.3, "#30440154"), (0.5, "#a0c8488a"), (0.75, "#d0f58b47"), (1.0, "#fffcfdbf"))


def find_missing(record: Record) -> dict[str, str]:
    """Return for each side that cannot be shown the reason."""
    folder, tr = record.folder, QCoreApplication.translate
    paths = {
        BASE: folder.base_footprints,
        TUNED: folder.footprints,
        BASE_PROBABILITY: folder.base_probability,
        PROBABILITY: folder.probability,
        LABELS: folder.split,
    }
    gone = tr("Sides", "{} is not in the run's folder any more.")
    missing = {side: gone.format(path.name) for side, path in paths.items() if not path.is_file()}
    if not _find_imagery(record, QgsProject.instance()):
        missing[IMAGERY] = tr("Sides", "The raster is not where it was: {}.").format(record.raster)
    return missing


def make_side(side: str, record: Record) -> list[QgsMapLayer]:
    """Return the layers of a side, topmost first: the run's over its imagery, which is drawn as in the project."""
    folder = record.folder
    imagery = _find_imagery(record, QgsProject.instance())
    under: list[QgsMapLayer] = [imagery] if imagery is not None else []
    if side == IMAGERY:
        return under
    if side in (BASE_PROBABILITY, PROBABILITY):
        path = folder.base_probability if side == BASE_PROBABILITY else folder.probability
        return [_make_probability(path), *under]
    if side == LABELS:
        labels = QgsVectorLayer(f"{folder.split.as_posix()}|layername=labels", "labels", "ogr")
        labels.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple(_LABELS)))
        return [labels, *under]
    path, style = (folder.base_footprints, "base_footprints") if side == BASE else (folder.footprints, "footprints")
    layer = QgsVectorLayer(path.as_posix(), style, "ogr")
    apply_style(layer, style)
    return [layer, *under]


def _make_probability(path: Path) -> QgsRasterLayer:
    layer = QgsRasterLayer(str(path), path.stem)
    ramp = QgsColorRampShader(0, _FULL, None, QgsColorRampShader.Type.Interpolated)
    ramp.setColorRampItemList([QgsColorRampShader.ColorRampItem(at * _FULL, QColor(name)) for at, name in _RAMP])
    shader = QgsRasterShader()
    shader.setRasterShaderFunction(ramp)
    layer.setRenderer(QgsSingleBandPseudoColorRenderer(layer.dataProvider(), 1, shader))
    return layer


def _find_imagery(record: Record, project: QgsProject) -> QgsRasterLayer | None:
    """Return a copy of the project's layer of the run's raster, else a layer of the file (None: it is gone)."""
    for layer in project.mapLayers().values():
        if isinstance(layer, QgsRasterLayer) and layer.isValid() and _is_same(layer.source(), record.raster):
            return layer.clone()
    made = QgsRasterLayer(record.raster, "raster") if Path(record.raster).exists() else None
    return made if made is not None and made.isValid() else None


def _is_same(source: str, path: str) -> bool:
    return Path(source.partition("|")[0]).absolute() == Path(path).absolute()
