"""The hashes of weights for which none is published: that of the first file is kept, and later ones are held to it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from ...core.atomic_file import write_json
from ...core.errors import InputError
from ...core.json_codec import decode, encode
from ...core.paths import locate_models


@dataclass(frozen=True)
class RecordedHash:
    """Of a file: its SHA-256, how it came, and when that was recorded."""

    sha256: str = ""
    size_bytes: int = 0
    how: str = ""
    when: str = ""


def locate_hashes() -> Path:
    """Return the file that holds them: address -> SHA-256, size and when it was recorded."""
    return locate_models(os.environ) / "hashes.json"


def recall_hash(address: str) -> str:
    """Return the SHA-256 that was recorded for an address, "" where none was; raises InputError."""
    known = _read().get(address)
    return known.sha256 if known else ""


def record_hash(address: str, sha256: str, size_bytes: int, how: str) -> None:
    """Record the SHA-256 of a file of that address, and how it came; raises InputError and RunError."""
    when = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    write_json(locate_hashes(), encode({**_read(), address: RecordedHash(sha256, size_bytes, how, when)}))


def _read() -> dict[str, RecordedHash]:
    path = locate_hashes()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _refuse(path, str(error)) from error
    try:
        return {address: decode(RecordedHash, entry, []) for address, entry in content.items()}
    except (ValueError, AttributeError) as error:
        raise _refuse(path, "it is not a list of hashes") from error


def _refuse(path: Path, why: str) -> InputError:
    return InputError(
        f"The recorded hashes in {path} cannot be read: {why}.",
        "Fix it, or delete it: then the weights in that folder are trusted and their hashes recorded again.",
    )
