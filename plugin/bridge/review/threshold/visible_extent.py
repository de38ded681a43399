"""What of a raster the map shows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsMapSettings,
    QgsProject,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QCoreApplication

from ....core.errors import InputError


@dataclass(frozen=True)
class Sight:
    """A box (xmin, ymin, xmax, ymax) of the raster's coordinate system, and how many pixels the map gives to it."""

    box: tuple[float, float, float, float]
    width_px: int
    height_px: int


def frame_map(settings: QgsMapSettings, bounds: QgsRectangle, crs: QgsCoordinateReferenceSystem) -> Sight:
    """Return the part of the raster in ``bounds`` (in ``crs``) that the map shows, the map turned or not.

    Raises InputError where the map shows none of it, or cannot be brought into its coordinate system.
    """
    tr = QCoreApplication.translate
    shown = QgsGeometry.fromQPolygonF(settings.visiblePolygon()).boundingBox()
    there = QgsCoordinateTransform(settings.destinationCrs(), crs, QgsProject.instance())
    try:
        seen = there.transformBoundingBox(shown)
    except QgsCsException:
        seen = QgsRectangle()
    sides = (seen.xMinimum(), seen.yMinimum(), seen.xMaximum(), seen.yMaximum())
    if seen.isEmpty() or not all(map(math.isfinite, sides)):
        raise InputError(
            tr("Sight", "The visible map cannot be transformed to the raster's coordinate system."),
            tr("Sight", "Zoom to the run's footprints."),
        )
    part = seen.intersect(bounds)
    if part.isEmpty():
        raise InputError(tr("Sight", "The map shows none of the raster."), tr("Sight", "Zoom to the run's footprints."))
    pixel = settings.mapUnitsPerPixel()
    width = shown.width() / pixel * part.width() / seen.width()
    height = shown.height() / pixel * part.height() / seen.height()
    box = (part.xMinimum(), part.yMinimum(), part.xMaximum(), part.yMaximum())
    return Sight(box, max(1, round(width)), max(1, round(height)))
