"""The panel of the swipe: what it offers, asks for and remembers, and that it fits a narrow dock."""

import pytest
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QAbstractButton, QComboBox, QLabel

from footprint_tuner.ui.review.swipe import Sight, SwipePanel
from tests.qt_events import settle_events

LONG = "/home/analyst/footprint_tuner/runs/banepa_north_2026-01-12_1530_with_all_the_labels/" + "x" * 80
WIDGETS = ["beforeCombo", "afterCombo", "verticalRadio", "swipeButton", "holdButton"]


@pytest.fixture
def panel(dock):
    """The panel in the dock, open, of a run that has everything."""
    dock.tabs.setCurrentWidget(dock.reviewTab)
    page = dock.reviewPage
    page.show_run("run", "The tuned model is better.")
    page.swipeGroup.setCollapsed(False)
    page.swipePanel.show_run({})
    settle_events()
    return page.swipePanel


def choose(combo, sight):
    combo.setCurrentIndex(combo.findData(sight.value))
    combo.activated.emit(combo.currentIndex())


def test_the_base_models_footprints_lie_left_of_the_tuned_ones_at_first(panel):
    assert (panel.before, panel.after) == (Sight.BASE_FOOTPRINTS, Sight.FOOTPRINTS)
    assert not panel.is_horizontal
    assert (panel.beforeSideLabel.text(), panel.afterSideLabel.text()) == ("Left", "Right")


def test_the_button_asks_for_the_swipe_and_for_its_end(panel, click, listen):
    asked = listen(panel.swipe_toggled)
    click("swipeButton")
    panel.show_swipe(True)
    assert panel.swipeButton.text() == "End the swipe"
    click("swipeButton")
    assert asked == [True, False]


def test_to_show_a_swipe_that_others_began_or_ended_asks_for_none(panel, listen):
    asked = listen(panel.swipe_toggled)
    panel.show_swipe(True)
    panel.show_swipe(False)
    assert asked == []


def test_other_sights_are_told_and_remembered(panel, listen):
    heard = listen(panel.sights_changed)
    choose(panel.beforeCombo, Sight.LABELS)
    choose(panel.afterCombo, Sight.PROBABILITY)
    assert len(heard) == 2
    again = SwipePanel()
    again.show_run({})
    assert (again.before, again.after) == (Sight.LABELS, Sight.PROBABILITY)


def test_the_direction_is_told_and_remembered_and_the_sides_are_called_by_it(panel, listen):
    heard = listen(panel.turned)
    QTest.mouseClick(panel.horizontalRadio, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert heard == [True]
    assert (panel.beforeSideLabel.text(), panel.afterSideLabel.text()) == ("Top", "Bottom")
    assert SwipePanel().is_horizontal
    panel.show_direction(False)
    assert heard == [True, False]
    assert panel.verticalRadio.isChecked()


def test_what_is_not_there_cannot_be_chosen_and_the_tool_tip_says_why(panel):
    panel.show_run({Sight.BASE_PROBABILITY: "base_probability.tif is no longer in the run's folder."})
    item = panel.beforeCombo.model().item(panel.beforeCombo.findData(Sight.BASE_PROBABILITY.value))
    assert not item.isEnabled()
    assert item.toolTip() == "base_probability.tif is no longer in the run's folder."
    other = panel.beforeCombo.model().item(panel.beforeCombo.findData(Sight.BASE_FOOTPRINTS.value))
    assert other.isEnabled()
    assert other.toolTip() == "Exists in the held-out area only"


def test_a_remembered_sight_that_is_not_there_gives_way_and_comes_back(panel):
    choose(panel.beforeCombo, Sight.BASE_PROBABILITY)
    panel.show_run({Sight.BASE_PROBABILITY: "Gone.", Sight.BASE_FOOTPRINTS: "Gone."})
    assert panel.before is Sight.FOOTPRINTS
    panel.show_run({})
    assert panel.before is Sight.BASE_PROBABILITY


def test_a_stored_sight_of_no_version_is_none(panel):
    panel._combos["before"].setItemData(0, "nonsense")
    panel.beforeCombo.activated.emit(0)
    again = SwipePanel()
    again.show_run({})
    assert again.before is Sight.BASE_FOOTPRINTS


def test_before_is_held_by_mouse_and_by_the_space_bar(panel, find, listen):
    heard = listen(panel.before_held)
    QTest.mousePress(find("holdButton"), Qt.MouseButton.LeftButton)
    assert heard == [True]
    QTest.mouseRelease(find("holdButton"), Qt.MouseButton.LeftButton)
    QTest.keyPress(find("holdButton"), Qt.Key.Key_Space)
    QTest.keyRelease(find("holdButton"), Qt.Key.Key_Space)
    assert heard == [True, False, True, False]


def test_without_a_run_nothing_can_be_asked_for(panel):
    panel.show_swipe(True)
    panel.show_note("The run's folder is gone.")
    panel.show_none()
    assert not panel.swipeButton.isEnabled()
    assert not panel.swipeButton.isChecked()
    assert not panel.swipeNote.isVisible()


def test_a_run_of_which_nothing_is_left_offers_no_swipe(panel):
    panel.show_run(dict.fromkeys(Sight, "Gone."))
    assert not panel.swipeButton.isEnabled()
    assert not panel.holdButton.isEnabled()


@pytest.mark.parametrize("is_on", [False, True])
def test_nothing_is_cut_off_at_320_pixels(dock, panel, is_on):
    panel.show_swipe(is_on)
    panel.show_note(f"{LONG} is missing. Put the run's folder back, or choose another run.")
    settle_events()
    page, seen = dock.reviewArea.widget(), dock.reviewArea.viewport().width()
    assert page.width() <= seen
    widgets = [child for child in panel.findChildren((QLabel, QComboBox, QAbstractButton)) if child.isVisible()]
    assert len(widgets) >= len(WIDGETS)
    right = [child.mapTo(page, QPoint(child.width(), 0)).x() for child in widgets]
    assert max(right) <= seen
    labels = [child for child in widgets if isinstance(child, QLabel) and child.wordWrap()]
    assert [label.text() for label in labels if label.height() < label.heightForWidth(label.width())] == []
    buttons = [child for child in widgets if isinstance(child, QAbstractButton)]
    assert [each.text() for each in buttons if each.width() < each.minimumSizeHint().width()] == []


def test_the_tab_key_goes_through_the_panel_from_top_to_bottom(panel, find):
    names, widget = [], find("beforeCombo")
    for _ in range(30):
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.objectName() in WIDGETS:
            names.append(widget.objectName())
        widget = widget.nextInFocusChain()
    assert names[: len(WIDGETS)] == WIDGETS


def test_whatever_can_be_worked_has_a_name_and_the_combos_a_label_that_leads_there(panel):
    combos = {panel.beforeCombo, panel.afterCombo}
    assert all(combo.accessibleName() for combo in combos)
    assert {label.buddy() for label in panel.findChildren(QLabel) if label.buddy() is not None} == combos
    assert all(button.text() and button.toolTip() for button in panel.findChildren(QAbstractButton))


def test_an_improved_run_names_the_model_that_it_began_with(panel):
    panel.name_sights(is_improved=True)
    panel.show_run({})
    combo = panel.beforeCombo
    assert [combo.itemText(index) for index in (0, 1)] == ["Earlier model's footprints", "Improved model's footprints"]
    panel.name_sights(is_improved=False)
    assert combo.itemText(1) == "Tuned model's footprints"
