"""The run that QGIS was closed over, or that ended with it, remembered until it is resumed or another one begins."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsSettings

from ...core.folder import RunFolder
from ...core.lock import is_held

_SETTING = "footprint_tuner/unfinished_run"


def remember_unfinished(folder: RunFolder) -> None:
    """Keep which run is at work."""
    QgsSettings().setValue(_SETTING, str(folder.path))


def forget_unfinished() -> None:
    """Say that the run has ended, however it did."""
    QgsSettings().remove(_SETTING)


def find_unfinished() -> RunFolder | None:
    """Return the run that was at work when QGIS ended, None where it is gone, finished, or at work elsewhere."""
    path = QgsSettings().value(_SETTING, "", type=str)
    folder = RunFolder(Path(path))
    if not path or not folder.is_resumable or folder.report.exists() or is_held(folder.lock):
        return None
    return folder
