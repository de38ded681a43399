"""Whether a command may write a file: nothing that is there goes unasked, and no input ever does."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
from pathlib import Path
from typing import Iterable

from .atomic_file import refuse_open
from .errors import InputError, RunError
from .lock import is_database_held
from .source_names import find_same, list_files
from .sqlite_reading import open_unchanged

_LONGEST_NAME = 255
_NO_FILE = re.compile(r"/vsi\w+/|[A-Za-z][\w+.-]+:")
_MANY_FILES = (".shp", ".dbf", ".tab", ".mif", ".gdb")
_MARK = b"SQLite format 3\0"


def require_free(out: Path, inputs: Iterable[str], *, may_replace: bool, layer: str = "") -> None:
    """Raise InputError where a command must not write ``out``.

    It is one of ``inputs`` (names as in ``source_names``), by whatever name; or there is something already, unless it
    ``may_replace`` that. ``layer`` is the one that is written into a GeoPackage, whose other layers stay. Raises
    RunError where another program has that GeoPackage open.
    """
    _refuse_name(out)
    same = find_same([out], (file for source in inputs for file in list_files(source)))
    if same is not None:
        _refuse_input(*same)
    if not os.path.lexists(out):
        refuse_open(out)
        return
    kind = out.lstat().st_mode
    if stat.S_ISLNK(kind):
        raise InputError(f"{out} is a link to {os.path.realpath(out)}.", "Name that file itself, or another one.")
    if not stat.S_ISREG(kind):
        what = "folder" if stat.S_ISDIR(kind) else "device"
        raise InputError(f"{out} is a {what}.", "Give the name of a file.")
    if not may_replace:
        rest = " replaces only its layer; others stay" if out.suffix.lower() == ".gpkg" and layer else " replaces it"
        raise InputError(f"{out} is there already.", f"Give another name (--overwrite{rest}).")
    refuse_open(out)
    if out.suffix.lower() == ".gpkg" and is_database_held(out):
        raise RunError(f"{out} is open in another program, such as QGIS.", "Close it there, then try again.")
    if out.suffix.lower() == ".gpkg" and layer:
        _refuse_contents(out, layer)


def require_folder(out: Path) -> None:
    """Raise InputError where the folder of an output is not there."""
    if not out.parent.is_dir():
        raise InputError(f"The folder {out.parent} is not there.", "Make it first.")


def _refuse_name(out: Path) -> None:
    if _NO_FILE.match(str(out)):
        raise InputError(
            f"{out} is not the name of a file on this machine.",
            "Give a plain path. A file whose name begins like that is named with its folder.",
        )
    if out.suffix.lower() in _MANY_FILES:
        raise InputError(f"{out} would be one of several files.", "Give it a name that ends in .gpkg.")
    if len(os.fsencode(out.name)) > _LONGEST_NAME:
        raise InputError(f"The name {out.name[:40]}... has more than {_LONGEST_NAME} bytes.", "Give a shorter one.")


def _refuse_input(out: Path, source: Path) -> None:
    is_one = out.absolute() == source.absolute()
    said = "is an input" if is_one else f"is the input {source} by another name, or differs from it in case only"
    raise InputError(f"The output {out} {said}.", "Give the output a name of its own: inputs are never written.")


def _refuse_contents(path: Path, layer: str) -> None:
    """Raise InputError where a layer cannot be replaced without harm to what else a file holds."""
    if path.stat().st_size == 0:
        return
    hint = "Give another name, or delete the file yourself."
    with path.open("rb") as file:
        if not file.read(len(_MARK)) == _MARK:
            raise InputError(f"{path} is there and is no GeoPackage.", hint)
    try:
        with open_unchanged(path) as database:
            tables = database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
            layers = dict(database.execute("SELECT table_name, data_type FROM gpkg_contents").fetchall())
    except sqlite3.Error as error:
        raise InputError(f"{path} is there and cannot be read as a GeoPackage: {error}.", hint) from error
    taken = [str(name) for (name,) in tables if str(name).casefold() == layer.casefold()]
    if taken and layers.get(layer) != "features":
        raise InputError(
            f'{path} holds a table "{taken[0]}", which a layer "{layer}" would replace though it is none.',
            "Give another name.",
        )
