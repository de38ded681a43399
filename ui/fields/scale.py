"""At which scale a run works, in words: the imagery's own ground sample distance and the model's."""

from __future__ import annotations

from qgis.core import QgsCoordinateTransformContext, QgsDistanceArea, QgsPointXY, QgsRasterLayer
from qgis.PyQt.QtCore import QCoreApplication, QLocale

from ...plugin.core.card import NEAR_ENOUGH, Card


def measure_gsd_m(layer: QgsRasterLayer) -> float:
    """Return the ground sample distance in the layer's middle, in metres; 0 where it has no place on the earth."""
    crs = layer.crs()
    if not crs.isValid() or layer.width() == 0 or layer.height() == 0:
        return 0.0
    measure = QgsDistanceArea()
    measure.setSourceCrs(crs, QgsCoordinateTransformContext())
    measure.setEllipsoid("WGS84")
    middle, extent = layer.extent().center(), layer.extent()
    east = QgsPointXY(middle.x() + extent.width() / layer.width(), middle.y())
    north = QgsPointXY(middle.x(), middle.y() + extent.height() / layer.height())
    sides = [measure.measureLine(middle, end) for end in (east, north)]
    return float((sides[0] * sides[1]) ** 0.5)


def describe_scale(layer: QgsRasterLayer | None, card: Card | None) -> str:
    """Return "0.53 m imagery, worked at 0.25 m", or "" where one of the two is not known."""
    gsd_m = 0.0 if layer is None else measure_gsd_m(layer)
    if card is None or gsd_m <= 0:
        return ""
    locale, working_m = QLocale(), card.working_gsd_m
    own = locale.toString(gsd_m, "f", 2)
    if working_m is None or 1 / NEAR_ENOUGH <= gsd_m / working_m <= NEAR_ENOUGH:
        return QCoreApplication.translate("Scale", "{own} m imagery, used at its own resolution").format(own=own)
    text = QCoreApplication.translate("Scale", "{own} m imagery, resampled to {working} m for the model")
    return text.format(own=own, working=locale.toString(working_m, "f", 2))
