"""Where runs live."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Iterator, Sequence

from qgis.core import QgsProject, QgsRasterLayer, QgsSettings
from qgis.PyQt.QtCore import QStandardPaths

from ...core.delete_run import list_kept
from ...core.errors import CopyCancelled, InputError, RunError, TunerError
from ...core.folder import RunFolder
from ...core.json_codec import read_object
from ...core.run_list import CHECK_PREFIX, RUNS
from ...core.source_names import split_layer

_PLACES = "footprint_tuner/run_folders"
_NAME_LENGTH = 60


def make_run_folder(raster: str, project: QgsProject) -> RunFolder:
    """Make a new folder for a run: ``footprint_tuner_runs/<raster's name>_<date-time>``, never one that is there.

    It lies beside the project's file; where the project is not saved or its folder is read-only, beside the raster;
    else among the user's documents; else in the home folder. Raises InputError where none of them can be written.
    """
    name = f"{clean_name(Path(raster).stem)}_{time.strftime('%Y-%m-%d_%H-%M-%S')}"
    for parent in _list_parents(raster, project):
        with contextlib.suppress(OSError):  # the next one may be writable
            return RunFolder(_make_unused(parent / RUNS, name))
    raise InputError(
        "No folder for the run can be written: neither beside the project or the raster, nor among your documents.",
        "Save the project in a folder that you may write to (Project > Save As).",
    )


@contextlib.contextmanager
def removed_on_failure(folder: RunFolder, failure: str) -> Iterator[None]:
    """Fill a run's new folder; it is removed where that fails or is cancelled. Raises RunError for an OSError."""
    try:
        yield
    except OSError as error:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise RunError(f"{failure}: {error}", "Is the disk full?") from error
    except (TunerError, CopyCancelled):
        shutil.rmtree(folder.path, ignore_errors=True)
        raise


def remove_unbegun(folder: RunFolder) -> bool:
    """Remove the new folder of a run whose inputs were refused, and tell whether it has gone.

    It stays where a stage has ended, or where something lies in it that is not the run's.
    """
    state = read_object(folder.state) or {}
    if state.get("results") or folder.checkpoint.exists() or list_kept(folder):
        return False
    shutil.rmtree(folder.path, ignore_errors=True)
    if folder.path.parent.name == RUNS:
        with contextlib.suppress(OSError):  # other runs lie there
            folder.path.parent.rmdir()
    return not folder.path.exists()


def make_output(raster: str, project: QgsProject) -> Path:
    """Return a GeoPackage that is not there yet, for footprints of a raster, in the folder in which its runs would lie.

    Raises InputError where none can be written.
    """
    name = f"{clean_name(Path(raster).stem)}_{time.strftime('%Y-%m-%d_%H-%M-%S')}_footprints"
    for parent in _list_parents(raster, project):
        with contextlib.suppress(OSError):  # the next one may be writable
            runs = parent / RUNS
            runs.mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=runs):
                return next(path for path in _list_names(runs, name) if not path.exists())
    raise InputError(
        "No file for footprints can be written: neither beside the project or the raster, nor among your documents.",
        "Choose a file in a folder that you may write to.",
    )


def make_check_folder() -> RunFolder:
    """Make a temporary folder for a check, which leaves nothing behind."""
    return RunFolder(Path(tempfile.mkdtemp(prefix=CHECK_PREFIX)))


def list_places(project: QgsProject) -> list[Path]:
    """Return where runs may lie, without looking whether they do: that takes a thread.

    It is wherever ``make_run_folder`` makes them, for every raster of the project, and the folders that the user added.
    """
    layers = [layer for layer in project.mapLayers().values() if isinstance(layer, QgsRasterLayer)]
    sources = [split_layer(str(layer.source()))[0] for layer in layers if layer.providerType() == "gdal"]
    rasters = [Path(source).parent for source in sources if Path(source).is_absolute()]
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    own = [Path(each) for each in (project.absolutePath(), documents, Path.home()) if each]
    return [*dict.fromkeys(place / RUNS for place in (*own, *rasters)), *map(Path, list_added())]


def list_added() -> list[str]:
    """Return the folders that the user added, as they were remembered."""
    try:
        items = json.loads(str(QgsSettings().value(_PLACES, "[]")))
    except ValueError:
        return []
    return [item for item in items if isinstance(item, str)] if isinstance(items, list) else []


def keep_added(places: Sequence[str]) -> None:
    """Remember the folders that the user added."""
    QgsSettings().setValue(_PLACES, json.dumps(list(dict.fromkeys(places))))


def clean_name(name: str) -> str:
    """Return a name that every file system takes: letters of any script, digits, ``-`` and ``_``."""
    cleaned = re.sub(r"[^\w-]+", "_", name).strip("_")
    return cleaned[:_NAME_LENGTH] or "run"


def _list_parents(raster: str, project: QgsProject) -> Iterator[Path]:
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    saved = project.absolutePath()
    for parent in (saved and Path(saved), Path(raster).parent, documents and Path(documents), Path.home()):
        if parent and parent.is_dir():
            yield parent


def _list_names(folder: Path, name: str) -> Iterator[Path]:
    return (folder / f"{name if number == 1 else f'{name}_{number}'}.gpkg" for number in count(1))


def _make_unused(runs: Path, name: str) -> Path:
    runs.mkdir(exist_ok=True)
    for number in range(1, 1000):
        folder = runs / (name if number == 1 else f"{name}_{number}")
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            return folder
    raise FileExistsError(runs / name)
