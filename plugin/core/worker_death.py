"""How a worker died, told the same to all that talk to one."""

from __future__ import annotations

import signal
from pathlib import Path

_TAIL_LINES = 12
_TAIL_BYTES = 8192
#: Windows ends a program that crashes with a status of this severity, such as 0xC0000005 for an access violation.
_WINDOWS_CRASH = 0xC0000000


def is_kill(code: int) -> bool:
    """Tell whether an exit code (negative: a signal's number) is that of a process killed from outside."""
    return code == -getattr(signal, "SIGKILL", 9) or code == 137


def describe_death(code: int) -> str:
    """Return a sentence on a worker that exited with this code and did not say why."""
    if is_kill(code):
        return "The worker was killed from outside, probably because the machine ran out of memory."
    if code < 0 or code >= _WINDOWS_CRASH:
        what = f"signal {-code}" if code < 0 else f"error {code:#x}"
        return f"The worker crashed ({what})."
    return f"The worker process exited unexpectedly (exit code {code})."


def read_tail(log: Path, start: int = 0) -> str:
    """Return the last lines of a log from the byte ``start`` on, "" where it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(start, file.tell() - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-_TAIL_LINES:])
