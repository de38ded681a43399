"""Ground that is marked as checked: what a run can learn from, and what is never learnt from. Any thread."""

from __future__ import annotations

from dataclasses import dataclass

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsCsException,
    QgsFeatureRequest,
    QgsGeometry,
    QgsRasterLayer,
    QgsVectorLayer,
)

from ....core.block_roles import HELD_OUT, VALIDATION
from ....core.errors import InputError
from ....core.folder import RunFolder
from ...layers.layer_checks import Polygons

_ELSEWHERE = (
    "Mark an area as checked where the model may learn: on the raster, outside the held-out and validation areas."
)
_NEGLIGIBLE = 1e-6


@dataclass(frozen=True)
class CheckedGround:
    """Areas of ``marked`` size, of which the raster covers ``covered``, of which ``learnable`` can be learnt from.

    Sizes are in square units of the raster's coordinate system, and only good for comparing them.
    """

    marked: float
    covered: float
    learnable: float

    @property
    def is_on_raster(self) -> bool:
        """Whether some of it lies on the raster."""
        return self.covered > _NEGLIGIBLE * self.marked

    @property
    def is_learnable(self) -> bool:
        """Whether some of it can be learnt from."""
        return self.learnable > _NEGLIGIBLE * self.marked

    @property
    def is_wholly_learnable(self) -> bool:
        """Whether all of what lies on the raster can be learnt from."""
        return self.covered - self.learnable <= _NEGLIGIBLE * self.marked


def measure_ground(areas: QgsGeometry, crs: QgsCoordinateReferenceSystem, folder: RunFolder) -> CheckedGround:
    """Return what a run that improves the one in ``folder`` can learn from areas in a coordinate system.

    Raises InputError where the areas lie nowhere in the raster's coordinate system.
    """
    blocks = QgsVectorLayer(f"{folder.split.as_posix()}|layername=blocks", "blocks", "ogr")
    here = move_geometry(areas, crs, blocks.crs())
    marked = here.area()
    raster = QgsRasterLayer(str(folder.probability), "extent")  # it covers the whole raster
    if raster.isValid():
        here = here.intersection(QgsGeometry.fromRect(raster.extent()))
    covered = here.area()
    request = QgsFeatureRequest().setFilterRect(here.boundingBox())
    request.setFilterExpression(f"\"role\" IN ('{HELD_OUT}', '{VALIDATION}')")
    if not here.isEmpty():
        withheld = QgsGeometry.unaryUnion([block.geometry() for block in blocks.getFeatures(request)])
        here = here if withheld.isEmpty() else here.difference(withheld)
    return CheckedGround(marked, covered, here.area())


def require_learnable(checked: Polygons, folder: RunFolder) -> QgsGeometry:
    """Return checked ground as one geometry in its own coordinate system.

    Raises InputError with a next step where there is none, or none that a run could learn from.
    """
    areas = [feature.geometry() for feature in checked.read(QgsFeatureRequest().setNoAttributes())]
    whole = unite(areas)
    if whole.isEmpty():
        raise InputError("No area is marked as checked.", "Press Mark checked area, and draw around it on the map.")
    ground = measure_ground(whole, checked.crs, folder)
    if not ground.is_on_raster:
        raise InputError("The checked area lies outside the raster.", _ELSEWHERE)
    if not ground.is_learnable:
        raise InputError(
            "All of the checked area is held-out or validation area, where the model never learns.", _ELSEWHERE
        )
    return whole


def unite(areas: list[QgsGeometry]) -> QgsGeometry:
    """Return areas as one geometry (empty: there are none); those that cross themselves are made valid."""
    there = [area if area.isGeosValid() else area.makeValid() for area in areas if not area.isEmpty()]
    return QgsGeometry.unaryUnion(there) if there else QgsGeometry()


def move_geometry(
    geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem, target: QgsCoordinateReferenceSystem
) -> QgsGeometry:
    """Return a copy in another coordinate system; raises InputError where it lies nowhere there."""
    moved = QgsGeometry(geometry)
    try:
        moved.transform(QgsCoordinateTransform(crs, target, QgsCoordinateTransformContext()))
    except QgsCsException as error:
        raise InputError(
            "The area cannot be transformed to the raster's coordinate system.", "Draw it on the raster."
        ) from error
    return moved
