"""A file's SHA-256, read in pieces: what weights are held to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

_CHUNK = 1 << 20


def hash_file(path: Path, raise_if_cancelled: Callable[[], None] = lambda: None) -> str:
    """Return a file's SHA-256 in hexadecimal; ``raise_if_cancelled`` is called often and may raise to stop."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            raise_if_cancelled()
            digest.update(chunk)
    return digest.hexdigest()
