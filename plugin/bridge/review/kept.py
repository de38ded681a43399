"""Where the sliders of a run stood: kept with the QGIS project."""

from __future__ import annotations

import hashlib

from qgis.core import QgsProject

from ....ui.threshold import Position
from ...core.folder import RunFolder

_SCOPE = "FootprintTuner"


def read_position(folder: RunFolder) -> Position | None:
    """Return where the sliders of a run stood when they were moved last, None where nothing is known of it."""
    project = QgsProject.instance()
    numbers = [project.readDoubleEntry(_SCOPE, f"{_name(folder)}/{part}", -1.0) for part in ("threshold", "area")]
    if not all(is_known and value >= 0 for value, is_known in numbers):
        return None
    return Position(*(value for value, _ in numbers))


def write_position(folder: RunFolder, position: Position) -> None:
    """Keep where the sliders of a run stand, where that is new."""
    if read_position(folder) != position:
        project = QgsProject.instance()
        project.writeEntryDouble(_SCOPE, f"{_name(folder)}/threshold", position.threshold)
        project.writeEntryDouble(_SCOPE, f"{_name(folder)}/area", position.min_area_m2)


def _name(folder: RunFolder) -> str:
    """Return the entry of a run, which goes by its path as the project keeps it: relative where it says so."""
    path = QgsProject.instance().writePath(str(folder.path))
    return f"/threshold/run_{hashlib.blake2b(path.encode(), digest_size=8).hexdigest()}"
