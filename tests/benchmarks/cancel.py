"""How soon a cancel ends the worker, stage by stage: the user is promised two seconds.

``make bench ARGS="cancel RUN_FOLDER"``; a copy of the finished run is done again from each stage on.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from plugin.core.events import OCCASIONAL_STAGES, STAGES, StageStarted, parse_event
from plugin.core.folder import RunFolder


def cut_run(source: Path, target: Path, stage: str) -> Path:
    """Copy a run, forget what it did from a stage on, and return its job."""
    shutil.copytree(source, target)
    folder = RunFolder(target)
    content = json.loads(folder.state.read_text("utf-8"))
    for gone in STAGES[STAGES.index(stage) :]:
        content["results"].pop(gone, None)
    folder.state.write_text(json.dumps(content), "utf-8")
    return folder.job


def time_cancel(job: Path, stage: str) -> float:
    """Return the seconds from the order, given as the stage begins, to the worker's end."""
    command = [sys.executable, "-m", "plugin.worker", "run", str(job)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        print("follow", file=worker.stdin, flush=True)
        for line in worker.stdout or ():
            event = parse_event(line)
            if isinstance(event, StageStarted) and event.stage == stage:
                break
        began = time.monotonic()
        print("cancel", file=worker.stdin, flush=True)
        worker.wait()
        return time.monotonic() - began


def main(arguments: list[str]) -> None:
    """Measure each stage of the run that is named."""
    for stage in [each for each in STAGES if each not in OCCASIONAL_STAGES]:
        with tempfile.TemporaryDirectory() as folder:
            job = cut_run(Path(arguments[0]), Path(folder) / "run", stage)
            print(f"{stage:<8} {time_cancel(job, stage):6.2f} s", flush=True)
