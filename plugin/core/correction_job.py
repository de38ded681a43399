"""The job of a run that improves a tuned model, with the files that it takes over from the earlier run."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from .atomic_file import replacing
from .errors import InputError
from .folder import RunFolder
from .job import Job, Settings
from .run_record import RunRecord, require_reviewable

#: What is asked of the footprints, and of the machine, is asked again; how long to learn is for each run to say.
_KEPT = ("batch_size", "tile_px", "min_area_m2", "simplify_m", "square", "seed", "device", "threads")


def prepare_improvement(parent: Path, out: Path, **settings: Any) -> Job:
    """Fill a new run's folder with the earlier run's split and report, and return its job, which is not saved yet.

    The job is that of the earlier run, with its model as base model; ``settings`` hold instead of its own. Corrected
    footprints are to be written as the folder's ``labels``, checked ground as its ``areas``. Raises InputError where
    the earlier run cannot be improved or the folder holds a run already, RunError where it cannot be written.
    """
    record, folder = require_reviewable(parent.resolve()), RunFolder(out.resolve())
    if folder.job.exists():
        raise InputError(
            f"The folder {out} holds a run already.", "Give another folder; to go on with that run, run its job.json."
        )
    raster = find_raster(record)
    folder.path.mkdir(parents=True, exist_ok=True)
    for source, target in ((record.folder.split, folder.earlier), (record.folder.report, folder.earlier_report)):
        with replacing(target) as partial:
            shutil.copyfile(source, partial)
    return Job(
        raster=raster,
        labels=folder.labels.name,
        areas=folder.areas.name,
        base_model=str(record.folder.card),
        bands=record.job.bands,
        parent=str(record.folder.path),
        earlier=folder.earlier.name,
        settings=replace(_take_settings(record), **settings),
    )


def find_raster(record: RunRecord) -> str:
    """Return the path of the earlier run's raster; a folder in SpaceNet's layout had become one in that run.

    Raises InputError where it is not there any more.
    """
    told = [record.report.raster.path, record.raster]
    places = [record.folder.path / path for path in told if path]
    found = next((place for place in places if place.is_file()), None)
    if found is None and not any(path.startswith("/vsi") for path in told):
        raise InputError(
            f"The raster of the run {record.name} is not where it was: {told[0] or told[1]}.",
            "Put it back there: the new run keeps its held-out area.",
        )
    return str(found) if found else told[0]


def _take_settings(record: RunRecord) -> Settings:
    """Return the settings that an improving run takes over; the least area is that of the model as it stands now."""
    known = record.report.job_settings
    try:
        least = json.loads(record.folder.card.read_text(encoding="utf-8"))["min_area_m2"]
    except (OSError, ValueError, KeyError):
        least = known.min_area_m2
    return Settings(**{**{name: getattr(known, name) for name in _KEPT}, "min_area_m2": least})
