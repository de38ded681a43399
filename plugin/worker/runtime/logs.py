"""Where the worker's log goes besides standard error."""

from __future__ import annotations

import logging
import os
from pathlib import Path


def log_to(path: Path) -> None:
    """Copy the log to the run's folder, unless standard error is that file already."""
    if not (path.exists() and os.path.samestat(os.fstat(2), path.stat())):
        logging.getLogger().addHandler(logging.FileHandler(path, encoding="utf-8"))
