"""The findings of a check on the map: zooming to a place, and a layer of them."""

from __future__ import annotations

from typing import Iterable, Iterator

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeature,
    QgsField,
    QgsFields,
    QgsFillSymbol,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
    QgsRendererCategory,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QCoreApplication, QVariant

from ...core.events import ADVICE, STOP, WARNING, Finding
from ..layers.own_layers import FINDINGS, mark
from ..worker_client.messages import WARNING as LOG_WARNING
from ..worker_client.messages import log

_AROUND = 3.0
_COLOURS = {STOP: "#b3261e", WARNING: "#d98200", ADVICE: "#0b62a4"}


def read_crs(text: str) -> QgsCoordinateReferenceSystem:
    """Return the coordinate system of an authority's code or of WKT, an invalid one for none."""
    crs = QgsCoordinateReferenceSystem()
    crs.createFromUserInput(text)
    return crs


def zoom_to(canvas: QgsMapCanvas, box: list[float], crs: str) -> None:
    """Show a box (xmin, ymin, xmax, ymax) in the middle of the map, and let it flash."""
    place, there = QgsRectangle(*box), canvas.mapSettings().destinationCrs()
    try:
        here = QgsCoordinateTransform(read_crs(crs), there, QgsProject.instance()).transformBoundingBox(place)
    except QgsCsException as error:
        log(f"The map cannot show {box}: {error}", LOG_WARNING)
        return
    here.scale(_AROUND)
    canvas.setExtent(here)
    canvas.refresh()
    canvas.flashGeometries([QgsGeometry.fromRect(place)], read_crs(crs))


def list_fields() -> QgsFields:
    """Return the fields of a layer of findings."""
    fields = QgsFields()
    for name in ("level", "kind", "message", "hint"):
        fields.append(QgsField(name, QVariant.String))
    return fields


def list_features(findings: Iterable[Finding]) -> Iterator[QgsFeature]:
    """Yield a box with the fields of ``list_fields`` for every place of every finding."""
    fields = list_fields()
    for finding in findings:
        for box in finding.places:
            feature = QgsFeature(fields)
            feature.setAttributes([finding.level, finding.kind, finding.message, finding.hint])
            feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(*box)))
            yield feature


def find_crs(findings: Iterable[Finding]) -> QgsCoordinateReferenceSystem:
    """Return the coordinate system that the findings' places share, an invalid one where there are none."""
    return read_crs(next((finding.crs for finding in findings if finding.places), ""))


def make_layer(findings: list[Finding]) -> QgsVectorLayer:
    """Return a temporary layer of the findings' places, in colours by their level."""
    name = QCoreApplication.translate("Findings", "Findings of the check")
    layer = QgsVectorLayer("Polygon", name, "memory")
    layer.setCrs(find_crs(findings))
    layer.dataProvider().addAttributes(list(list_fields()))
    layer.updateFields()
    layer.dataProvider().addFeatures(list(list_features(findings)))
    layer.updateExtents()
    style_layer(layer)
    mark(layer, FINDINGS)
    return layer


def style_layer(layer: QgsVectorLayer) -> None:
    """Draw outlines in the colours of the levels, and show the sentence where the mouse rests."""
    categories = []
    for level, colour in _COLOURS.items():
        symbol = QgsFillSymbol.createSimple({"style": "no", "outline_color": colour, "outline_width": "0.6"})
        categories.append(QgsRendererCategory(level, symbol, level))
    layer.setRenderer(QgsCategorizedSymbolRenderer("level", categories))
    layer.setMapTipTemplate('[% "message" %] [% "hint" %]')


def add_layer(project: QgsProject, findings: list[Finding], old: str = "") -> str:
    """Put a layer of the findings on top of the project, in place of the ``old`` one, and return its id."""
    if project.mapLayer(old) is not None:
        project.removeMapLayer(old)
    layer = project.addMapLayer(make_layer(findings), False)
    project.layerTreeRoot().insertLayer(0, layer)
    return str(layer.id())
