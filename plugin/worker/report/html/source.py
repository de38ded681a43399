"""What a run's folder still tells: its report, its job, its model's card, and where its raster lies now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from ....core.errors import InputError
from ....core.folder import RunFolder
from ....core.json_codec import read_object

#: The schemas of ``report.json`` that a page can be written from.
SCHEMAS = (1, 2)


@dataclass(frozen=True)
class ReportSource:
    """``report``, ``job`` and ``card`` as their files hold them ({}: none); ``raster`` is None if not found."""

    folder: RunFolder
    report: dict[str, Any]
    job: dict[str, Any]
    card: dict[str, Any]
    raster: Path | None

    def pick(self, *names: str | int) -> Any:
        """Return a value of the report, None where it is absent."""
        return pick(self.report, *names)

    def pick_number(self, *names: str | int) -> float | None:
        """Return a number of the report, None where it is absent or something else."""
        return read_number(self.pick(*names))

    def pick_list(self, *names: str | int) -> list[Any]:
        """Return a list of the report, [] where it is absent or something else."""
        value = self.pick(*names)
        return value if isinstance(value, list) else []

    def pick_object(self, *names: str | int) -> dict[str, Any]:
        """Return an object of the report, {} where it is absent or something else."""
        value = self.pick(*names)
        return value if isinstance(value, dict) else {}

    def pick_text(self, *names: str | int) -> str:
        """Return a text of the report, "" where it is absent or something else."""
        value = self.pick(*names)
        return value if isinstance(value, str) else ""

    @property
    def raster_name(self) -> str:
        """The raster's file name."""
        return name_file(self.pick_text("raster", "path") or str(self.job.get("raster", ""))) or "the raster"


def read_facts(folder: RunFolder) -> ReportSource:
    """Read what a page is written from; a folder that was moved or half deleted gives what it still holds.

    Raises InputError where there is no report that this version can read.
    """
    if not folder.report.is_file():
        raise InputError(
            f"The folder {folder.path} holds no report.json.",
            "Give the folder of a run that has come to its end; Resume brings one there.",
        )
    report = read_object(folder.report)
    if report is None:
        raise InputError(f"{folder.report} is no report: it holds no JSON object.", "Resume the run to write it anew.")
    schema = report.get("schema")
    if schema not in SCHEMAS:
        raise InputError(
            f"{folder.report} has the schema {json.dumps(schema)}, not one of {', '.join(map(str, SCHEMAS))}.",
            "Use the version of the plugin that wrote it.",
        )
    job, card = read_object(folder.job) or {}, read_object(folder.card) or {}
    paths = [pick(report, "raster", "path"), job.get("raster")]
    return ReportSource(
        folder, report, job, card, _find_file([path for path in paths if isinstance(path, str)], folder.path)
    )


def pick(content: Any, *names: str | int) -> Any:
    """Return a value inside nested JSON, None where there is none."""
    for name in names:
        if isinstance(content, dict) and isinstance(name, str):
            content = content.get(name)
        elif isinstance(content, list) and isinstance(name, int) and -len(content) <= name < len(content):
            content = content[name]
        else:
            return None
    return content


def read_number(value: Any) -> float | None:
    """Return a finite number, None for anything else."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < float("inf") else None


def name_file(path: str) -> str:
    """Return a path's file name, whichever system wrote the path: nobody's folders stand in a report."""
    return PureWindowsPath(path).name


def _find_file(paths: list[str], folder: Path) -> Path | None:
    """Return the file where it was, or one of its name in the run's folder or up to two folders above."""
    places = [folder / path for path in paths]
    places += [place / name_file(path) for path in paths for place in (folder, *folder.parents[:2])]
    return next((place for place in places if place.is_file()), None)
