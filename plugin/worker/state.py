"""Which stages of a run have ended: a run that was broken off goes on after the last of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..core.errors import InputError
from ..core.folder import RunFolder
from ..core.job import Job
from ..core.replace import write_json


class State:
    """What a run has behind it, on disk: a stage's result is a small JSON value, written when the stage has ended."""

    def __init__(self, folder: RunFolder, job: Job) -> None:
        """Take up the folder's state; raises InputError where it belongs to another job."""
        self._path = folder.state
        self._identity = _identify(job)
        self._results: dict[str, Any] = {}
        if not self._path.exists():
            return
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            identity, self._results = content["job"], content["results"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"The state of the run in {folder.path} cannot be read: {error}", "Start it anew with --fresh."
            ) from error
        if identity != self._identity:
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
        write_json(self._path, {"job": self._identity, "results": self._results})


def forget(folder: RunFolder) -> None:
    """Delete what a run left in its folder, all but its input and what the user made there."""
    given = (folder.job, folder.labels, folder.areas, folder.earlier, folder.earlier_report)
    keep = (*given, folder.corrections, folder.note, folder.lock, folder.log)
    outputs = [value for name in dir(RunFolder) if isinstance(value := getattr(folder, name), Path)]
    for path in outputs:
        if path not in keep and path.is_file():
            path.unlink()


def _identify(job: Job) -> str:
    """Return a fingerprint of the job and of its input files' size and time."""
    files = [(path, _stamp(Path(path))) for path in (job.raster, job.labels, job.areas, job.earlier) if path]
    text = json.dumps([asdict(job), files], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)
