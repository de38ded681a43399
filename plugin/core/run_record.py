"""A finished run, read from its folder alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

from .errors import InputError
from .folder import RunFolder

#: The newest schema of report.json that this plugin reads.
REPORT_SCHEMA = 2


@dataclass(frozen=True)
class RunRecord:
    """A run as its folder tells it; ``job`` and ``report`` are the JSON as it stands there, {} where there is none.

    ``problem`` says in a sentence why the run cannot be reviewed ("": it can be).
    """

    folder: RunFolder
    job: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    hint: str = ""

    @property
    def name(self) -> str:
        """The run's name, which is its folder's."""
        return self.folder.path.name

    @property
    def key(self) -> str:
        """A short key that goes by the run's job: it stays when the folder is moved."""
        job = json.dumps(self.job, sort_keys=True).encode()
        return hashlib.blake2b(job, digest_size=8).hexdigest()

    @property
    def raster(self) -> str:
        """The path of the raster that the run worked on."""
        return str(self.job.get("raster", ""))


def read_record(path: Path) -> RunRecord:
    """Return what a run's folder tells; never raises: what is wrong with it stands in ``problem``."""
    folder = RunFolder(path)
    if not path.is_dir():
        return RunRecord(
            folder, problem=f"There is no run folder {path}.", hint="Was it moved? Choose where it is now."
        )
    job, report = read_object(folder.job), read_object(folder.report)
    problem, hint = _find_problem(folder, job, report)
    return RunRecord(folder, job or {}, report or {}, problem, hint)


def require_reviewable(path: Path) -> RunRecord:
    """Return what a finished run's folder tells; raises InputError with a next step where it cannot be reviewed."""
    record = read_record(path)
    if record.problem:
        raise InputError(record.problem, record.hint)
    return record


def _find_problem(folder: RunFolder, job: Any, report: Any) -> tuple[str, str]:
    again = "Run the job again, or choose another run."
    if job is None:
        return f"{folder.path} is no run folder: it has no job.json that can be read.", "Choose the folder of a run."
    if report is None:
        return "The run did not come to its end.", "Resume it, or choose another run."
    schema = report.get("schema")
    if not isinstance(schema, int) or schema < REPORT_SCHEMA:
        return "The run was made by an older version of the plugin, and cannot be reviewed.", again
    if schema > REPORT_SCHEMA:
        return "The run was made by a newer version of the plugin.", "Update Footprint Tuner, or choose another run."
    needed = (folder.split, folder.errors, folder.footprints, folder.base_footprints, folder.card)
    missing = [each.name for each in needed if not each.is_file()]
    if missing:
        return f"The run's folder is not whole: {', '.join(missing)} {_is(missing)} missing.", again
    return "", ""


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def read_object(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in a file, None where there is none that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def require_probability(folder: RunFolder) -> None:
    """Raise InputError where the tuned model's probability is gone from a run's folder."""
    if not folder.probability.is_file():
        raise InputError(
            f"The run's probability raster is gone: there is no {folder.probability}.",
            "Put it back, or start the run anew: footprints cannot be traced without it.",
        )
