"""The real programs: QGIS's window on a virtual screen, and qgis_process, with the plugin in their profile."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from qgis.core import QgsVectorLayer

from footprint_tuner.plugin.bridge.layers.layer_checks import take_labels
from footprint_tuner.plugin.bridge.layers.polygon_copy import copy_polygons
from tests.bridge.conftest import LEFT, TOP
from tests.waiting import LIMIT_S, wait_until


def find_program(name):
    """Return a program of QGIS's; Debian wraps them in scripts that break qgis_process."""
    return shutil.which(f"{name}.bin") or shutil.which(name) or pytest.skip(f"{name} is not installed")


@pytest.fixture
def profile(root, tmp_path, environment, monkeypatch):
    """A QGIS profile with the plugin switched on, and a home without plugins of the user's."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "footprint_tuner").symlink_to(root, target_is_directory=True)
    folder = tmp_path / "profiles"
    settings = folder / "profiles" / "default" / "QGIS" / "QGIS3.ini"
    settings.parent.mkdir(parents=True)
    settings.write_text(
        "[PythonPlugins]\nfootprint_tuner=true\n\n[qgis]\nshowTips=false\ncheckVersion=false\n", "utf-8"
    )
    monkeypatch.setenv("QGIS_PLUGINPATH", str(tmp_path / "plugins"))
    monkeypatch.setenv("QGIS_CUSTOM_CONFIG_PATH", str(folder))
    return folder


@pytest.fixture
def town(make_raster, make_labels, tmp_path):
    """A raster and labels, as files."""
    make_raster()
    copy_polygons(take_labels(make_labels()), tmp_path / "houses.gpkg", lambda: False)
    return tmp_path


# What a user does in QGIS's window, said to QGIS by --code. `steps` is a generator that waits by yielding a question.
PRELUDE = """
import json, os, sys, traceback
from pathlib import Path
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QAction, QDockWidget, QPushButton
from qgis.core import QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.utils import iface, plugins

FOLDER = Path({folder!r})
said = {{}}

def say():
    (FOLDER / "said.json").write_text(json.dumps(said))

def open_dock():
    iface.mainWindow().findChild(QAction, "FootprintTunerAction").trigger()
    return iface.mainWindow().findChild(QDockWidget, "FootprintTunerDock")

def add_layers():
    raster = QgsRasterLayer(str(FOLDER / "town.tif"), "town")
    labels = QgsVectorLayer(str(FOLDER / "houses.gpkg"), "houses")
    QgsProject.instance().addMapLayers([raster, labels])
    QgsProject.instance().setDirty(False)
    return raster, labels

def press(dock, name):
    button = dock.findChild(QPushButton, name)
    assert button.isEnabled() and button.isVisible(), name
    button.click()

def leave():
    QgsProject.instance().clear()  # QGIS would ask about layers under the system's temporary folder
    iface.actionExit().trigger()

def go_on(steps, question=None):
    try:
        if question is None or question():
            question = next(steps)
    except StopIteration:
        return
    except BaseException:
        said["error"] = traceback.format_exc()
        say()
        return leave()
    QTimer.singleShot(50, lambda: go_on(steps, question))
"""

RUN_ONCE = """
def steps():
    dock = open_dock()
    raster, labels = add_layers()
    yield dock.isVisible
    dock.findChild(object, "rasterCombo").setLayer(raster)
    dock.findChild(object, "labelCombo").setLayer(labels)
    press(dock, "trainButton")
    yield lambda: dock.state.name == "ENDED"
    said["after"] = dock.findChild(object, "afterLabel").text()
    group = QgsProject.instance().layerTreeRoot().children()[0]
    said["layers"] = {node.name(): [node.layer().isValid(), node.layer().featureCount()] for node in group.findLayers()}
    said["dirty"] = QgsProject.instance().isDirty()
    say()
    leave()

QTimer.singleShot(500, lambda: go_on(steps()))
"""

CLOSE_IN_MID_RUN = """
from qgis.PyQt.QtWidgets import QApplication

def answer(text):
    box = QApplication.activeModalWidget()
    if box is None or box.objectName() != "closeBox":
        QTimer.singleShot(50, lambda: answer(text))
    else:
        next(button for button in box.buttons() if text in button.text().replace("&", "")).click()

def steps():
    dock = open_dock()
    raster, labels = add_layers()
    yield dock.isVisible
    dock.findChild(object, "rasterCombo").setLayer(raster)
    dock.findChild(object, "labelCombo").setLayer(labels)
    press(dock, "trainButton")
    yield lambda: dock.chart.epochs
    said["qgis"] = os.getpid()
    if {leave}:
        answer("Cancel")
        leave()
        said["kept"] = dock.state.name
        answer("Close QGIS")
    say()
    if {leave}:
        leave()

QTimer.singleShot(500, lambda: go_on(steps()))
"""


LOOK_AT_RUNS = """
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QMessageBox
from qgis.core import QgsPointXY

def look(x, y):
    canvas = iface.mapCanvas()
    place = canvas.getCoordinateTransform().transform(QgsPointXY(x, y))
    return canvas.grab().toImage().pixelColor(int(place.x()), int(place.y())).name()

def steps():
    dock = open_dock()
    raster, _ = add_layers()
    QgsProject.instance().removeMapLayer(_)
    iface.mapCanvas().setExtent(raster.extent())
    iface.mapCanvas().setRenderFlag(True)
    page, runs = dock.runsPage, FOLDER / "footprint_tuner_runs"
    dock.tabs.setCurrentWidget(dock.runsTab)
    yield lambda: len(page.entries) == 2 and look({x}, {y}) != "#ffffff"
    said["rows"] = [page.runTable.runs.index(row, 0).data() for row in range(2)]
    said["before"] = look({x}, {y})
    page.choose([runs / "first"])
    QTest.keyClick(page.runTable, Qt.Key.Key_Return)
    yield lambda: dock.tabs.currentWidget() is dock.reviewTab
    yield lambda: look({x}, {y}) != said["before"]
    said["title"] = dock.findChild(object, "reviewTitle").text()
    said["open"] = look({x}, {y})
    dock.tabs.setCurrentWidget(dock.runsTab)
    yield lambda: page.refreshRunsButton.isEnabled()
    said["chosen"] = [entry.name for entry in page.chosen]
    QTest.keyClick(page.runTable, Qt.Key.Key_Delete)
    yield lambda: iface.mainWindow().findChild(QMessageBox, "deleteRunBox") is not None
    box = iface.mainWindow().findChild(QMessageBox, "deleteRunBox")
    said["question"] = box.text() + box.informativeText()
    box.findChild(QPushButton, "deleteRunButton").click()
    yield lambda: len(page.entries) == 1
    yield lambda: look({x}, {y}) != said["open"]
    said["left"] = [entry.name for entry in page.entries]
    said["after"] = look({x}, {y})
    said["layers"] = [layer.name() for layer in QgsProject.instance().mapLayers().values()]
    said["title after"] = dock.findChild(object, "reviewTitle").text()
    say()
    leave()

QTimer.singleShot(500, lambda: go_on(steps()))
"""


def start_qgis(script, profile, folder):
    if not shutil.which("xvfb-run"):
        pytest.skip("xvfb-run is not installed")
    code = folder / "code.py"
    code.write_text(PRELUDE.format(folder=str(folder)) + script, "utf-8")
    environ = {**os.environ, "QT_QPA_PLATFORM": "xcb"}
    options = ["--nologo", "--noversioncheck", "--profiles-path", str(profile), "--code", str(code)]
    command = ["xvfb-run", "--auto-servernum", find_program("qgis"), *options]
    with (folder / "qgis.log").open("wb") as log:
        return subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)


@pytest.fixture
def play(profile, town):
    """Return a function that plays a script in the real QGIS and returns what it said and QGIS's exit code."""
    started = []

    def start(script):
        qgis = start_qgis(script, profile, town)
        started.append(qgis)
        return qgis

    yield start
    for qgis in started:
        if qgis.poll() is None:
            os.killpg(qgis.pid, signal.SIGKILL)
            qgis.wait()


def read_said(folder):
    return wait_until(lambda: try_to_read(folder / "said.json"))


def try_to_read(path):
    """Return what a file holds, None until it is there as a whole."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def list_workers(folder):
    """Return the pids of the workers whose job lies in ``folder``, whoever their parent is."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
        except OSError:
            continue
        if b"plugin.worker" in command and str(folder).encode() in command:
            found.append(int(path.parent.name))
    return found


def test_the_button_in_the_real_window_ends_with_the_footprints_in_the_project(play, town):
    qgis = play(RUN_ONCE)
    said = read_said(town)
    assert "error" not in said, said["error"]
    assert said["layers"] == {
        "Footprints": [True, 2],
        "Base model's footprints": [True, 2],
        "Held-out area and blocks": [True, 2],
    }
    assert "0.750" in said["after"]
    assert said["dirty"]
    assert qgis.wait(LIMIT_S) == 0


def test_closing_the_real_window_in_mid_run_asks_and_then_ends_the_worker(play, town, monkeypatch):
    monkeypatch.setenv("STAND_IN", "silent in predict")
    qgis = play(CLOSE_IN_MID_RUN.format(leave=True))
    said = read_said(town)
    assert "error" not in said, said["error"]
    assert said["kept"] == "RUNNING"
    assert qgis.wait(LIMIT_S) == 0
    assert list_workers(town) == []


def test_a_qgis_killed_in_mid_run_takes_its_worker_with_it(play, town, monkeypatch):
    monkeypatch.setenv("STAND_IN", "silent in predict")
    play(CLOSE_IN_MID_RUN.format(leave=False))
    said = read_said(town)
    assert "error" not in said, said["error"]
    assert len(list_workers(town)) == 1
    os.kill(said["qgis"], signal.SIGKILL)
    wait_until(lambda: not list_workers(town))


def test_in_the_real_window_a_run_is_opened_and_deleted_from_the_tab_of_runs(play, town, own_home, make_real):
    folders = make_real("first"), make_real("second")
    x, y = LEFT + 6, TOP - 8  # in the first footprint
    qgis = play(LOOK_AT_RUNS.replace("{x}", str(x)).replace("{y}", str(y)))
    said = read_said(town)
    assert "error" not in said, said["error"]
    assert sorted(said["rows"]) == ["first", "second"]
    assert said["title"] == "first"
    assert said["chosen"] == ["first"]
    assert "Delete the run first?" in said["question"]
    assert "layers are removed from the project" in said["question"]
    assert said["left"] == ["second"]
    assert said["open"] != said["before"]
    assert said["after"] == said["before"]
    assert said["layers"] == ["town"]
    assert said["title after"] == "No run is open."
    assert [folder.exists() for folder in folders] == [False, True]
    assert qgis.wait(LIMIT_S) == 0


def run_process(*arguments):
    command = [find_program("qgis_process"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)


def test_qgis_process_lists_and_runs_the_algorithms(profile, town):
    assert "footprint_tuner" in run_process("plugins").stdout
    footprints = town / "footprints.gpkg"
    arguments = [f"--RASTER={town / 'town.tif'}", f"--LABELS={town / 'houses.gpkg'}", "--EPOCHS=1"]
    outputs = [f"--RUN_FOLDER={town / 'run'}", f"--FOOTPRINTS={footprints}"]
    done = run_process("run", "footprint_tuner:finetune", *arguments, *outputs)
    assert done.returncode == 0, done.stderr
    assert "F1_AFTER:\t0.75" in done.stdout
    assert QgsVectorLayer(str(footprints), "", "ogr").featureCount() == 2


def test_qgis_process_says_what_to_do_where_the_environment_is_missing(profile, town, monkeypatch, tmp_path):
    monkeypatch.setenv("FOOTPRINT_TUNER_HOME", str(tmp_path / "nothing"))
    arguments = [f"--TRUTH={town / 'houses.gpkg'}", f"--FOOTPRINTS={town / 'houses.gpkg'}"]
    done = run_process("run", "footprint_tuner:score", *arguments)
    assert done.returncode != 0
    assert "make setup" in done.stdout + done.stderr
