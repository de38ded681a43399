"""What a person would do in QGIS, done in QGIS: choose, press Fine-tune, wait, look. Run by ``qgis --code``."""

import json
import os
import sys
import time
import traceback
from pathlib import Path

from qgis.core import QgsProject
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QPushButton
from qgis.utils import iface

ROOT = Path(os.environ["QGIS_PLUGINPATH"]).parents[1]
sys.path.insert(0, str(ROOT))

from tests.demo.picture import draw_before_after  # noqa: E402 - the root must be on the path first
from tests.demo.probe import Probe  # noqa: E402 - as above
from tests.demo.project import choose, cut_sample, fill_form, open_dock, open_sample  # noqa: E402 - as above
from tests.demo.stage import fill_screen, leave, photograph, wait, wait_for_map  # noqa: E402 - as above

DEMO = ROOT / "build" / "demo"
SAMPLE = DEMO / "sample"
EPOCHS_IN_PICTURE = 2


def show_footprints(folder):
    """Open the run's group in the layer tree and hide what lies over the footprints."""
    root = QgsProject.instance().layerTreeRoot()
    for node in root.findLayers():
        if node.layer().name() in ("Areas", "Buildings (OpenStreetMap)", "Held-out area and blocks"):
            node.setItemVisibilityChecked(False)
        node.setExpanded(node.layer().name() == "Footprints")
    root.findGroup(folder.name).setExpanded(True)


def follow(dock, probe):
    """Wait for the run's end, with a picture on the way."""
    from footprint_tuner.ui.dock import DockState  # noqa: PLC0415 - QGIS loads the plugin, not this script

    is_pictured = False
    while dock.state in (DockState.RUNNING, DockState.STOPPING):
        wait(250)
        probe.stage = dock.findChild(object, "stageLabel").text()
        if not is_pictured and len(dock.chart.epochs) >= EPOCHS_IN_PICTURE:
            with probe.paused():
                photograph(DEMO / "2_during.png")
            is_pictured = True


def run():
    """Do the whole story and write demo.json."""
    wishes = json.loads((DEMO / "wishes.json").read_text())
    fill_screen()
    open_sample(cut_sample(SAMPLE, wishes["small"]) if "small" in wishes else SAMPLE, DEMO / "banepa.qgz")
    dock = open_dock()
    choose(dock)
    fill_form(dock, wishes)
    wait_for_map()
    photograph(DEMO / "1_before.png")
    probe, began = Probe(), time.monotonic()
    probe.start()
    QTest.mouseClick(dock.findChild(QPushButton, "trainButton"), Qt.MouseButton.LeftButton)
    wait(200)
    follow(dock, probe)
    job_s = time.monotonic() - began
    wait_for_map()
    probe.stop()
    finish(dock, probe, job_s)


def finish(dock, probe, job_s):
    """Save the project, take the last pictures, and write what happened."""
    folder = Path(dock._folder)
    is_finished = (folder / "report.json").exists()
    result = {
        "ending": "finished" if is_finished else "broken",
        "message": "" if is_finished else dock.messageFrame.messageLabel.text(),
        "folder": str(folder),
        "job_s": round(job_s, 1),
        "longest_gap_ms": probe.longest_ms,
        "gap_stage": probe.longest_stage,
        "gaps_over_50_ms": probe.over_50_ms,
    }
    if is_finished:
        report = (folder / "report.json").read_text()
        (DEMO / "report.json").write_text(report)
        extent = draw_before_after(folder, SAMPLE / "raster.tif", json.loads(report), DEMO / "before_after.png")
        show_footprints(folder)
        iface.mapCanvas().setExtent(extent)
        wait_for_map()
    photograph(DEMO / "3_after.png")
    QgsProject.instance().write()
    (DEMO / "demo.json").write_text(json.dumps(result, indent=2))


def main():
    """Run, and leave QGIS whatever happened."""
    try:
        run()
    except Exception:  # noqa: BLE001 - QGIS would wait for ever
        (DEMO / "drive.log").write_text(traceback.format_exc())
        traceback.print_exc()
    leave()


QTimer.singleShot(1500, main)
