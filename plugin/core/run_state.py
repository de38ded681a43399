"""What a run has behind it: the stages that have ended, and the files that it has written."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Optional

from .atomic_file import write_json
from .errors import InputError
from .events import Started, parse_event
from .folder import RunFolder
from .json_codec import decode, described, encode, read_object
from .report import ManualThreshold
from .sqlite_reading import ask, quote

_LOOK_BYTES = 1 << 20
#: No digest is this one: a file that was changed since a run of an earlier version ended.
_CHANGED = "changed"
_CLOCK_S = 2.0
#: With what a GeoPackage's digest begins; those of earlier versions count no tables.
_TABLES = "tables:"
#: A folder in the run's own, for what a raster becomes that is a folder of tiles.
SPACENET = "spacenet"
#: The names of ``RunFolder`` that a stage writes, in the order of the stages.
_STAGES = {
    "check": ("events", "log", "lock", "state"),
    "split": ("split",),
    "base": ("base_probability", "base_footprints", "errors"),
    "tune": ("checkpoint", "model"),
    "card": ("card",),
    "predict": ("probability",),
    "trace": ("footprints",),
    "score": ("errors",),
    "write": ("report", "page"),
}


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
    ``files`` are the names of what the run has begun to write, each with the digest that it had when it was whole ("":
    not known); None in a folder of an earlier version.
    """

    job: str
    results: dict[str, StageResult] = field(default_factory=dict)
    by_hand: Optional[ManualThreshold] = described("set since", default=None, is_omitted=True)
    files: Optional[dict[str, str]] = described("written by the run", default=None, is_omitted=True)


def read_state(folder: RunFolder) -> RunState | None:
    """Return what ``state.json`` holds, None where there is none; raises InputError where it cannot be read."""
    if not folder.state.exists():
        return None
    try:
        return decode(RunState, json.loads(folder.state.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        hint = "Start it again with --fresh." if _is_like_state(folder) else "Move it to another folder."
        raise InputError(f"The state of the run in {folder.path} cannot be read: {error}", hint) from error


def list_stage_files(folder: RunFolder, stage: str) -> tuple[Path, ...]:
    """Return what a stage writes."""
    return (folder.path / stage,) if stage == SPACENET else tuple(getattr(folder, name) for name in _STAGES[stage])


def read_made(folder: RunFolder) -> dict[str, str]:
    """Return the names of what the run in a folder has written, with their digests ("": not known).

    Of a run of an earlier version they follow from the stages that have ended, and the one after them; what of the
    former is newer than its state has been changed since.
    """
    try:
        state = read_state(folder)
    except InputError:
        state = RunState("") if _is_like_state(folder) else None
    if state is not None and state.files is not None:
        return {**state.files, folder.state.name: ""}
    if state is None and not _has_own_events(folder):
        return {folder.split.name: ""} if _is_split(folder.split) else {}
    done = set() if state is None else set(state.results)
    done |= {"check", "split"} | ({"card"} if "tune" in done else set())
    stages = list(_STAGES)
    reached = next((place for place, stage in enumerate(stages) if stage not in done), len(stages))
    made = {SPACENET: ""}
    for place, stage in enumerate(stages[: reached + 1]):
        is_sure = stage != "check" and place < reached
        made.update({path.name: _date(path, folder) if is_sure else "" for path in list_stage_files(folder, stage)})
    return made


def _date(path: Path, folder: RunFolder) -> str:
    """Return "" for a file of a run of an earlier version that its state is not older than."""
    with contextlib.suppress(OSError):
        if path.stat().st_mtime > folder.state.stat().st_mtime + _CLOCK_S:
            return _CHANGED
    return ""


def record_file(folder: RunFolder, path: Path) -> None:
    """Remember a file of the run's as it is now, where the folder has a state; raises RunError."""
    state = read_state(folder)
    if state is not None and state.files is not None:
        write_json(folder.state, encode(replace(state, files={**state.files, path.name: digest_file(path)})))


def is_changed(path: Path, digest: str) -> bool:
    """Tell whether a file is not the one that had a digest, in this form or in that of earlier versions; "": no."""
    is_early = path.suffix == ".gpkg" and not digest.startswith(_TABLES)
    return bool(digest) and digest != (_digest(path, _read_changes(path)) if is_early else digest_file(path))


def digest_file(path: Path) -> str:
    """Return what tells a file from one that took its place, "" for none.

    Of a GeoPackage its layers count, and which tables it has with how many rows; of a large file its size, beginning
    and end.
    """
    changes = _read_changes(path) if path.suffix == ".gpkg" else ""
    return f"{_TABLES}{_digest(path, changes + _count_rows(path))}" if changes else _digest(path, "")


def _digest(path: Path, changes: str) -> str:
    try:
        if changes:
            return hashlib.sha256(changes.encode()).hexdigest()[:16]
        with path.open("rb") as file:
            head, size = file.read(_LOOK_BYTES), file.seek(0, 2)
            file.seek(max(len(head), size - _LOOK_BYTES))
            return hashlib.sha256(b"%d " % size + head + file.read()).hexdigest()[:16]
    except OSError:
        return ""


def _read_changes(path: Path) -> str:
    rows = ask(path, "SELECT table_name, last_change, min_x, min_y, max_x, max_y FROM gpkg_contents ORDER BY 1")
    return repr(rows) if rows else ""


def _count_rows(path: Path) -> str:
    """Return the tables that are neither the format's own nor a spatial index, each with its count of rows."""
    names = [name for (name,) in ask(path, "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY 1")]
    own = [name for name in names if not name.startswith(("gpkg_", "rtree_", "sqlite_"))]
    counts = [ask(path, f"SELECT count(*) FROM {quote(name)}") for name in own]  # noqa: S608 - it is quoted  # nosec B608
    return repr(list(zip(own, counts)))


def _is_split(path: Path) -> bool:
    """Tell whether a file is what the command ``split`` writes, which leaves no state, and nothing else."""
    tables = ask(path, "SELECT table_name FROM gpkg_contents ORDER BY 1")
    columns = ask(path, "SELECT name FROM pragma_table_info('blocks')")
    return tables == [("blocks",), ("labels",)] and {("block_role",), ("buffer_px",)} <= set(columns)


def _is_like_state(folder: RunFolder) -> bool:
    content = read_object(folder.state) or {}
    return "job" in content and "results" in content


def _has_own_events(folder: RunFolder) -> bool:
    """Tell whether a worker has begun a run here that came to no state, as those of earlier versions could."""
    with contextlib.suppress(OSError, ValueError), folder.events.open(encoding="utf-8") as file:
        return isinstance(parse_event(file.readline(_LOOK_BYTES)), Started)
    return False
