"""What lies in a run's folder and is not the run's: nothing of it is written over or deleted."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path
from typing import Iterable, Mapping

from .edits import name_copy
from .errors import InputError, RunError
from .folder import RunFolder
from .job import Job
from .json_codec import read_object
from .models import find_card
from .run_state import SPACENET, is_changed, read_made
from .source_names import find_same, list_files, resolve_source

OWN_FOLDER = "Put job.json into a folder of its own; the paths in it may lead anywhere."
_OVERVIEWS = ".ovr"
_STDERR = 2


def refuse_foreign(folder: RunFolder, job: Job, job_file: Path) -> None:
    """Raise InputError where a run would write over one of its inputs, or over what no run of its folder has made.

    Nothing is touched. Links under the names of a run's files are refused, wherever they lead.
    """
    written = _list_written(folder)
    same = find_same(written, _list_inputs(job, job_file))
    if same is not None:
        raise InputError(f"The run would write its own {same[0].name} over its input {same[1]}.", OWN_FOLDER)
    for path in written:
        if os.path.lexists(path) and not _is_plain(path):
            raise InputError(f"{path} is a link, or no plain file: a run would not write there.", OWN_FOLDER)
    made = read_made(folder)
    is_folder = Path(job.raster).is_dir()
    refuse_files(
        folder,
        [
            path
            for path in written
            if path.name not in made
            and not (path.suffix == _OVERVIEWS and path.stem in made)
            and _is_there(path, folder)
            and (is_folder or path.name != SPACENET)
        ],
    )


def _list_written(folder: RunFolder) -> list[Path]:
    """Return what a run writes, and what lies beside it."""
    beside = [path.with_name(f"{path.name}{_OVERVIEWS}") for path in (folder.base_probability, folder.probability)]
    return [*folder.written, *beside, folder.path / SPACENET]


def refuse_files(folder: RunFolder, foreign: Iterable[Path]) -> None:
    """Raise InputError where there are files that no run has made."""
    names = ", ".join(path.name for path in foreign)
    if names:
        raise InputError(
            f"{folder.path} holds files that its run has not made and would write over: {names}.", OWN_FOLDER
        )


def set_aside(path: Path, made: Mapping[str, str]) -> str:
    """Copy a file of the run's that was changed since to another name beside it, and return that ("": as it was made).

    Raises RunError where that cannot be.
    """
    if not path.is_file() or not is_changed(path, made.get(path.name, "")):
        return ""
    copy = name_copy(path)
    try:
        shutil.copyfile(path, copy)
    except OSError as error:
        raise RunError(
            f"{path.name} was changed since the run wrote it, and could not be kept as {copy}: {error.strerror}.",
            "Is the disk full, or the folder read-only?",
        ) from error
    return copy.name


def list_run_files(folder: RunFolder) -> list[str]:
    """Return the names of a run's files, and of its inputs as far as its job can be read."""
    job = read_object(folder.job) or {}
    fields = ("raster", "labels", "areas", "earlier", "base_model")
    given = [resolve_source(str(job.get(field) or ""), folder.path) for field in fields]
    return [*map(str, folder.files), *filter(None, given)]


def _list_inputs(job: Job, job_file: Path) -> Iterable[Path]:
    yield job_file
    for source in (job.raster, job.labels, job.areas, job.earlier):
        yield from list_files(source)
    if job.base_model.endswith((".json", ".safetensors")):
        yield Path(job.base_model)
        with contextlib.suppress(InputError):  # told later
            yield find_card(job.base_model).weights_path


def _is_there(path: Path, folder: RunFolder) -> bool:
    """Tell whether there is something that could be somebody's: an empty log and that of this very worker are not."""
    if not os.path.lexists(path) or path == folder.lock:
        return False
    status = path.lstat()
    if path == folder.log and stat.S_ISREG(status.st_mode):
        with contextlib.suppress(OSError):
            return bool(status.st_size) and not os.path.samestat(os.fstat(_STDERR), status)
    return True


def _is_plain(path: Path) -> bool:
    kind = path.lstat().st_mode
    return stat.S_ISDIR(kind) if path.name == SPACENET else stat.S_ISREG(kind)
