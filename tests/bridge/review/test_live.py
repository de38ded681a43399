"""The live threshold in QGIS's real window, pixel by pixel: the sliders move, and the map follows."""

from __future__ import annotations

import os
import signal

from tests.bridge.review.test_review import LOOK, make_run
from tests.bridge.test_qgis import list_workers, play, profile, read_said, town
from tests.waiting import LIMIT_S, wait_until

__all__ = ("play", "profile", "town")  # fixtures

PLACES = (
    LOOK
    + """
#: The middles of a large building, surer than 0.6, and of a small one, a little surer; and open ground.
LARGE, SMALL, GROUND = (500020, 2999980), (500027, 2999981), (500016.0, 2999976.0)

def see_at(places):
    image, to_pixels = grab(), iface.mapCanvas().getCoordinateTransform()
    seen = []
    for x, y in places:
        spot = to_pixels.transform(x, y)
        colour = image.pixelColor(int(spot.x()), int(spot.y()))
        seen.append([colour.red(), colour.green(), colour.blue()])
    return seen

def list_tree():
    return [(node.name(), node.isVisible()) for node in QgsProject.instance().layerTreeRoot().findLayers()]

def press_keys(widget, key, times):
    widget.setFocus()
    for _ in range(times):
        QTest.keyClick(widget, key)
"""
)

MOVE = (
    PLACES
    + """
def steps():
    dock = open_run()
    yield dock.isVisible
    panel = dock.reviewPage.thresholdPanel
    dock.reviewPage.thresholdGroup.setCollapsed(False)
    yield from wait_for_map()
    places, tree, layers = (LARGE, SMALL, GROUND), list_tree(), list(QgsProject.instance().mapLayers())
    before = see_at(places)
    said["off"] = before
    panel.liveButton.click()
    yield lambda: "8 footprints" in panel.liveLabel.text()
    said["0.50, 5 m2"] = see_at(places)
    press_keys(panel.thresholdSlider, Qt.Key.Key_PageUp, 4)
    yield lambda: "5 footprints" in panel.liveLabel.text()
    said["0.70, 5 m2"] = see_at(places)
    press_keys(panel.thresholdSlider, Qt.Key.Key_Left, 10)
    press_keys(panel.areaSlider, Qt.Key.Key_PageUp, 2)
    yield lambda: "3 footprints" in panel.liveLabel.text()
    said["0.60, 20 m2"] = see_at(places)
    panel.fillCheck.click()
    said["not filled"] = see_at(places)
    press_keys(panel.areaSlider, Qt.Key.Key_End, 1)
    yield lambda: "0 footprints" in panel.liveLabel.text()
    said["none"] = see_at(places)
    said["sliders"] = [panel.thresholdSpin.value(), panel.areaSpin.value()]
    said["tree"] = list_tree() == tree and list(QgsProject.instance().mapLayers()) == layers
    panel.fillCheck.click()
    press_keys(panel.areaSlider, Qt.Key.Key_Home, 1)
    yield lambda: "6 footprints" in panel.liveLabel.text()
    iface.mapCanvas().setExtent(QgsRectangle(500014, 2999970, 500030, 2999986))
    iface.mapCanvas().refresh()
    yield from wait_for_map()
    said["zoomed"] = see_at(places)
    panel.liveButton.click()
    yield from wait_for_map()
    said["off again"] = see_at(places)
    say()
    leave()

QTimer.singleShot(500, lambda: go_on(steps()))
"""
)

APPLY = (
    PLACES
    + """
def steps():
    dock = open_run()
    yield dock.isVisible
    panel = dock.reviewPage.thresholdPanel
    for node in QgsProject.instance().layerTreeRoot().findLayers():
        node.setItemVisibilityChecked(node.name() in ("town", "Footprints"))
    yield from wait_for_map()
    tree, places = list_tree(), (LARGE, SMALL, GROUND)
    said["before"] = see_at(places)
    panel.liveButton.click()
    yield lambda: panel.applyButton.isVisibleTo(panel) and "8 footprints" in panel.liveLabel.text()
    press_keys(panel.thresholdSlider, Qt.Key.Key_PageUp, 3)
    panel.applyButton.click()
    yield lambda: panel.handTitle.text()
    panel.liveButton.click()
    yield from wait_for_map()
    said["after"] = see_at(places)
    said["tree"] = list_tree() == tree
    said["mark"] = dock.reviewPage.reviewLabel.text()
    said["dirty"] = QgsProject.instance().isDirty()
    say()
    leave()

QTimer.singleShot(500, lambda: go_on(steps()))
"""
)

STAY = (
    PLACES
    + """
def steps():
    dock = open_run()
    yield dock.isVisible
    panel = dock.reviewPage.thresholdPanel
    panel.liveButton.click()
    yield lambda: "8 footprints" in panel.liveLabel.text()
    said["qgis"] = os.getpid()
    say()
    if {leave}:
        leave()

QTimer.singleShot(500, lambda: go_on(steps()))
"""
)


def is_live(colour, ground):
    """Tell whether a colour lies between that of the ground and the live one, cyan."""
    red, green, blue = colour
    return red < ground[0] and green > ground[1] and blue > ground[2]


def test_the_map_follows_the_sliders_and_is_left_as_it_was(play, town):
    make_run(town)
    qgis = play(MOVE)
    said = read_said(town)
    assert "error" not in said, said["error"]
    off = said["off"]
    shown = {
        name: [is_live(colour, ground) for colour, ground in zip(said[name], off)]
        for name in ("0.50, 5 m2", "0.70, 5 m2", "0.60, 20 m2", "not filled", "none", "zoomed")
    }
    assert shown == {
        "0.50, 5 m2": [True, True, False],
        "0.70, 5 m2": [False, True, False],
        "0.60, 20 m2": [True, False, False],
        "not filled": [False, False, False],
        "none": [False, False, False],
        "zoomed": [True, True, False],
    }
    assert said["none"] == said["off again"] == off
    assert said["sliders"] == [0.6, 200.0]
    assert said["tree"]
    assert qgis.wait(LIMIT_S) == 0


def test_apply_renews_the_footprints_on_the_map_and_leaves_the_tree(play, town):
    make_run(town)
    qgis = play(APPLY)
    said = read_said(town)
    assert "error" not in said, said["error"]
    changed = [before != after for before, after in zip(said["before"], said["after"])]
    assert changed == [False, True, False]
    assert said["tree"]
    assert said["mark"].endswith("Threshold set manually.")
    assert qgis.wait(LIMIT_S) == 0


def test_closing_the_real_window_ends_the_live_worker(play, town):
    make_run(town)
    qgis = play(STAY.format(leave=True))
    said = read_said(town)
    assert "error" not in said, said["error"]
    assert qgis.wait(LIMIT_S) == 0
    assert list_workers(town) == []


def test_a_qgis_that_is_killed_takes_the_live_worker_with_it(play, town):
    make_run(town)
    play(STAY.format(leave=False))
    said = read_said(town)
    assert "error" not in said, said["error"]
    assert len(list_workers(town)) == 1
    os.kill(said["qgis"], signal.SIGKILL)
    wait_until(lambda: not list_workers(town))
