"""Which stages of a run have ended: a run that was broken off goes on after the last of them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Optional, TypeVar

from ...core.atomic_file import write_json
from ...core.errors import InputError
from ...core.folder import RunFolder
from ...core.job import Job
from ...core.json_codec import decode, described, encode
from ...core.report import ManualThreshold
from ..report.build import Spent

_T = TypeVar("_T")


@dataclass(frozen=True)
class StageResult:
    """A small JSON value, the seconds that the stage took, and its joules where the GPU told them."""

    result: object = None
    seconds: float = 0.0
    energy_j: Optional[float] = described("of the GPU", default=None, is_omitted=True)


@dataclass(frozen=True)
class RunState:
    """What ``state.json`` holds: a fingerprint of the job, and the results of the stages that have ended.

    ``by_hand`` is the threshold and least area that were set manually since (None: those that the run chose).
    """

    job: str
    results: dict[str, StageResult] = field(default_factory=dict)
    by_hand: Optional[ManualThreshold] = described("set since", default=None, is_omitted=True)


class State:
    """What a run has behind it, on disk: a stage's result is written when the stage has ended."""

    def __init__(self, folder: RunFolder, job: Job) -> None:
        """Take up the folder's state; raises InputError where it belongs to another job."""
        self._folder = folder
        identity = _identify(job, folder.path)
        self._state = read_state(folder) or RunState(identity)
        if self._state.job != identity:
            raise InputError(
                f"The folder {folder.path} holds a run of another job.",
                "Put the job into a folder of its own, or start again with --fresh.",
            )

    @property
    def by_hand(self) -> ManualThreshold | None:
        """What was set manually since (None: what the run chose applies)."""
        return self._state.by_hand

    def has(self, stage: str) -> bool:
        """Tell whether the stage has ended."""
        return stage in self._state.results

    def get(self, stage: str, kind: type[_T]) -> _T:
        """Return the result of a stage that has ended; raises InputError where it cannot be read."""
        try:
            return decode(kind, self._state.results[stage].result or {}, place=stage)
        except ValueError as error:
            raise _refuse(self._folder, error) from error

    @property
    def spent(self) -> Spent:
        """What the stages took; joules are known where the GPU told those of each."""
        results = self._state.results
        seconds = {stage: each.seconds for stage, each in results.items()}
        told = [each.energy_j for each in results.values() if each.energy_j is not None]
        return Spent(seconds, round(sum(told), 1) if told and len(told) == len(results) else None)

    def put(self, stage: str, result: StageResult) -> None:
        """Remember that the stage has ended, with its result."""
        self._state = replace(self._state, results={**self._state.results, stage: result})
        write_json(self._folder.state, encode(self._state))


def read_state(folder: RunFolder) -> RunState | None:
    """Return what ``state.json`` holds, None where there is none; raises InputError where it cannot be read."""
    if not folder.state.exists():
        return None
    try:
        return decode(RunState, json.loads(folder.state.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise _refuse(folder, error) from error


def _refuse(folder: RunFolder, error: Exception) -> InputError:
    return InputError(f"The state of the run in {folder.path} cannot be read: {error}", "Start it again with --fresh.")


def restate(state: RunState, results: Mapping[str, object], by_hand: ManualThreshold | None) -> RunState:
    """Return the state with other results of some stages (None: to be done again), and what was set manually."""
    known = {stage: each for stage, each in state.results.items() if results.get(stage, each) is not None}
    for stage, result in results.items():
        if result is not None:
            known[stage] = replace(known.get(stage, StageResult()), result=encode(result))
    return RunState(state.job, known, by_hand)


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
