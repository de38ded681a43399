"""Which file a name stands for: plain paths, ``FILE|LAYER``, a container's ``GPKG:FILE:TABLE``, and archives."""

from __future__ import annotations

import contextlib
import html
import os
import re
import unicodedata
from pathlib import Path
from typing import Iterable, Iterator, Optional
from urllib.parse import unquote

from .errors import InputError
from .sqlite_reading import read_texts
from .vector_source import split_source

_CONTAINERS = (
    re.compile(r'[A-Za-z]\w+:"(?P<file>[^"]+)"'),
    re.compile(r"GTIFF_DIR:(?:off:)?\d+:(?P<file>.+)", re.IGNORECASE | re.DOTALL),
    re.compile(r"[A-Z][A-Z0-9_]+:(?P<file>.+):[^:/\\]*", re.DOTALL),
)
_ARCHIVE = re.compile(r"/vsi(?:zip|tar|gzip|7z|rar)/(?P<file>.+)", re.DOTALL)
_VIRTUAL = (b"<VRTDataset", b"<OGRVRTDataSource", b"<GDALTileIndexDataset")
_NESTED = re.compile(r"<(?:SourceFilename|SourceDataset|SrcDataSource|IndexDataset)\b(?P<how>[^>]*)>(?P<name>[^<]+)<")
_RELATIVE = re.compile(r"relativetovrt\s*=\s*[\"'](?:1|yes|true|on)\b", re.IGNORECASE)
_INDEX = re.compile(r"^gti:|\.gti(?:\.|$)", re.IGNORECASE | re.MULTILINE)
_PRINTED = re.compile(rb"[^\x00-\x1f]{3,}")
#: A name with a driver, a scheme or a virtual file system before the path, those without a file here, and where in
#: such a name a path may begin and end.
_DESCRIBED = re.compile(r"/vsi|<|[A-Za-z][\w+.-]+:", re.IGNORECASE)
_ELSEWHERE = re.compile(r"/vsi(?:mem|s3|gs|az|adls|oss|swift)\w*/|/vsicurl\w*/http|https?:", re.IGNORECASE)
_BEGIN = re.compile(r"://|[^\w./\\-]|/vsi\w+/|(?=[/\\])|\\", re.IGNORECASE)
_END = re.compile(r"[^\w.-]|$")
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
    found: dict[str, Path] = {}
    waiting = [source]
    while waiting:
        name = waiting.pop()
        waiting += _find_nested(name, Path())
        for file in _list_named(name):
            key = os.path.realpath(file)
            if key not in found:
                found[key] = file
                waiting += _find_nested(_read_virtual(file), file.parent)
                waiting += _read_index(file) if _INDEX.search(f"{name}\n{file.name}") else []
    return list(found.values())


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


def _list_named(source: str) -> Iterator[Path]:
    """Yield the file that a name stands for, and every file whose path is a part of a name that is no plain path."""
    file = locate_file(source)
    if file is not None:
        yield file
    if _is_file(split_layer(source)[0]) or not _DESCRIBED.match(source) or _ELSEWHERE.match(source):
        return
    for name in {source, unquote(source)}:
        begins = {0, *(found.end() for found in _BEGIN.finditer(name))}
        ends = {found.start() for found in _END.finditer(name)}
        parts = (name[begin:end] for begin in begins for end in ends if begin < end)
        yield from (Path(part) for part in parts if _is_file(part))


def _is_file(name: str) -> bool:
    with contextlib.suppress(OSError, ValueError):  # too long, or with a character that no path may hold
        return Path(name).is_file()
    return False


def _find_nested(text: str, folder: Path) -> Iterator[str]:
    """Yield the names in a description of a virtual dataset."""
    for found in _NESTED.finditer(text):
        name = html.unescape(found["name"]).strip()
        yield resolve_source(name, folder) if _RELATIVE.search(found["how"]) else name


def _read_index(file: Path) -> Iterator[str]:
    """Yield the texts of a tile index: the names of its tiles are among them."""
    texts = read_texts(file)
    for each in (file, file.with_suffix(".dbf")) if not texts else ():
        with contextlib.suppress(OSError):
            if each.stat().st_size <= _LARGEST_VIRTUAL:
                texts += [text.decode("utf-8", "replace").strip() for text in _PRINTED.findall(each.read_bytes())]
    for text in texts:
        yield from (text, resolve_source(text, file.parent))


def _read_virtual(file: Path) -> str:
    with contextlib.suppress(OSError, ValueError):
        if file.is_file() and file.stat().st_size <= _LARGEST_VIRTUAL:
            with file.open("rb") as opened:
                head = opened.read(4096)
                if any(mark in head for mark in _VIRTUAL):
                    return (head + opened.read()).decode("utf-8", "replace")
    return ""
