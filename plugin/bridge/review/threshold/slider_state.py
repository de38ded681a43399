"""Where the sliders of a run stood: kept with the QGIS project."""

from __future__ import annotations

from qgis.core import QgsProject

from .....ui.review.threshold import Position
from ....core.run_record import RunRecord

_SCOPE = "FootprintTuner"


def read_position(record: RunRecord) -> Position | None:
    """Return where the sliders of a run stood when they were moved last, None where nothing is known of it."""
    project = QgsProject.instance()
    numbers = [project.readDoubleEntry(_SCOPE, f"{_name(record)}/{part}", -1.0) for part in ("threshold", "area")]
    if not all(is_known and value >= 0 for value, is_known in numbers):
        return None
    return Position(*(value for value, _ in numbers))


def write_position(record: RunRecord, position: Position) -> None:
    """Keep where the sliders of a run stand, where that is new."""
    if read_position(record) != position:
        project = QgsProject.instance()
        project.writeEntryDouble(_SCOPE, f"{_name(record)}/threshold", position.threshold)
        project.writeEntryDouble(_SCOPE, f"{_name(record)}/area", position.min_area_m2)


def _name(record: RunRecord) -> str:
    return f"/threshold/run_{record.key}"  # the entry is XML: its name must begin with a letter
