"""The panel of the live threshold: its sliders, what it says, and what it asks for."""

import math

import pytest
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QAbstractButton, QAbstractSpinBox, QLabel, QSlider

from footprint_tuner.ui.charts.threshold_chart import Curve, ThresholdChart
from footprint_tuner.ui.fields.colours import choose_colour
from footprint_tuner.ui.review.slider_spin import SliderSpin
from footprint_tuner.ui.review.threshold import Position, ThresholdPanel
from tests.qt_events import settle_events

SENTENCE = "The threshold was set manually to 0.4 (chosen on the validation area: 0.6): the figures may flatter it."
POINTS = tuple((t / 20, 0.5501 - (t / 20 - 0.4) ** 2, 0.5, 0.6) for t in range(1, 20))
CURVE = Curve(5.0, POINTS, (0.4, 0.55), 1.0)


@pytest.fixture
def panel(project):
    made = ThresholdPanel()
    made.resize(262, 900)  # what is left of a dock of 320 pixels
    made.show()
    yield made
    made.hide()
    made.deleteLater()


@pytest.fixture
def live(panel):
    """The panel while the live view is on, where the run's footprints were traced."""
    panel.show_live(Position(0.6, 5.0), Position(0.6, 5.0))
    panel.show_curve(CURVE)
    return panel


def test_without_the_live_view_nothing_can_be_moved_and_the_panel_says_how_to_begin(panel, listen):
    asked = listen(panel.live_toggled)
    assert not panel.thresholdSlider.isEnabled()
    assert not panel.applyButton.isEnabled()
    assert not panel.curve.isVisible()
    assert "Live" in panel.liveLabel.text()
    QTest.mouseClick(panel.liveButton, Qt.MouseButton.LeftButton)
    QTest.mouseClick(panel.liveButton, Qt.MouseButton.LeftButton)
    assert asked == [True, False]


def test_showing_a_position_tells_nobody_but_moving_a_slider_does(panel, listen):
    moved = listen(panel.position_changed)
    panel.show_live(Position(0.42, 5.0), Position(0.6, 5.0))
    assert (panel.thresholdSpin.value(), panel.areaSpin.value()) == (0.42, 5.0)
    assert moved == []
    panel.thresholdSlider.setValue(panel.thresholdSlider.value() + 1)
    assert moved == [Position(0.43, 5.0)]


def test_arrow_keys_move_both_sliders_by_a_step(live, listen):
    moved = listen(live.position_changed)
    for slider in (live.thresholdSlider, live.areaSlider):
        slider.setFocus()
        QTest.keyClick(slider, Qt.Key.Key_Right)
        QTest.keyClick(slider, Qt.Key.Key_Left)
        QTest.keyClick(slider, Qt.Key.Key_Left)
    expected = [(0.61, 5.0), (0.6, 5.0), (0.59, 5.0), (0.59, 6.0), (0.59, 5.0), (0.59, 4.0)]
    assert [(position.threshold, position.min_area_m2) for position in moved] == expected


def test_the_sliders_reach_from_end_to_end(live):
    ends = []
    for slider, spin in ((live.thresholdSlider, live.thresholdSpin), (live.areaSlider, live.areaSpin)):
        for key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            QTest.keyClick(slider, key)
            ends.append(spin.value())
    assert ends == [0.05, 0.95, 0.0, 200.0]


def test_a_number_that_is_typed_is_taken_when_it_is_whole_and_may_lie_beyond_the_slider(live, listen):
    moved = listen(live.position_changed)
    live.areaSpin.selectAll()
    QTest.keyClicks(live.areaSpin, "1250")
    assert moved == []
    QTest.keyClick(live.areaSpin, Qt.Key.Key_Return)
    assert moved == [Position(0.6, 1250.0)]
    assert live.areaSlider.value() == live.areaSlider.maximum()


def test_a_slider_stands_at_the_step_nearest_to_a_number(live):
    slider, spin = QSlider(live), live.areaSpin
    pair = SliderSpin(slider, spin, (0, 1, 10, 100))
    for value, step in ((0.4, 0), (0.6, 1), (5.5, 1), (5.6, 2), (56, 3), (5000, 3)):
        pair.show(value)
        assert slider.value() == step, value
        assert pair.value == value


def test_the_sentence_tells_f1_here_and_the_best(live):
    assert live.curveLabel.text() == "F1 on the validation area 0.510 (best 0.550 at 0.40)"
    live.thresholdSpin.setValue(0.425)
    assert live.curveLabel.text().startswith("F1 on the validation area 0.549 ")
    live.show_curve(Curve(5.0, POINTS[:8], (0.4, 0.55), 0.42))
    assert live.curveLabel.text().endswith("0.40); 42 % of the curve is known")
    assert live.curve.accessibleDescription() == live.curveLabel.text()


def test_a_curve_of_another_area_is_not_told_as_this_ones(live):
    live.areaSpin.setValue(12.5)
    assert live.curveLabel.text() == "Scoring the validation area, buildings from 12.5 m²..."
    live.show_curve(Curve(12.5, POINTS, (0.4, 0.55), 1.0))
    assert live.curveLabel.text().startswith("F1 on the validation area")


def test_best_moves_to_the_best_threshold_exactly(live, listen):
    live.show_curve(Curve(5.0, POINTS, (0.425, 0.551), 1.0))
    moved = listen(live.position_changed)
    QTest.mouseClick(live.bestButton, Qt.MouseButton.LeftButton)
    assert moved == [Position(0.425, 5.0)]
    assert not live.bestButton.isEnabled()
    assert "at 0.425)" in live.curveLabel.text()


def test_apply_is_offered_away_from_what_is_in_force_and_carries_the_position(live, listen):
    asked = listen(live.apply_requested)
    assert not live.applyButton.isEnabled()
    live.thresholdSpin.setValue(0.4)
    QTest.mouseClick(live.applyButton, Qt.MouseButton.LeftButton)
    assert asked == [Position(0.4, 5.0)]
    live.show_in_force(Position(0.4, 5.0))
    assert not live.applyButton.isEnabled()


def test_while_it_is_applied_a_bar_and_cancel_are_there_and_nothing_is_applied_twice(live, listen):
    cancelled = listen(live.cancel_requested)
    live.show_by_hand("Threshold set manually", SENTENCE)
    live.thresholdSpin.setValue(0.4)
    live.show_applying(34.0)
    assert live.applyBar.isVisible()
    assert live.applyBar.value() == 340
    assert not live.applyButton.isEnabled()
    assert not live.chosenButton.isEnabled()
    QTest.mouseClick(live.applyCancelButton, Qt.MouseButton.LeftButton)
    assert len(cancelled) == 1
    assert not live.applyCancelButton.isEnabled()
    live.show_applied("Cancelled: the run has not changed.")
    assert not live.applyBar.isVisible()
    assert live.applyLabel.text() == "Cancelled: the run has not changed."
    assert live.applyButton.isEnabled()
    assert live.chosenButton.isEnabled()


def test_a_run_set_by_hand_is_marked_and_offers_the_way_back(panel, listen):
    asked = listen(panel.chosen_requested)
    assert not panel.chosenButton.isVisible()
    panel.show_by_hand("Threshold set manually", SENTENCE)
    assert (panel.handTitle.text(), panel.handLabel.text()) == ("Threshold set manually", SENTENCE)
    assert panel.handLabel.isVisible()
    QTest.mouseClick(panel.chosenButton, Qt.MouseButton.LeftButton)
    assert len(asked) == 1
    panel.show_none()
    assert not panel.handLabel.isVisible()
    assert not panel.chosenButton.isVisible()


def test_rough_outlines_are_not_counted(live):
    live.show_count(1234, is_coarse=False)
    assert "1,234" in live.liveLabel.text() or "1234" in live.liveLabel.text()
    live.show_count(1, is_coarse=False)
    assert live.liveLabel.text() == "1 footprint on the map."
    live.show_count(1234, is_coarse=True)
    assert "234" not in live.liveLabel.text()
    assert "zoom in" in live.liveLabel.text()


def test_the_end_of_the_live_view_says_why_and_forgets_the_curve(live):
    live.show_off("The worker was killed.")
    assert not live.liveButton.isChecked()
    assert live.liveLabel.text() == "The worker was killed."
    assert live.curve.curve.points == ()
    assert not live.thresholdSlider.isEnabled()


# -- the curve -------------------------------------------------------------------------------------------------------


@pytest.fixture
def curve(project):
    made = ThresholdChart()
    made.resize(260, made.sizeHint().height())
    made.show_curve(CURVE)
    return made


def find_columns(curve, colour, most=12):
    """Return the columns in which pixels of a colour are."""
    image = curve.grab().toImage()
    near = set()
    for x in range(image.width()):
        for y in range(image.height() // 4, image.height() * 3 // 4):
            seen = image.pixelColor(x, y)
            gaps = (seen.red() - colour.red(), seen.green() - colour.green(), seen.blue() - colour.blue())
            if max(map(abs, gaps)) < most:
                near.add(x)
    return near


def test_the_curve_is_drawn_and_the_position_moves_over_it(curve):
    green, text = choose_colour(curve.palette(), "score"), curve.palette().color(curve.foregroundRole())
    assert len(find_columns(curve, green)) > 60
    places = []
    for threshold in (0.2, 0.8):
        curve.show_threshold(threshold)
        places.append(max(find_columns(curve, text)))
    assert places[1] - places[0] > 80
    curve.show_curve(Curve(0.0))
    assert not find_columns(curve, green)


def test_a_click_and_a_drag_on_the_curve_choose_a_threshold(live, listen):
    settle_events()
    moved = listen(live.position_changed)
    width, y = live.curve.width(), live.curve.height() // 2
    QTest.mousePress(live.curve, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(width // 2, y))
    assert 0.3 < moved[-1].threshold < 0.6
    QTest.mouseMove(live.curve, QPoint(width - 2, y))
    QTest.mouseRelease(live.curve, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(0, y))
    assert live.thresholdSpin.value() == moved[-1].threshold
    live.show_off()
    count = len(moved)
    live.curve.threshold_chosen.emit(0.2)
    assert len(moved) == count


def test_hovering_tells_a_points_numbers(curve):
    assert curve.describe_point_at(900) == "Threshold 0.95: F1 0.248, precision 0.500, recall 0.600"
    assert curve.describe_point_at(-50).startswith("Threshold 0.05: ")
    curve.show_curve(Curve(0.0))
    assert curve.describe_point_at(100) == ""


def test_f1_between_two_points_lies_on_the_line_between_them_and_nowhere_beyond():
    points = ((0.2, 0.4, 0.5, 0.5), (0.3, math.nan, 0.5, 0.5), (0.4, 0.6, 0.5, 0.5))
    curve = Curve(5.0, points)
    assert curve.find_f1(0.2) == 0.4
    assert curve.find_f1(0.3) == pytest.approx(0.5)
    assert curve.find_f1(0.35) == pytest.approx(0.55)
    assert curve.find_f1(0.41) is None
    assert Curve(5.0).find_f1(0.5) is None


# -- room ------------------------------------------------------------------------------------------------------------


def fill(panel):
    panel.show_live(Position(0.42, 99999.9), Position(0.6, 5.0))
    panel.show_curve(Curve(99999.9, POINTS, (0.425, 0.55), 0.42))
    panel.show_count(1234, is_coarse=True)
    panel.show_applying(34.0)
    panel.show_by_hand("Threshold set manually", SENTENCE * 2)


@pytest.mark.parametrize("state", [lambda _: None, fill])
def test_nothing_is_cut_off_in_the_narrowest_dock(panel, state):
    state(panel)
    settle_events()
    assert panel.minimumSizeHint().width() <= panel.width()
    children = [child for child in panel.findChildren(QLabel) if child.isVisible()]
    assert [c.text() for c in children if c.wordWrap() and c.height() < c.heightForWidth(c.width())] == []
    buttons = [child for child in panel.findChildren(QAbstractButton) if child.isVisible() and child.text()]
    assert [b.text() for b in buttons if b.width() < b.minimumSizeHint().width()] == []


def test_whatever_can_be_worked_has_a_name_and_is_reached_by_the_tab_key_from_top_to_bottom(panel):
    fill(panel)
    panel.show_applied("")
    worked = [*panel.findChildren(QSlider), *panel.findChildren(QAbstractSpinBox)]
    assert [each.objectName() for each in worked if not each.accessibleName()] == []
    order, widget = [], panel.liveButton
    for _ in range(100):
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible() and widget.isEnabled():
            order.append(widget.objectName())
        widget = widget.nextInFocusChain()
        if widget is panel.liveButton:
            break
    wanted = ["liveButton", "fillCheck", "thresholdSpin", "thresholdSlider", "areaSpin", "areaSlider"]
    wanted += ["bestButton", "applyButton", "chosenButton"]
    assert [name for name in order if name in wanted] == wanted
