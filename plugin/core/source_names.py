"""Which file a name stands for: plain paths, ``FILE|LAYER``, a container's ``GPKG:FILE:TABLE``, and archives."""

from __future__ import annotations

import contextlib
import html
import os
import re
import unicodedata
from pathlib import Path
from typing import Iterable, Iterator, Optional

from .errors import InputError
from .vector_source import split_source

_CONTAINERS = (
    re.compile(r'[A-Za-z]\w+:"(?P<file>[^"]+)"'),
    re.compile(r"GTIFF_DIR:(?:off:)?\d+:(?P<file>.+)", re.IGNORECASE | re.DOTALL),
    re.compile(r"[A-Z][A-Z0-9_]+:(?P<file>.+):[^:/\\]*", re.DOTALL),
)
_ARCHIVE = re.compile(r"/vsi(?:zip|tar|gzip|7z|rar)/(?P<file>.+)", re.DOTALL)
_VIRTUAL = (b"<VRTDataset", b"<OGRVRTDataSource")
_NESTED = re.compile(r"<(?:SourceFilename|SourceDataset|SrcDataSource)\b(?P<how>[^>]*)>(?P<name>[^<]+)<")
_DEEPEST = 4
_LARGEST_VIRTUAL = 1 << 26


def split_layer(source: str) -> tuple[str, str]:
    """Return the file and the layer of a name, as ``split_source`` does, whatever else QGIS has written behind it."""
    try:
        return split_source(source)
    except InputError:
        return source.partition("|")[0], ""


def is_file_name(name: str) -> bool:
    """Tell whether a file may be called so: names that are no Unicode cannot be written into a report."""
    try:
        return b"\0" not in name.encode("utf-8")
    except UnicodeEncodeError:
        return False


def resolve_source(source: str, folder: Path) -> str:
    """Return a name in which a relative file is taken from ``folder``; "" stays."""
    if not source or os.path.lexists(folder / source):
        return str(folder / source) if source else ""
    found = _find_container(source)
    if found is not None:
        return source[: found.start("file")] + str(folder / found["file"]) + source[found.end("file") :]
    archive = _ARCHIVE.fullmatch(source)
    if archive is not None and _find_archive(str(folder / archive["file"])) is not None:
        return source[: archive.start("file")] + str(folder / archive["file"])
    return str(folder / source)


def locate_file(source: str) -> Optional[Path]:
    """Return the file on this machine that a name stands for, there or not; None for memory and for addresses."""
    file, _ = split_layer(source)
    archive, container = _ARCHIVE.fullmatch(file), _find_container(file)
    if archive is not None:
        return _find_archive(archive["file"])
    if container is not None:
        return Path(container["file"])
    return None if file.startswith("/vsi") or "://" in file or not file else Path(file)


def list_files(source: str) -> list[Path]:
    """Return the files that a name stands for: its own, and those that a virtual dataset takes its pixels from."""
    file = locate_file(source)
    return [] if file is None else [file, *_list_nested(file, _DEEPEST)]


def find_same(outputs: Iterable[Path], inputs: Iterable[Path]) -> Optional[tuple[Path, Path]]:
    """Return an output that is one of the inputs, and which; None where none is.

    Links and hard links are followed. Names that differ in case only are the same: elsewhere they are one file.
    """
    known = {key: path for path in outputs for key in _identify(path)}
    pairs = ((known.get(key), path) for path in inputs for key in _identify(path))
    return next(((output, path) for output, path in pairs if output is not None), None)


def _identify(path: Path) -> Iterator[object]:
    with contextlib.suppress(OSError, ValueError):
        status = path.stat()
        if status.st_ino:
            yield (status.st_dev, status.st_ino)
    yield unicodedata.normalize("NFC", os.path.realpath(path)).casefold()


def _find_container(source: str) -> Optional[re.Match[str]]:
    if source.startswith(("/", "\\")) or "://" in source or os.path.lexists(source):
        return None
    return next((found for pattern in _CONTAINERS if (found := pattern.match(source))), None)


def _find_archive(name: str) -> Optional[Path]:
    """Return the archive's own file of a path into it."""
    if name.startswith("{"):
        return Path(name[1:].partition("}")[0])
    path = Path(name)
    return next((each for each in (path, *path.parents) if each.is_file()), None)


def _list_nested(file: Path, depth: int) -> Iterator[Path]:
    text = _read_virtual(file) if depth else ""
    for found in _NESTED.finditer(text):
        name = html.unescape(found["name"]).strip()
        is_relative = 'relativetovrt="1"' in found["how"].lower()
        nested = locate_file(resolve_source(name, file.parent) if is_relative else name)
        if nested is not None:
            yield nested
            yield from _list_nested(nested, depth - 1)


def _read_virtual(file: Path) -> str:
    with contextlib.suppress(OSError, ValueError):
        if file.is_file() and file.stat().st_size <= _LARGEST_VIRTUAL:
            with file.open("rb") as opened:
                head = opened.read(4096)
                if any(mark in head for mark in _VIRTUAL):
                    return (head + opened.read()).decode("utf-8", "replace")
    return ""
