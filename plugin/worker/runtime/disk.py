"""Folders that files can be written in."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ...core.errors import InputError


def check_writable(folder: Path) -> None:
    """Raise InputError unless files can be written in the folder, which is made where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be written: {error}", "Choose another folder.") from error
