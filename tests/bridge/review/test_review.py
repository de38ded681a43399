"""The review in QGIS's real window, pixel by pixel: the swipe is dragged, ground marked, and *Improve* pressed."""

from __future__ import annotations

import json

from osgeo import gdal

from footprint_tuner.plugin.bridge.layers.layer_checks import take_labels
from footprint_tuner.plugin.bridge.layers.polygon_copy import copy_polygons
from tests.bridge.errorfile import write_run
from tests.bridge.test_qgis import play, profile, read_said, town
from tests.waiting import LIMIT_S

__all__ = ("play", "profile", "town")  # fixtures

LOOK = """
from qgis.core import QgsRectangle
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtTest import QTest

KEEP = Qt.KeyboardModifier.NoModifier

def grab():
    return iface.mapCanvas().grab().toImage()

def see(x_share, y_share=0.5):
    image = grab()
    seen = image.pixelColor(int(x_share * (image.width() - 1)), int(y_share * (image.height() - 1)))
    return [seen.red(), seen.green(), seen.blue()]

def sample():
    "Colours all over the map: QGIS's window may give it some pixels more or less meanwhile."
    return [see(x / 20, y / 20) for x in range(5, 16) for y in range(5, 16)]

def place(x_share, y_share):
    canvas = iface.mapCanvas()
    return QPoint(int(x_share * canvas.width()), int(y_share * canvas.height()))

def drag(start, end):
    view = iface.mapCanvas().viewport()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, KEEP, place(*start))
    for share in (0.25, 0.5, 0.75, 1.0):
        x, y = (a + share * (b - a) for a, b in zip(start, end))
        QTest.mouseMove(view, place(x, y))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, KEEP, place(*end))

def is_still():
    return not iface.mapCanvas().isDrawing()

def open_run():
    dock = open_dock()
    dock.setFixedWidth(400)  # the map keeps its size, so that pictures of it can be compared
    add_layers()
    dock.tabs.setCurrentWidget(dock.reviewTab)
    dock.reviewPage.run_chosen.emit(str(FOLDER / "run"))
    for node in QgsProject.instance().layerTreeRoot().findLayers():
        node.setItemVisibilityChecked(node.name() == "town")
    iface.mapCanvas().setExtent(QgsRectangle(500004, 2999972, 500028, 2999996))
    iface.mapCanvas().refresh()
    return dock

def wait_for_map():
    for _ in range(6):
        yield is_still

def choose(panel, first, second):
    for combo, side in ((panel.beforeCombo, first), (panel.afterCombo, second)):
        combo.setCurrentIndex(combo.findData(side))
        combo.activated.emit(combo.currentIndex())
"""

SWIPE = (
    LOOK
    + """
def steps():
    dock = open_run()
    yield dock.isVisible
    yield from wait_for_map()
    panel = dock.reviewPage.swipePanel
    dock.reviewPage.swipeGroup.setCollapsed(False)
    choose(panel, "imagery", "probability")
    tree = [(node.name(), node.isVisible()) for node in QgsProject.instance().layerTreeRoot().findLayers()]
    canvas = iface.mapCanvas()
    before = sample()
    panel.swipeButton.click()
    for _ in range(3):
        yield from wait_for_map()
    said["start"] = [see(0.3, 0.7), see(0.7, 0.7)]
    drag((0.5, 0.6), (0.2, 0.6))
    said["dragged left"] = [see(0.1, 0.7), see(0.3, 0.7)]
    drag((0.2, 0.6), (0.8, 0.6))
    said["dragged right"] = [see(0.7, 0.7), see(0.9, 0.7)]
    canvas.setFocus()
    QTest.keyPress(canvas, Qt.Key.Key_F)
    said["flipped"] = see(0.9, 0.7)
    QTest.keyRelease(canvas, Qt.Key.Key_F)
    said["after the flip"] = see(0.9, 0.7)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    yield from wait_for_map()
    said["as before"] = sample() == before
    after = [(node.name(), node.isVisible()) for node in QgsProject.instance().layerTreeRoot().findLayers()]
    said["tree"] = after == tree
    panel.swipeButton.click()
    yield is_still
    QgsProject.instance().clear()
    said["closed"] = [dock.reviewPage.swipeGroup.isVisible(), canvas.mapTool() is not None]
    say()
    leave()

QTimer.singleShot(500, lambda: go_on(steps()))
"""
)

IMPROVE = (
    LOOK
    + """
def steps():
    dock = open_run()
    yield dock.isVisible
    yield from wait_for_map()
    panel = dock.reviewPage.improvePanel
    dock.reviewPage.improveGroup.setCollapsed(False)
    panel.correctButton.click()
    yield panel.markButton.isEnabled
    yield from wait_for_map()
    before = see(0.8, 0.8)
    panel.markButton.click()
    drag((0.7, 0.7), (0.9, 0.9))
    yield from wait_for_map()
    said["marked"] = [before, see(0.8, 0.8), see(0.3, 0.9)]
    said["checked"] = panel.checkedLabel.text()
    layer = iface.activeLayer()
    layer.undoStack().undo()
    yield from wait_for_map()
    said["undone"] = see(0.8, 0.8)
    layer.undoStack().redo()
    panel.improveButton.click()
    yield lambda: dock.state.name == "ENDED"
    said["problem"] = panel.improveLabel.text()
    said["run"] = dock._folder
    for each in QgsProject.instance().mapLayers().values():
        if isinstance(each, QgsVectorLayer) and each.isEditable():
            each.rollBack()
    for node in QgsProject.instance().layerTreeRoot().findLayers():
        node.setItemVisibilityChecked(node.layer().source().startswith(dock._folder) and node.name() == "Footprints")
    iface.mapCanvas().setExtent(QgsRectangle(500000, 2999995, 500018, 3000013))
    yield from wait_for_map()
    said["improved"] = [see(x, y) for x, y in ((0.25, 0.5), (0.53, 0.5))]
    say()
    leave()

QTimer.singleShot(500, lambda: go_on(steps()))
"""
)


def make_run(town):
    """Write a finished run whose tuned model is sure everywhere."""
    folder = write_run(town / "run")
    folder.job.write_text(json.dumps({"raster": str(town / "town.tif"), "labels": "labels.gpkg"}), encoding="utf-8")
    gdal.Translate(str(folder.probability), str(town / "town.tif"), bandList=[1])
    source = gdal.Open(str(folder.probability), gdal.GA_Update)
    source.GetRasterBand(1).Fill(254)
    del source
    folder.model.write_bytes(b"weights")
    return folder


def test_the_swipe_is_dragged_and_flipped_and_leaves_the_map_as_it_was(play, town):
    make_run(town)
    qgis = play(SWIPE)
    said = read_said(town)
    assert "error" not in said, said["error"]
    imagery, probability = said["start"]
    assert imagery != probability
    assert said["dragged left"] == said["dragged right"] == [imagery, probability]
    assert (said["flipped"], said["after the flip"]) == (imagery, probability)
    assert said["as before"]
    assert said["tree"]
    assert said["closed"] == [False, True]
    assert qgis.wait(LIMIT_S) == 0


def test_ground_is_marked_on_the_map_and_improve_starts_a_run_from_it(play, town, make_labels):
    folder = make_run(town)
    copy_polygons(take_labels(make_labels()), folder.footprints, lambda: False)
    qgis = play(IMPROVE)
    said = read_said(town)
    assert "error" not in said, said["error"]
    plain, marked, beside = said["marked"]
    assert marked != plain
    assert beside == said["undone"] == plain
    assert said["checked"].startswith("1 area is checked")
    assert said["problem"] == ""
    job = json.loads((town / "run" / "job.json").read_text("utf-8"))
    new = json.loads((type(town)(said["run"]) / "job.json").read_text("utf-8"))
    assert new["raster"] == job["raster"]
    assert new["parent"] == str(folder.path)
    assert (type(town)(said["run"]) / new["earlier"]).read_bytes() == folder.split.read_bytes()
    footprint, ground = said["improved"]
    assert footprint != ground
    assert qgis.wait(LIMIT_S) == 0
