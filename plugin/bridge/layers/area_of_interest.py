"""The ground that is to be mapped, as the map, a drawing or a layer has it. Main thread only."""

from __future__ import annotations

from dataclasses import dataclass

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas

from ...core.command_options import Corners
from ...core.errors import InputError
from .layer_checks import Polygons, take_ground


@dataclass(frozen=True)
class AreaOfInterest:
    """One area on the map, in a coordinate system."""

    geometry: QgsGeometry
    crs: QgsCoordinateReferenceSystem

    def take(self) -> Polygons:
        """Return it as polygons that can be copied to a file."""
        layer = QgsVectorLayer("Polygon", "ground", "memory")
        layer.setCrs(self.crs)
        feature = QgsFeature()
        feature.setGeometry(self.geometry if self.geometry.isGeosValid() else self.geometry.makeValid())
        layer.dataProvider().addFeature(feature)
        return take_ground(layer)

    def require_on(self, raster: QgsRasterLayer) -> None:
        """Raise InputError where the area does not touch the raster, or cannot be compared with it."""
        require_on(raster, self.geometry, self.crs)


def see_map(canvas: QgsMapCanvas) -> AreaOfInterest:
    """Return what the map shows, turned as it is; raises InputError for a map without a coordinate system."""
    settings = canvas.mapSettings()
    if not settings.destinationCrs().isValid():
        raise InputError("The map has no coordinate system.", "Set one (Project > Properties > CRS) first.")
    corners = [QgsPointXY(point) for point in settings.visiblePolygon()]
    return AreaOfInterest(QgsGeometry.fromPolygonXY([corners]), settings.destinationCrs())


def measure_ground(layer: QgsVectorLayer) -> QgsRectangle:
    """Return the box around a layer's selected polygons, or around all where none is selected."""
    return layer.boundingBoxOfSelected() if layer.selectedFeatureCount() else layer.extent()


def require_on(raster: QgsRasterLayer, geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem) -> None:
    """Raise InputError where a geometry does not touch the raster, or cannot be compared with it."""
    transform = QgsCoordinateTransform(raster.crs(), crs, QgsProject.instance())
    try:
        box = transform.transformBoundingBox(raster.extent())
    except QgsCsException as error:
        raise InputError(
            f"The raster cannot be transformed to {crs.userFriendlyIdentifier()}.",
            "Choose another coordinate system for the map (Project > Properties > CRS).",
        ) from error
    if not geometry.intersects(box):
        raise InputError(
            "The area lies outside the raster.",
            "Move the map, or draw, where the raster is (right-click the raster > Zoom to Layer).",
        )


def read_corners(box: QgsRectangle) -> Corners:
    """Return a box as (xmin, ymin, xmax, ymax)."""
    return box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()


def write_crs(crs: QgsCoordinateReferenceSystem) -> str:
    """Return a coordinate system's code, such as EPSG:4326, or its whole text where it has none that others know."""
    code = str(crs.authid())
    return code if code and not code.startswith("USER:") else str(crs.toWkt(QgsCoordinateReferenceSystem.WKT_PREFERRED))
