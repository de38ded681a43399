"""Where the worker's environment lives, and how the worker is started in it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.core import paths
from plugin.core.environment import (
    PLUGIN_ROOT,
    Environment,
    check_environment,
    locate_environment,
    main,
    require_ready,
    worker_command,
    worker_environ,
)
from plugin.core.errors import SetupError

UMLAUTS = "Häuser und Dächer"


@pytest.fixture
def environment(tmp_path):
    """A place for an environment, on a path with blanks and letters beyond ASCII."""
    made = Environment(tmp_path / UMLAUTS / "worker-0")
    made.python.parent.mkdir(parents=True)
    return made


def write_python(environment, script):
    environment.python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    environment.python.chmod(0o755)


def mark_ready(environment, lock):
    environment.marker.write_text(json.dumps({"lock": lock}), encoding="utf-8")


def test_the_plugins_root_holds_its_metadata():
    assert (PLUGIN_ROOT / "metadata.txt").is_file()


@pytest.mark.parametrize(
    ("system", "environ", "expected"),
    [
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/footprint_tuner"),
        ("linux", {}, "/home/me/.local/share/footprint_tuner"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "/home/me/.local/share/footprint_tuner"),
        ("darwin", {"XDG_DATA_HOME": "/data"}, "/home/me/Library/Application Support/footprint_tuner"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/footprint_tuner"),
        ("win32", {}, "/home/me/AppData/Local/footprint_tuner"),
        ("linux", {"FOOTPRINT_TUNER_HOME": "/big disk", "XDG_DATA_HOME": "/data"}, "/big disk"),
        ("win32", {"FOOTPRINT_TUNER_HOME": "/big disk", "LOCALAPPDATA": "/local"}, "/big disk"),
    ],
)
def test_the_home_is_the_users_place_for_data_on_each_system(monkeypatch, system, environ, expected):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    assert locate_environment(environ).folder.parent == Path(expected)


def test_the_folder_is_named_after_the_lock_whatever_its_line_ends(monkeypatch, tmp_path):
    names = []
    for number, content in enumerate([b"a==1\nb==2\n", b"a==1\r\nb==2\r\n", b"a==1\nb==3\n"]):
        lock = tmp_path / f"{number}.txt"
        lock.write_bytes(content)
        monkeypatch.setattr(paths, "LOCK_FILE", lock)
        names.append(locate_environment({}).folder.name)
    assert names[0] == names[1] == "worker-913f6e401ad0"
    assert names[2] != names[0]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"when": "now"}', '{"lock": "another"}'])
def test_a_marker_that_does_not_name_this_lock_is_no_marker(environment, content):
    write_python(environment, "exit 0")
    environment.marker.write_text(content, encoding="utf-8")
    assert not environment.is_ready


def test_an_environment_whose_interpreter_has_gone_is_not_ready(environment):
    write_python(environment, "exit 0")
    mark_ready(environment, paths.hash_lock())
    assert environment.is_ready
    environment.python.unlink()
    environment.python.symlink_to("/nowhere/python")
    assert not environment.is_ready


def test_a_missing_environment_is_refused_with_a_next_step(environment):
    with pytest.raises(SetupError, match="is not set up") as caught:
        require_ready(environment)
    assert "Press Set up in the dock" in caught.value.hint


def test_the_worker_is_a_module_of_the_plugin_run_by_its_own_interpreter(environment):
    command = worker_command(environment, "run", "job.json")
    assert command == [str(environment.python), "-m", "plugin.worker", "run", "job.json"]


def test_nothing_of_qgis_reaches_the_worker():
    libraries = "PROJ_LIB PROJ_DATA GDAL_DATA GDAL_DRIVER_PATH LD_LIBRARY_PATH LD_PRELOAD DYLD_LIBRARY_PATH"
    pythons = "PYTHONHOME PYTHONSTARTUP PYTHONPATH VIRTUAL_ENV CONDA_PREFIX __PYVENV_LAUNCHER__"
    targets = "QGIS_PREFIX_PATH PIP_TARGET PIP_PREFIX PIP_USER"
    foreign = dict.fromkeys(f"{libraries} {pythons} {targets}".split(), "/qgis")
    environ = worker_environ(foreign)
    assert "/qgis" not in environ.values()
    assert environ["PYTHONPATH"] == str(PLUGIN_ROOT)
    assert environ["PYTHONSAFEPATH"] == environ["PYTHONUTF8"] == environ["PYTHONNOUSERSITE"] == "1"


def test_index_proxy_certificate_and_everyday_settings_reach_the_worker():
    names = "PATH HOME HTTPS_PROXY SSL_CERT_FILE PIP_CERT PIP_INDEX_URL UV_DEFAULT_INDEX CUDA_VISIBLE_DEVICES LANG"
    kept = {name: f"my {name}" for name in names.split()}
    environ = worker_environ(kept)
    assert {name: environ[name] for name in kept} == kept


def test_qgis_folders_on_windows_search_path_are_left_out(tmp_path):
    own, other = tmp_path / "QGIS", tmp_path / "QGIS tools"
    path = os.pathsep.join([str(own / "bin"), str(other), str(own)])
    environ = worker_environ({"OSGEO4W_ROOT": str(own), "PATH": path})
    assert environ["PATH"] == str(other)


def test_a_python_in_the_workers_environ_finds_the_plugin_and_not_the_folder_it_starts_in(tmp_path):
    (tmp_path / "plugin.py").write_text("raise SystemExit('the wrong one')", encoding="utf-8")
    code = "import plugin.core.errors as e, sys; print(e.__file__, sys.flags.safe_path)"
    environ = worker_environ({"PYTHONHOME": "/nowhere"})
    if sys.version_info < (3, 11):
        pytest.skip("PYTHONSAFEPATH came with Python 3.11, as the worker's Python does")
    done = subprocess.run([sys.executable, "-c", code], env=environ, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split() == [str(PLUGIN_ROOT / "plugin" / "core" / "errors.py"), "True"]


def test_the_smoke_tests_verdict_is_read_among_other_lines(environment):
    facts = {"ok": True, "device": "cuda", "device_name": "A GPU", "text": "Ready.", "hint": "", "python": "3.12"}
    write_python(environment, f"echo 'a warning'; echo '{{broken'; echo '{json.dumps(facts)}'; echo 'done' >&2")
    verdict = check_environment(environment)
    assert (verdict.ok, verdict.device, verdict.device_name, verdict.text) == (True, "cuda", "A GPU", "Ready.")
    assert verdict.facts == facts


def test_a_smoke_test_that_crashes_gives_a_verdict_with_the_last_words(environment):
    write_python(environment, "echo 'Illegal instruction'; kill -9 $$")
    verdict = check_environment(environment)
    assert not verdict.ok
    assert "exit code -9" in verdict.text
    assert "Illegal instruction" in verdict.text
    assert verdict.hint


def test_an_interpreter_that_does_not_start_gives_a_verdict(environment):
    verdict = check_environment(environment)
    assert not verdict.ok
    assert "could not be started" in verdict.text
    assert verdict.hint


def test_the_command_line_names_folder_and_says_what_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("FOOTPRINT_TUNER_HOME", str(tmp_path))
    assert main(["folder"]) == 0
    assert capsys.readouterr().out.strip() == str(locate_environment().folder)
    assert main(["check"]) == 1
    assert "is not set up" in capsys.readouterr().err
    assert main([]) == main(["nonsense"]) == 2
    assert "usage" in capsys.readouterr().err
