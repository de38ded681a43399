"""How quick the review is in the real QGIS: sliders, swipe, stepping; medians of 50. Run by ``qgis --code``.

The run folder stands in the environment as TIMES_RUN; what was measured is written as JSON to TIMES_OUT.
"""

import json
import os
import statistics
import sys
import time
import traceback
from pathlib import Path

from qgis.core import QgsProject, QgsRasterLayer, QgsRectangle
from qgis.PyQt.QtCore import QCoreApplication, QPoint, Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.utils import iface

ROOT = Path(os.environ["QGIS_PLUGINPATH"]).parents[1]
sys.path.insert(0, str(ROOT))

from tests.demo.project import open_dock  # noqa: E402 - the root must be on the path first
from tests.demo.stage import fill_screen, leave, wait, wait_for_map  # noqa: E402 - as above

RUN, OUT = Path(os.environ["TIMES_RUN"]), Path(os.environ["TIMES_OUT"])
COUNT = 50
SIGHTS_M = {"near": 150.0, "far": 1200.0}
LIMIT_S = 30


def wait_until(is_so):
    """Let QGIS work until a question is answered with yes."""
    end = time.monotonic() + LIMIT_S
    while not is_so():
        if time.monotonic() > end:
            raise RuntimeError("It did not come to that within half a minute.")
        QCoreApplication.processEvents()


def tell(seconds):
    """Return the median and the longest, in milliseconds."""
    values = [1000 * each for each in seconds]
    return {"median_ms": round(statistics.median(values), 1), "longest_ms": round(max(values), 1), "of": len(values)}


def open_run():
    """Open the run for review over its raster; returns the dock."""
    dock = open_dock()
    job = json.loads((RUN / "job.json").read_text("utf-8"))
    raster = QgsProject.instance().addMapLayer(QgsRasterLayer(job["raster"], "raster"))
    QgsProject.instance().setCrs(raster.crs())
    dock.tabs.setCurrentWidget(dock.reviewTab)
    dock.reviewPage.run_chosen.emit(str(RUN))
    return dock, raster


def look_at(raster, width_m):
    """Show a part of the middle of the raster."""
    middle = raster.extent().center()
    iface.mapCanvas().setExtent(QgsRectangle.fromCenterAndSize(middle, width_m, width_m * 0.7))
    wait_for_map()


def time_sliders(dock):
    """Return the seconds from a slider's move to the footprints on the map, drawn."""
    panel = dock.reviewPage.thresholdPanel
    live = dock.findChild(object, "liveButton")
    if not live.isChecked():
        live.click()
    part = next(each for each in find_parts() if hasattr(each, "_overlay"))
    shown = []
    show = part._overlay.show
    part._overlay.show = lambda *args, **kwargs: (show(*args, **kwargs), shown.append(time.perf_counter()))
    wait_until(lambda: shown)
    wait(3000)
    seconds = []
    for number in range(COUNT):
        shown.clear()
        began = time.perf_counter()
        panel.thresholdSpin.setValue(0.3 + 0.01 * (number % 40))
        wait_until(lambda: shown)
        iface.mapCanvas().viewport().repaint()
        seconds.append(time.perf_counter() - began)
        wait(50)
    part._overlay.show = show
    live.click()
    return seconds


def find_parts():
    """Return the parts of the review, as the plugin holds them."""
    from qgis.utils import plugins  # noqa: PLC0415 - the plugin is loaded by QGIS, after this script

    return plugins["footprint_tuner"]._controller.reviewer.parts


def is_drawn(comparison):
    """Tell whether both sides of the swipe, and the imagery beneath them, are drawn for the map as it is."""
    pictures = [] if comparison is None else [each for each in comparison._pictures if each is not None]
    return len(pictures) == 3 and all(each.is_of(iface.mapCanvas().mapSettings()) for each in pictures)


def time_swipe(dock):
    """Return the seconds of a frame of the swipe: from the mouse's move to the map repainted."""
    dock.reviewPage.swipePanel.swipeButton.click()
    part = next(each for each in find_parts() if hasattr(each, "comparison"))
    wait_until(lambda: is_drawn(part.comparison))
    canvas = iface.mapCanvas()
    view, row = canvas.viewport(), canvas.height() // 2
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(canvas.width() // 2, row))
    seconds = []
    for number in range(COUNT):
        place = QPoint(int(canvas.width() * (0.2 + 0.6 * number / COUNT)), row)
        began = time.perf_counter()
        QTest.mouseMove(view, place)
        QCoreApplication.processEvents()
        view.repaint()
        seconds.append(time.perf_counter() - began)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(10, row))
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    return seconds


def time_steps(dock):
    """Return the seconds from the key to the map drawn around the next error."""
    table = dock.reviewPage.errorPanel.errorTable
    wait_until(table.rows.rowCount)
    drawn = []
    iface.mapCanvas().mapCanvasRefreshed.connect(lambda: drawn.append(True))
    table.setFocus()
    seconds = []
    for _ in range(COUNT):
        drawn.clear()
        began = time.perf_counter()
        QTest.keyClick(table, Qt.Key.Key_N)
        wait_until(lambda: drawn)
        seconds.append(time.perf_counter() - began)
        wait(30)
    return seconds


def time_networks():
    """Return the seconds in which the dialog with all encoders opens, and those of a search in it."""
    from footprint_tuner.plugin.core.model_specs import load_encoders  # noqa: PLC0415 - the plugin is loaded later
    from footprint_tuner.ui.model.architecture import ArchitectureDialog  # noqa: PLC0415 - as above

    opening, searching = [], []
    for _ in range(COUNT):
        began = time.perf_counter()
        dialog = ArchitectureDialog(load_encoders())
        dialog.open()
        QCoreApplication.processEvents()
        opened = time.perf_counter()
        dialog.encoderSearch.encoderEdit.setText("convnext tiny")
        QCoreApplication.processEvents()
        searching.append(time.perf_counter() - opened)
        opening.append(opened - began)
        dialog.close()
        dialog.deleteLater()
    return opening, searching


def measure():
    """Measure everything and return it."""
    dock, raster = open_run()
    wait(1000)
    told = {
        "raster_px": [raster.width(), raster.height()],
        "canvas_px": [iface.mapCanvas().width(), iface.mapCanvas().height()],
    }
    for name, width_m in SIGHTS_M.items():
        look_at(raster, width_m)
        told[f"slider to redraw, {name} ({width_m:g} m)"] = tell(time_sliders(dock))
        told[f"swipe frame, {name}"] = tell(time_swipe(dock))
    look_at(raster, SIGHTS_M["near"])
    told["stepping"] = tell(time_steps(dock))
    opening, searching = time_networks()
    told["list of encoders opened"], told["list of encoders searched"] = tell(opening), tell(searching)
    return told


def main():
    """Measure, and leave QGIS whatever happened."""
    try:
        fill_screen()
        OUT.write_text(json.dumps(measure(), indent=2))
    except Exception:  # noqa: BLE001 - QGIS would wait for ever
        OUT.with_suffix(".log").write_text(traceback.format_exc())
    leave()


QTimer.singleShot(1500, main)
