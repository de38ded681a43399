"""Deletion of a run's folder, so that no partial folder is left that looks like a run."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Callable, Collection

from .atomic_file import PASSING
from .child_process import never
from .errors import RunError
from .folder import RunFolder
from .json_codec import read_object
from .lock import is_held
from .run_list import RUNS
from .run_state import is_changed, read_made

_ASIDE = ".footprint_tuner_deleted_"
#: What runs of earlier versions had in their folders only while they were at work, and what becomes of tiles.
_OTHERS = ("validation.tif", "retrace.part", "spacenet")


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


def refuse_running(folder: RunFolder, *, is_begun: bool = False) -> None:
    """Raise RunError where a worker is at work in the folder, or about to be."""
    if is_begun or is_held(folder.lock):
        raise RunError(f"The run {folder.path.name} is still running.", "Cancel it, or wait until it has ended.")


def list_kept(folder: RunFolder) -> list[str]:
    """Return the names of what lies in the run's folder and is not the run's: a deletion leaves it.

    In a folder of the user's own, where a job was written by hand, only the job and what the run's state says are its.
    """
    names = sorted(path.name for path in folder.path.iterdir()) if folder.path.is_dir() else []
    if folder.path.parent.name == RUNS:
        return [name for name in names if not _is_own(name, folder.files)]
    made, inputs = read_made(folder), _list_inputs(folder)
    changed = {name for name, digest in made.items() if is_changed(folder.path / name, digest)}
    own = [path for path in folder.files if path.name in made or path == folder.job]
    return [name for name in names if name in inputs | changed or not _is_own(name, own)]


def list_edited(folder: RunFolder) -> list[str]:
    """Return the names of what the user corrected in the run's folder by hand."""
    copies = [path for file in (folder.footprints, folder.errors) for path in folder.path.glob(f"{file.stem}_edited*")]
    return sorted(path.name for path in (folder.corrections, *copies) if path.is_file())


def delete_run(folder: RunFolder, move_to_trash: Callable[[Path], bool] = lambda _: False) -> bool:
    """Delete a run, and return whether it went to the trash; what is not the run's stays in its folder.

    Where ``move_to_trash`` could not take it, it gets another name first and is then deleted for good; what an earlier
    deletion could not delete goes, too. Raises RunError where the run goes on, or the folder cannot be moved: then it
    is as it was.
    """
    if not folder.path.is_dir():
        raise RunError(f"There is no run folder {folder.path} any more.", "Refresh the list.")
    refuse_running(folder)
    real = folder.path.resolve()
    aside = real.with_name(f"{_ASIDE}{real.name}")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        kept = set(list_kept(RunFolder(real)))
        has_gone = not kept and move_to_trash(real)
        if kept:
            aside.mkdir()
            _move([path for path in real.iterdir() if path.name not in kept], aside)
        elif not has_gone:
            real.rename(aside)
        if folder.path.is_symlink() and not kept:
            folder.path.unlink()
    except OSError as error:
        raise RunError(
            f"The run's folder {folder.path} cannot be deleted: {error}",
            "Is it read-only, or is one of its files open in another program?",
        ) from error
    has_gone = has_gone or (bool(kept) and move_to_trash(aside))
    for left in real.parent.glob(f"{_ASIDE}*"):
        shutil.rmtree(left, ignore_errors=True)
    return has_gone


def _move(paths: list[Path], target: Path) -> None:
    """Move files into a folder; where one cannot be moved, all stay where they were."""
    moved: list[Path] = []
    try:
        for path in paths:
            path.rename(target / path.name)
            moved.append(path)
    except OSError:
        for path in moved:
            (target / path.name).rename(path)
        target.rmdir()
        raise


def _is_own(name: str, files: Collection[Path]) -> bool:
    """Tell whether a name is that of one of a run's files, of what lies beside one, or of what was half written."""
    for path in files:
        halves = [f"{path.stem}{half}{path.suffix}" for half in (".part", ".earlier")]
        is_edited = name.startswith(f"{path.stem}_edited") and name.endswith(path.suffix)
        if name in (path.name, *halves) or name.startswith((f"{path.name}.", f"{path.name}-")) or is_edited:
            return True
    has_run = any(path.name == "state.json" for path in files)
    return name.startswith(PASSING) or (has_run and name in _OTHERS)


def _list_inputs(folder: RunFolder) -> set[str]:
    """Return the names of the job's inputs that lie in its folder itself."""
    job = read_object(folder.job) or {}
    given = [str(job.get(name) or "") for name in ("raster", "labels", "areas", "base_model", "earlier")]
    return {Path(each).name for each in given if each and (folder.path / each).parent == folder.path}
