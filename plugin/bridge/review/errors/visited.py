"""Which buildings of a run were looked at: kept with QGIS's settings, so that tomorrow goes on where today ended."""

from __future__ import annotations

from typing import Collection

from qgis.core import QgsSettings

from ....core.run_record import RunRecord

_PREFIX = "footprint_tuner/seen"


def read_seen(record: RunRecord) -> frozenset[str]:
    """Return the marks of a run's buildings that were looked at."""
    return frozenset(filter(None, str(QgsSettings().value(_name(record), "")).split(" ")))


def write_seen(record: RunRecord, marks: Collection[str]) -> None:
    """Keep the marks of a run's buildings that were looked at."""
    if marks:
        QgsSettings().setValue(_name(record), " ".join(sorted(marks)))
    else:
        QgsSettings().remove(_name(record))


def _name(record: RunRecord) -> str:
    return f"{_PREFIX}/{record.key}"
