"""A finished run that is open for review beside a map of its raster, with the live threshold alone."""

from __future__ import annotations

import json

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsRectangle,
)
from qgis.gui import QgsRubberBand
from qgis.PyQt.QtCore import QCoreApplication, QEvent

from footprint_tuner.plugin.bridge.review.run_opener import Reviewer
from footprint_tuner.plugin.bridge.review.threshold.controller import LiveThreshold
from footprint_tuner.ui.review.review_page import ReviewPage
from tests.bridge.errorfile import write_run

UTM = QgsCoordinateReferenceSystem("EPSG:32645")


@pytest.fixture
def folder(tmp_path):
    """A finished run whose probability is there."""
    made = write_run(tmp_path / "Büro 建物 run")
    made.probability.write_bytes(b"")
    report = json.loads(made.report.read_text("utf-8"))
    made.report.write_text(json.dumps({**report, "written": "2999-01-01T00:00:00+00:00"}), "utf-8")
    return made


@pytest.fixture
def canvas(window):
    """The map over the raster, 10 pixels a metre."""
    window.window.resize(400, 400)
    window.window.show()
    window.canvas.resize(320, 320)
    QCoreApplication.processEvents()
    window.canvas.setDestinationCrs(UTM)
    window.canvas.setExtent(QgsRectangle(500000, 2999968, 500032, 3000000))
    return window.canvas


@pytest.fixture
def page(window):
    return ReviewPage(window.window)


@pytest.fixture
def panel(page):
    return page.thresholdPanel


@pytest.fixture
def reviewer(page, window, canvas, environment, folder, project):
    """The reviewer, with this part alone, and the run open."""
    made = Reviewer(page)
    made.parts = [LiveThreshold(window, environment, page.thresholdPanel, made)]
    made.open(folder)
    yield made
    made.stop()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def go_live(reviewer, panel, wait_until):
    """Return a function that switches Live on and waits for the first footprints and the whole curve."""

    def go():
        panel.liveButton.click()
        wait_until(lambda: panel.curve.curve.done == 1)

    return go


def list_bands(canvas):
    return [item for item in canvas.scene().items() if isinstance(item, QgsRubberBand)]


def count_drawn(canvas):
    return sum(band.size() for band in list_bands(canvas))


def read_asked(folder, verb="trace"):
    path = folder.path / "asked.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [each for each in map(json.loads, lines) if each["do"] == verb]


def read_tree(project):
    return [(node.name(), node.isVisible(), node.layer().id()) for node in project.layerTreeRoot().findLayers()]
