"""A short deed of the worker, done in a thread: one command, one answer."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import threading
import traceback
from pathlib import Path
from typing import Any, Sequence

from qgis.PyQt.QtCore import QObject, QThread, pyqtSignal

from ...core.child_process import SetupCancelled, run_child
from ...core.environment import Environment, require_ready, worker_command, worker_environ
from ...core.errors import RunError, TunerError
from ...core.events import Failed, parse_event
from .messages import WARNING, log

_REPORT = "This is a fault of the plugin: please report it with QGIS's message log."


class WorkerCommand(QThread):
    """Lets the worker do one command. ``cancel`` may be called at any time; ``ended`` is the last signal.

    ``ended`` carries the JSON object that the worker printed ({} where it printed none), or a TunerError with what it
    said where it failed, or None where it was cancelled.
    """

    ended = pyqtSignal(object)

    def __init__(self, environment: Environment, arguments: Sequence[str], parent: QObject | None = None) -> None:
        """Remember what to do; ``start`` does it."""
        super().__init__(parent)
        self._environment = environment
        self._arguments = list(arguments)
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask for the end: the worker is stopped within a second or so."""
        self._cancelled.set()

    def run(self) -> None:
        """Do the errand; called by Qt, in the thread."""
        try:
            outcome: object = self._ask()
        except SetupCancelled:
            outcome = None
        except TunerError as error:
            outcome = error
        except Exception as error:  # noqa: BLE001 - the thread's last line of defence: PyQt would abort QGIS
            log(traceback.format_exc(), WARNING)
            outcome = RunError(f"{self._arguments[0]} broke off: {error!r}.", _REPORT)
        self.ended.emit(outcome)

    def _ask(self) -> dict[str, Any]:
        require_ready(self._environment)
        lines: list[str] = []
        command = worker_command(self._environment, *self._arguments)
        with tempfile.TemporaryDirectory(prefix="footprint_tuner_") as folder:
            code = run_child(command, worker_environ(os.environ), Path(folder), lines.append, self._cancelled.is_set)
        if code != 0:
            raise _read_failure(lines, code)
        return _read_answer(lines)


def _read_answer(lines: Sequence[str]) -> dict[str, Any]:
    """Return the JSON object among the lines, which may take several of them; {} where there is none."""
    for number, line in enumerate(lines):
        if line.startswith("{") and parse_event(line) is None:
            with contextlib.suppress(ValueError):
                answer: dict[str, Any] = json.JSONDecoder().raw_decode("\n".join(lines[number:]))[0]
                return answer
    return {}


def _read_failure(lines: Sequence[str], code: int) -> RunError:
    """Return what the worker said of its failure: in an event, else in its last line."""
    for event in map(parse_event, lines):
        if isinstance(event, Failed):
            return RunError(event.message, event.hint)
    said = [line for line in lines if line.strip()]
    return RunError(said[-1] if said else f"The worker ended without a word (exit code {code}).")
