"""The plugin's tools on the map: each gives it back to what was there before any of them."""

from __future__ import annotations

import pytest
from qgis.core import QgsGeometry
from qgis.gui import QgsMapToolPan

from footprint_tuner.plugin.bridge.map_tools.area_tool import AreaTool
from footprint_tuner.plugin.bridge.review.improve.mark_checked import CheckedMarker
from tests.bridge.review.test_improve import record

__all__ = ("record",)  # a fixture


@pytest.fixture
def pan(window):
    """QGIS's own tool, which has the map."""
    made = QgsMapToolPan(window.canvas)
    window.canvas.setMapTool(made)
    return made


@pytest.fixture
def tools(window):
    made = AreaTool(window.canvas), AreaTool(window.canvas)
    yield made
    for tool in made:
        tool.remove()


def test_a_tool_gives_the_map_back_to_qgiss(window, pan, tools):
    tools[0].begin()
    assert window.canvas.mapTool() is tools[0]
    tools[0].end()
    assert window.canvas.mapTool() is pan


def test_a_tool_that_took_the_place_of_another_gives_the_map_to_neither(window, pan, tools):
    for tool in (*tools, *tools):
        tool.begin()
    tools[1].end()
    assert window.canvas.mapTool() is pan


def test_ground_that_is_drawn_for_something_else_is_never_marked_as_checked(window, pan, tools, record, make_labels):
    layer, told = make_labels(), []
    marker = CheckedMarker(window)
    marker.ended.connect(lambda: told.append("ended"))
    marker.begin(layer, record.folder)
    tools[0].begin()
    assert told == ["ended"]
    before = layer.featureCount()
    marker.tool.drawn.emit(
        QgsGeometry.fromWkt("POLYGON((500001 2999990,500009 2999990,500009 2999998,500001 2999990))")
    )
    assert layer.featureCount() == before
    tools[0].end()
    assert window.canvas.mapTool() is pan
    marker.stop()
