"""Areas that are drawn in the map with the mouse: what is on the map, and what the layer holds then."""

from __future__ import annotations

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsGeometry, QgsProject, QgsRectangle, QgsWkbTypes
from qgis.gui import QgsMapToolPan
from qgis.PyQt.QtCore import QEvent, QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QKeyEvent, QMouseEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QPushButton

from footprint_tuner.plugin.bridge.layers.layer_checks import take_areas
from footprint_tuner.plugin.bridge.tuning.areas import AreaDrawer
from footprint_tuner.ui.dock import TunerDock

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
ROLES = "&field=role:string"


@pytest.fixture
def canvas(window):
    """The map, 400 x 300 pixels of 1 m."""
    window.window.setCentralWidget(window.canvas)
    window.canvas.setFixedSize(400, 300)
    window.window.show()
    window.canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32645"))
    window.canvas.setExtent(QgsRectangle(500000, 3000000, 500400, 3000300))
    return window.canvas


@pytest.fixture
def form(window, canvas):
    dock = TunerDock(window.mainWindow())
    window.mainWindow().addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    return dock.formPage


@pytest.fixture
def drawer(window, form):
    made = AreaDrawer(window, form)
    yield made
    made.stop()


@pytest.fixture
def click(canvas):
    """Return a function that clicks on pixels of the map, one after the other."""

    def make(*places, button=LEFT):
        for x, y in places:
            QTest.mouseMove(canvas.viewport(), QPoint(x, y))
            QTest.mouseClick(canvas.viewport(), button, pos=QPoint(x, y))

    return make


@pytest.fixture
def drag(canvas):
    """Return a function that drags the mouse from one pixel to another with the left button down."""

    def make(start, end, is_released=True):
        view, end = canvas.viewport(), QPoint(*end)
        QTest.mousePress(view, LEFT, pos=QPoint(*start))
        move = QMouseEvent(QEvent.Type.MouseMove, QPointF(end), QPointF(end), LEFT, LEFT, Qt.KeyboardModifier(0))
        QApplication.sendEvent(view, move)
        if is_released:
            QTest.mouseRelease(view, LEFT, pos=end)

    return make


@pytest.fixture
def press(canvas):
    return lambda key: QTest.keyClick(canvas, key)


def find_areas():
    found = QgsProject.instance().mapLayersByName("Areas")
    assert len(found) <= 1
    return found[0] if found else None


@pytest.fixture
def find_corners(canvas):
    """Return a function that gives the pixels of a geometry's corners in the map."""

    def find(geometry):
        places = [canvas.getCoordinateTransform().transform(corner.x(), corner.y()) for corner in geometry.vertices()]
        return {(round(place.x()), round(place.y())) for place in places}

    return find


@pytest.fixture
def read_areas(find_corners):
    """Return a function that gives the role of each area and the pixels of its corners."""
    return lambda: [(each["role"], find_corners(each.geometry())) for each in find_areas().getFeatures()]


def test_clicks_and_a_right_click_make_an_area_of_the_chosen_role(drawer, form, click, read_areas):
    (training, held_out) = form.splitRow.areaButton.menu().actions()
    training.trigger()
    click((50, 50), (150, 50), (150, 120), (60, 140))
    click((10, 10), button=RIGHT)
    held_out.trigger()
    click((200, 200), (300, 200), (250, 280))
    click((10, 10), button=RIGHT)
    assert read_areas() == [
        ("training", {(50, 50), (150, 50), (150, 120), (60, 140)}),
        ("held-out", {(200, 200), (300, 200), (250, 280)}),
    ]


def test_the_layer_of_areas_is_chosen_in_the_form_and_a_run_takes_it_with_its_edits(drawer, form, click, window):
    drawer.begin("training")
    click((50, 50), (150, 50), (150, 120))
    click((10, 10), button=RIGHT)
    layer = find_areas()
    assert form.read_choices().areas_layer is layer
    assert window.active is layer
    assert layer.isEditable()
    assert layer.crs().authid() == "EPSG:32645"
    assert take_areas(layer).fields.names() == ["role"]


def test_the_layer_is_said_to_be_temporary_once(drawer, click, window):
    drawer.begin("training")
    for _ in range(2):
        click((50, 50), (150, 50), (150, 120))
        click((10, 10), button=RIGHT)
    said = [text for text in window.read_messages() if "Make Permanent" in text]
    assert len(said) == 1
    assert "temporary" in said[0]
    assert find_areas().isTemporary()
    assert not find_areas().customProperty("skipMemoryLayersCheck")


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_enter_closes_the_area(drawer, click, press, key, read_areas):
    drawer.begin("held-out")
    click((50, 50), (150, 50), (150, 120))
    press(key)
    assert read_areas() == [("held-out", {(50, 50), (150, 50), (150, 120)})]


def test_backspace_takes_the_last_corner_back(drawer, click, press, read_areas):
    drawer.begin("training")
    click((50, 50), (150, 50), (300, 290))
    press(Qt.Key.Key_Backspace)
    assert len(drawer.tool.corners) == 2
    click((150, 120))
    press(Qt.Key.Key_Return)
    assert read_areas() == [("training", {(50, 50), (150, 50), (150, 120)})]


def test_esc_takes_all_corners_back_and_then_ends_the_tool(drawer, click, press, canvas):
    pan = QgsMapToolPan(canvas)
    canvas.setMapTool(pan)
    drawer.begin("training")
    click((50, 50), (150, 50), (150, 120))
    press(Qt.Key.Key_Escape)
    assert drawer.tool.corners == []
    assert not drawer.tool.band.isVisible()
    assert canvas.mapTool() is drawer.tool
    press(Qt.Key.Key_Escape)
    assert canvas.mapTool() is pan
    assert find_areas() is None


def test_a_drag_makes_a_rectangle(drawer, drag, read_areas):
    drawer.begin("training")
    drag((50, 60), (250, 160))
    assert read_areas() == [("training", {(50, 60), (250, 60), (250, 160), (50, 160)})]


def test_a_drag_makes_a_rectangle_of_the_screen_where_the_map_is_turned(drawer, drag, canvas, read_areas):
    canvas.setRotation(30)
    drawer.begin("training")
    drag((100, 100), (200, 150))
    assert read_areas() == [("training", {(100, 100), (200, 100), (200, 150), (100, 150)})]


def test_what_is_drawn_so_far_is_on_the_map(drawer, click, drag, canvas, find_corners):
    drawer.begin("training")
    assert not drawer.tool.band.isVisible()
    click((50, 50), (150, 50))
    QTest.mouseMove(canvas.viewport(), QPoint(150, 150))
    band = drawer.tool.band.asGeometry()
    assert find_corners(band) == {(50, 50), (150, 50), (150, 150)}
    before = canvas.grab().toImage().pixelColor(135, 70)
    assert before.blue() > before.red() + 20
    assert drawer.tool.band.isVisible()


def test_a_rectangle_is_on_the_map_while_it_is_dragged(drawer, drag, find_corners):
    drawer.begin("held-out")
    drag((50, 60), (250, 160), is_released=False)
    assert find_corners(drawer.tool.band.asGeometry()) == {(50, 60), (250, 60), (250, 160), (50, 160)}
    assert find_areas() is None


def test_a_double_click_sets_one_corner_only(drawer, click, canvas):
    drawer.begin("training")
    click((50, 50))
    QTest.mouseDClick(canvas.viewport(), LEFT, pos=QPoint(150, 50))
    QTest.mouseClick(canvas.viewport(), LEFT, pos=QPoint(150, 50))
    assert len(drawer.tool.corners) == 2


def test_two_corners_are_no_area_and_that_is_said(drawer, click, window):
    drawer.begin("training")
    click((50, 50), (150, 50))
    click((10, 10), button=RIGHT)
    assert any("three corners" in text for text in window.read_messages())
    assert len(drawer.tool.corners) == 2
    assert find_areas() is None


def test_corners_on_one_line_are_no_area_and_that_is_said(drawer, click, press, window, read_areas):
    drawer.begin("training")
    click((50, 50), (150, 50), (250, 50))
    press(Qt.Key.Key_Return)
    assert any("do not enclose an area" in text for text in window.read_messages())
    assert find_areas() is None or read_areas() == []


def test_a_line_that_crosses_itself_gives_a_valid_area(drawer, click, press):
    drawer.begin("training")
    click((50, 50), (150, 150), (150, 50), (50, 150))
    press(Qt.Key.Key_Return)
    (feature,) = find_areas().getFeatures()
    assert feature.geometry().isGeosValid()
    assert feature.geometry().area() == pytest.approx(5000, rel=0.02)


def test_an_area_can_be_undone_in_its_layer(drawer, click, press, read_areas):
    drawer.begin("training")
    for shift in (0, 100):
        click((50 + shift, 50), (90 + shift, 50), (90 + shift, 120))
        press(Qt.Key.Key_Return)
    assert len(read_areas()) == 2
    find_areas().undoStack().undo()
    assert read_areas() == [("training", {(50, 50), (90, 50), (90, 120)})]


def test_an_area_lands_where_it_was_drawn_in_a_layer_of_another_coordinate_system(
    drawer, click, form, make_labels, canvas, find_corners, window
):
    layer = make_labels(crs="EPSG:4326", fields=ROLES, values=["training", "training"])
    QgsProject.instance().addMapLayer(layer)
    layer.startEditing()
    form.settingsGroup.areasCombo.setLayer(layer)
    drawer.begin("held-out")
    click((50, 50), (150, 50), (150, 120))
    click((10, 10), button=RIGHT)
    assert find_areas() is None
    (feature,) = [each for each in layer.getFeatures() if each["role"] == "held-out"]
    back = QgsGeometry(feature.geometry())
    back.transform(canvas.mapSettings().layerTransform(layer))
    assert find_corners(back) == {(50, 50), (150, 50), (150, 120)}


@pytest.mark.parametrize(("fields", "sentence"), [("", 'no field "role"'), (ROLES, "is not being edited")])
def test_the_users_own_areas_are_not_touched_unless_they_are_being_edited(
    drawer, form, make_labels, project, window, canvas, fields, sentence
):
    layer = make_labels(fields=fields)
    project.addMapLayer(layer)
    form.settingsGroup.areasCombo.setLayer(layer)
    drawer.begin("training")
    assert any(sentence in text for text in window.read_messages())
    assert canvas.mapTool() is not drawer.tool
    assert not layer.isEditable()


def test_a_map_without_a_coordinate_system_is_refused_with_a_next_step(drawer, click, press, canvas, window):
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem())
    canvas.setExtent(QgsRectangle(0, 0, 400, 300))
    drawer.begin("training")
    click((50, 50), (150, 50), (150, 120))
    press(Qt.Key.Key_Return)
    assert any("no coordinate system" in text for text in window.read_messages())
    assert find_areas() is None


def test_a_layer_of_areas_that_is_deleted_is_made_anew(drawer, click, press, project, read_areas):
    drawer.begin("training")
    for _ in range(2):
        click((50, 50), (150, 50), (150, 120))
        press(Qt.Key.Key_Return)
        assert len(read_areas()) == 1
        project.removeMapLayer(find_areas().id())


def test_the_roles_can_be_chosen_by_name_in_the_layers_form(drawer, click, press):
    drawer.begin("training")
    click((50, 50), (150, 50), (150, 120))
    press(Qt.Key.Key_Return)
    names = find_areas().editorWidgetSetup(0).config()["map"]
    assert [next(iter(entry.values())) for entry in names] == ["training", "held-out"]
    assert QgsWkbTypes.geometryType(find_areas().wkbType()) == QgsWkbTypes.PolygonGeometry


@pytest.mark.parametrize("key", [Qt.Key.Key_Backspace, Qt.Key.Key_Escape, Qt.Key.Key_Return])
def test_the_tools_keys_are_kept_from_qgiss_shortcuts(drawer, canvas, key):
    """Backspace deletes what is selected in QGIS's window."""
    event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier(0))
    event.ignore()
    QApplication.sendEvent(canvas, event)
    assert not event.isAccepted()
    drawer.begin("training")
    event.ignore()
    QApplication.sendEvent(canvas, event)
    assert event.isAccepted()


def test_the_map_is_as_it_was_when_the_plugin_goes(window, form, canvas, wait_until):
    before = len(canvas.items())
    drawer = AreaDrawer(window, form)
    drawer.begin("training")
    drawer.stop()
    wait_until(lambda: len(canvas.items()) == before)
    assert canvas.mapTool() is None
    drawer.stop()
    assert form.splitRow.findChildren(QPushButton)
