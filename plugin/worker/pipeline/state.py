"""Which stages of a run have ended: a run that was broken off goes on after the last of them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...core.atomic_file import write_json
from ...core.errors import InputError
from ...core.folder import RunFolder
from ...core.job import Job
from ..report.manual_threshold import ManualThreshold, read_cut


class State:
    """What a run has behind it, on disk: a stage's result is a small JSON value, written when the stage has ended.

    ``by_hand`` is the threshold and least area that were set by hand since (None: those that the run chose).
    """

    def __init__(self, folder: RunFolder, job: Job) -> None:
        """Take up the folder's state; raises InputError where it belongs to another job."""
        self._path = folder.state
        self._identity = _identify(job, folder.path)
        self._results: dict[str, Any] = {}
        self.by_hand: ManualThreshold | None = None
        content = read_state(folder)
        if content is None:
            return
        self._results = content["results"]
        self.by_hand = read_cut(content["by_hand"]) if content.get("by_hand") else None
        if content["job"] != self._identity:
            raise InputError(
                f"The folder {folder.path} holds a run of another job.",
                "Put the job into a folder of its own, or start anew with --fresh.",
            )

    def has(self, stage: str) -> bool:
        """Tell whether the stage has ended."""
        return stage in self._results

    def get(self, stage: str) -> Any:
        """Return the result of a stage that has ended."""
        return self._results[stage]

    @property
    def spent(self) -> dict[str, Any]:
        """The ``seconds`` that each stage took, and ``energy_j`` of all where the GPU told it of each."""
        seconds = {stage: result["seconds"] for stage, result in self._results.items()}
        told = [result["energy_j"] for result in self._results.values() if "energy_j" in result]
        is_known = told and len(told) == len(seconds)
        return {"seconds": seconds, **({"energy_j": round(sum(told), 1)} if is_known else {})}

    def put(self, stage: str, result: Any) -> None:
        """Remember that the stage has ended, with its result."""
        self._results[stage] = result
        by_hand = {} if self.by_hand is None else {"by_hand": asdict(self.by_hand)}
        write_json(self._path, {"job": self._identity, "results": self._results, **by_hand})


def read_state(folder: RunFolder) -> dict[str, Any] | None:
    """Return what ``state.json`` holds, None where there is none; raises InputError where it cannot be read."""
    if not folder.state.exists():
        return None
    try:
        content = json.loads(folder.state.read_text(encoding="utf-8"))
        return {**content, "job": content["job"], "results": dict(content["results"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"The state of the run in {folder.path} cannot be read: {error}", "Start it anew with --fresh."
        ) from error


def restate(state: Mapping[str, Any], results: Mapping[str, Any], by_hand: ManualThreshold | None) -> dict[str, Any]:
    """Return the state with other results of some stages (None: to be done again), and what was set by hand."""
    known = {stage: result for stage, result in state["results"].items() if results.get(stage, result) is not None}
    for stage, result in results.items():
        if result is not None:
            known[stage] = {"seconds": 0.0, **known.get(stage, {}), "result": result}
    content = {"job": state["job"], "results": known}
    return content if by_hand is None else {**content, "by_hand": asdict(by_hand)}


def forget(folder: RunFolder) -> None:
    """Delete what a run left in its folder, all but its input and what the user made there."""
    given = (folder.job, folder.labels, folder.areas, folder.earlier, folder.earlier_report)
    keep = (*given, folder.corrections, folder.note, folder.lock, folder.log)
    for path in folder.files:
        if path not in keep and path.is_file():
            path.unlink()


def _identify(job: Job, folder: Path) -> str:
    """Return a fingerprint of the job and of its input files' size and time; the run's folder may be moved."""
    paths = [job.raster, job.labels, job.areas, job.earlier]
    if job.earlier:
        paths.append(str(RunFolder(Path(job.earlier).parent).earlier_report))
    files = [(path, _stamp(Path(path))) for path in paths if path]
    text = json.dumps([asdict(job), files], sort_keys=True).replace(json.dumps(f"{folder}{os.sep}")[1:-1], "")
    return hashlib.sha256(text.encode()).hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)
