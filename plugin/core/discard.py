"""Delete a run's folder, so that no half of it is ever left standing as a run."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Callable

from .child import never
from .errors import RunError
from .folder import RunFolder
from .lock import is_held

_ASIDE = ".footprint_tuner_deleted_"


def measure_bytes(folder: Path, is_over: Callable[[], bool] = never) -> int:
    """Return how many bytes the files in a folder hold; what cannot be read counts nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        if is_over():
            break
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(place, name).lstat().st_size
    return total


def refuse_running(folder: RunFolder) -> None:
    """Raise RunError where a worker is at work in the folder."""
    if is_held(folder.lock):
        raise RunError(f"The run {folder.path.name} is going on.", "Cancel it, or wait for its end.")


def delete_run(folder: RunFolder, move_to_trash: Callable[[Path], bool] = lambda _: False) -> bool:
    """Delete a run's folder, and return whether it went to the trash.

    Where ``move_to_trash`` could not take it, it gets another name first and is then deleted for good; what an earlier
    deletion could not delete goes, too. Raises RunError where the run goes on, or the folder cannot be moved: then it
    is as it was.
    """
    if not folder.path.is_dir():
        raise RunError(f"There is no run folder {folder.path} any more.", "Refresh the list.")
    refuse_running(folder)
    if move_to_trash(folder.path):
        return True
    aside = folder.path.with_name(f"{_ASIDE}{folder.path.name}")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        folder.path.rename(aside)
    except OSError as error:
        raise RunError(
            f"The run's folder {folder.path} cannot be deleted: {error}",
            "Is it read-only, or is one of its files open in another program?",
        ) from error
    for left in folder.path.parent.glob(f"{_ASIDE}*"):
        shutil.rmtree(left, ignore_errors=True)
    return False
