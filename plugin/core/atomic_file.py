"""Atomic file writing: a file gets its name only once it is complete."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import RunError


@contextlib.contextmanager
def replacing(path: Path, *also: type[Exception]) -> Iterator[Path]:
    """Yield a temporary name in the same folder; it becomes ``path`` where all went well, else it is deleted.

    The ending stays, so that GDAL knows the format: ``model.json`` is written as ``model.part.json``. Raises RunError
    for an OSError, and for the exceptions in ``also``, by which a library tells that it could not write.
    """
    partial = path.with_name(f"{path.stem}.part{path.suffix}")
    failures: tuple[type[Exception], ...] = (OSError, *also)
    try:
        partial.unlink(missing_ok=True)
        yield partial
        partial.replace(path)
    except failures as error:
        raise RunError(f"{path} could not be written: {error}", "Is the disk full, or the folder read-only?") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def replace_all(made: Mapping[Path, Path]) -> None:
    """Give files their names (made -> name) all together: where one cannot be replaced, all stay as they were.

    They lie on one disk. Raises RunError.
    """
    moved: list[tuple[Path, Path | None]] = []
    try:
        for source, path in made.items():
            earlier = path.with_name(f"{path.stem}.earlier{path.suffix}") if path.exists() else None
            if earlier is not None:
                path.replace(earlier)
            moved.append((path, earlier))
            source.replace(path)
    except OSError as error:
        for path, earlier in reversed(moved):
            if earlier is None:
                path.unlink(missing_ok=True)
            else:
                earlier.replace(path)
        raise RunError(
            f"{error.filename or 'A file'} could not be replaced: {error.strerror}. Everything is as it was.",
            "Is it open in another program, or the folder read-only? Close it there and try again.",
        ) from error
    for _, earlier in moved:
        if earlier is not None:
            with contextlib.suppress(OSError):
                earlier.unlink()


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people and programs, whole or not at all; raises RunError."""
    with replacing(path, ValueError) as partial:
        partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
