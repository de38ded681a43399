"""The main job with the real worker: real training, in the real QGIS, through the dock and through Processing."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from osgeo import gdal, osr
from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QPushButton

from footprint_tuner.plugin.bridge.controller import Controller
from footprint_tuner.plugin.bridge.provider import TunerProvider
from footprint_tuner.plugin.bridge.runs.pdf import write_pdf
from footprint_tuner.plugin.core.events import OCCASIONAL_STAGES, STAGES, StageStarted, Started
from footprint_tuner.plugin.core.folder import RunFolder
from footprint_tuner.plugin.core.job import DEFAULT_BASE_MODEL
from footprint_tuner.plugin.core.models import find_card
from footprint_tuner.plugin.core.paths import PLUGIN_ROOT, locate_environment, worker_command, worker_environ
from footprint_tuner.ui.dock import DockState, TunerDock

numpy = pytest.importorskip("numpy")

SIZE, PIXEL, LEFT, TOP = 512, 0.5, 333000.0, 3057000.0
LIMIT_S = 1500

pytestmark = pytest.mark.skipif(
    not locate_environment().is_ready, reason="the worker's environment is not set up: run `make setup`"
)


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A folder with town.tif, bright rectangular roofs on textured ground, and houses.gpkg, their outlines."""
    folder = tmp_path_factory.mktemp("town")
    roofs = place_roofs(random.Random(7))
    pixels = paint(roofs)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32645)
    source = gdal.GetDriverByName("GTiff").Create(
        str(folder / "town.tif"), SIZE, SIZE, 3, gdal.GDT_Byte, ["PHOTOMETRIC=RGB", "TILED=YES"]
    )
    source.SetGeoTransform((LEFT, PIXEL, 0, TOP, 0, -PIXEL))
    source.SetProjection(crs.ExportToWkt())
    for band in range(3):
        source.GetRasterBand(band + 1).WriteArray(pixels[band])
    del source
    write_houses(folder / "houses.geojson", roofs)
    gdal.VectorTranslate(
        str(folder / "houses.gpkg"), str(folder / "houses.geojson"), dstSRS="EPSG:32645", srcSRS="EPSG:32645"
    )
    write_quick_card(folder / "quick.json")
    return folder


def write_quick_card(path):
    """Write a card that differs from the base model's in its small recipe: seconds of training on two cores."""
    card = find_card(DEFAULT_BASE_MODEL)
    recipe = replace(card.recipe, tile_px=128, crops_per_epoch=48, tune_epochs=3)
    weights = str(card.weights_path)
    replace(card, name="quick", title="Quick", weights=weights, recipe=recipe, uses_tta=False).save(path)


def place_roofs(dice):
    """Return (row, column, height, width) of roofs in a loose grid, in pixels."""
    step = 40
    places = [(row, column) for row in range(8, SIZE - step, step) for column in range(8, SIZE - step, step)]
    return [
        (row + dice.randint(0, 8), column + dice.randint(0, 8), dice.randint(16, 26), dice.randint(16, 26))
        for row, column in places
        if dice.random() < 0.8
    ]


def paint(roofs):
    noise = numpy.random.default_rng(7)
    ground = noise.normal(0, 12, (3, SIZE, SIZE)) + numpy.array([70, 90, 60])[:, None, None]
    for row, column, height, width in roofs:
        roof = numpy.array([200, 185, 175])[:, None, None] + noise.normal(0, 10, (3, height, width))
        ground[:, row : row + height, column : column + width] = roof
    return ground.clip(0, 255).astype("uint8")


def write_houses(path, roofs):
    features = []
    for row, column, height, width in roofs:
        west, north = LEFT + column * PIXEL, TOP - row * PIXEL
        east, south = west + width * PIXEL, north - height * PIXEL
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        features.append({"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")


@pytest.fixture
def dock(window, project):
    """The dock in a window, with its controller."""
    made = TunerDock(window.mainWindow())
    window.mainWindow().addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, made)
    window.mainWindow().show()
    made.controller = Controller(window, made)
    yield made
    made.controller.stop()


def press_fine_tune(dock, project, town):
    """Choose the town and one epoch in the dock, press the button, and return the raster's layer."""
    raster = QgsRasterLayer(str(town / "town.tif"), "town")
    houses = QgsVectorLayer(str(town / "houses.gpkg"), "houses", "ogr")
    project.addMapLayers([raster, houses])
    dock.findChild(object, "rasterCombo").setLayer(raster)
    dock.findChild(object, "labelCombo").setLayer(houses)
    dock.formPage.modelPicker.open_model(str(town / "quick.json"))
    dock.findChild(object, "epochsSpin").setValue(1)
    dock.findChild(QPushButton, "trainButton").click()
    return raster


class Killer:
    """Kills the worker of the dock's present run as soon as it says that a stage begins."""

    def __init__(self, dock, stage):
        self._stage, self._pid = stage, 0
        dock.controller._run.told.connect(self.hear, Qt.ConnectionType.DirectConnection)

    def hear(self, event):
        if isinstance(event, Started):
            self._pid = event.pid
        elif isinstance(event, StageStarted) and event.stage == self._stage:
            os.kill(self._pid, signal.SIGKILL)


def test_a_worker_killed_in_one_stage_after_another_is_told_each_time_and_resume_finishes_the_run(
    dock, project, town, wait_until
):
    press_fine_tune(dock, project, town)
    told = []
    for stage in [stage for stage in STAGES if stage not in OCCASIONAL_STAGES]:
        killer = Killer(dock, stage)
        wait_until(lambda: dock.state is DockState.ENDED, LIMIT_S)
        if not dock.messageFrame.isVisibleTo(dock):
            break  # the last stages take milliseconds: the worker was faster than its killer
        told.append((stage, dock.findChild(object, "messageLabel").text()))
        dock.findChild(QPushButton, "resumeButton").click()
        assert dock.state is DockState.RUNNING
        del killer
    wait_until(lambda: dock.state is DockState.ENDED, LIMIT_S)
    assert [stage for stage, _ in told][:5] == ["check", "split", "base", "tune", "predict"]
    assert all("killed" in text and f'"{stage}"' in text for stage, text in told)
    assert "killed" not in dock.findChild(object, "messageLabel").text() or not dock.messageFrame.isVisibleTo(dock)
    assert RunFolder(Path(dock._folder)).report.exists()


def test_the_button_trains_and_brings_the_footprints_into_the_project(dock, project, town, wait_until, window):
    raster = press_fine_tune(dock, project, town)
    assert dock.state is DockState.RUNNING
    wait_until(lambda: dock.state is DockState.ENDED, LIMIT_S)
    folder = Path(dock._folder)
    assert RunFolder(folder).report.exists(), window.read_messages()
    group = project.layerTreeRoot().findGroup(folder.name)
    layers = {node.name(): node.layer() for node in group.findLayers()}
    assert set(layers) == {
        "Footprints",
        "Base model's footprints",
        "Held-out area and blocks",
        "Errors in the held-out area",
    }
    footprints = layers["Footprints"]
    assert footprints.crs().authid() == "EPSG:32645"
    assert footprints.featureCount() > 20
    assert raster.extent().contains(footprints.extent())
    assert all(0 <= feature["confidence"] <= 1 for feature in footprints.getFeatures())
    report = json.loads(RunFolder(folder).report.read_text("utf-8"))
    assert report["after"]["building"]["f1"] >= report["before"]["building"]["f1"] > 0.9  # the starter knows roofs
    assert len(dock.chart.epochs) == 1
    roles = {block["role"] for block in layers["Held-out area and blocks"].getFeatures()}
    assert {"training", "held-out"} <= roles
    assert layers["Base model's footprints"].isValid()
    assert f"{report['after']['building']['f1']:.3f}" in RunFolder(folder).page.read_text("utf-8")
    assert write_pdf(RunFolder(folder).page, folder / "report.pdf") >= 2


def test_processing_and_the_command_line_give_the_same_f1_for_the_same_job(application, project, town, tmp_path):
    provider = TunerProvider()
    assert QgsApplication.processingRegistry().addProvider(provider)
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("footprint_tuner:finetune")
    context = QgsProcessingContext()
    context.setProject(project)
    parameters = {
        "RASTER": str(town / "town.tif"),
        "LABELS": str(town / "houses.gpkg"),
        "TUNED_MODEL": str(town / "quick.json"),
        "EPOCHS": 1,
        "RUN_FOLDER": str(tmp_path / "run"),
        "FOOTPRINTS": str(tmp_path / "footprints.shp"),
    }
    results, is_good = algorithm.run(parameters, context, QgsProcessingFeedback())
    QgsApplication.processingRegistry().removeProvider(provider)
    assert is_good
    assert QgsVectorLayer(results["FOOTPRINTS"], "", "ogr").featureCount() > 0
    report = run_again_by_command_line(RunFolder(Path(results["RUN_FOLDER"])), tmp_path / "again")
    assert report["before"]["building"]["f1"] == pytest.approx(results["F1_BEFORE"], abs=1e-9)
    assert report["after"]["building"]["f1"] == pytest.approx(results["F1_AFTER"], abs=1e-9)


def run_again_by_command_line(run, folder):
    """Do the same job in another folder, as a script would, and return its report."""
    folder.mkdir()
    for path in (run.job, run.labels):
        (folder / path.name).write_bytes(path.read_bytes())
    command = worker_command(locate_environment(), "run", str(folder / "job.json"))
    environ = worker_environ(os.environ)
    done = subprocess.run(
        command, env=environ, cwd=PLUGIN_ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert all(line.startswith('{"event": ') for line in done.stdout.splitlines())
    return json.loads(RunFolder(folder).report.read_text("utf-8"))
