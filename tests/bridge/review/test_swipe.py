"""The swipe and the flip: what the map shows, pixel by pixel."""

from __future__ import annotations

import pytest
from qgis.core import QgsRectangle
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QPointF, Qt
from qgis.PyQt.QtGui import QFocusEvent, QKeyEvent
from qgis.PyQt.QtTest import QTest

from footprint_tuner.ui.review.swipe import Sight
from tests.bridge.swiping import (
    NO_KEY,
    WIDTH,
    PaintWatch,
    canvas,
    count_differences,
    drag,
    folder,
    grab,
    list_places,
    oracle,
    panel,
    part,
    raster,
    send_key,
    send_mouse,
    settle,
    settled,
)
from tests.qt_events import settle_events

__all__ = ("canvas", "folder", "oracle", "panel", "part", "raster", "settled")  # fixtures


# -- the swipe --------------------------------------------------------------------------------------------------------


def test_left_of_the_line_lies_the_base_models_picture_and_right_of_it_the_tuned_ones(part, canvas, settled, oracle):
    part.begin()
    seen = settled()
    before, after = oracle(Sight.BASE_FOOTPRINTS), oracle(Sight.FOOTPRINTS)
    assert count_differences(before, after, list_places()) > 500
    assert count_differences(seen, before, list_places(right=0.5)) == 0
    assert count_differences(seen, after, list_places(left=0.5)) == 0


def test_a_drag_takes_the_line_along(part, canvas, settled, oracle):
    part.begin()
    settled()
    drag(canvas, (WIDTH // 2, 150), (150, 150), (100, 150))
    seen = settled()
    assert part.comparison.item.place == 100 / canvas.viewport().width()
    assert count_differences(seen, oracle(Sight.BASE_FOOTPRINTS), list_places(right=0.25)) == 0
    assert count_differences(seen, oracle(Sight.FOOTPRINTS), list_places(left=0.25)) == 0
    send_mouse(canvas, QEvent.Type.MouseMove, (300, 150), Qt.MouseButton.NoButton, Qt.MouseButton.NoButton)
    assert part.comparison.item.place == 100 / canvas.viewport().width()


def test_dragging_draws_no_layer_anew_and_paints_only_around_the_line(part, canvas, settled):
    part.begin()
    settled()
    pictures = [each.image for each in part.comparison._pictures]
    paints = PaintWatch(canvas.viewport())
    for x in range(200, 300, 10):
        drag(canvas, (x, 150), (x + 10, 150))
        settle(canvas)
    assert [each.image for each in part.comparison._pictures] == pictures
    assert len(paints.widths) >= 10
    assert max(paints.widths) < 60


def test_h_and_v_turn_the_line(part, canvas, panel, settled, oracle):
    part.begin()
    QTest.keyClick(canvas, Qt.Key.Key_H)
    seen = settled()
    assert panel.is_horizontal
    assert count_differences(seen, oracle(Sight.BASE_FOOTPRINTS), list_places(bottom=0.5)) == 0
    assert count_differences(seen, oracle(Sight.FOOTPRINTS), list_places(top=0.5)) == 0
    drag(canvas, (200, 150), (200, 210))
    assert part.comparison.item.place == 210 / canvas.viewport().height()
    QTest.keyClick(canvas, Qt.Key.Key_V)
    assert not panel.is_horizontal
    seen = settled()
    assert count_differences(seen, oracle(Sight.FOOTPRINTS), list_places(left=0.7)) == 0


def test_the_arrow_keys_move_the_line_and_leave_the_map_where_it_is(part, canvas, settled):
    part.begin()
    extent = canvas.extent()
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    assert part.comparison.item.place == pytest.approx(0.52)
    QTest.keyClick(canvas, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert part.comparison.item.place == pytest.approx(0.516)
    for _ in range(60):
        QTest.keyClick(canvas, Qt.Key.Key_Left)
    assert part.comparison.item.place == 0
    settled()
    assert canvas.extent() == extent


def test_every_sight_can_lie_on_a_side_and_goes_there_while_the_map_is_parted(part, panel, canvas, settled, oracle):
    part.begin()
    settled()
    for sight in (Sight.BASE_PROBABILITY, Sight.PROBABILITY, Sight.LABELS, Sight.IMAGERY):
        panel.beforeCombo.setCurrentIndex(list(Sight).index(sight))
        panel.beforeCombo.activated.emit(panel.beforeCombo.currentIndex())
        assert count_differences(settled(), oracle(sight), list_places(right=0.5)) == 0, sight


def test_probability_is_clear_where_it_is_low(part, panel, canvas, settled, folder, oracle):
    low, high = oracle(Sight.BASE_PROBABILITY), oracle(Sight.PROBABILITY)
    plain = oracle(Sight.IMAGERY)

    def measure(image):
        return sum(abs(a - b) for a, b in zip(image.pixelColor(300, 150).getRgb(), plain.pixelColor(300, 150).getRgb()))

    assert 0 < measure(low) < measure(high)


def test_after_the_map_has_moved_the_sides_are_drawn_anew(part, canvas, settled, oracle):
    part.begin()
    settled()
    canvas.setExtent(QgsRectangle(500004, 2999972, 500024, 2999992))
    canvas.setRotation(30)
    canvas.refresh()
    seen = settled()
    assert count_differences(seen, oracle(Sight.BASE_FOOTPRINTS), list_places(right=0.5)) == 0
    assert count_differences(seen, oracle(Sight.FOOTPRINTS), list_places(left=0.5)) == 0


def test_until_then_the_old_picture_lies_where_its_ground_is(part, canvas, settled):
    part.begin()
    settled()
    item, picture = part.comparison.item, part.comparison._pictures[1]
    canvas.setExtent(QgsRectangle(500008, 2999976, 500024, 2999992))
    canvas.setRotation(20)
    assert not picture.is_of(canvas.mapSettings())
    transform, old = item._find_transform(picture), picture.settings.mapToPixel()
    for x, y in ((500010, 2999980), (500020, 2999990)):
        here, there = old.transform(x, y), canvas.getCoordinateTransform().transform(x, y)
        moved = transform.map(QPointF(here.x(), here.y()))
        assert (moved.x(), moved.y()) == (pytest.approx(there.x(), abs=0.1), pytest.approx(there.y(), abs=0.1))


def test_the_wheel_zooms_and_the_middle_button_pans_while_the_line_stays(part, canvas, settled):
    part.begin()
    settled()
    extent = canvas.extent()
    drag(canvas, (200, 150), (220, 160), (260, 170), button=Qt.MouseButton.MiddleButton)
    settled()
    assert canvas.extent().center().x() < extent.center().x()
    assert canvas.mapTool() is part.tool
    assert part.comparison.item.place == 0.5
    canvas.zoomByFactor(0.5)
    settled()
    assert part.comparison.item._frame.topLeft() == QPointF(0, 0)


def test_while_the_map_is_dragged_the_line_stays_in_the_window(part, canvas, settled):
    part.begin()
    settled()
    middle = Qt.MouseButton.MiddleButton
    send_mouse(canvas, QEvent.Type.MouseButtonPress, (200, 150), middle, middle)
    send_mouse(canvas, QEvent.Type.MouseMove, (240, 170), Qt.MouseButton.NoButton, middle)
    settle_events()
    item = part.comparison.item
    assert canvas.mapToScene(0, 0) != QPointF(0, 0)
    assert item._frame.topLeft() == canvas.mapToScene(0, 0)
    assert grab(canvas).pixelColor(canvas.viewport().width() // 2, 40).lightness() > 200
    send_mouse(canvas, QEvent.Type.MouseButtonRelease, (240, 170), middle, Qt.MouseButton.NoButton)


# -- the flip ---------------------------------------------------------------------------------------------------------


def test_while_f_is_held_the_whole_map_shows_before_and_then_what_it_showed(part, canvas, settled, oracle):
    part.begin()
    parted = settled()
    send_key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_F)
    assert count_differences(settled(), oracle(Sight.BASE_FOOTPRINTS), list_places()) == 0
    send_key(canvas, QEvent.Type.KeyRelease, Qt.Key.Key_F, is_repeat=True)
    send_key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_F, is_repeat=True)
    assert part.comparison.item.is_held
    send_key(canvas, QEvent.Type.KeyRelease, Qt.Key.Key_F)
    assert settled() == parted


def test_f_shows_before_also_where_the_map_is_not_parted(part, canvas, settled, oracle):
    plain = settled()
    send_key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_F)
    assert count_differences(settled(), oracle(Sight.BASE_FOOTPRINTS), list_places()) == 0
    assert canvas.mapTool() is canvas.pan
    send_key(canvas, QEvent.Type.KeyRelease, Qt.Key.Key_F)
    assert settled() == plain
    send_key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_F)  # what is drawn already is there at once
    assert count_differences(grab(canvas), oracle(Sight.BASE_FOOTPRINTS), list_places()) == 0


def test_a_key_whose_release_goes_elsewhere_counts_as_let_go(part, canvas, settled):
    plain = settled()
    send_key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_F)
    settled()
    QCoreApplication.sendEvent(canvas, QFocusEvent(QEvent.Type.FocusOut, Qt.FocusReason.OtherFocusReason))
    assert settled() == plain


def test_f_with_a_modifier_is_not_taken_from_qgis(part, canvas):
    for modifier in (Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_F, modifier)
        event.ignore()
        QCoreApplication.sendEvent(canvas, event)
        assert not event.isAccepted()
    QTest.keyPress(canvas, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert part.comparison is None


def test_the_swipes_keys_are_kept_from_qgiss_shortcuts_while_it_has_the_map(part, canvas):
    def is_kept(key):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, NO_KEY)
        event.ignore()
        QCoreApplication.sendEvent(canvas, event)
        return event.isAccepted()

    keys = (Qt.Key.Key_V, Qt.Key.Key_H, Qt.Key.Key_Left, Qt.Key.Key_Escape)
    assert not any(map(is_kept, keys))
    part.begin()
    assert all(map(is_kept, keys))
    assert is_kept(Qt.Key.Key_F)


def test_the_button_holds_before_as_long_as_it_is_down(part, panel, canvas, settled, oracle):
    plain = settled()
    panel.holdButton.pressed.emit()
    assert count_differences(settled(), oracle(Sight.BASE_FOOTPRINTS), list_places()) == 0
    panel.holdButton.released.emit()
    assert settled() == plain
