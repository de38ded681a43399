"""Bring a building into the middle of the map."""

from __future__ import annotations

from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform, QgsProject, QgsRectangle
from qgis.gui import QgsMapCanvas

#: How much of the map's width or height a building takes that is zoomed to.
SHARE = 0.2
#: A building that takes more of it than this has no ground around it, one that takes less cannot be judged.
_MOST, _LEAST = 0.5, 1 / 30


def plan_extent(shown: QgsRectangle, box: QgsRectangle, *, is_zooming: bool) -> QgsRectangle:
    """Return the extent with the box in its middle, both in the map's coordinate system.

    The scale stays where the box fits it and ``is_zooming`` is off; else the box takes a fifth of the extent. A point
    fits every scale.
    """
    share = max(box.width() / shown.width(), box.height() / shown.height()) if not shown.isEmpty() else 0.0
    fits = share == 0 or (not is_zooming and _LEAST <= share <= _MOST)
    factor = 1.0 if fits else share / SHARE
    return QgsRectangle.fromCenterAndSize(box.center(), shown.width() * factor, shown.height() * factor)


def aim(canvas: QgsMapCanvas, box: QgsRectangle, crs: QgsCoordinateReferenceSystem, *, is_zooming: bool) -> None:
    """Show a box of a coordinate system in the middle of the map; raises QgsCsException where the map cannot."""
    there = canvas.mapSettings().destinationCrs()
    transform = QgsCoordinateTransform(crs, there, QgsProject.instance())
    canvas.setExtent(plan_extent(canvas.extent(), transform.transformBoundingBox(box), is_zooming=is_zooming))
    canvas.refresh()
