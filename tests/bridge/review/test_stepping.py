"""Stepping through a run's errors in QGIS's real window: what the canvas shows, pixel by pixel."""

from __future__ import annotations

from tests.bridge.errorfile import write_run
from tests.bridge.test_qgis import play, profile, read_said, town
from tests.waiting import LIMIT_S

__all__ = ("play", "profile", "town")  # fixtures

STEP = """
from qgis.core import QgsPointXY, QgsRectangle
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication

GREEN, PINK, ORANGE = (57, 255, 20), (255, 92, 184), (255, 98, 0)

def look():
    canvas = iface.mapCanvas()
    image = canvas.grab().toImage()
    ratio = image.width() / canvas.width()
    def find(colour):
        found = []
        for x in range(0, image.width(), 2):
            for y in range(image.height()):
                seen = image.pixelColor(x, y)
                if max(abs(a - b) for a, b in zip(colour, (seen.red(), seen.green(), seen.blue()))) < 12:
                    found.append((x / ratio, y / ratio))
        return found
    return image, find

def measure(points):
    "The box of some points, as shares of the canvas: left, top, right, bottom."
    canvas = iface.mapCanvas()
    xs, ys = [x / canvas.width() for x, _ in points], [y / canvas.height() for _, y in points]
    return [round(value, 3) for value in (min(xs), min(ys), max(xs), max(ys))] if points else []

def is_still():
    return not iface.mapCanvas().isDrawing()

def count_changes(one, other):
    places = [(x, y) for x in range(0, one.width(), 3) for y in range(0, one.height(), 3)]
    return sum(one.pixel(x, y) != other.pixel(x, y) for x, y in places)

def steps():
    window, canvas = iface.mainWindow(), iface.mapCanvas()
    window.activateWindow()
    dock = open_dock()
    add_layers()
    yield dock.isVisible
    dock.tabs.setCurrentWidget(dock.reviewTab)
    page = dock.reviewPage
    page.errorsGroup.setCollapsed(False)
    page.run_chosen.emit(str(FOLDER / "run"))
    panel = page.errorPanel
    yield lambda: panel.errorTable.rows.rowCount() == 4
    canvas.setExtent(QgsRectangle(500000, 2999968, 500032, 3000000))
    canvas.refresh()
    yield is_still
    yield is_still
    before, find = look()
    said["before"] = [len(find(GREEN)), len(find(PINK)), len(find(ORANGE))]
    panel.errorLayerCheck.click()
    yield is_still
    yield is_still
    styled, find = look()
    said["styled"] = [len(find(GREEN)) == 0, len(find(PINK)) > 20, len(find(ORANGE)) > 20]
    panel.errorTable.setFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_N, Qt.Key.Key_P):
        QTest.keyClick(panel.errorTable, key)
        yield is_still
        yield is_still
        image, find = look()
        said.setdefault("boxes", []).append(measure(find(GREEN)))
        said.setdefault("lines", []).append(panel.errorLine.text())
        said.setdefault("changes", []).append(count_changes(styled, image))
    yield lambda: QApplication.activeWindow() is not None
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    said["by canvas"] = panel.errorLine.text()
    page.run_chosen.emit(str(FOLDER / "nothing"))
    yield is_still
    said["closed"] = len(look()[1](GREEN))
    say()
    leave()

QTimer.singleShot(500, lambda: go_on(steps()))
"""


def test_the_canvas_shows_each_error_in_its_middle_with_a_mark_of_its_own(play, town):
    write_run(town / "run")
    qgis = play(STEP)
    said = read_said(town)
    assert "error" not in said, said["error"]
    assert said["before"] == [0, 0, 0]
    assert said["styled"] == [True, True, True]
    assert [line.partition(",")[0] for line in said["lines"]] == ["1 of 4: missed", "2 of 4: extra", "1 of 4: missed"]
    missed, extra, again = said["boxes"]
    for left, top, right, bottom in said["boxes"]:
        assert abs((left + right) / 2 - 0.5) < 0.01
        assert abs((top + bottom) / 2 - 0.5) < 0.01
    assert missed == again
    assert (missed[2] - missed[0]) / (extra[2] - extra[0]) > 2
    assert min(said["changes"]) > 500
    assert said["by canvas"].startswith("2 of 4: extra")
    assert said["closed"] == 0
    assert qgis.wait(LIMIT_S) == 0
