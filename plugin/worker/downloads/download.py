"""Fetch a file over HTTPS: resumed where it broke off, held to its size and its hash, named only when it is whole.

While it comes it lies beside its place as ``NAME.part.ENDING``, with a note of where it came from and which version of
the file it is. It stays there when the connection or the worker breaks off, and is deleted when it turns out wrong.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from ...core.atomic_file import write_json
from ...core.errors import InputError, RunError
from ...core.package_index import hide_credentials
from ..runtime.hashing import hash_file
from ..runtime.progress import NotifyingProgress, Progress
from .http import BY_HAND, BrokenOffError, Head, Transfer, give_up

ATTEMPTS = 5
PAUSE_S = 1.0
_WAIT_S = 0.1
_WORTH_BYTES = 1 << 20
_SPARE_BYTES = 50_000_000
_CHUNK = 1 << 20
_PAGE_STARTS = (b"<!doctype html", b"<html")
_DISK_HINT = "Is the disk full, or the folder read-only? Then try again: the download goes on where it stopped."


@dataclass(frozen=True)
class Expected:
    """What is known of a file: it has ``smallest_bytes`` to ``largest_bytes`` (0: not known) and this ``sha256`` ("").

    ``remedy`` is the next step where the hash is another.
    """

    smallest_bytes: int = 0
    largest_bytes: int = 0
    sha256: str = ""
    remedy: str = BY_HAND

    def refuse_size(self, size: int, what: str) -> None:
        """Raise InputError where the size does not fit; ``what`` begins the sentence."""
        if size < self.smallest_bytes or 0 < self.largest_bytes < size:
            raise InputError(
                f"{what} has {size:,} bytes, the weights have {self.smallest_bytes:,}.",
                f"It is another file, or a part of it, and is not used. {BY_HAND}",
            )

    def refuse_hash(self, sha256: str, what: str) -> None:
        """Raise InputError where the hash is another; ``what`` begins the sentence."""
        if self.sha256 and sha256 != self.sha256:
            raise InputError(
                f"{what} is another file than expected: its SHA-256 begins with {sha256[:12]}, "
                f"expected is {self.sha256[:12]}.",
                f"It is not used. {self.remedy}",
            )


@dataclass(frozen=True)
class Note:
    """Which version of which file a part belongs to: its address, and what its server said of it (see ``Head``)."""

    address: str
    validator: str = ""
    total_bytes: int = 0
    sha256: str = ""


class Part:
    """A file on its way to ``target``, and the note of which version of which file it is."""

    def __init__(self, target: Path) -> None:
        """Name both; they need not exist."""
        self.path = target.with_name(f"{target.stem}.part{target.suffix}")
        self._note = target.with_name(f"{target.stem}.part.json")

    @property
    def files(self) -> tuple[Path, Path]:
        """Both, there or not."""
        return self.path, self._note

    @property
    def size(self) -> int:
        """How many bytes have come."""
        return self.path.stat().st_size if self.path.exists() else 0

    def recall(self, address: str) -> Note | None:
        """Return what was noted of the version that was begun, None where there is nothing to go on with."""
        try:
            note = Note(**json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return note if note.address == address and self.size else None

    def begin(self, note: Note) -> None:
        """Forget what has come and note what begins."""
        self.drop()
        write_json(self._note, asdict(note))

    def drop(self) -> None:
        """Delete both."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def finish(self, target: Path) -> None:
        """Give the file its name."""
        self.path.replace(target)
        self._note.unlink(missing_ok=True)


def download(
    address: str,
    target: Path,
    expected: Expected,
    progress: NotifyingProgress,
    inspect: Callable[[Path], None] = lambda _path: None,
) -> str:
    """Fetch ``address`` to ``target`` and return its SHA-256; ``inspect`` looks into the whole file and may refuse it.

    Raises RunError where it cannot be had or written, InputError where it is the wrong file, CancelRequested.
    """
    part = Part(target)
    with _telling_of_disk(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    expected = _fetch_patiently(address, part, expected, progress)
    try:
        return accept(part, target, expected, f"The file from {hide_credentials(address)}", progress, inspect)
    except (InputError, RunError):
        part.drop()
        raise


def accept(
    part: Part, target: Path, expected: Expected, what: str, progress: Progress, inspect: Callable[[Path], None]
) -> str:
    """Give a whole file its name after all checks, and return its SHA-256; raises InputError that begins with what."""
    refuse_page(part.path, what)
    expected.refuse_size(part.size, what)
    sha256 = hash_file(part.path, progress.raise_if_cancelled)
    expected.refuse_hash(sha256, what)
    inspect(part.path)
    with _telling_of_disk(target):
        part.finish(target)
    return sha256


def refuse_page(path: Path, what: str) -> None:
    """Raise InputError where a file is a web page."""
    with path.open("rb") as file:
        if _looks_like_page(file.read(512)):
            raise _name_page(what)


def copy_file(source: Path, part: Part, progress: Progress) -> None:
    """Copy a file to where a fetched one would lie; raises RunError."""
    part.begin(Note(""))
    with _telling_of_disk(part.path), source.open("rb") as file, part.path.open("wb") as out:
        while chunk := file.read(_CHUNK):
            progress.raise_if_cancelled()
            out.write(chunk)


def _fetch_patiently(address: str, part: Part, expected: Expected, progress: NotifyingProgress) -> Expected:
    """Fetch until the part is whole; an attempt that brought something does not count as failed."""
    failures = 0
    while True:
        before = part.size
        try:
            return _fetch_rest(address, part, expected, progress)
        except BrokenOffError as error:
            failures = 1 if part.size - before >= _WORTH_BYTES else failures + 1
            if failures >= ATTEMPTS:
                raise give_up(address, error) from error
            progress.send_notice(f"The download was interrupted: {error}. It continues.", level="warning")
        end = time.monotonic() + PAUSE_S * 2 ** (failures - 1)
        while time.monotonic() < end:
            progress.raise_if_cancelled()
            time.sleep(_WAIT_S)


def _fetch_rest(address: str, part: Part, expected: Expected, progress: NotifyingProgress) -> Expected:
    """Fetch what is missing of the part; returns what is expected, with the hash that the server promised."""
    note = part.recall(address)
    if note is None or not (note.validator or expected.sha256 or note.sha256):
        part.drop()  # nothing would tell whether the rest belongs to it
        note = Note(address)
    if part.size and part.size == note.total_bytes:
        return _hold_to_promise(note, expected)
    with contextlib.closing(Transfer(address, part.size, note.validator).follow(progress.raise_if_cancelled)) as items:
        head: Head = next(items)
        note = Note(address, head.validator, head.total_bytes, head.sha256)
        with _refusing(part):
            expected = _hold_to_promise(note, expected)
            if head.is_page and head.has_rest:
                raise _name_page(hide_credentials(address))
            if not head.has_rest or head.offset not in (0, part.size):
                part.drop()
                raise BrokenOffError("the server could not continue the download")
            if head.offset == 0:
                with _telling_of_disk(part.path):
                    part.begin(note)
            _refuse_early(address, head, part, expected)
            _write(items, part, head, expected, progress)
    return expected


def _write(items: Iterator[Any], part: Part, head: Head, expected: Expected, progress: Progress) -> None:
    """Append what comes to the part and tell how far it is."""
    done, total = head.offset, head.total_bytes or expected.smallest_bytes
    what = "The file from the server"
    with _open_part(part.path) as file:
        for chunk in items:
            if done == 0 and _looks_like_page(chunk):
                raise _name_page(what)
            with _telling_of_disk(part.path):
                file.write(chunk)
            done += len(chunk)
            if 0 < expected.largest_bytes < done:
                expected.refuse_size(done, what)
            progress.report(min(done / total, 0.999) if total else 0.0, describe_size(done, total))
    if head.total_bytes and done < head.total_bytes:
        raise BrokenOffError("the connection was lost")


def describe_size(done: int, total: int) -> str:
    """Return such as ``34 of 117 MB``, or ``34 MB`` where the total is not known; below 10 MB with a decimal."""
    digits = 0 if max(done, total) >= 10e6 else 1
    return f"{done / 1e6:.{digits}f} of {total / 1e6:.{digits}f} MB" if total else f"{done / 1e6:.{digits}f} MB"


def _hold_to_promise(note: Note, expected: Expected) -> Expected:
    """Return what is expected with the hash that the server promises; raises InputError where that is another."""
    if not note.sha256:
        return expected
    expected.refuse_hash(note.sha256, hide_credentials(note.address))
    return replace(expected, sha256=note.sha256)


def _refuse_early(address: str, head: Head, part: Part, expected: Expected) -> None:
    """Raise where the size that the server tells does not fit, or the disk has no room for it."""
    if head.total_bytes:
        expected.refuse_size(head.total_bytes, hide_credentials(address))
    missing = max(head.total_bytes, expected.smallest_bytes) - head.offset
    free = shutil.disk_usage(part.path.parent).free
    if free < missing + _SPARE_BYTES:
        raise RunError(
            f"The disk of {part.path.parent} has {free / 1e6:,.0f} MB free; the weights need {missing / 1e6:,.0f} MB.",
            "Make room, then try again.",
        )


def _looks_like_page(start: bytes) -> bool:
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGE_STARTS)


def _name_page(what: str) -> InputError:
    return InputError(
        f"{what} is a web page, not the weights.",
        f"The network may need a sign-in: open any page in a browser to check. {BY_HAND}",
    )


@contextlib.contextmanager
def _open_part(path: Path) -> Iterator[IO[bytes]]:
    """Open the part to append to it; raises RunError also where the last bytes cannot be written."""
    with _telling_of_disk(path):
        file = path.open("ab")
    try:
        yield file
    finally:
        with _telling_of_disk(path):
            file.close()


@contextlib.contextmanager
def _refusing(part: Part) -> Iterator[None]:
    """Delete the part where it turns out to be the wrong file."""
    try:
        yield
    except InputError:
        part.drop()
        raise


@contextlib.contextmanager
def _telling_of_disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(f"{path} could not be written: {error}", _DISK_HINT) from error
