"""Detection of changes to a run's footprints since the worker wrote them."""

from __future__ import annotations

import contextlib
import filecmp
import shutil
import sqlite3
from datetime import datetime, timezone
from pathlib import Path

from .errors import RunError

#: A report says whole seconds only, and is written after the footprints.
_SLACK_S = 1.0


def is_edited_since(path: Path, moment: str) -> bool:
    """Tell whether the features of a GeoPackage were changed after a moment (ISO 8601, with its offset).

    The file itself keeps the time of its last change; looking at it, copying it or storing a style in it changes
    nothing. What cannot be read was not edited.
    """
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as file:
            rows = file.execute("SELECT last_change FROM gpkg_contents WHERE data_type = 'features'").fetchall()
        changes = [_read_moment(text) for (text,) in rows]
        return any((change - _read_moment(moment)).total_seconds() > _SLACK_S for change in changes)
    except (sqlite3.Error, ValueError, TypeError, AttributeError):
        return False


def keep_edited(path: Path, moment: str) -> str:
    """Copy a GeoPackage that was changed after a moment to a name beside it, and return that name.

    "" where it was not changed; a copy that is the same already serves. Raises RunError.
    """
    if not is_edited_since(path, moment):
        return ""
    for copy in path.parent.glob(f"{path.stem}_edited*{path.suffix}"):
        if filecmp.cmp(path, copy, shallow=False):
            return copy.name
    copy = name_copy(path)
    try:
        shutil.copyfile(path, copy)
    except OSError as error:
        with contextlib.suppress(OSError):
            copy.unlink()
        raise RunError(
            f"The edited {path.stem} could not be kept as {copy}: {error.strerror}.",
            "Is the disk full, or the folder read-only?",
        ) from error
    return copy.name


def name_copy(path: Path) -> Path:
    """Return a name beside a file that none has yet: ``footprints_edited.gpkg``, ``footprints_edited_2.gpkg``, ..."""
    number = 1
    while (copy := path.with_name(f"{path.stem}_edited{'' if number == 1 else f'_{number}'}{path.suffix}")).exists():
        number += 1
    return copy


def _read_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
