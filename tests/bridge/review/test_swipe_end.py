"""The swipe leaves the user's project and map as they were, and ends cleanly whatever happens meanwhile."""

from __future__ import annotations

import shutil

from qgis.core import QgsLayerTreeModel, QgsMapLayerStyle, QgsMapThemeCollection, QgsRasterLayer, QgsVectorLayer
from qgis.gui import QgsMapToolPan
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QEvent, Qt
from qgis.PyQt.QtTest import QTest

from footprint_tuner.plugin.core.run_record import require_reviewable
from footprint_tuner.ui.review.swipe import Sight
from tests.bridge.swiperun import write_boxes, write_run
from tests.bridge.swiping import (
    canvas,
    count_differences,
    drag,
    draw,
    folder,
    list_places,
    list_swipe_items,
    open_layer,
    oracle,
    panel,
    part,
    raster,
    send_key,
    settled,
)

__all__ = ("canvas", "folder", "oracle", "panel", "part", "raster", "settled")  # fixtures


# -- what stays as it was ---------------------------------------------------------------------------------------------


def describe(project, canvas):
    """Return all of the user's that a swipe could change."""
    layers = project.mapLayers().values()
    styles = {}
    for layer in layers:
        style = QgsMapLayerStyle()
        style.readFromLayer(layer)
        styles[layer.id()] = (style.xmlData(), layer.styleManager().currentStyle(), layer.styleManager().styles())
    themes = project.mapThemeCollection()
    tree = project.layerTreeRoot()
    visible = [(node.name(), node.itemVisibilityChecked(), node.isExpanded()) for node in tree.findLayers()]
    return {
        "tree": tree.dump(),
        "visible": visible,
        "styles": styles,
        "themes": {name: themes.mapThemeState(name) for name in themes.mapThemes()},
        "canvas": [layer.id() for layer in canvas.layers()],
        "current": canvas.currentLayer(),
        "dirty": project.isDirty(),
        "settings": (canvas.extent(), canvas.rotation(), canvas.theme()),
    }


def test_a_swipe_leaves_the_project_and_the_map_as_they_were(
    part, panel, canvas, project, settled, make_labels, raster
):
    hidden = project.addMapLayer(make_labels())
    project.layerTreeRoot().findLayer(hidden).setItemVisibilityChecked(False)
    state = QgsMapThemeCollection.createThemeFromCurrentState(
        project.layerTreeRoot(), QgsLayerTreeModel(project.layerTreeRoot())
    )
    project.mapThemeCollection().insert("mine", state)
    canvas.setCurrentLayer(raster)
    project.setDirty(False)
    plain, known = settled(), describe(project, canvas)
    items = len(canvas.scene().items())
    part.begin()
    settled()
    assert describe(project, canvas) == known
    drag(canvas, (200, 150), (100, 150))
    QTest.keyClick(canvas, Qt.Key.Key_H)
    send_key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_F)
    send_key(canvas, QEvent.Type.KeyRelease, Qt.Key.Key_F)
    assert describe(project, canvas) == known
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert settled() == plain
    assert describe(project, canvas) == known
    assert canvas.mapTool() is canvas.pan
    part.close()
    assert len(canvas.scene().items()) == items
    assert not panel.swipeButton.isChecked()


def test_the_imagery_looks_as_the_project_shows_it(part, canvas, raster, settled):
    raster.brightnessFilter().setBrightness(80)
    raster.setOpacity(0.5)
    part._panel.beforeCombo.setCurrentIndex(list(Sight).index(Sight.IMAGERY))
    part.begin()
    assert count_differences(settled(), draw(canvas, raster), list_places(right=0.5)) == 0


def test_imagery_that_the_project_does_not_hold_is_opened_for_the_swipe_alone(part, canvas, project, raster, settled):
    source = raster.source()
    project.removeMapLayer(raster.id())
    part._panel.beforeCombo.setCurrentIndex(list(Sight).index(Sight.IMAGERY))
    part.begin()
    assert count_differences(settled(), draw(canvas, QgsRasterLayer(source)), list_places(right=0.5)) == 0
    assert project.mapLayers() == {}


# -- bad input --------------------------------------------------------------------------------------------------------


def test_to_begin_twice_parts_the_map_once(part, canvas, panel):
    panel.swipe_toggled.emit(True)
    tool = part.tool
    part.begin()
    assert part.tool is tool
    assert len(list_swipe_items(canvas)) == 1
    panel.swipe_toggled.emit(False)
    assert part.tool is None
    assert canvas.mapTool() is canvas.pan
    part.end()


def test_another_tool_ends_the_swipe_and_keeps_the_map(part, canvas, panel, settled):
    plain = settled()
    part.begin()
    other = QgsMapToolPan(canvas)
    canvas.setMapTool(other)
    assert canvas.mapTool() is other
    assert not panel.swipeButton.isChecked()
    assert settled() == plain


def test_another_run_ends_the_first_ones_swipe(part, canvas, panel, tmp_path, raster, settled):
    part.begin()
    other = write_run(tmp_path / "other", raster.source())
    part.close()
    part.open(require_reviewable(other.path))
    assert list_swipe_items(canvas) == []
    assert canvas.mapTool() is canvas.pan
    part.begin()
    settled()
    assert len(list_swipe_items(canvas)) == 1


def test_a_project_that_is_cleared_in_mid_swipe_ends_it(part, canvas, project):
    part.begin()
    project.clear()
    assert part.tool is None
    assert canvas.mapTool() is canvas.pan
    assert not any(curtain.isVisible() for curtain in list_swipe_items(canvas))


def test_a_layer_of_the_run_that_is_removed_ends_the_swipe_and_any_other_does_not(
    part, canvas, project, folder, settled
):
    shown = project.addMapLayer(QgsVectorLayer(str(folder.footprints), "footprints"))
    other = project.addMapLayer(QgsVectorLayer("Polygon?crs=EPSG:32645", "mine", "memory"))
    part.begin()
    project.removeMapLayer(other.id())
    assert part.tool is not None
    project.removeMapLayer(shown.id())
    assert part.tool is None
    settled()


def test_a_run_folder_that_is_deleted_in_mid_swipe_ends_it_with_a_sentence(part, canvas, panel, folder, settled):
    plain = settled()
    part.begin()
    settled()
    shutil.rmtree(folder.path)
    canvas.zoomByFactor(2)
    canvas.zoomByFactor(0.5)
    seen = settled()
    assert part.tool is None
    assert "is missing. Put the run's folder back" in panel.swipeNote.text()
    assert seen == plain
    panel.before_held.emit(True)
    assert list_swipe_items(canvas) == []


def test_a_file_that_is_no_layer_is_named(part, canvas, panel, folder):
    folder.probability.write_bytes(b"no raster")
    panel.afterCombo.setCurrentIndex(list(Sight).index(Sight.PROBABILITY))
    part.begin()
    assert part.tool is None
    assert "probability.tif cannot be read." in panel.swipeNote.text()


def test_footprints_that_are_traced_anew_are_shown_anew(part, canvas, panel, folder, settled, oracle):
    part.begin()
    settled()
    folder.footprints.unlink()
    write_boxes(folder.footprints, "footprints", [((20, 4, 28, 28), "")])
    canvas.zoomByFactor(0.9)
    seen = settled()
    shown = draw(canvas, open_layer(folder.footprints, "footprints"), *canvas.layers())
    assert count_differences(seen, shown, list_places(left=0.5)) == 0


def test_what_a_run_does_not_have_is_offered_greyed_out_with_the_reason(part, panel, folder, raster):
    folder.base_probability.unlink()
    part.close()
    part.open(require_reviewable(folder.path))
    item = panel.beforeCombo.model().item(list(Sight).index(Sight.BASE_PROBABILITY))
    assert not item.isEnabled()
    assert "base_probability.tif" in item.toolTip()


def test_without_the_raster_the_sides_lie_on_plain_ground_and_the_panel_says_so(
    part, panel, canvas, project, folder, raster, tmp_path, settled
):
    project.removeMapLayer(raster.id())
    canvas.setLayers([])
    (tmp_path / "town.tif").unlink()
    part.close()
    part.open(require_reviewable(folder.path))
    assert not panel.afterCombo.model().item(list(Sight).index(Sight.IMAGERY)).isEnabled()
    part.begin()
    seen = settled()
    assert "without imagery" in panel.swipeNote.text()
    shown = draw(canvas, open_layer(folder.footprints, "footprints"))
    assert count_differences(seen, shown, list_places(left=0.5)) == 0


def test_to_close_in_mid_swipe_leaves_nothing_on_the_map(part, canvas, panel, settled):
    plain = settled()
    part.begin()
    send_key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_F)
    part.close()
    part.close()
    assert list_swipe_items(canvas) == []
    assert canvas.mapTool() is canvas.pan
    assert settled() == plain
    send_key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_F)
    assert list_swipe_items(canvas) == []


def test_a_panel_that_is_gone_first_takes_the_swipe_with_it(part, canvas, panel):
    part.begin()
    sip.delete(panel)
    assert list_swipe_items(canvas) == []
    assert canvas.mapTool() is canvas.pan


def test_the_line_is_where_it_was_left_when_the_next_swipe_begins(part, canvas):
    part.begin()
    drag(canvas, (200, 150), (80, 150))
    part.end()
    part.begin()
    assert part.comparison.item.place == 80 / canvas.viewport().width()


def test_the_action_of_qgis_begins_and_ends_the_swipe_while_a_run_is_open(part, canvas, window):
    (action,) = (each for each in window.window.actions() if each.objectName() == "FootprintTunerSwipe")
    assert action.shortcut().toString() == "Ctrl+Alt+S"
    action.trigger()
    assert part.tool is not None
    action.trigger()
    assert part.tool is None
    part.close()
    assert not action.isEnabled()
