"""The outline of one building of held-out ground, read from a run's folder when it is asked for."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsCoordinateReferenceSystem, QgsGeometry, QgsVectorLayer

from ....core.building_outcomes import Outcome, read_number
from ....core.errors import RunError


class StaleError(RunError):
    """The file was written anew since the buildings were read."""


def read_outline(path: Path, layer: str, outcome: Outcome) -> tuple[QgsGeometry, QgsCoordinateReferenceSystem]:
    """Return a building's outline and the coordinate system that it is in.

    The file is opened and closed again, whether or not a layer of it is in the project. Raises RunError where the
    outline cannot be read, StaleError where another building has the place of this one in the file.
    """
    options = QgsVectorLayer.LayerOptions()
    options.loadDefaultStyle = False
    source = QgsVectorLayer(f"{path.as_posix()}|layername={layer}", layer, "ogr", options)
    if not path.is_file() or not source.isValid():
        raise RunError(f"{path.name} of the run is gone, or cannot be read.", "Choose the run again, or another one.")
    feature = source.getFeature(outcome.fid)
    if not feature.isValid() or (feature["outcome"], read_number(feature["area_m2"])) != (
        outcome.kind,
        outcome.area_m2,
    ):
        raise StaleError("The errors have changed since they were read.", "They are being read again.")
    if not feature.hasGeometry() or feature.geometry().isEmpty():
        raise RunError("This building has no outline in the file.", "Go on to the next one.")
    return QgsGeometry(feature.geometry()), source.crs()
