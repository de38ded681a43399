"""The one way to the worker, for a run, a question and a conversation: the same environment, proxy and death."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Callable, Sequence

from qgis.PyQt.QtCore import QObject

from ...core.child_process import never, run_child
from ...core.environment import Environment, require_ready, worker_command, worker_environ
from ...core.errors import RunError
from ...core.events import Event, Failed, parse_event
from ...core.worker_death import describe_death
from ...core.worker_process import Ending, WorkerProcess
from .conversation import Conversation
from .messages import WARNING, log
from .proxy import add_proxy

#: The exit codes by which the worker itself says that it failed; it says why before.
_FAILED = (1, 2)


class WorkerClient:
    """Starts workers. Make one on the main thread for each use: QGIS's proxy is looked up at that moment.

    ``run`` and ``ask`` block and may be called from any thread. All raise SetupError where there is no environment.
    """

    def __init__(self, environment: Environment) -> None:
        """Take QGIS's environment variables and its proxy as they are now."""
        self._environment = environment
        self.environ = worker_environ(add_proxy(os.environ))

    def run(
        self,
        arguments: Sequence[str],
        log_path: Path,
        on_event: Callable[[Event], None],
        is_cancelled: Callable[[], bool] = never,
        is_finishing: Callable[[], bool] = never,
    ) -> Ending:
        """Follow a worker to its end, its standard error in a file. Raises RunError where it cannot be started."""
        process = WorkerProcess(self._make_command(arguments), self.environ, log_path)
        return process.run(on_event, is_cancelled, is_finishing)

    def ask(self, arguments: Sequence[str], is_cancelled: Callable[[], bool] = never) -> dict[str, Any]:
        """Return the JSON object that a command of the worker prints, {} where it prints none.

        Raises SetupCancelled, and RunError with what the worker said where it failed.
        """
        lines: list[str] = []
        command = self._make_command(arguments)
        with tempfile.TemporaryDirectory(prefix="footprint_tuner_") as folder:
            code = run_child(command, self.environ, Path(folder), lines.append, is_cancelled)
        if code != 0:
            raise _read_failure(lines, code)
        return _read_answer(lines)

    def converse(self, arguments: Sequence[str], parent: QObject) -> Conversation:
        """Return a conversation with a worker that is still to be started; main thread only."""
        return Conversation(self._make_command(arguments), self.environ, parent)

    def _make_command(self, arguments: Sequence[str]) -> list[str]:
        require_ready(self._environment)
        return worker_command(self._environment, *arguments)


def _read_answer(lines: Sequence[str]) -> dict[str, Any]:
    """Return the JSON object among the lines, which may take several of them; {} where there is none."""
    for number, line in enumerate(lines):
        if line.startswith("{") and parse_event(line) is None:
            with contextlib.suppress(ValueError):
                answer: dict[str, Any] = json.JSONDecoder().raw_decode("\n".join(lines[number:]))[0]
                return answer
    return {}


def _read_failure(lines: Sequence[str], code: int) -> RunError:
    """Return what the worker said of its failure, in an event or in its last line, or how it died."""
    for event in map(parse_event, lines):
        if isinstance(event, Failed):
            return RunError(event.message, event.hint)
    said = [line for line in lines if line.strip()]
    if said and code in _FAILED:
        return RunError(said[-1])
    log("\n".join(said), WARNING)
    return RunError(describe_death(code), "Try again; QGIS's message log has the last lines of its log.")
