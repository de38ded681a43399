"""The demo: the main job through the real QGIS on a real city.

``make demo`` runs it, ``make qgis`` opens its project.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from plugin.core.environment import locate_environment
from plugin.core.paths import HOME_VARIABLE, scrub_environ, worker_environ

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "build" / "demo"
SAMPLE = DEMO / "sample"
PROJECT = DEMO / "banepa.qgz"
WISHES = DEMO / "wishes.json"
FILM = DEMO / "film"
SCREEN = "-screen 0 1600x1000x24"
SMALL_SCREEN = "-screen 0 1280x800x24"  # of 13 inches
LIMIT_S = 3600
RESULTS = ("before_after.png", "report.json", "demo.json", "1_before.png", "2_during.png", "3_after.png")


def main(arguments: list[str]) -> int:
    """Run the demo, open its project with ``open``, or play the help page's ``film``; returns the exit code."""
    if arguments[:1] == ["film"]:
        return run_film(read_wishes(arguments[1:]))
    if arguments[:1] == ["times"]:
        return measure_times([Path(each).resolve() for each in arguments[1:]])
    return open_project() if arguments == ["open"] else run_demo(read_wishes(arguments))


def read_wishes(arguments: list[str]) -> dict:
    """Return what is to be chosen in the dock besides the layers; nothing where nothing is asked for."""
    parser = argparse.ArgumentParser(prog="make demo ARGS=...", description="The main job in the real QGIS.")
    parser.add_argument("--model", help="the base model's name")
    parser.add_argument("--small", type=int, metavar="PX", help="a square of the sample's best mapped ground alone")
    parser.add_argument("--stand-in", action="store_true", default=None, help="weights made by a rule, not fetched")
    for name, kind in (("epochs", int), ("rate", float), ("batch", int), ("tile", int), ("samples", int)):
        parser.add_argument(f"--{name}", type=kind)
    return {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}


def run_demo(wishes: dict) -> int:
    """Make the sample where it is missing, run the job in QGIS, and say what came of it."""
    began = time.monotonic()
    if make_sample() != 0:
        return _fail("The sample city could not be made.", f"Delete {DEMO} and run make demo again.")
    for path in (*(DEMO / name for name in RESULTS), PROJECT):
        path.unlink(missing_ok=True)
    WISHES.write_text(json.dumps(wishes))
    home = make_stand_in(wishes["model"]) if "stand_in" in wishes else ""
    enable_plugin()
    print("Opening QGIS on a screen of its own; the job takes some minutes.", flush=True)
    job_began = time.monotonic()
    qgis = ["qgis", *_profile_options(), "--code", str(ROOT / "tests" / "demo" / "drive.py")]
    command = ["xvfb-run", "--auto-servernum", "--server-args", SCREEN, *qgis]
    try:
        environ = {**_qgis_environ(), **({HOME_VARIABLE: home} if home else {})}
        code = subprocess.run(command, env=environ, timeout=LIMIT_S, stdin=subprocess.DEVNULL).returncode
    except subprocess.TimeoutExpired:
        return _fail("The demo did not end within an hour.", f"Look into {DEMO / 'drive.log'}.")
    if not (DEMO / "demo.json").exists():
        return _fail(f"QGIS ended without a result (exit code {code}).", f"Look into {DEMO / 'drive.log'}.")
    return tell_results(json.loads((DEMO / "demo.json").read_text()), began, job_began)


def run_film(wishes: dict) -> int:
    """Play a newcomer's first quarter of an hour in QGIS, and leave its pictures in build/demo/film."""
    if make_sample() != 0:
        return _fail("The sample city could not be made.", f"Delete {DEMO} and run it again.")
    shutil.rmtree(FILM, ignore_errors=True)
    FILM.mkdir()
    WISHES.write_text(json.dumps({"small": 768, "epochs": 3, "samples": 96, **wishes}))
    enable_plugin()
    print("Opening QGIS on a screen of its own; it takes some minutes.", flush=True)
    qgis = ["qgis", *_profile_options(), "--code", str(ROOT / "tests" / "demo" / "film.py")]
    command = ["xvfb-run", "--auto-servernum", "--server-args", SMALL_SCREEN, *qgis]
    subprocess.run(command, env=_qgis_environ(), timeout=LIMIT_S, stdin=subprocess.DEVNULL)
    if not (FILM / "film.json").exists():
        return _fail("The film broke off.", f"Look into {FILM / 'film.log'}.")
    told = json.loads((FILM / "film.json").read_text())
    steps = " -> ".join(f"{link['role']} {link['f1']:.3f}" for link in told["chain"])
    print(f"F1 by building: {steps}\n{told['gain']}")
    print(f"Tuned after {told['tuned_s']} s, improved after {told['seconds']} s; pictures in {FILM.relative_to(ROOT)}")
    return 0


def measure_times(runs: list[Path]) -> int:
    """Print how quick the review of each run is in QGIS: medians of 50."""
    enable_plugin()
    script = ["--code", str(ROOT / "tests" / "demo" / "times.py")]
    command = ["xvfb-run", "--auto-servernum", "--server-args", SMALL_SCREEN, "qgis", *_profile_options(), *script]
    for run in runs:
        out = DEMO / f"times_{run.name}.json"
        out.unlink(missing_ok=True)
        environ = {**_qgis_environ(), "TIMES_RUN": str(run), "TIMES_OUT": str(out)}
        subprocess.run(command, env=environ, timeout=LIMIT_S, stdin=subprocess.DEVNULL)
        if not out.exists():
            return _fail(f"The times of {run.name} were not measured.", f"Look into {out.with_suffix('.log')}.")
        print(run.name, out.read_text())
    return 0


def make_sample() -> int:
    """Make raster, labels and areas from the package's tiles, once."""
    stamp = SAMPLE / "made"
    if stamp.exists():
        return 0
    print("Making the sample city: Banepa, Nepal (OpenAerialMap CC BY 4.0, OpenStreetMap ODbL)", flush=True)
    python = str(locate_environment().python)
    script = str(ROOT / "tests" / "demo" / "sample.py")
    environ = scrub_environ(os.environ)
    code = subprocess.run([python, script, str(DEMO / "package"), str(SAMPLE)], env=environ).returncode
    if code == 0:
        stamp.touch()
    return code


def make_stand_in(model: str) -> str:
    """Make a home of its own in which the model's weights are filled by a rule, taken as if fetched by hand."""
    environment, home = locate_environment(), DEMO / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / environment.folder.name).symlink_to(environment.folder)
    file = home / "standin.pth"
    environ = {**worker_environ(os.environ), HOME_VARIABLE: str(home)}
    for command in (("tests.demo.standin", model, str(file)), ("plugin.worker", "fetch", model, "--file", str(file))):
        subprocess.run([str(environment.python), "-m", *command], cwd=ROOT, env=environ, check=True)
    file.unlink()
    return str(home)


def enable_plugin() -> None:
    """Write a profile of QGIS's in which the plugin is switched on, as the plugin manager would."""
    shutil.rmtree(DEMO / "profile", ignore_errors=True)
    settings = DEMO / "profile" / "profiles" / "default" / "QGIS" / "QGIS3.ini"
    settings.parent.mkdir(parents=True)
    settings.write_text(
        "[PythonPlugins]\nfootprint_tuner=true\n\n"
        "[qgis]\nshowTips=false\ncheckVersion=false\nnewProjectDefault=false\n\n"
        "[app]\nprojections\\newProjectCrsBehavior=UseCrsOfFirstLayer\n"
    )


def open_project() -> int:
    """Open the demo's project, or the sample's where there is none yet, in QGIS with the plugin."""
    if not (DEMO / "profile").exists():
        enable_plugin()
    if make_sample() != 0:
        return _fail("The sample city could not be made.", f"Delete {DEMO} and run make qgis again.")
    project = [str(PROJECT)] if PROJECT.exists() else []
    look = ["--code", str(ROOT / "tests" / "demo" / "look.py")]
    return subprocess.run(["qgis", *_profile_options(), *look, *project], env=_qgis_environ()).returncode


def tell_results(result: dict, began: float, job_began: float) -> int:
    """Print where everything is, the scores and the times."""
    if result["ending"] != "finished":
        return _fail(f"The run did not finish: {result['message']}", f"Look into {result['folder']}.")
    now = time.monotonic()
    report = json.loads((DEMO / "report.json").read_text())
    print(f"\nProject      {PROJECT.relative_to(ROOT)}")
    print(f"Run          {Path(result['folder']).relative_to(ROOT)}")
    for name in RESULTS:
        print(f"             {(DEMO / name).relative_to(ROOT)}")
    for kind in ("building", "pixel"):
        before, after = report["before"][kind], report["after"][kind]
        print(f"F1 by {kind:9} {before['f1']:.3f} -> {after['f1']:.3f}   (held-out ground)")
    print(f"IoU by pixel    {report['before']['pixel']['iou']:.3f} -> {report['after']['pixel']['iou']:.3f}")
    print(report["difference"]["sentence"])
    print(f"Longest gap in QGIS's event loop: {result['longest_gap_ms']} ms (in stage {result['gap_stage']})")
    print(f"Job {result['job_s']:.0f} s, QGIS in all {now - job_began:.0f} s, everything {now - began:.0f} s")
    return 0


def _profile_options() -> list[str]:
    return ["--nologo", "--noversioncheck", "--profiles-path", str(DEMO / "profile")]


def _qgis_environ() -> dict[str, str]:
    return {**os.environ, "QGIS_PLUGINPATH": str(ROOT / "build" / "plugins"), "PYTHONUNBUFFERED": "1"}


def _fail(message: str, hint: str) -> int:
    print(message, hint, sep="\n", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
