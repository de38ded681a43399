"""The swipe and the flip: what the canvas shows on either side of the line, and that the project stays as it was."""

from __future__ import annotations

import json

import pytest
from osgeo import gdal
from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsRasterLayer, QgsRectangle, QgsVectorLayer
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QEvent, QPoint, Qt
from qgis.PyQt.QtGui import QFocusEvent, QKeyEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication

from footprint_tuner.plugin.bridge.review.swipe import Swiper
from footprint_tuner.plugin.core.record import read_record
from footprint_tuner.ui.swipe import BASE_PROBABILITY, IMAGERY, PROBABILITY, SwipePanel
from tests.bridge.conftest import LEFT, PIXEL, TOP
from tests.bridge.errorfile import write_run

WIDTH, HEIGHT = 400, 300
FULL = 254


@pytest.fixture
def record(tmp_path, make_raster):
    """A run whose tuned model is sure of everything and whose base model of nothing, over a plain raster."""
    raster = make_raster()
    folder = write_run(tmp_path / "run")
    folder.job.write_text(json.dumps({"raster": raster.source()}), encoding="utf-8")
    for path, value in ((folder.probability, FULL), (folder.base_probability, 0)):
        gdal.Translate(str(path), raster.source(), bandList=[1])
        source = gdal.Open(str(path), gdal.GA_Update)
        source.GetRasterBand(1).Fill(value)
        del source
    return read_record(folder.path)


@pytest.fixture
def canvas(window, record):
    """The map, with the raster and a layer of the user's, larger than what it shows."""
    project, canvas = QgsProject.instance(), window.canvas
    raster = project.addMapLayer(QgsRasterLayer(record.raster, "town"))
    own = project.addMapLayer(QgsVectorLayer("Polygon?crs=EPSG:32645", "mine", "memory"))
    window.window.setCentralWidget(canvas)
    window.window.resize(WIDTH, HEIGHT)
    window.window.show()
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32645"))
    canvas.setLayers([own, raster])
    canvas.setExtent(QgsRectangle(LEFT, TOP - 64 * PIXEL, LEFT + 64 * PIXEL, TOP))
    return canvas


@pytest.fixture
def panel(window):
    made = SwipePanel(window.window)
    choose(made, IMAGERY, PROBABILITY)
    return made


@pytest.fixture
def swiper(canvas, panel, record, wait_until):
    made = Swiper(canvas, panel)
    made.open(record)
    drawn = []
    canvas.mapCanvasRefreshed.connect(lambda: drawn.append(True))
    canvas.refresh()
    wait_until(lambda: drawn and not canvas.isDrawing() and see(canvas, 0.5) == (40, 80, 120))
    yield made
    if not sip.isdeleted(made):
        made.close()


def choose(panel, first, second):
    for combo, side in ((panel.firstSideCombo, first), (panel.secondSideCombo, second)):
        combo.setCurrentIndex(combo.findData(side))
        combo.activated.emit(combo.currentIndex())


@pytest.fixture
def swipe(swiper, panel, wait_until):
    """The swipe on the map, both sides drawn."""
    panel.swipeButton.click()
    wait_until(lambda: swiper.curtain is not None and swiper.curtain.is_ready)
    return swiper


def grab(canvas):
    return canvas.grab().toImage()


def see(canvas, x_share, y_share=0.5):
    image = grab(canvas)
    colour = image.pixelColor(int(x_share * (image.width() - 1)), int(y_share * (image.height() - 1)))
    return colour.red(), colour.green(), colour.blue()


def drag(canvas, start, end):
    view = canvas.viewport()
    places = [QPoint(int(x * canvas.width()), int(y * canvas.height())) for x, y in (start, end)]
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, places[0])
    QTest.mouseMove(view, places[1])
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, places[1])


def press(canvas, key, kind=QEvent.Type.KeyPress, is_repeat=False):
    QApplication.sendEvent(canvas, QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, "", is_repeat))


def describe_project(canvas):
    project = QgsProject.instance()
    styles = [layer.styleManager().style("default").xmlData() for layer in project.mapLayers().values()]
    tree = [(node.name(), node.isVisible()) for node in project.layerTreeRoot().children()]
    return tree, sorted(styles), [layer.id() for layer in canvas.layers()], project.mapThemeCollection().mapThemes()


def test_each_side_of_the_line_shows_its_own_picture(swipe, canvas):
    imagery, probability = see(canvas, 0.3), see(canvas, 0.7)
    assert imagery == (40, 80, 120)
    assert probability != imagery
    assert see(canvas, 0.45) == imagery
    assert see(canvas, 0.55) == probability


def test_the_line_follows_the_mouse_and_the_arrow_keys(swipe, canvas):
    imagery, probability = see(canvas, 0.3), see(canvas, 0.7)
    drag(canvas, (0.5, 0.6), (0.25, 0.6))
    assert (see(canvas, 0.2), see(canvas, 0.3)) == (imagery, probability)
    for _ in range(10):
        QTest.keyClick(canvas, Qt.Key.Key_Right)
    assert swipe.curtain.position == pytest.approx(0.45, abs=0.01)
    assert (see(canvas, 0.4), see(canvas, 0.5)) == (imagery, probability)
    drag(canvas, (0.45, 0.6), (1.5, 0.6))
    assert see(canvas, 0.8) == imagery


def test_the_line_can_go_from_side_to_side(swipe, canvas, panel):
    imagery, probability = see(canvas, 0.3), see(canvas, 0.7)
    QTest.keyClick(canvas, Qt.Key.Key_H)
    assert panel.horizontalCheck.isChecked()
    assert (see(canvas, 0.3, 0.3), see(canvas, 0.3, 0.8)) == (imagery, probability)
    drag(canvas, (0.5, 0.5), (0.5, 0.9))
    assert see(canvas, 0.3, 0.8) == imagery
    QTest.keyClick(canvas, Qt.Key.Key_V)
    assert not panel.horizontalCheck.isChecked()


def test_after_the_swipe_the_map_is_what_it_was_pixel_by_pixel(canvas, swiper, panel, wait_until):
    before, layers = grab(canvas), describe_project(canvas)
    tool = canvas.mapTool()
    panel.swipeButton.click()
    wait_until(lambda: swiper.curtain.is_ready)
    assert grab(canvas) != before
    assert describe_project(canvas) == layers
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert swiper.curtain is None
    assert not panel.swipeButton.isChecked()
    assert canvas.mapTool() is tool
    assert grab(canvas) == before
    assert describe_project(canvas) == layers


def test_the_flip_key_shows_the_first_side_while_it_is_held(swipe, canvas):
    imagery, probability = see(canvas, 0.3), see(canvas, 0.7)
    press(canvas, Qt.Key.Key_F)
    press(canvas, Qt.Key.Key_F, is_repeat=True)
    assert see(canvas, 0.7) == imagery
    press(canvas, Qt.Key.Key_F, QEvent.Type.KeyRelease)
    assert see(canvas, 0.7) == probability


def test_the_flip_works_without_a_swipe_and_leaves_nothing(swiper, canvas, panel, wait_until):
    choose(panel, PROBABILITY, IMAGERY)
    before = grab(canvas)
    for begin, end in (
        (lambda: press(canvas, Qt.Key.Key_F), lambda: press(canvas, Qt.Key.Key_F, QEvent.Type.KeyRelease)),
        (panel.flipButton.pressed.emit, panel.flipButton.released.emit),
        (
            lambda: press(canvas, Qt.Key.Key_F),
            lambda: QApplication.sendEvent(canvas, QFocusEvent(QEvent.Type.FocusOut)),
        ),
    ):
        begin()
        wait_until(lambda: swiper.curtain.is_ready)
        assert see(canvas, 0.3) == see(canvas, 0.7) != (40, 80, 120)
        end()
        assert swiper.curtain is None
        assert grab(canvas) == before


def test_both_sides_follow_when_the_map_moves(swipe, canvas, wait_until):
    half = QgsRectangle(canvas.extent())
    half.scale(0.5)
    canvas.setExtent(half)
    canvas.refresh()
    wait_until(lambda: swipe.curtain.is_ready)
    assert see(canvas, 0.3) == (40, 80, 120)
    assert see(canvas, 0.7) != (40, 80, 120)


def test_other_sides_can_be_chosen_while_swiping(swipe, canvas, panel, wait_until):
    probability = see(canvas, 0.7)
    choose(panel, PROBABILITY, BASE_PROBABILITY)
    wait_until(lambda: swipe.curtain.is_ready)
    assert see(canvas, 0.3) == probability
    assert see(canvas, 0.7) == (40, 80, 120)


def test_another_tool_another_run_and_a_closed_project_end_the_swipe(swiper, canvas, panel, record, wait_until):
    for end in (canvas.unsetMapTool, lambda _: swiper.close(), lambda _: QgsProject.instance().clear()):
        swiper.open(record)
        panel.swipeButton.click()
        assert swiper.curtain is not None
        end(swiper.tool)
        if swiper.curtain is not None:  # the reviewer closes the parts of a project that is closed
            swiper.close()
        assert swiper.curtain is None
        assert not panel.swipeButton.isChecked()


def test_a_second_press_ends_the_first_swipe(swipe, panel):
    panel.swipeButton.click()
    assert swipe.curtain is None


def test_a_run_that_was_deleted_is_told(swiper, panel, record, tmp_path):
    record.folder.path.rename(tmp_path / "elsewhere")
    panel.swipeButton.click()
    assert swiper.curtain is None
    assert not panel.swipeButton.isChecked()
    assert "is gone" in panel.swipeHint.text()


def test_a_side_whose_file_is_gone_cannot_be_chosen_and_says_why(swiper, panel, record):
    record.folder.base_probability.unlink()
    swiper.open(record)
    row = panel.firstSideCombo.findData(BASE_PROBABILITY)
    assert not panel.firstSideCombo.model().item(row).isEnabled()
    tip = panel.firstSideCombo.itemData(row, Qt.ItemDataRole.ToolTipRole)
    assert tip.startswith("base_probability.tif is not in the run's folder")


def test_the_sides_and_the_direction_are_remembered(panel, window, project):
    choose(panel, BASE_PROBABILITY, IMAGERY)
    panel.horizontalCheck.setChecked(True)
    again = SwipePanel(window.window)
    assert again.sides == (BASE_PROBABILITY, IMAGERY)
    assert again.is_horizontal
