"""Atomic file writing: a file gets its name only once it is complete."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import RunError

#: What lies in folders of these names is not whole yet; nobody else's files have such names.
PASSING = ".footprint_tuner_"
_LONGEST_ENDING = 12
_JOURNALS = ("-wal", "-journal")
_open_folders: set[Path] = set()


@contextlib.contextmanager
def passing_folder(parent: Path, purpose: str) -> Iterator[Path]:
    """Make a hidden folder in ``parent``, and delete it at the end; one that a crash left is deleted first.

    Its name is short and always the same for a ``purpose``. Raises OSError.
    """
    folder = _make_folder(parent, purpose)
    _open_folders.add(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _open_folders.discard(folder)


def locate_passing(parent: Path, purpose: str) -> Path:
    """Return where the passing folder for a purpose lies while there is one."""
    return parent / f"{PASSING}{hashlib.sha256(os.fsencode(purpose)).hexdigest()[:8]}"


def _make_folder(parent: Path, purpose: str) -> Path:
    folder = locate_passing(parent, purpose)
    if os.path.lexists(folder):
        shutil.rmtree(folder)
    folder.mkdir()
    return folder


def drop_passing_folders() -> None:
    """Delete what is not whole, where the process is about to end in the middle of it."""
    for folder in list(_open_folders):
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def replacing(path: Path, *also: type[Exception]) -> Iterator[Path]:
    """Yield a temporary name on the same disk; it becomes ``path`` where all went well, else it is deleted.

    The ending stays, so that GDAL knows the format, and the name is short: a journal beside it has room for its own
    ending. Raises RunError for an OSError, for the exceptions in ``also``, by which a library tells that it could not
    write, and where another program has a GeoPackage open.
    """
    failures: tuple[type[Exception], ...] = (OSError, *also)
    try:
        refuse_open(path)
        with passing_folder(path.parent, path.name) as folder:
            partial = folder / f"part{path.suffix if len(path.suffix) <= _LONGEST_ENDING else ''}"
            yield partial
            _take_place(partial, path)
    except failures as error:
        raise RunError(f"{path} could not be written: {error}", "Is the disk full, or the folder read-only?") from error


def refuse_open(path: Path) -> None:
    """Raise RunError where changes of a database are not in its file yet: in QGIS, or left by a crash."""
    for ending in _JOURNALS:
        journal = path.with_name(f"{path.name}{ending}")
        with contextlib.suppress(OSError):  # it is not there, or the name would be too long to be
            if journal.stat().st_size:
                raise RunError(
                    f"{path} has changes that are still in {journal.name}: it is open in another program, such as"
                    " QGIS, or a crash left it so.",
                    "Remove its layers from the project, or open it in QGIS once and close it; then try again.",
                )


def delete_file(path: Path) -> None:
    """Delete a file that may be there, and what lies beside a GeoPackage while it is open. Raises OSError."""
    _drop_journals(path)
    path.unlink(missing_ok=True)


def _take_place(source: Path, path: Path) -> None:
    """Give a whole file its name; journals without content go with the file that they belonged to."""
    refuse_open(path)
    _drop_journals(path)
    source.replace(path)


def _drop_journals(path: Path) -> None:
    for ending in (*_JOURNALS, "-shm") if path.suffix.lower() == ".gpkg" else ():
        journal = path.with_name(f"{path.name}{ending}")
        if os.path.lexists(journal):
            journal.unlink()


def replace_all(made: Mapping[Path, Path]) -> None:
    """Give files their names (made -> name) all together: where one cannot be replaced, all stay as they were.

    They lie in one folder of one disk. Raises RunError.
    """
    for path in made.values():
        refuse_open(path)
    moved: list[tuple[Path, Path | None]] = []
    try:
        for source, path in made.items():
            earlier = _make_folder(path.parent, f"earlier {path.name}") / "earlier" if path.exists() else None
            if earlier is not None:
                path.replace(earlier)
            moved.append((path, earlier))
            _take_place(source, path)
    except OSError as error:
        for path, earlier in reversed(moved):
            if earlier is None:
                path.unlink(missing_ok=True)
            else:
                earlier.replace(path)
        _drop_folders(moved)
        raise RunError(
            f"{error.filename or 'A file'} could not be replaced: {error.strerror}. Everything is as it was.",
            "Is it open in another program, or the folder read-only? Close it there and try again.",
        ) from error
    _drop_folders(moved)


def _drop_folders(moved: list[tuple[Path, Path | None]]) -> None:
    for _, earlier in moved:
        if earlier is not None:
            shutil.rmtree(earlier.parent, ignore_errors=True)


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people and programs, whole or not at all; raises RunError."""
    with replacing(path, ValueError) as partial:
        partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
