"""The worker's command line: ``python -m plugin.worker COMMAND``. Exit codes: 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from typing import Any

from ..core.errors import InputError, TunerError
from ..core.events import Cancelled, Failed
from .cli import commands, improve, live, runs
from .cli.parser import read_command_line
from .runtime.channel import Channel, tell
from .runtime.progress import CancelRequested

#: The function behind each command: it takes the command's options and its channel, and may return an exit code.
FUNCTIONS: dict[str, Callable[[Any, Channel], int | None]] = {
    "run": commands.run,
    "check": commands.check,
    "split": commands.split,
    "improve": improve.improve,
    "predict": commands.predict,
    "liken": commands.liken,
    "export": commands.export,
    "score": commands.score,
    "spacenet": commands.spacenet,
    "adopt": commands.adopt,
    "fetch": commands.fetch,
    "encoders": commands.encoders,
    "review": live.review,
    "retrace": live.retrace,
    "report": commands.report,
    "runs": runs.list_runs,
    "compare": runs.compare_two,
    "send": runs.send_run,
    "models": commands.models,
    "doctor": commands.doctor,
}


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    command, options = read_command_line(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("pyogrio").setLevel(logging.WARNING)
    is_spoken = (command.writes_events and not getattr(options, "json", False)) or getattr(options, "events", False)
    channel = Channel(is_spoken=is_spoken, listens=command.reads_input)
    try:
        return FUNCTIONS[command.name](options, channel) or 0
    except (CancelRequested, KeyboardInterrupt):
        channel.emit(Cancelled(channel.stage, channel.is_left))
        return _tell("Cancelled.", "Finished stages are kept.")
    except TunerError as error:
        is_refusal = isinstance(error, InputError)
        channel.emit(Failed(error.message, error.hint, channel.stage, error.code, is_refusal))
        return _tell(error.message, error.hint)
    except Exception as error:  # noqa: BLE001 - the border: whatever happened is said, never only printed as a trace
        traceback.print_exc()
        message = f"Unexpected error: {type(error).__name__}: {error}"
        hint = "Look into the log, and attach the run's folder to a bug report."
        channel.emit(Failed(message, hint, channel.stage))
        return _tell(message, hint)


def _tell(message: str, hint: str) -> int:
    tell(message, hint)
    return 1


if __name__ == "__main__":
    sys.exit(main())
