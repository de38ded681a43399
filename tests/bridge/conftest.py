"""A QGIS without a window, small rasters and layers, and a stand-in for the worker."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # without it Qt ends the process where there is no screen

from osgeo import gdal, osr
from qgis.core import (
    QgsApplication,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRasterLayer,
    QgsSettings,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas, QgsMessageBar
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QObject, QSettings, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QMainWindow
from qgis.testing import start_app

from footprint_tuner.plugin.bridge.controller import Controller
from footprint_tuner.plugin.bridge.layers.layer_checks import take_labels
from footprint_tuner.plugin.bridge.layers.polygon_copy import copy_polygons
from footprint_tuner.plugin.core import paths
from footprint_tuner.ui.dock import TunerDock
from footprint_tuner.ui.fields.choices import Choices
from tests.waiting import LIMIT_S

gdal.UseExceptions()
STAND_IN = Path(__file__).with_name("fake_worker.py")
LEFT, TOP, PIXEL = 500000.0, 3000000.0, 0.5


@pytest.fixture(scope="session", autouse=True)
def application(tmp_path_factory):
    """The running QGIS, with settings of the tests' own."""
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path_factory.mktemp("settings")))
    return start_app()


@pytest.fixture
def project():
    """The project, empty before and after."""
    QgsSettings().clear()
    made = QgsProject.instance()
    made.clear()
    yield made
    made.clear()


@pytest.fixture
def make_raster(tmp_path):
    """Return a function that writes a GeoTIFF and returns its layer."""

    def make(path=None, bands=3, kind=gdal.GDT_Byte, epsg=32645, size=64, options=("PHOTOMETRIC=RGB",)):
        path = path or tmp_path / "town.tif"
        write_raster(path, bands, kind, epsg, size, options if bands >= 3 else ())
        return QgsRasterLayer(str(path), Path(path).stem)

    return make


def write_raster(path, bands=3, kind=gdal.GDT_Byte, epsg=32645, size=64, options=()):
    source = gdal.GetDriverByName("GTiff").Create(str(path), size, size, bands, kind, list(options))
    source.SetGeoTransform((LEFT, PIXEL, 0, TOP, 0, -PIXEL))
    if epsg:
        crs = osr.SpatialReference()
        crs.ImportFromEPSG(epsg)
        source.SetProjection(crs.ExportToWkt())
    for band in range(1, bands + 1):
        source.GetRasterBand(band).Fill(40 * band)
    del source


@pytest.fixture
def square():
    """Return a function that gives the WKT of a building, in the raster's upper left corner and on to the right."""
    return write_square


def write_square(number, side=8.0):
    x, y = LEFT + 2 + 12 * number, TOP - 12
    return f"POLYGON(({x} {y},{x + side} {y},{x + side} {y + side},{x} {y + side},{x} {y}))"


@pytest.fixture
def make_labels():
    """Return a function that makes a memory layer of the geometries (two squares where none are given)."""

    def make(*wkts, kind="Polygon", crs="EPSG:32645", fields="", values=()):
        layer = QgsVectorLayer(f"{kind}?crs={crs}{fields}", "houses", "memory")
        add_features(layer, wkts or (write_square(0), write_square(1)), values)
        return layer

    return make


@pytest.fixture
def draw():
    """Return a function that adds features to a layer: to its edit buffer where it is edited."""
    return add_features


def add_features(layer, wkts, values=()):
    for place, wkt in enumerate(wkts):
        feature = QgsFeature(layer.fields())
        if values:
            feature.setAttributes([values[place]])
        if wkt:
            feature.setGeometry(QgsGeometry.fromWkt(wkt))
        assert (layer if layer.isEditable() else layer.dataProvider()).addFeature(feature)
    layer.updateExtents()


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """A worker's environment that is ready, whose interpreter runs the stand-in; STAND_IN tells it what to do."""
    monkeypatch.setenv("FOOTPRINT_TUNER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STAND_IN", "")
    made = paths.locate_environment()
    made.python.parent.mkdir(parents=True)
    made.python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STAND_IN}" "$@"\n', "utf-8")
    made.python.chmod(made.python.stat().st_mode | stat.S_IXUSR)
    made.marker.write_text(json.dumps({"lock": paths.hash_lock()}), "utf-8")
    return made


@pytest.fixture
def no_environment(tmp_path, monkeypatch):
    """A machine on which the worker's environment was never set up."""
    monkeypatch.setenv("FOOTPRINT_TUNER_HOME", str(tmp_path / "nothing"))


class Start(QObject):
    """QGIS's own word that it has started."""

    initializationCompleted = pyqtSignal()  # noqa: N815 - QGIS's name


class Window:
    """What the plugin asks of QGIS's window: real Qt widgets, without the application around them."""

    def __init__(self):
        self.window = QMainWindow()
        self.bar = QgsMessageBar(self.window)
        self.canvas = QgsMapCanvas(self.window)
        self.icons, self.menu, self.docks = [], [], []
        self.active = None
        self.blockers = []
        self.start = Start()
        self.initializationCompleted = self.start.initializationCompleted

    def registerApplicationExitBlocker(self, blocker):
        self.blockers.append(blocker)

    def unregisterApplicationExitBlocker(self, blocker):
        self.blockers = [each for each in self.blockers if each is not blocker]

    def close(self):
        """Ask as QGIS does before it closes: all tasks are cancelled first."""
        QgsApplication.taskManager().cancelAll()
        return all(blocker.allowExit() for blocker in self.blockers)

    def mainWindow(self):
        return self.window

    def mapCanvas(self):
        return self.canvas

    def messageBar(self):
        return self.bar

    def setActiveLayer(self, layer):
        self.active = layer

    def addToolBarIcon(self, action):
        self.icons.append(action)

    def removeToolBarIcon(self, action):
        self.icons.remove(action)

    def addPluginToRasterMenu(self, _name, action):
        self.menu.append(action)

    def removePluginRasterMenu(self, _name, action):
        self.menu.remove(action)

    def addTabifiedDockWidget(self, area, dock, tabifyWith=(), raiseTab=False):  # noqa: N803 - QGIS's names
        assert area == Qt.DockWidgetArea.RightDockWidgetArea
        self.window.addDockWidget(area, dock)
        self.docks.append(dock)

    def removeDockWidget(self, dock):
        self.window.removeDockWidget(dock)
        self.docks.remove(dock)

    def read_messages(self):
        return [item.text() for item in self.bar.items()]


@pytest.fixture
def window(project):
    """QGIS's window as far as the plugin needs it."""
    made = Window()
    yield made
    made.window.deleteLater()
    process_events()


@pytest.fixture
def open_dock(window):
    """Return a function that opens the real dock with its controller."""
    opened = []

    def make():
        dock = TunerDock(window.mainWindow())
        window.mainWindow().addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        controller = Controller(window, dock)
        window.mainWindow().show()
        opened.append(controller)
        return dock, controller

    yield make
    for controller in opened:
        controller.stop()
        sip.delete(controller)  # as unloading does: what it has registered with QGIS must go with it


@pytest.fixture
def choices(make_raster, make_labels, project):
    """A raster and labels, in the project."""
    raster, labels = make_raster(), make_labels()
    project.addMapLayers([raster, labels])
    return Choices(raster, labels)


def process_events():
    """Let Qt do what it has to, deletions included."""
    QCoreApplication.processEvents()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def wait_until():
    """Return a function that lets Qt work until a question is answered with yes."""

    def wait(is_so, limit_s=LIMIT_S):
        end = time.monotonic() + limit_s
        while not is_so():
            assert time.monotonic() < end, "it did not come to that"
            process_events()
            time.sleep(0.005)

    return wait


def is_worker(folder):
    """Tell whether a process in /proc is a worker of this process that runs (Linux)."""
    try:
        state, parent = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[:2]
        return int(parent) == os.getpid() and state != "Z" and b"plugin.worker" in (folder / "cmdline").read_bytes()
    except OSError:
        return False


@pytest.fixture
def count_workers():
    """Return a function that counts the workers that this process has started and that still run."""
    return lambda: sum(is_worker(folder) for folder in Path("/proc").glob("[0-9]*"))


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    """Documents, home and trash of the test's own; the worker's environment stays where it is."""
    made = tmp_path / "home_folder"
    made.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(made / "configuration"))
    monkeypatch.setenv(paths.HOME_VARIABLE, str(paths.locate_environment().folder.parent))
    monkeypatch.setenv("HOME", str(made))
    monkeypatch.setenv("XDG_DATA_HOME", str(made / "data"))
    return made


@pytest.fixture
def shown_town(own_home, make_raster, project, tmp_path):
    """A raster in the project, in the folder in which the runs lie."""
    return project.addMapLayer(make_raster())


@pytest.fixture
def make_real(make_run, make_labels, tmp_path):
    """Return a function that makes a run with layers that QGIS can open."""

    def make(name="town_2026-01-02_03-04-05", **how):
        job = {"raster": str(tmp_path / "town.tif"), "labels_layer": "labels", **how.pop("job", {})}
        folder = make_run(name, job=job, **how)
        for each in ("footprints", "base_footprints", "labels"):
            (folder / f"{each}.gpkg").unlink(missing_ok=True)
            copy_polygons(take_labels(make_labels()), folder / f"{each}.gpkg", lambda: False)
        return folder

    return make


@pytest.fixture
def open_runs(window):
    """Return a function that opens the real dock with its controller."""
    opened = []

    def make():
        dock = TunerDock(window.mainWindow())
        window.mainWindow().addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        controller = Controller(window, dock)
        controller.dock = dock
        window.mainWindow().show()
        opened.append(controller)
        return controller

    yield make
    for controller in opened:
        controller.stop()


@pytest.fixture
def runs_controller(environment, own_home, open_runs):
    """The controller of a dock on a machine whose environment is a stand-in."""
    return open_runs()


@pytest.fixture
def look(runs_controller, wait_until):
    """Return a function that goes to the tab, waits until so many runs are shown, and selects some of them."""

    dock = runs_controller.dock

    def go(count, *chosen):
        dock.tabs.setCurrentWidget(dock.tuneTab)
        dock.tabs.setCurrentWidget(dock.runsTab)
        wait_until(lambda: len(dock.runsPage.entries) == count and dock.runsPage.refreshRunsButton.isEnabled())
        dock.runsPage.runTable.clearSelection()
        dock.runsPage.choose(list(chosen))
        return dock.runsPage

    return go
