"""Predicting on an area that is drawn in the real QGIS: what the canvas shows, before and after."""

from __future__ import annotations

import json

import pytest

from tests.bridge.test_qgis import play, profile, read_said, town
from tests.waiting import LIMIT_S

__all__ = ("play", "profile", "town")  # fixtures

# The stand-in's footprints are squares of 9 m from 500000, 3000000 on, 20 m apart: just above the raster.
DRAW = """
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtTest import QTest
from qgis.core import QgsPointXY, QgsRectangle

def place(x, y):
    point = iface.mapCanvas().getCoordinateTransform().transform(QgsPointXY(x, y))
    return QPoint(round(point.x()), round(point.y()))

def look(*places):
    image = iface.mapCanvas().grab().toImage()
    return [image.pixelColor(place(*each)).name() for each in places]

def drag(start, end):
    view = iface.mapCanvas().viewport()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=place(*start))
    QTest.mouseMove(view, place(*end), 50)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=place(*end))

def is_drawn():
    return not iface.mapCanvas().isDrawing()

HOUSE, BESIDE, INSIDE, OUTSIDE = (500004.5, 3000004.5), (500015, 3000004.5), (500010, 2999990), (500028, 2999990)

def steps():
    iface.mainWindow().resize(1280, 800)
    dock = open_dock()
    raster, _ = add_layers()
    QgsProject.instance().layerTreeRoot().findLayer(_.id()).setItemVisibilityChecked(False)
    dock.tabs.setCurrentWidget(dock.predictTab)
    page = dock.predictPage
    page.predictRasterCombo.setLayer(raster)
    yield lambda: page.isVisible() and is_drawn()
    iface.mapCanvas().setDestinationCrs(raster.crs())
    iface.mapCanvas().setExtent(QgsRectangle(499980, 2999960, 500050, 3000030))
    iface.mapCanvas().refresh()
    yield is_drawn
    page.groundCombo.setFocus()
    QTest.keyClicks(page.groundCombo, "An area")
    yield page.drawGroundButton.isVisible
    before = look(HOUSE, BESIDE, INSIDE, OUTSIDE)
    press(dock, "drawGroundButton")
    drag((500002, 2999998), (500020, 2999975))
    yield lambda: page.groundLine.text() == "An area is drawn."
    said["area"] = [look(each)[0] != earlier for each, earlier in zip((INSIDE, OUTSIDE), before[2:])]
    press(dock, "predictButton")
    yield page.predictButton.isEnabled
    said["message"] = page.predictMessage.messageLabel.text()
    said["warnings"] = [notice.message for notice in page.differenceList.notices]
    yield lambda: len(QgsProject.instance().mapLayers()) == 3 and is_drawn()
    shown = [False]
    QTimer.singleShot(1500, lambda: shown.__setitem__(0, True))
    yield lambda: shown[0] and is_drawn()
    said["title"] = QgsProject.instance().layerTreeRoot().children()[0].name()
    said["footprints"] = [look(each)[0] != earlier for each, earlier in zip((HOUSE, BESIDE), before[:2])]
    iface.mainWindow().grab().save(str(FOLDER / "window.png"))
    say()
    leave()

QTimer.singleShot(500, lambda: go_on(steps()))
"""


def test_an_area_is_drawn_on_the_map_and_its_footprints_appear_there(play, town, environment):
    qgis = play(DRAW)
    said = read_said(town)
    assert "error" not in said, said["error"]
    assert said["area"] == [True, False]
    assert "3 footprints" in said["message"]
    assert said["warnings"] == ["The raster is finer."]
    assert said["title"] == "Footprints of town"
    assert said["footprints"] == [True, False]
    ground = json.loads((environment.folder.parent / "ground.json").read_text("utf-8"))
    assert ground["extent"] == pytest.approx([500002, 500020, 2999975, 2999998], abs=0.5)
    assert qgis.wait(LIMIT_S) == 0
