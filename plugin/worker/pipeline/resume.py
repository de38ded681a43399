"""Which stages of a run have ended: a run that was broken off goes on after the last of them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from ...core.atomic_file import delete_file, refuse_open, write_json
from ...core.errors import InputError
from ...core.folder import RunFolder
from ...core.job import Job
from ...core.json_codec import decode, encode
from ...core.report import ManualThreshold
from ...core.run_guard import refuse_files, set_aside
from ...core.run_state import RunState, StageResult, digest_file, list_stage_files, read_made, read_state
from ...core.source_names import locate_file
from ..inference.overviews import name_sidecar
from ..report.build import Spent

_T = TypeVar("_T")


class State:
    """What a run has behind it, on disk: a stage's result is written when the stage has ended."""

    def __init__(self, folder: RunFolder, job: Job) -> None:
        """Take up the folder's state; raises InputError where it belongs to another job.

        A job may be changed for as long as no stage has ended.
        """
        self._folder = folder
        identity = _identify(job, folder.path)
        self._state = read_state(folder) or RunState(identity)
        if self._state.job != identity and self._state.results:
            raise InputError(
                f"The folder {folder.path} holds a run of another job.",
                "Put the job into a folder of its own, or start again with --fresh.",
            )
        self._state = replace(self._state, job=identity, files=read_made(folder))

    def begin(self, stage: str) -> None:
        """Claim what a stage writes; raises InputError where there are such files that the run has not made.

        Those that were changed since it made them are kept under another name.
        """
        files, made = list_stage_files(self._folder, stage), dict(self._state.files or {})
        if stage != "check":  # which has begun: the log and the events are being written
            refuse_files(self._folder, [path for path in files if path.exists() and path.name not in made])
        for path in files:
            set_aside(path, made)
        self._save(files={**made, **{path.name: "" for path in files}})

    def settle(self, stage: str) -> None:
        """Remember the files of a stage as they are now."""
        self._save(files=self._digest(stage))

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
        self._save(results={**self._state.results, stage: result}, files=self._digest(stage))

    def _digest(self, stage: str) -> dict[str, str]:
        digests = {path.name: digest_file(path) for path in list_stage_files(self._folder, stage)}
        return {**(self._state.files or {}), **digests}

    def _save(self, **changes: Any) -> None:
        self._state = replace(self._state, **changes)
        write_json(self._folder.state, encode(self._state))


def _refuse(folder: RunFolder, error: Exception) -> InputError:
    return InputError(f"The state of the run in {folder.path} cannot be read: {error}", "Start it again with --fresh.")


def restate(
    state: RunState, results: Mapping[str, object], by_hand: ManualThreshold | None, made: Iterable[Path] = ()
) -> RunState:
    """Return the state with other results of some stages (None: to be done again), and what was set manually.

    ``made`` are the files that take the place of those of the same names.
    """
    known = {stage: each for stage, each in state.results.items() if results.get(stage, each) is not None}
    for stage, result in results.items():
        if result is not None:
            known[stage] = replace(known.get(stage, StageResult()), result=encode(result))
    files = state.files
    if files is not None:
        files = {**files, **{path.name: digest_file(path) for path in made}}
    return RunState(state.job, known, by_hand, files)


def forget(folder: RunFolder) -> list[str]:
    """Delete what the run has made in its folder, by its state, and return the new names of what was changed since."""
    made, keep = read_made(folder), (folder.lock, folder.log)
    paths = [path for path in folder.written if path not in keep and path.name in made]
    for path in paths:
        refuse_open(path)
    kept = [name for path in paths if (name := set_aside(path, made))]
    paths += [name_sidecar(path) for path in (folder.base_probability, folder.probability) if path in paths]
    for path in paths:
        delete_file(path)
    return kept


def _identify(job: Job, folder: Path) -> str:
    """Return a fingerprint of the job and of its input files' size and time; the run's folder may be moved."""
    paths = [job.raster, job.labels, job.areas, job.earlier]
    if job.earlier:
        paths.append(str(RunFolder(Path(job.earlier).parent).earlier_report))
    files = [(path, _stamp(locate_file(path) or Path(path))) for path in paths if path]
    text = json.dumps([asdict(job), files], sort_keys=True).replace(json.dumps(f"{folder}{os.sep}")[1:-1], "")
    return hashlib.sha256(text.encode()).hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)
