"""A worker as a process of its own, as QGIS starts it."""

from __future__ import annotations

import os
import subprocess
import sys

from plugin.core.events import parse_event
from tests.conftest import ROOT

BOUND_S = 1200  # a run of the town took 30 s on a quiet machine, and more than 300 s at a load of 10 on two cores


def command(*arguments):
    return [sys.executable, "-m", "plugin.worker", *map(str, arguments)]


def environ(**more):
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **more}


def run_worker(*arguments, **more):
    return subprocess.run(
        command(*arguments),
        env=environ(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
    )


def read_events(text):
    return [event for line in text.splitlines() if (event := parse_event(line)) is not None]
