"""What a run's folder still tells: its report, its job, its model's card, and where its raster lies now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from ....core.errors import InputError
from ....core.folder import RunFolder
from ....core.job import NO_JOB, Job
from ....core.json_codec import decode, read_object
from ....core.report import Report, parse_report
from ....core.score import Score

#: The schemas of ``report.json`` that a page can be written from.
SCHEMAS = (1, 2)


@dataclass(frozen=True)
class CardFacts:
    """What a page says of the tuned model's card ("" and (): it does not say)."""

    name: str = ""
    architecture: str = ""
    encoder: str = ""
    bands: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    training: str = ""
    sha256: str = ""
    licence: str = ""
    attribution: str = ""
    limits: str = ""


@dataclass(frozen=True)
class ReportSource:
    """What the files of a run hold, as far as they can be read; ``raster`` is None if not found.

    ``job_text`` is the job as it stands in its file ({}: none).
    """

    folder: RunFolder
    report: Report
    job: Job
    job_text: dict[str, object]
    card: CardFacts
    raster: Path | None

    def score(self, model: str) -> Score:
        """Return the score of the model ``before`` or ``after``."""
        return self.report.after if model == "after" else self.report.before

    @property
    def raster_name(self) -> str:
        """The raster's file name."""
        return name_file(self.report.raster.path or self.job.raster) or "the raster"


def read_facts(folder: RunFolder) -> ReportSource:
    """Read what a page is written from; a folder that was moved or half deleted gives what it still holds.

    Raises InputError where there is no report that this version can read.
    """
    if not folder.report.is_file():
        raise InputError(
            f"The folder {folder.path} holds no report.json.",
            "Give the folder of a run that has come to its end; Resume brings one there.",
        )
    content = read_object(folder.report)
    if content is None:
        raise InputError(f"{folder.report} is no report: it holds no JSON object.", "Resume the run to write it anew.")
    schema = content.get("schema")
    if schema not in SCHEMAS:
        raise InputError(
            f"{folder.report} has the schema {json.dumps(schema)}, not one of {', '.join(map(str, SCHEMAS))}.",
            "Use the version of the plugin that wrote it.",
        )
    report, job_text = parse_report(content, []), read_object(folder.job) or {}
    job = decode(Job, job_text, [], base=NO_JOB)
    raster = _find_file([path for path in (report.raster.path, job.raster) if path], folder.path)
    return ReportSource(folder, report, job, job_text, read_card(folder.card), raster)


def read_card(path: Path) -> CardFacts:
    """Return what a card says, as far as it can be read."""
    return decode(CardFacts, read_object(path) or {}, [])


def name_file(path: str) -> str:
    """Return a path's file name, whichever system wrote the path: nobody's folders stand in a report."""
    return PureWindowsPath(path).name


def _find_file(paths: list[str], folder: Path) -> Path | None:
    """Return the file where it was, or one of its name in the run's folder or up to two folders above."""
    places = [folder / path for path in paths]
    places += [place / name_file(path) for path in paths for place in (folder, *folder.parents[:2])]
    return next((place for place in places if place.is_file()), None)
