"""The worker's end of the protocol: events go out on standard output, orders come in on standard input.

Notices and findings are a line each on standard error as well, where a person reads, unless a follower proves itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ...core.atomic_file import drop_passing_folders
from ...core.events import STOP, Cancelled, Event, Finding, Notice, Progress, StageStarted, format_event
from .progress import CancelRequested

_SILENCE_S = 0.2
_MERCY_S = 0.7
_EXIT_CANCELLED = 1
_ORDERS = (b"follow", b"finish", b"cancel")


class Channel:
    """Sends events, hears orders.

    ``is_spoken`` False keeps standard output free of events (a person reads it). With ``listens``, standard input is
    the lifeline: ``finish`` and ``cancel`` are orders, its end means cancel. A follower proves itself by ``follow``. An
    input that is at its end from the very start, and held no order (``< /dev/null``, a scheduler), never had a follower
    and is left alone; so is a terminal, where Ctrl+C cancels and reading would stop a job in the background.
    ``is_left`` tells that a follower went without a word, which cancels. ``findings`` and ``notices`` are those that
    were sent.
    """

    def __init__(self, is_spoken: bool = True, listens: bool = True) -> None:
        """Take standard output for the events alone; from here on a stray print lands on standard error."""
        self._out: IO[str] | None = take_stdout() if is_spoken else None
        self._copy: IO[str] | None = None
        self._lock = threading.RLock()
        self._cancelled = threading.Event()
        self._finish = threading.Event()
        self._is_followed = False
        self._is_past_cancel = False
        self.is_left = False
        self._stage = ""
        self.findings: list[Finding] = []
        self.notices: list[Notice] = []
        self._stage_began = time.monotonic()
        self._reported_at = 0.0
        if listens and not os.isatty(0):
            threading.Thread(target=self._listen, daemon=True, name="lifeline").start()

    @property
    def stage(self) -> str:
        """The stage that the run is in."""
        return self._stage

    @property
    def finish_requested(self) -> bool:
        """Whether the follower asked to stop tuning and keep the best epoch."""
        return self._finish.is_set()

    def copy_to(self, path: Path) -> None:
        """Append every event from here on to a file as well."""
        self._copy = path.open("a", encoding="utf-8")

    def raise_if_cancelled(self) -> None:
        """Raise CancelRequested once the follower has asked to cancel; to be called several times a second."""
        if self._cancelled.is_set():
            raise CancelRequested

    @contextlib.contextmanager
    def past_cancel(self) -> Iterator[None]:
        """Do what must not be broken off: a cancel that comes from here on comes too late.

        Raises CancelRequested where it came before.
        """
        with self._lock:
            self.raise_if_cancelled()
            self._is_past_cancel = True
            yield

    def emit(self, event: Event) -> None:
        """Send one event."""
        if isinstance(event, (Notice, Finding)):
            self._take(event)
        line = format_event(event) + "\n"
        with self._lock:
            for stream in (self._out, self._copy):
                if stream is not None:
                    _write(stream, line)

    def _take(self, event: Notice | Finding) -> None:
        """Keep a notice or a finding, and tell a person; the first that stops the work is told as its error."""
        is_first_stop = event.level == STOP and all(finding.level != STOP for finding in self.findings)
        if isinstance(event, Notice):
            self.notices.append(event)
        else:
            self.findings.append(event)
        if not (is_first_stop or self._is_followed):
            tell(event.message, event.hint)

    def start_stage(self, stage: str, resumed: bool = False) -> None:
        """Start a stage."""
        self._stage, self._stage_began = stage, time.monotonic()
        self.emit(StageStarted(stage, resumed))

    def report(self, done: float, text: str = "") -> None:
        """Report how much of the stage is done, at most a few times a second; raises CancelRequested."""
        self.raise_if_cancelled()
        now = time.monotonic()
        if done < 1 and now - self._reported_at < _SILENCE_S:
            return
        self._reported_at, spent = now, now - self._stage_began
        left = spent / done - spent if done > 0.02 and spent > 1 else None
        self.emit(Progress(self._stage, round(min(done, 1.0), 4), None if left is None else round(left, 1), text))

    def send_notice(self, message: str, hint: str = "", level: str = "info") -> None:
        """Send a sentence to the follower."""
        self.emit(Notice(level, message, hint))

    def _listen(self) -> None:
        began, pending = time.monotonic(), b""
        while chunk := _read_input():
            *lines, pending = (pending + chunk).split(b"\n")
            for order in map(bytes.strip, lines):
                self._is_followed |= order in _ORDERS
                self._obey(order)
            began = 0.0 if self._is_followed else began
        if began and time.monotonic() - began < _SILENCE_S:
            return
        self.is_left = not self._cancelled.is_set()
        self._obey(b"cancel")

    def _obey(self, order: bytes) -> None:
        if order == b"finish":
            self._finish.set()
        elif order == b"cancel" and not self._cancelled.is_set():
            self._cancelled.set()
            threading.Thread(target=self._end_after_mercy, daemon=True).start()

    def _end_after_mercy(self) -> None:
        """End the process where a long native call has not let the main thread hear the cancel.

        Nothing is lost by it: what counts is written under a temporary name and renamed.
        """
        time.sleep(_MERCY_S)
        with self._lock:
            if self._is_past_cancel:
                return
            drop_passing_folders()
            self.emit(Cancelled(self._stage, self.is_left))
            os._exit(_EXIT_CANCELLED)


def take_stdout() -> IO[str]:
    """Return the true standard output, for events alone, and point descriptor 1 at standard error."""
    sys.stdout.flush()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return out


def tell(message: str, hint: str = "") -> None:
    """Write a sentence and its next step on standard error, as one line without control characters."""
    line = f"{message} {hint}".strip()
    _write(sys.stderr, "".join(each if each.isprintable() else " " for each in line) + "\n")


def _write(stream: IO[str], line: str) -> None:
    try:
        stream.write(line)
        stream.flush()
    except (OSError, ValueError):
        pass  # the follower is gone: the lifeline ends the run


def _read_input() -> bytes:
    try:
        return os.read(0, 4096)
    except OSError:
        return b""


def print_json(content: object) -> None:
    """Print one JSON value on standard output, in ASCII: no code page can spoil it."""
    print(json.dumps(content, ensure_ascii=True, indent=2))
