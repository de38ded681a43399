"""Starting a worker, reading its events, and classifying how it ends."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess  # nosec B404 # starting the worker is this module's purpose; always with a list
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Callable, Mapping, Sequence

from .child_process import never
from .errors import RunError
from .events import Cancelled, Event, Failed, Finished, StageStarted, parse_event
from .worker_death import describe_death, is_kill, read_tail

_WAIT_S = 0.1
_NICE = 10
_GRACE_S = 4.0


@dataclass(frozen=True)
class Ending:
    """How a worker ended: ``kind`` is ``finished``, ``cancelled``, ``failed`` or ``died``.

    ``stage`` is the stage that it was in, ``event`` the ``Finished`` of a finished one, ``log_tail`` the last lines of
    the log of one that died. ``is_refusal`` as in ``Failed``.
    """

    kind: str
    message: str = ""
    hint: str = ""
    stage: str = ""
    event: Finished | None = None
    log_tail: str = ""
    is_refusal: bool = False


class WorkerProcess:
    """Follows one worker from its start to its end.

    ``run`` blocks; ``finish`` and ``cancel`` may be called from any thread, before and while it runs.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        """Remember what to start; ``log`` takes the worker's standard error, at its end."""
        self._command = list(command)
        self._environ = dict(environ)
        self._log = log
        self._orders: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._wishes: dict[str, Callable[[], bool]] = {}
        self._log_start = 0
        self._cancelled_at: float | None = None
        self._over_since: float | None = None
        self._stage = ""
        self._last: Event | None = None

    def finish(self) -> None:
        """Ask the worker to stop tuning and go on with the best epoch so far."""
        self._orders.put("finish")

    def cancel(self) -> None:
        """Ask the worker to stop; it is killed where it has not ended a few seconds later."""
        self._orders.put("cancel")

    def run(
        self,
        on_event: Callable[[Event], None],
        is_cancelled: Callable[[], bool] = never,
        is_finishing: Callable[[], bool] = never,
    ) -> Ending:
        """Start the worker, hand each event to ``on_event``, and return how it ended. Raises RunError on no start.

        ``is_cancelled`` and ``is_finishing`` are asked several times a second, also while the worker is silent; from
        the first yes on they stand for ``cancel`` and ``finish``.
        """
        self._wishes = {"cancel": is_cancelled, "finish": is_finishing}
        process = self._start()
        lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        reader = threading.Thread(target=_read_lines, args=(process, lines), daemon=True)
        reader.start()
        try:
            while (line := self._next_line(process, lines)) is not None:
                event = parse_event(line.decode("utf-8", "replace")) if line else None
                if event is not None:
                    self._remember(event)
                    on_event(event)
        finally:
            self._let_go(process)
            reader.join(_GRACE_S)
        return self._tell_ending(process.returncode)

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            log = self._log.open("ab")
        except OSError as error:
            raise RunError(
                f"The run's log cannot be written: {error}", "Choose a folder that can be written."
            ) from error
        with log:
            self._log_start = log.tell()
            process = self._launch(log)
        if hasattr(os, "setpriority"):  # before it has threads of its own: QGIS stays fluent beside it
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
        # From now on the worker knows that it has a follower, and takes the end of its input for a cancel.
        self._send(process, "follow")
        return process

    def _launch(self, log: IO[Any]) -> subprocess.Popen[bytes]:
        flags: int = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
        try:
            return subprocess.Popen(  # nosec B603 # a list of our own making, no shell
                self._command,
                env=self._environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                creationflags=flags,
            )
        except (OSError, ValueError) as error:
            raise RunError(f"The worker could not be started: {error}", "Press Set up to repair it.") from error

    def _next_line(self, process: subprocess.Popen[bytes], lines: queue.SimpleQueue[bytes | None]) -> bytes | None:
        """Return the next line, b"" where none came in time, None at the end.

        The end is that of the worker's output. That may fail to come from a worker that has said its last word, or has
        died and left its output to a child of its own: then it is waited for no longer than the grace.
        """
        self._pass_orders(process)
        try:
            return lines.get(timeout=_WAIT_S)
        except queue.Empty:
            if process.poll() is None and self._last is None:
                return b""
        self._over_since = self._over_since or time.monotonic()
        return None if time.monotonic() - self._over_since > _GRACE_S else b""

    def _pass_orders(self, process: subprocess.Popen[bytes]) -> None:
        for order in [order for order, is_wished in self._wishes.items() if is_wished()]:
            del self._wishes[order]
            self._orders.put(order)
        while not self._orders.empty():
            order = self._orders.get()
            if order == "cancel" and self._cancelled_at is None:
                self._cancelled_at = time.monotonic()
            self._send(process, order)
        if self._cancelled_at is not None and time.monotonic() - self._cancelled_at > _GRACE_S:
            process.kill()

    def _send(self, process: subprocess.Popen[bytes], order: str) -> None:
        if process.stdin:
            with contextlib.suppress(OSError):  # the worker has gone: how it ended is told at the end of its output
                process.stdin.write(order.encode() + b"\n")
                process.stdin.flush()

    def _remember(self, event: Event) -> None:
        if isinstance(event, StageStarted):
            self._stage = event.stage
        if isinstance(event, (Finished, Cancelled, Failed)):
            self._last = event

    def _let_go(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdin:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _tell_ending(self, code: int) -> Ending:
        if isinstance(self._last, Finished):
            return Ending("finished", event=self._last, stage=self._stage)
        if isinstance(self._last, Cancelled) or self._cancelled_at is not None:
            return Ending(
                "cancelled",
                "The run was cancelled.",
                "Finished stages are kept; press Resume to continue.",
                self._stage,
            )
        if isinstance(self._last, Failed):
            return Ending("failed", self._last.message, self._last.hint, self._stage, is_refusal=self._last.is_refusal)
        return Ending(
            "died",
            describe_death(code),
            _advise_after(code),
            self._stage,
            log_tail=read_tail(self._log, self._log_start),
        )


def _read_lines(process: subprocess.Popen[bytes], lines: queue.SimpleQueue[bytes | None]) -> None:
    if process.stdout:
        with process.stdout:
            for line in process.stdout:
                lines.put(line)
    lines.put(None)


def _advise_after(code: int) -> str:
    if is_kill(code):
        return "Close other programs or choose a smaller batch size, then press Resume: finished stages are kept."
    return "Press Resume; if it happens again, look into the log in the run's folder."
