"""The swipe in QGIS's real window: the line is dragged, the map looked at, and the program ended in the middle."""

from __future__ import annotations

import pytest

from tests.bridge.swiperun import write_run
from tests.bridge.test_qgis import play, profile, read_said, town
from tests.waiting import LIMIT_S

__all__ = ("play", "profile", "town")  # fixtures

BEGIN = """
from qgis.PyQt.QtCore import QEvent, QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QKeySequence, QMouseEvent, QWheelEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QShortcut
from qgis.core import QgsRectangle
from qgis.gui import QgsMapCanvasItem
from qgis.utils import unloadPlugin

canvas = iface.mapCanvas()
view = canvas.viewport()
NONE, LEFT, MIDDLE = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
ITEMS = []

def pause(ms):
    due = []
    QTimer.singleShot(ms, lambda: due.append(True))
    return lambda: due and not canvas.isDrawing()

def find_part():
    parts = plugins["footprint_tuner"]._controller.reviewer.parts
    return next(part for part in parts if type(part).__name__ == "Swipe")

def is_drawn():
    comparison = find_part().comparison
    pictures = [] if comparison is None else [each for each in comparison._pictures if each is not None]
    return bool(pictures) and all(each.is_of(canvas.mapSettings()) for each in pictures)

def grab():
    return view.grab().toImage()

def compare(one, other, left=0.0, right=1.0):
    "The share of pixels that differ, beneath the names in the corners."
    xs = range(int(left * view.width()) + 20, int(right * view.width()) - 20, 4)
    places = [(x, y) for x in xs for y in range(70, view.height(), 4)]
    return sum(one.pixel(*place) != other.pixel(*place) for place in places) / len(places)

def mouse(kind, x, y, button, buttons):
    at, plain = QPointF(x, y), Qt.KeyboardModifier.NoModifier
    globally = QPointF(view.mapToGlobal(at.toPoint()))
    QApplication.sendEvent(view, QMouseEvent(kind, at, globally, button, buttons, plain))

def drag(x, to, button=LEFT):
    y = view.height() // 3
    mouse(QEvent.Type.MouseButtonPress, x, y, button, button)
    for step in range(1, 6):
        mouse(QEvent.Type.MouseMove, int(x + (to - x) * step / 5), y, NONE, button)
    mouse(QEvent.Type.MouseButtonRelease, to, y, button, NONE)

def turn_wheel():
    at = QPointF(view.width() // 2, view.height() // 2)
    phase, plain = Qt.ScrollPhase.NoScrollPhase, Qt.KeyboardModifier.NoModifier
    globally = QPointF(view.mapToGlobal(at.toPoint()))
    QApplication.sendEvent(view, QWheelEvent(at, globally, QPoint(), QPoint(0, 120), NONE, plain, phase, False))

def describe():
    project = QgsProject.instance()
    nodes = project.layerTreeRoot().findLayers()
    shown = [(node.layer().name(), node.isVisible(), node.isExpanded()) for node in nodes]
    current = iface.activeLayer()
    return [shown, [layer.id() for layer in canvas.layers()], current and current.id(), project.isDirty()]

def open_run():
    window = iface.mainWindow()
    window.resize(1270, 790)  # in a narrower one the status bar makes room for coordinates, and the map moves
    window.activateWindow()
    dock = open_dock()
    add_layers()
    dock.tabs.setCurrentWidget(dock.reviewTab)
    dock.reviewPage.swipeGroup.setCollapsed(False)
    dock.reviewPage.run_chosen.emit(str(FOLDER / "run"))
    canvas.setExtent(QgsRectangle(500002, 2999972, 500024, 2999994))
    canvas.refresh()
    QgsProject.instance().setDirty(False)
    ITEMS.append(len(canvas.scene().items()))
    return dock
"""

SWIPE = (
    BEGIN
    + """
def steps():
    dock = open_run()
    panel = dock.reviewPage.swipePanel
    yield pause(700)
    yield pause(100)
    yield lambda: QApplication.activeWindow() is not None
    plain, known, tool = grab(), describe(), canvas.mapTool()
    press(dock, "swipeButton")
    part = find_part()
    yield is_drawn
    yield pause(50)
    said["began"] = [compare(plain, grab()), canvas.mapTool() is part.tool]
    QTest.keyPress(canvas, Qt.Key.Key_F)
    before = grab()
    QTest.keyRelease(canvas, Qt.Key.Key_F)
    width = view.width()
    drag(width // 2, 0)
    yield pause(50)
    after = grab()
    said["sides"] = compare(before, after)
    said["dragged"] = []
    for place in (0.25, 0.75):
        drag(10, int(place * width))
        yield pause(50)
        seen = grab()
        said["dragged"].append([compare(seen, before, right=place), compare(seen, after, left=place)])
    extent = canvas.extent()
    QTest.keyClick(canvas, Qt.Key.Key_Left)
    QTest.keyClick(canvas, Qt.Key.Key_H)
    said["keys"] = [round(part.comparison.item.place, 2), panel.is_horizontal, canvas.extent() == extent]
    QTest.keyClick(canvas, Qt.Key.Key_V)
    said["kept"] = describe() == known
    drag(width // 2, width // 2 + 60, MIDDLE)
    turn_wheel()
    said["moved"] = [canvas.extent() != extent, canvas.extent().width() < extent.width(), canvas.mapTool() is part.tool]
    yield pause(100)
    yield is_drawn
    canvas.setExtent(extent)
    canvas.refresh()
    yield pause(100)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    yield pause(100)
    said["ended"] = [compare(plain, grab()), describe() == known, canvas.mapTool() is tool]
    QTest.keyPress(canvas, Qt.Key.Key_F)
    yield is_drawn
    yield pause(50)
    said["flipped"] = compare(before, grab())
    QTest.keyRelease(canvas, Qt.Key.Key_F)
    yield pause(50)
    said["flipped back"] = compare(plain, grab())
    keys = QKeySequence("Ctrl+Alt+S")
    own = iface.mainWindow().findChildren(QAction) + iface.mainWindow().findChildren(QShortcut)
    taken = [list(each.shortcuts()) if isinstance(each, QAction) else [each.key()] for each in own]
    said["clashes"] = [each.objectName() for each, by in zip(own, taken) if keys in by]
    QTest.keyClick(canvas, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    said["by keys"] = part.tool is not None
    {end}
    say()
    leave()

QTimer.singleShot(500, lambda: go_on(steps()))
"""
)

UNLOAD = """
    unloadPlugin("footprint_tuner")
    yield pause(100)
    said["items"] = len(canvas.scene().items()) - ITEMS[0]
    said["unloaded"] = canvas.mapTool() is tool
"""


@pytest.mark.parametrize(
    "end", ["", UNLOAD], ids=["QGIS is closed in mid-swipe", "the plugin is unloaded in mid-swipe"]
)
def test_the_line_parts_the_real_map_and_leaves_it_as_it_was(play, town, end):
    write_run(town / "run", town / "town.tif")
    qgis = play(SWIPE.replace("{end}", end.strip()))
    said = read_said(town)
    assert "error" not in said, said["error"]
    assert said["began"][0] > 0.3
    assert said["began"][1]
    assert said["sides"] > 0.3
    assert said["dragged"] == [[0, 0], [0, 0]]
    assert said["keys"] == [0.73, True, True]
    assert said["kept"]
    assert said["moved"] == [True, True, True]
    assert said["ended"] == [0, True, True]
    assert said["flipped"] == 0
    assert said["flipped back"] == 0
    assert said["clashes"] == []
    assert said["by keys"]
    if end:
        assert said["items"] <= 0
        assert said["unloaded"]
    assert qgis.wait(LIMIT_S) == 0
