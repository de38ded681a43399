"""Running a child process: read its lines, cancel it, and leave no orphan."""

from __future__ import annotations

import os
import queue
import signal
import subprocess  # nosec B404 # starting a child is this module's purpose; always with a list
import sys
import threading
import time
from pathlib import Path
from typing import Callable, Mapping, Sequence

from .errors import SetupError

_WAIT_S = 0.1
_GRACE_S = 1.0


class SetupCancelled(SetupError):  # noqa: N818 (it is no error, it only ends the set-up as one does)
    """The user stopped the set-up; what is half done is cleared by the next one."""

    def __init__(self) -> None:
        """Say the one sentence that there is to say."""
        super().__init__("The set-up was cancelled.", "Press Set up to start it again.")


def never() -> bool:
    """Answer a question for a cancel where nobody can cancel."""
    return False


def run_child(
    command: Sequence[str],
    environ: Mapping[str, str],
    folder: Path,
    on_line: Callable[[str], None],
    is_cancelled: Callable[[], bool] = never,
    limit_s: float = float("inf"),
    pass_fds: Sequence[int] = (),
) -> int:
    """Run ``command`` in ``folder`` and return its exit code; its standard output and error reach ``on_line`` as lines.

    Raises SetupCancelled within a second or so of ``is_cancelled()``, and SetupError after ``limit_s`` seconds or
    where the program cannot be started. The child and its children are stopped first.
    """
    process = _start(command, environ, folder, pass_fds)
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read_lines, args=(process, lines), daemon=True).start()
    end = time.monotonic() + limit_s
    try:
        while (line := _next_line(lines, process)) is not None:
            if line:
                on_line(line)
            if is_cancelled():
                raise SetupCancelled
            if time.monotonic() > end:
                raise SetupError(f"{Path(command[0]).name} did not end within {limit_s:.0f} s.", "Try again.")
        return process.wait()
    finally:
        _stop(process)


def _start(
    command: Sequence[str], environ: Mapping[str, str], folder: Path, pass_fds: Sequence[int]
) -> subprocess.Popen[str]:
    is_windows = sys.platform == "win32"
    try:
        return subprocess.Popen(  # nosec B603 # a list of our own making, no shell
            list(command),
            env=dict(environ),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            start_new_session=not is_windows,
            pass_fds=() if is_windows else pass_fds,
        )
    except OSError as error:
        raise SetupError(
            f"{command[0]} could not be started: {error.strerror}.", "Press Set up to repair it."
        ) from error


def _read_lines(process: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    if process.stdout:
        with process.stdout:
            for line in process.stdout:
                lines.put(line.rstrip())
    lines.put(None)


def _next_line(lines: queue.SimpleQueue[str | None], process: subprocess.Popen[str]) -> str | None:
    """Return the next line, "" where none came in time, None at the end."""
    try:
        return lines.get(timeout=_WAIT_S if process.poll() is None else _GRACE_S)
    except queue.Empty:
        return "" if process.poll() is None else None


def _stop(process: subprocess.Popen[str]) -> None:
    """End the child and its children, and come back when they have let go of what they held."""
    if process.poll() is not None:
        return
    _signal(process, "SIGTERM")
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        _signal(process, "SIGKILL")
        process.wait()
    end = time.monotonic() + _GRACE_S / 2
    while _signal(process, "SIGKILL") and time.monotonic() < end:
        time.sleep(_WAIT_S / 2)


def _signal(process: subprocess.Popen[str], name: str) -> bool:
    """Send a signal to the child and its children; return whether there was anybody to get it."""
    if sys.platform == "win32":
        process.kill()
        return False
    try:
        os.killpg(process.pid, getattr(signal, name))
    except OSError:
        return False
    return True
