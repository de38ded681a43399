"""What the tests of the swipe share: a map with a run open for review, its pictures, and a hand on mouse and keys."""

from __future__ import annotations

import pytest
from qgis.core import (
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgsMapToolPan
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QObject, QPointF, Qt, QTimer
from qgis.PyQt.QtGui import QKeyEvent, QMouseEvent

from footprint_tuner.plugin.bridge.layers.results import apply_style
from footprint_tuner.plugin.bridge.review.swipe.canvas_item import SwipeItem
from footprint_tuner.plugin.bridge.review.swipe.controller import Swipe
from footprint_tuner.plugin.bridge.review.swipe.render import wait_for_all
from footprint_tuner.plugin.core.run_record import require_reviewable
from footprint_tuner.ui.review.swipe import Sight, SwipePanel
from tests.bridge.conftest import process_events
from tests.bridge.swiperun import write_run
from tests.qt_events import settle_events

WIDTH, HEIGHT = 400, 300
NEAR = 4  # how far the shades of what is drawn in one go and in layers may lie apart, of 255
NO_KEY = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def raster(make_raster, project):
    """The run's raster, in the project."""
    return project.addMapLayer(make_raster())


@pytest.fixture
def folder(tmp_path, raster):
    return write_run(tmp_path / "run", raster.source())


@pytest.fixture
def canvas(window, raster):
    """The map, which shows the raster alone, with QGIS's tool that pans."""
    canvas = window.canvas
    window.window.setCentralWidget(canvas)
    window.window.resize(WIDTH, HEIGHT)
    canvas.setDestinationCrs(raster.crs())
    canvas.setLayers([raster])
    canvas.setExtent(QgsRectangle(500000, 2999968, 500032, 3000000))
    canvas.pan = QgsMapToolPan(canvas)
    canvas.setMapTool(canvas.pan)
    window.window.show()
    process_events()
    for timer in canvas.findChildren(QTimer):
        if timer.isActive():
            timer.start(0)  # QGIS draws anew half a second after a change of size
    settle(canvas)
    return canvas


@pytest.fixture
def panel(project):
    made = SwipePanel()
    yield made
    if not sip.isdeleted(made):
        sip.delete(made)


@pytest.fixture
def part(canvas, window, panel, folder):
    """The part of the review, open with the run."""
    made = Swipe(canvas, window.window, panel)
    made.open(require_reviewable(folder.path))
    yield made
    made.close()
    sip.delete(made)
    wait_for_all()  # no event loop ends here, which would ask for it
    process_events()


@pytest.fixture
def settled(canvas, part, wait_until):
    """Return a function that waits until all that is to be seen is drawn, and returns it."""

    def wait():
        settle(canvas)
        wait_until(lambda: not part._pause.isActive())  # then the sides are drawn anew
        settle_events()
        comparison = part.comparison
        pictures = [] if comparison is None else [each for each in comparison._pictures if each is not None]
        if part.tool is not None or part._is_held:
            wait_until(lambda: all(each.is_of(canvas.mapSettings()) for each in pictures))
        return grab(canvas)

    return wait


def settle(canvas):
    settle_events()
    canvas.waitWhileRendering()
    settle_events()


def grab(canvas):
    QCoreApplication.processEvents()
    return canvas.viewport().grab().toImage()


def draw(canvas, *layers):
    """Return what layers look like on the map as QGIS draws them in one go: the oracle."""
    settings = QgsMapSettings(canvas.mapSettings())
    settings.setLayers(list(layers))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage()


def open_layer(path, style, part=""):
    layer = QgsRasterLayer(str(path)) if path.suffix == ".tif" else QgsVectorLayer(f"{path}{part}", "", "ogr")
    assert layer.isValid()
    apply_style(layer, style)
    return layer


@pytest.fixture
def oracle(canvas, folder, raster):
    """Return a function that gives the picture of a sight as it must look over the whole map."""

    def make(sight):
        veil = open_layer(folder.split, "veil", "|layername=blocks")
        veil.setSubsetString("\"role\" IN ('validation', 'held-out')")
        layers = {
            Sight.BASE_FOOTPRINTS: lambda: [open_layer(folder.base_footprints, "base_footprints"), veil],
            Sight.FOOTPRINTS: lambda: [open_layer(folder.footprints, "footprints")],
            Sight.BASE_PROBABILITY: lambda: [open_layer(folder.base_probability, "probability"), veil],
            Sight.PROBABILITY: lambda: [open_layer(folder.probability, "probability")],
            Sight.LABELS: lambda: [open_layer(folder.split, "labels", "|layername=labels")],
            Sight.IMAGERY: list,
        }
        return draw(canvas, *layers[sight](), raster)

    return make


def list_places(left=0.0, top=0.0, right=1.0, bottom=1.0):
    """Return pixels of a part of the map, without those of the names in the corners and of the line's grip."""
    xs = range(int(left * WIDTH) + 18, int(right * WIDTH) - 18, 5)
    ys = range(int(top * HEIGHT) + 60, int(bottom * HEIGHT) - 60, 5)
    return [(x, y) for x in xs for y in ys]


def count_differences(one, other, places):
    def differs(x, y):
        a, b = one.pixelColor(x, y), other.pixelColor(x, y)
        return max(abs(a.red() - b.red()), abs(a.green() - b.green()), abs(a.blue() - b.blue())) > NEAR

    assert len(places) > 100
    return sum(differs(x, y) for x, y in places)


def list_swipe_items(canvas):
    return [item for item in canvas.scene().items() if isinstance(item, SwipeItem)]


def send_mouse(canvas, kind, at, button, buttons):
    position = QPointF(*at)
    event = QMouseEvent(kind, position, QPointF(canvas.mapToGlobal(position.toPoint())), button, buttons, NO_KEY)
    QCoreApplication.sendEvent(canvas.viewport(), event)


def drag(canvas, *places, button=Qt.MouseButton.LeftButton):
    none = Qt.MouseButton.NoButton
    send_mouse(canvas, QEvent.Type.MouseButtonPress, places[0], button, button)
    for place in places[1:]:
        send_mouse(canvas, QEvent.Type.MouseMove, place, none, button)
    send_mouse(canvas, QEvent.Type.MouseButtonRelease, places[-1], button, none)


def send_key(canvas, kind, key, is_repeat=False):
    QCoreApplication.sendEvent(canvas, QKeyEvent(kind, key, NO_KEY, "", is_repeat))


class PaintWatch(QObject):
    """Notes how wide each part of a widget is that is painted."""

    def __init__(self, widget):
        super().__init__(widget)
        self.widths = []
        widget.installEventFilter(self)

    def eventFilter(self, _, event):
        if event.type() == QEvent.Type.Paint:
            self.widths.append(event.region().boundingRect().width())
        return False
