"""The list of runs, each read from its own folder alone."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Callable, Iterable, Iterator

from .child_process import never
from .events import Cancelled, Failed, parse_event
from .folder import RunFolder
from .json_codec import read_object
from .lock import is_held
from .run_note import read_note
from .run_record import RunRecord, read_record

#: The folder in which runs are made, beside the project or the raster.
RUNS = "footprint_tuner_runs"
FINISHED, RUNNING, BROKEN_OFF, UNREADABLE = ("finished", "running", "broken off", "unreadable")
#: How a run was broken off: somebody cancelled it, it failed, QGIS was closed, or it ended without a word.
CANCELLED, FAILED, LEFT, DIED = ("cancelled", "failed", "left", "died")
#: A check's passing folder, which is no run though it has a job.
CHECK_PREFIX = "footprint_tuner_check_"
#: What makes a folder a run's; its inputs alone do not, for they are written before the job.
_MARKS = (
    *("job", "report", "page", "state", "events", "lock", "split", "checkpoint", "model", "card"),
    *("errors", "footprints", "base_footprints", "probability", "base_probability"),
)
_LAST_BYTES = 65536
_NAMES = {getattr(RunFolder(Path()), mark).name for mark in _MARKS}
#: In a folder that the user names anything may lie: there it takes a file that says what only a run's file says.
_SAYINGS = (("job.json", "raster"), ("report.json", "schema"))


@dataclass(frozen=True)
class RunEntry:
    """A line of the history. Where a run does not say something, it is "" or None.

    ``problem`` and ``hint`` say why a run is not FINISHED. ``base_model`` is its title, ``before`` and ``after`` the F1
    by building on held-out ground, ``interval`` the one of ``after``; ``when`` is in seconds since 1970 (0: not known),
    ``seconds`` what all stages took. ``parent`` is the path of the run's folder whose model this one improves, and
    ``by_hand`` a sentence where the threshold was set by hand. ``ending`` is one of the four kinds for a run that is
    BROKEN_OFF.
    """

    path: Path
    status: str
    problem: str = ""
    hint: str = ""
    raster: str = ""
    base_model: str = ""
    before: float | None = None
    after: float | None = None
    interval: tuple[float, float] | None = None
    difference: str = ""
    when: float = 0.0
    seconds: float | None = None
    note: str = ""
    parent: str = ""
    is_parent_there: bool = False
    by_hand: str = ""
    ending: str = ""

    @property
    def name(self) -> str:
        """The run's name, which is its folder's."""
        return self.path.name

    @property
    def raster_name(self) -> str:
        """The name of the raster's file."""
        return read_name(self.raster)

    @property
    def parent_name(self) -> str:
        """The name of the run whose model this one improves."""
        return read_name(self.parent)


def find_runs(places: Iterable[Path], is_over: Callable[[], bool] = never) -> Iterator[Path]:
    """Yield the run folders in the places, each once; a place may be a run itself, or hold a ``footprint_tuner_runs``.

    Places that are not there or cannot be read are passed over, and so are hidden folders and those of checks.
    """
    seen = set()
    for place in places:
        for folder in _list_folders(place):
            if is_over():
                return
            real = os.path.realpath(folder)
            if real not in seen and is_run(folder):
                seen.add(real)
                yield folder


def is_run(folder: Path) -> bool:
    """Tell whether something of a run lies in the folder, whole or not."""
    if folder.name.startswith((".", CHECK_PREFIX)):
        return False
    if folder.parent.name != RUNS:
        return any(name in (read_object(folder / file) or {}) for file, name in _SAYINGS)
    with contextlib.suppress(OSError):
        return bool({path.name for path in folder.iterdir()} & _NAMES)
    return folder.is_dir()


def read_run_entry(path: Path) -> RunEntry:
    """Return what a run's folder tells; never raises: what is wrong with it stands in ``problem``."""
    record = read_record(path)
    report, parent = record.report, _read_parent(record)
    status, problem, hint = _find_status(record)
    return RunEntry(
        path,
        status,
        problem,
        hint,
        raster=record.job.raster or report.raster.path,
        base_model=_read_base_model(record),
        before=report.before.building.f1,
        after=report.after.building.f1,
        interval=report.after.building.interval,
        difference=report.difference.sentence,
        when=_read_time(record),
        seconds=float(sum(report.seconds.values())) if report.seconds else None,
        note=read_note(record.folder),
        parent=parent,
        is_parent_there=bool(parent) and Path(parent).is_dir(),
        by_hand=report.by_hand.sentence if report.by_hand else "",
        ending=_read_ending(record) if status == BROKEN_OFF else "",
    )


def read_name(path: str) -> str:
    """Return the last part of a path that may have been written on another system."""
    kind: type[PurePath] = PureWindowsPath if "\\" in path else PurePosixPath
    return kind(path).name


def _list_folders(place: Path) -> Iterator[Path]:
    if is_run(place):
        yield place
    for folder in (place, place / RUNS):
        with contextlib.suppress(OSError):
            with os.scandir(folder) as items:
                found = [Path(item.path) for item in items if _is_folder(item)]
            yield from found


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:
        return False


def _find_status(record: RunRecord) -> tuple[str, str, str]:
    """Return the status, and why it is not a better one."""
    if not record.problem:
        return FINISHED, "", ""
    if not record.key and record.folder.path.is_dir():
        return UNREADABLE, "It has no job.json that can be read.", "Put that back, or delete what is left of the run."
    if record.key and not record.folder.report.exists():
        if is_held(record.folder.lock):
            return RUNNING, "The run is still running.", "Wait until it has ended."
        return BROKEN_OFF, record.problem, record.hint
    return UNREADABLE, record.problem, record.hint


def _read_ending(record: RunRecord) -> str:
    """Return how the run's last event says that it was broken off."""
    last = None
    with contextlib.suppress(OSError), record.folder.events.open("rb") as events:
        events.seek(max(0, events.seek(0, os.SEEK_END) - _LAST_BYTES))
        lines = events.read().decode("utf-8", "replace").splitlines()
        last = parse_event(lines[-1]) if lines else None
    if isinstance(last, Failed):
        return FAILED
    if isinstance(last, Cancelled):
        return LEFT if last.is_left else CANCELLED
    return DIED


def _read_base_model(record: RunRecord) -> str:
    title, named = record.report.base_model.title, record.job.base_model if record.key else ""
    if title or not named.endswith((".json", ".safetensors")):
        return title or named
    return read_name(named.replace("\\", "/").rpartition("/")[0]) or named


def _read_time(record: RunRecord) -> float:
    with contextlib.suppress(ValueError, OverflowError):
        return datetime.fromisoformat(record.report.written).timestamp()
    for path in (record.folder.report, record.folder.job, record.folder.path):
        with contextlib.suppress(OSError):
            return path.stat().st_mtime
    return 0.0


def _read_parent(record: RunRecord) -> str:
    """Return the parent's folder as the job names it, else as the report does."""
    named = record.job.parent or record.report.parent
    return str(record.folder.path / named) if named else ""
