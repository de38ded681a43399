"""Paths of the plugin and of the worker's environment, and how to start the worker in it.

It lies in a folder of the user's outside the plugin and the QGIS profile, named after the hash of the locked
requirements, so that a plugin with other requirements makes another one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping

from .errors import SetupError

PLUGIN_ROOT = Path(__file__).resolve().parents[2]
#: Styles, models, help and translations.
RESOURCES = PLUGIN_ROOT / "resources"
LOCK_FILE = RESOURCES / "worker" / "requirements.txt"
HOME_VARIABLE = "FOOTPRINT_TUNER_HOME"
_FOREIGN = re.compile(
    r"PYTHON.*|__PYVENV_LAUNCHER__|VIRTUAL_ENV.*|CONDA.*|PROJ_.*|GDAL_.*|QGIS_.*|LD_LIBRARY_PATH|LD_PRELOAD|DYLD_.*"
    r"|PIP_(TARGET|PREFIX|USER|ROOT|REQUIRE_VIRTUALENV|PYTHON)"
)


@dataclass(frozen=True)
class Environment:
    """The place of the worker's environment, made or not."""

    folder: Path

    @property
    def python(self) -> Path:
        """The worker's interpreter."""
        return self.folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

    @property
    def marker(self) -> Path:
        """The file that is written last: without it the environment is not ready, whatever else is there."""
        return self.folder / "ready"

    @property
    def log(self) -> Path:
        """What the latest set-up said."""
        return self.folder.with_name(f"{self.folder.name}.log")

    @property
    def is_ready(self) -> bool:
        """Whether a set-up of these very requirements was finished and its interpreter is still there."""
        try:
            lock_hash = json.loads(self.marker.read_text(encoding="utf-8"))["lock"]
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return bool(lock_hash == hash_lock()) and self.python.exists()


def hash_lock() -> str:
    """Return the SHA-256 of the locked requirements, the same whatever line ends the checkout has."""
    return hashlib.sha256(LOCK_FILE.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def locate_home(environ: Mapping[str, str]) -> Path:
    """Return the folder of the user's where environments lie: FOOTPRINT_TUNER_HOME, or the system's place for data."""
    chosen = environ.get(HOME_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    name = "footprint_tuner"
    if sys.platform == "win32":
        local = environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / name
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / name
    data = Path(environ.get("XDG_DATA_HOME", ""))
    return (data if data.is_absolute() else Path.home() / ".local" / "share") / name


def locate_environment(environ: Mapping[str, str] | None = None) -> Environment:
    """Return the place of the environment that this plugin's requirements need."""
    return Environment(locate_home(os.environ if environ is None else environ) / f"worker-{hash_lock()[:12]}")


def locate_models(environ: Mapping[str, str]) -> Path:
    """Return the folder of the user's where fetched weights lie, a folder a model."""
    return locate_home(environ) / "models"


def require_ready(environment: Environment) -> None:
    """Raise SetupError unless the environment is ready."""
    if not environment.is_ready:
        raise SetupError(
            "The worker's environment is not set up.",
            "Press Set up in the dock (or run `make setup` in a checkout) and wait until it is ready.",
        )


def worker_command(environment: Environment, *arguments: str) -> list[str]:
    """Return the command that starts the worker with ``arguments``."""
    return [str(environment.python), "-m", "plugin.worker", *arguments]


def worker_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return ``environ`` without QGIS's libraries and Python in it, and with what the worker needs."""
    return {
        **scrub_environ(environ),
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": str(PLUGIN_ROOT),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONUNBUFFERED": "1",
    }


def scrub_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return ``environ`` without what would lead another Python to QGIS's files; indexes and certificates stay."""
    kept = {name: value for name, value in environ.items() if not _FOREIGN.fullmatch(name.upper())}
    own = environ.get("OSGEO4W_ROOT")
    if own and "PATH" in kept:  # QGIS on Windows: its interpreter and its libraries are on the search path
        root = os.path.normcase(os.path.realpath(own))
        folders = kept["PATH"].split(os.pathsep)
        kept["PATH"] = os.pathsep.join(
            f for f in folders if not _is_inside(os.path.normcase(os.path.realpath(f)), root)
        )
    return kept


def _is_inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)
