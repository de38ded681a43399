"""The worker's environment: whether it is ready, how to create it, and whether it works on this machine.

``python -m plugin.core.environment`` offers the same to the Makefile.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Callable, Iterator, Sequence

from .child_process import SetupCancelled, never, run_child
from .doctor_report import DoctorReport
from .errors import SetupError
from .json_codec import decode
from .lock import hold_lock
from .package_index import find_index, hide_credentials
from .paths import (
    HOME_VARIABLE,
    LOCK_FILE,
    PLUGIN_ROOT,
    Environment,
    hash_lock,
    locate_environment,
    require_ready,
    scrub_environ,
    worker_command,
    worker_environ,
)
from .uv import (
    SPACE_HINT,
    Downloads,
    choose_install_arguments,
    choose_venv_arguments,
    configure_uv,
    explain_failure,
    obtain_uv,
    read_pin,
)

__all__ = [
    "PLUGIN_ROOT",
    "Environment",
    "SetupCancelled",
    "SetupStep",
    "Verdict",
    "check_environment",
    "locate_environment",
    "require_ready",
    "set_up",
    "worker_command",
    "worker_environ",
]

UV_LOCK_FILE = LOCK_FILE.with_name("uv.txt")
_CHECK_LIMIT_S = 600


@dataclass(frozen=True)
class SetupStep:
    """How far the set-up is: ``done`` of ``total`` in the step ``name`` (total 0: not known), and its latest line."""

    name: str
    done: int
    total: int
    text: str


@dataclass(frozen=True)
class Verdict:
    """What the worker's smoke test found: whether it computes, on which device, and why on no better one."""

    ok: bool
    device: str
    device_name: str
    text: str
    hint: str
    facts: dict[str, object] = field(default_factory=dict)


OnStep = Callable[[SetupStep], None]


def set_up(environment: Environment, on_step: OnStep, is_cancelled: Callable[[], bool] = never) -> Verdict:
    """Make the environment ready and return the smoke test's verdict; one that is ready is only tested.

    Whatever an interrupted set-up left is cleared and made anew (what it had downloaded is in uv's cache). Blocks, and
    hears ``is_cancelled`` within two seconds. Raises SetupCancelled, or SetupError with the next step.
    """
    home = environment.folder.parent
    refusal = SetupError("Another set-up is running.", "Wait until it has ended, then try again.")
    with _explain_os_errors(home):
        home.mkdir(parents=True, exist_ok=True)
        with (
            hold_lock(home / "set-up.lock", refusal) as lock,
            environment.log.open("w", encoding="utf-8", buffering=1) as log,
        ):
            return _Setup(environment, log, lock, on_step, is_cancelled).run()


class _Setup:
    """One set-up, with its log open and its lock held."""

    def __init__(
        self, environment: Environment, log: IO[str], lock: int, on_step: OnStep, is_cancelled: Callable[[], bool]
    ) -> None:
        self._environment = environment
        self._log = log
        self._lock = lock
        self._on_step = on_step
        self._is_cancelled = is_cancelled
        self._index = find_index(os.environ)
        self._downloads = Downloads()

    def run(self) -> Verdict:
        if self._environment.is_ready:
            verdict = self._check()
            if verdict.ok:
                return verdict
        self._environment.marker.unlink(missing_ok=True)
        uv = self._find_uv()
        self._run_uv(uv, "Creating", choose_venv_arguments(self._environment.folder))
        self._run_uv(uv, "Installing", choose_install_arguments(self._environment.python, LOCK_FILE))
        verdict = self._check()
        if verdict.ok:
            self._mark_ready()
        return verdict

    def _find_uv(self) -> Path:
        pin = read_pin(UV_LOCK_FILE)
        text = f"uv {pin.version} from {self._index.shown}"
        self._report("Finding uv", text)
        return obtain_uv(
            self._environment.folder.parent,
            pin,
            self._index,
            lambda done, total: self._on_step(SetupStep("Finding uv", done, total, text)),
            self._is_cancelled,
        )

    def _run_uv(self, uv: Path, step: str, arguments: list[str]) -> None:
        lines: list[str] = []

        def hear(line: str) -> None:
            lines.append(line)
            self._downloads.hear(line)
            self._report(step, line)

        self._report(step, " ".join(["uv", *arguments]))
        environ = configure_uv(scrub_environ(os.environ), self._index)
        # uv holds the lock too: should QGIS be killed, no other set-up starts before this uv has ended
        command, folder = [str(uv), *arguments], self._environment.folder.parent
        code = run_child(command, environ, folder, hear, self._is_cancelled, pass_fds=[self._lock])
        if code != 0:
            raise explain_failure(step, code, lines, self._environment.log)

    def _report(self, step: str, text: str) -> None:
        text = hide_credentials(text)
        self._log.write(f"{step}: {text}\n")
        self._on_step(SetupStep(step, self._downloads.done, self._downloads.total, text))

    def _check(self) -> Verdict:
        self._downloads = Downloads()
        self._report("Checking", "A forward and a backward pass of a small network")
        verdict = check_environment(self._environment, self._is_cancelled)
        self._report("Checking", verdict.text)
        return verdict

    def _mark_ready(self) -> None:
        marker = self._environment.marker
        facts = {
            "lock": hash_lock(),
            "python": _read_python_version(self._environment),
            "when": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }
        half = marker.with_name("ready.part")
        half.write_text(json.dumps(facts), encoding="utf-8")
        half.replace(marker)


def check_environment(environment: Environment, is_cancelled: Callable[[], bool] = never) -> Verdict:
    """Run the worker's smoke test (``doctor``) and return its verdict. Raises SetupCancelled."""
    lines: list[str] = []
    command = worker_command(environment, "doctor", "--json")
    try:
        environ, folder = worker_environ(os.environ), environment.folder.parent
        code = run_child(command, environ, folder, lines.append, is_cancelled, _CHECK_LIMIT_S)
    except SetupCancelled:
        raise
    except SetupError as error:
        return Verdict(False, "cpu", "", error.message, error.hint)
    facts = next((found for line in reversed(lines) if (found := _read_facts(line))), None)
    if facts is None:
        said = lines[-1] if lines else "its log is empty"
        text = f"The worker's smoke test failed (exit code {code}): {said}"
        return Verdict(False, "cpu", "", text, "Press Set up to repair it.", {"output": lines[-20:]})
    told = decode(DoctorReport, facts, [])
    return Verdict(told.ok, told.device, told.device_name, told.text, told.hint, facts)


def _read_facts(line: str) -> dict[str, object] | None:
    try:
        facts = json.loads(line) if line.startswith("{") else None
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None


def _read_python_version(environment: Environment) -> str:
    config = (environment.folder / "pyvenv.cfg").read_text(encoding="utf-8")
    found = re.search(r"^version_info = (\S+)", config, re.MULTILINE)
    return found[1] if found else ""


@contextlib.contextmanager
def _explain_os_errors(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SetupError(f"The disk of {home} is full.", SPACE_HINT) from error
        raise SetupError(
            f"The worker's environment cannot be written: {error}.",
            f"Make {home} writable, or name another folder in {HOME_VARIABLE} and start again.",
        ) from error


def _print_steps() -> OnStep:
    """Return an ``on_step`` that prints every new line once, whatever the progress within it."""
    latest = ""

    def print_step(step: SetupStep) -> None:
        nonlocal latest
        line = f"{step.name}: {step.text}"
        if line != latest:
            print(line, file=sys.stderr, flush=True)
        latest = line

    return print_step


def _make_ready(environment: Environment) -> None:
    if environment.is_ready:
        return
    verdict = set_up(environment, _print_steps())
    if not verdict.ok:
        raise SetupError(verdict.text, verdict.hint)


def main(arguments: Sequence[str]) -> int:
    """Do ``set-up``, ``python``, ``folder`` or ``check``; progress goes to standard error, the answer to output."""
    environment = locate_environment()
    verb = arguments[0] if len(arguments) == 1 else ""
    if verb not in ("set-up", "python", "folder", "check"):
        print("usage: python -m plugin.core.environment set-up|python|folder|check", file=sys.stderr)
        return 2
    try:
        if verb in ("set-up", "python"):
            _make_ready(environment)
        if verb == "check":
            require_ready(environment)
            verdict = check_environment(environment)
            print(verdict.text, verdict.hint)
            return 0 if verdict.ok else 1
    except SetupError as error:
        print(error.message, error.hint, sep="\n", file=sys.stderr)
        return 1
    print(environment.python if verb == "python" else environment.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
