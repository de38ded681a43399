"""Nothing half written: a file gets its name only when it is whole."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
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


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people and programs, whole or not at all; raises RunError."""
    with replacing(path, ValueError) as partial:
        partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
