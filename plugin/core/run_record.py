"""A finished run, read from its folder alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError
from .folder import RunFolder
from .job import NO_JOB, Job
from .json_codec import decode, read_object
from .report import REPORT_SCHEMA, Report, parse_report

_AGAIN = "Run the job again, or choose another run."


@dataclass(frozen=True)
class RunRecord:
    """A run as its folder tells it, as far as that can be read.

    ``problem`` says in a sentence why the run cannot be reviewed ("": it can be). ``key`` is short and goes by the
    run's job ("": there is none that can be read): it stays when the folder is moved.
    """

    folder: RunFolder
    job: Job = NO_JOB
    report: Report = Report()
    problem: str = ""
    hint: str = ""
    key: str = ""

    @property
    def name(self) -> str:
        """The run's name, which is its folder's."""
        return self.folder.path.name

    @property
    def raster(self) -> str:
        """The path of the raster that the run worked on."""
        return self.job.raster


def read_record(path: Path) -> RunRecord:
    """Return what a run's folder tells; never raises: what is wrong with it stands in ``problem``."""
    folder = RunFolder(path)
    if not path.is_dir():
        return RunRecord(
            folder, problem=f"There is no run folder {path}.", hint="Was it moved? Choose where it is now."
        )
    job, content = read_object(folder.job), read_object(folder.report)
    faults: list[str] = []
    report = parse_report(content or {}, faults)
    problem, hint = _find_problem(folder, job, content, faults)
    key = "" if job is None else hashlib.blake2b(json.dumps(job, sort_keys=True).encode(), digest_size=8).hexdigest()
    return RunRecord(folder, decode(Job, job or {}, [], base=NO_JOB), report, problem, hint, key)


def require_reviewable(path: Path) -> RunRecord:
    """Return what a finished run's folder tells; raises InputError with a next step where it cannot be reviewed."""
    record = read_record(path)
    if record.problem:
        raise InputError(record.problem, record.hint)
    return record


def _find_problem(
    folder: RunFolder, job: object, content: dict[str, object] | None, faults: list[str]
) -> tuple[str, str]:
    if job is None:
        return f"{folder.path} is no run folder: it has no job.json that can be read.", "Choose the folder of a run."
    if content is None:
        return "The run is not finished.", "Resume it, or choose another run."
    schema = content.get("schema")
    if not isinstance(schema, int) or schema < REPORT_SCHEMA:
        return "The run was made by an older version of the plugin, and cannot be reviewed.", _AGAIN
    if schema > REPORT_SCHEMA:
        return "The run was made by a newer version of the plugin.", "Update Footprint Tuner, or choose another run."
    needed = (folder.split, folder.errors, folder.footprints, folder.base_footprints, folder.card)
    missing = [each.name for each in needed if not each.is_file()]
    if missing:
        problem = f"The run's folder is incomplete: {', '.join(missing)} {_is(missing)} missing."
    elif faults:
        problem = f"The run's report.json is broken: {faults[0]}"
    else:
        return "", ""
    return problem, _AGAIN


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def require_probability(folder: RunFolder) -> None:
    """Raise InputError where the tuned model's probability is gone from a run's folder."""
    if not folder.probability.is_file():
        raise InputError(
            f"The run's probability raster is gone: there is no {folder.probability}.",
            "Put it back, or start the run again: footprints cannot be traced without it.",
        )
