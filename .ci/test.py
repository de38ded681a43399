"""Run the tests room by room, each with the interpreter that its room runs in, and add up the counts."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tools import BUILD, ROOT, install_test_tools

from plugin.core.environment import locate_environment, require_ready, worker_environ
from plugin.core.errors import SetupError

ROOMS = {
    "core": ["tests/core"],
    "ui": ["tests/ui"],
    "bridge": ["tests/bridge"],
    "house": ["tests/test_rooms.py", "tests/test_package.py"],
    "worker": ["tests/worker"],
}
#: Two run at a time: where the long ones begin, the short ones fill up the rest.
SLOWEST_FIRST = ("worker", "bridge", "ui", "core", "house")
QGIS_PYTHON = os.environ.get("QGIS_PYTHON", "/usr/bin/python3")
NO_TESTS = 5
LIMIT_S = 3600  # of one test with its fixtures, where others use the machine, too: what hangs ends at last
#: Threads that spin while they wait take the processor from those that they wait for, where others use it, too.
PATIENT = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}


@dataclass(frozen=True)
class Counts:
    """How a room's tests ended."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def run_room(room: str, options: list[str], out: IO[str]) -> Counts:
    """Run a room's tests and return their counts; a broken-off run counts as a failure. Raises SetupError."""
    paths = [path for path in ROOMS[room] if (ROOT / path).exists()]
    report = BUILD / "tests" / f"{room}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    python, environ = prepare_worker() if room == "worker" else prepare_qgis(room)
    environ["PYTHONPATH"] = os.pathsep.join([str(install_test_tools(python)), str(ROOT), str(BUILD / "plugins")])
    cache = f"cache_dir={BUILD / 'pytest' / room}"
    arguments = [
        f"--junitxml={report}",
        "-o",
        "junit_family=xunit2",
        "-o",
        cache,
        f"--timeout={LIMIT_S}",
        "-q",
        *options,
    ]
    command = [python, "-m", "pytest", *arguments, *paths]
    code = subprocess.run(command, cwd=ROOT, env=environ, stdout=out, stderr=subprocess.STDOUT).returncode
    if not report.exists():
        print(f"The tests of {room} broke off (exit code {code}).", file=out)
        return Counts(failed=1)
    counts = read_counts(report)
    if code in (0, NO_TESTS) or counts.failed:
        return counts
    print(f"The tests of {room} passed, and then their interpreter ended with exit code {code}.", file=out)
    return counts + Counts(failed=1)


def prepare_worker() -> tuple[str, dict[str, str]]:
    """Return the worker's interpreter and the environment that the plugin would start it in."""
    environment = locate_environment()
    require_ready(environment)
    return str(environment.python), {**worker_environ(os.environ), **PATIENT}


def prepare_qgis(room: str) -> tuple[str, dict[str, str]]:
    """Return QGIS's interpreter and an environment with a QGIS profile of the room's own, and no screen."""
    profile = str(BUILD / "tests" / f"profile-{room}")
    extra = {"QT_QPA_PLATFORM": "offscreen", "QGIS_CUSTOM_CONFIG_PATH": profile, "XDG_CONFIG_HOME": profile}
    return QGIS_PYTHON, {**os.environ, **PATIENT, **extra, "PYTHONNOUSERSITE": "1"}


def read_counts(report: Path) -> Counts:
    """Add up a JUnit report."""
    suites = [suite.attrib for suite in ET.parse(report).getroot().iter("testsuite")]  # noqa: S314 (pytest's own file)
    total, failed, skipped = (
        sum(int(suite.get(name, 0)) for suite in suites for name in names)
        for names in (["tests"], ["failures", "errors"], ["skipped"])
    )
    return Counts(max(0, total - failed - skipped), failed, skipped)


def run_rooms(rooms: list[str], options: list[str]) -> dict[str, Counts]:
    """Run several rooms, two at a time, and print what each says when it has ended."""
    for room in rooms:  # not twice at the same time
        install_test_tools(prepare_worker()[0] if room == "worker" else QGIS_PYTHON)
    with ThreadPoolExecutor(max_workers=2) as pool:
        futures = {room: pool.submit(_run_aside, room, options) for room in sorted(rooms, key=SLOWEST_FIRST.index)}
        return {room: futures[room].result() for room in rooms}


def _run_aside(room: str, options: list[str]) -> Counts:
    log = BUILD / "tests" / f"{room}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    print(f"== {room} begins", flush=True)
    with log.open("w", encoding="utf-8") as out:
        counts = run_room(room, options, out)
    print(f"\n== {room}\n{log.read_text(encoding='utf-8')}", flush=True)
    return counts


def main(arguments: list[str]) -> int:
    """Run `[ROOM] [PYTEST OPTION...]`; the last line is the sum alone. Return 1 if a test failed or none ran."""
    rooms = [arguments[0]] if arguments and arguments[0] in ROOMS else list(ROOMS)
    options = arguments[1:] if arguments and arguments[0] in ROOMS else arguments
    if options and not options[0].startswith("-"):
        print(f"There is no room {options[0]!r}; the rooms are {', '.join(ROOMS)}.", file=sys.stderr)
        return 2
    try:
        several = len(rooms) > 1
        results = run_rooms(rooms, options) if several else {rooms[0]: run_room(rooms[0], options, sys.stdout)}
    except SetupError as error:
        print(error.message, error.hint, sep="\n")
        return 1
    print("\n" + "\n".join(f"{room:<8} {counts}" for room, counts in results.items()))
    total = sum(results.values(), Counts())
    print(f"\n{total}")
    return 0 if total.passed and not total.failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
