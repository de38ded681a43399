"""The protocol between the worker and its follower: one JSON object a line.

Every line that the worker writes to its standard output is one event. ``{"event": "progress", "stage": "tune",
"done": 0.4, ...}`` stands for ``Progress(stage="tune", done=0.4, ...)``. A reader passes over events and fields that it
does not know, so that an older plugin can follow a newer worker.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Optional, Union

from .json_codec import decode, described, encode
from .score import Difference, Score

PROTOCOL = 1

#: The stages of a run, in their order.
STAGES = ("check", "fetch", "split", "base", "tune", "predict", "trace", "score", "write")
#: Those that come only where there is something to do.
OCCASIONAL_STAGES = ("fetch",)

#: How much a finding weighs, the heaviest first.
LEVELS = STOP, WARNING, ADVICE = ("stop", "warning", "advice")


@dataclass(frozen=True)
class Started:
    """The worker lives. ``run`` is the run's folder, ``device`` what it will compute on (empty: not known yet)."""

    run: str
    protocol: int = PROTOCOL
    pid: int = 0
    device: str = ""


@dataclass(frozen=True)
class StageStarted:
    """A stage begins; ``resumed`` says that an earlier run of the same job had finished it already."""

    stage: str
    resumed: bool = False


@dataclass(frozen=True)
class Progress:
    """``done`` of the stage, from 0 to 1; ``left_s`` seconds are left in it (None: not known yet)."""

    stage: str
    done: float
    left_s: Optional[float] = None
    text: str = ""


@dataclass(frozen=True)
class EpochEnded:
    """One epoch of ``epochs`` is over (``epoch`` counts from 1); ``is_best`` so far by validation building F1."""

    epoch: int = described("counts from 1", least=1)
    epochs: int = described("how many there are", least=1)
    train_loss: float = described("the training's loss", may_be_nan=True)
    validation_loss: float = described("the loss on the validation area", may_be_nan=True)
    validation_f1: float = described("F1 by building there", least=0, most=1)
    is_best: bool = described("whether it is the best so far, by `validation_f1`", default=False)


@dataclass(frozen=True)
class Notice:
    """Something to be told: ``level`` is ``info`` or ``warning``."""

    level: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Finding:
    """What a check found: ``level`` is ``stop`` (it stops the run), ``warning`` or ``advice``, ``kind`` a short code.

    ``message`` is one sentence, ``hint`` the next step. ``count`` things were found; ``places`` are boxes (xmin, ymin,
    xmax, ymax) around up to 200 of them, in the coordinate system ``crs`` (as QGIS and PROJ read it). Labels that lie
    off the imagery by a shift belong there once ``east_m`` and ``north_m`` are the job's shift.
    """

    kind: str
    level: str
    message: str
    hint: str = ""
    count: int = 0
    places: list[list[float]] = field(default_factory=list)
    crs: str = ""
    east_m: float = 0.0
    north_m: float = 0.0


@dataclass(frozen=True)
class Scored:
    """The score ``before`` or ``after`` tuning on held-out ground."""

    which: str
    score: Score


@dataclass(frozen=True)
class Finished:
    """The run is over and ``files`` (name -> path) are its output; ``before`` and ``after`` as in ``Scored``.

    ``figures`` are what else was measured, by name. ``difference`` is that of a report. A command that scores nothing
    has no score to tell: its line holds {} there.
    """

    files: dict[str, str] = field(default_factory=dict)
    before: Score = Score()
    after: Score = Score()
    figures: dict[str, float] = field(default_factory=dict)
    difference: Difference = Difference()


@dataclass(frozen=True)
class Cancelled:
    """The run was cancelled; what it had finished is kept and it can be resumed.

    ``is_left`` where nobody asked for it: whoever followed the run, QGIS, had gone.
    """

    stage: str = ""
    is_left: bool = False


@dataclass(frozen=True)
class Failed:
    """The run cannot go on: one sentence and a next step; ``code`` names it for programs, where there is one.

    ``is_refusal`` where the inputs or the settings cannot be used as given: to go on with them is of no use.
    """

    message: str
    hint: str = ""
    stage: str = ""
    code: str = ""
    is_refusal: bool = False


Event = Union[Started, StageStarted, Progress, EpochEnded, Notice, Finding, Scored, Finished, Cancelled, Failed]

_NAMES: dict[str, type[Any]] = {
    "started": Started,
    "stage": StageStarted,
    "progress": Progress,
    "epoch": EpochEnded,
    "notice": Notice,
    "finding": Finding,
    "scored": Scored,
    "finished": Finished,
    "cancelled": Cancelled,
    "failed": Failed,
}


def format_event(event: Event) -> str:
    """Return the event as one line of JSON in ASCII, without its line end: no encoding on the way can spoil it."""
    name = next(name for name, kind in _NAMES.items() if isinstance(event, kind))
    content = {"event": name, **encode(event)}
    if isinstance(event, Finished):
        parts = ("before", "after", "difference")
        content.update({name: {} for name in parts if not getattr(event, name).is_known})
    return json.dumps(content, ensure_ascii=True, separators=(", ", ": "))


def parse_event(line: str) -> Event | None:
    """Return the event in a line, or None where the line holds none that this version knows."""
    try:
        content = json.loads(line)
        event: Event = decode(_NAMES[content["event"]], content, [])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return event
