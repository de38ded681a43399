"""The tab for predicting: what it asks for, what it shows, and that it is at ease at 320 pixels."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from qgis.core import QgsProject
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QDialogButtonBox, QLabel, QWidget

from footprint_tuner.plugin.core.events import Notice
from footprint_tuner.plugin.core.models import list_cards, load_card
from footprint_tuner.ui.fields.choices import DRAWN, POLYGONS, VISIBLE, WHOLE
from tests.qt_events import settle_events

LONG = "/home/analyst/footprint_tuner/runs/banepa_north_2026-01-12_1530_with_all_the_labels/" + "x" * 80
MENUS = set("JEVLSPORDWMCH")
FINER = Notice("warning", "The raster is finer than the other.", "Correct some footprints.")


@pytest.fixture
def page(dock):
    """The tab, in front."""
    dock.tabs.setCurrentWidget(dock.predictTab)
    settle_events()
    return dock.predictPage


@pytest.fixture
def choose_ground(page):
    return lambda kind: page.groundCombo.setCurrentIndex(page.groundCombo.findData(kind))


def press(page, name="predictButton"):
    QTest.mouseClick(getattr(page, name), Qt.MouseButton.LeftButton)


def test_models_that_know_roofs_are_offered_and_no_others(page):
    combo = page.predictModelPicker.modelCombo
    offered = {combo.itemData(index) for index in range(combo.count())}
    assert offered == {card.name for card in list_cards() if card.is_finetuned}
    shown = {action.objectName() for action in page.predictModelPicker._menu.actions() if action.isVisible()}
    assert shown == {"predictTunedAction", "predictOwnAction"}


def test_what_is_chosen_is_asked_for(page, listen, make_raster, make_polygons, choose_ground, tmp_path):
    layer, polygons = make_raster(), make_polygons()
    asked = listen(page.predict_requested)
    choose_ground(POLYGONS)
    page.groundLayerCombo.setLayer(polygons)
    page.predictGroup.setCollapsed(False)
    page.predictThresholdSpin.setValue(0.7)
    page.predictAreaSpin.setValue(12)
    page.outWidget.setFilePath(str(tmp_path / "f.gpkg"))
    press(page)
    (choices,) = asked
    assert (choices.raster_layer, choices.model, choices.bands) == (layer, "starter", (1, 2, 3))
    assert (choices.ground, choices.ground_layer) == (POLYGONS, polygons)
    assert (choices.threshold, choices.min_area_m2) == (0.7, 12.0)
    assert choices.out == str(tmp_path / "f.gpkg")


def test_the_models_card_says_what_a_footprint_is_until_it_is_changed(page, make_raster, tuned_card):
    make_raster()
    card = replace(load_card(tuned_card), threshold=0.35, min_area_m2=7.5)
    card.save(tuned_card)
    page.choose_model(str(tuned_card))
    assert (page.predictThresholdSpin.value(), page.predictAreaSpin.value()) == (0.35, 7.5)
    choices = page.read_choices()
    assert (choices.model, choices.threshold, choices.min_area_m2) == (str(tuned_card), None, None)


def test_a_model_that_is_gone_is_not_chosen(page, tmp_path):
    page.choose_model(str(tmp_path / "gone.json"))
    assert page.read_choices().model == "starter"


def test_a_tuned_model_of_the_other_tab_is_offered_here_too(page, dock, tuned_card):
    dock.formPage.modelPicker.open_model(str(tuned_card))
    assert page.predictModelPicker.modelCombo.findData(str(tuned_card)) >= 0
    assert page.read_choices().model == "starter"


def test_two_models_tuned_on_one_raster_are_told_apart(page, tuned_card):
    other = tuned_card.parent / "other.json"
    replace(load_card(tuned_card), name="second run").save(other)
    page.offer_models([str(tuned_card), str(other)])
    combo = page.predictModelPicker.modelCombo
    names = [combo.itemText(index) for index in range(combo.count())]
    assert names[-2:] == ["Tuned on a town", "Tuned on a town (second run)"]


def test_nothing_is_asked_for_without_a_raster(page, listen, project):
    asked = listen(page.predict_requested)
    press(page)
    assert asked == []
    assert page.predictMessage.messageLabel.text() == "No raster is chosen."
    assert page.predictMessage.hintLabel.text()


@pytest.mark.parametrize(
    ("kind", "shown"), [(WHOLE, set()), (VISIBLE, set()), (DRAWN, {"draw"}), (POLYGONS, {"layer"})]
)
def test_each_kind_of_ground_shows_what_it_needs(page, choose_ground, kind, shown):
    choose_ground(kind)
    visible = {"draw": page.drawGroundButton.isVisible(), "layer": page.groundLayerCombo.isVisible()}
    assert {name for name, is_visible in visible.items() if is_visible} == shown


def test_the_line_counts_the_selected_polygons(page, choose_ground, make_polygons):
    layer = make_polygons()
    choose_ground(POLYGONS)
    assert page.groundLine.text() == "None is selected: all are used."
    layer.selectByIds([1, 2])
    assert page.groundLine.text() == "2 selected polygons."
    layer.selectByIds([1])
    assert page.groundLine.text() == "The selected polygon."
    QgsProject.instance().removeMapLayer(layer.id())
    assert page.groundLine.text() == "No layer of polygons is chosen."


def test_drawing_is_asked_for_and_what_was_drawn_is_told(page, choose_ground, listen):
    asked = listen(page.draw_requested)
    choose_ground(DRAWN)
    assert page.groundLine.text() == "No area is drawn yet."
    press(page, "drawGroundButton")
    assert asked == [()]
    page.show_area("An area is drawn.")
    assert page.groundLine.text() == "An area is drawn."


def test_a_band_is_confirmed_by_the_user_alone(page, dock, make_raster, find_dialog, listen):
    make_raster()
    page.predictModelPicker.choose("selimsef_spacenet4_resnet34unet")
    assert page.read_choices().bands == (3, 2, 1, 0)
    assert not page.read_choices().are_bands_confirmed
    changes = listen(page.choices_changed)
    press(page.predictBandsRow, "bandsButton")
    dialog = find_dialog("BandsDialog")
    QTest.mouseClick(dialog.assignButtons.button(QDialogButtonBox.StandardButton.Ok), Qt.MouseButton.LeftButton)
    assert page.read_choices().bands == (3, 2, 1, 0)
    assert page.read_choices().are_bands_confirmed
    assert changes


def test_differences_are_listed_and_replaced_by_the_next_answer(page):
    page.show_likeness("", [FINER])
    assert page.differenceList.isVisible()
    assert page.differenceList.notices == [FINER]
    page.show_likeness("The raster is like the imagery.")
    assert page.differenceList.notices == []
    assert page.likenessLine.isVisible()


def test_a_prediction_shows_how_far_it_is_and_can_be_cancelled(page, listen):
    cancelled = listen(page.cancel_requested)
    page.show_running()
    assert page.cancelPredictButton.isVisible()
    assert not page.predictButton.isEnabled()
    page.show_progress(40.2, "predict")
    assert (page.predictBar.value(), page.predictStageLabel.text()) == (40, "Predicting")
    page.show_notice(FINER)
    page.show_notice(Notice("info", "0.50 m imagery."))
    assert page.differenceList.notices == [FINER]
    press(page, "cancelPredictButton")
    press(page, "cancelPredictButton")
    page.show_progress(41, "predict")
    assert len(cancelled) == 1
    assert page.predictStageLabel.text() == "Cancelling"
    page.show_ended("info", "The prediction was cancelled.")
    assert page.predictButton.isEnabled()
    assert not page.cancelPredictButton.isVisible()


def test_the_folder_of_the_footprints_can_be_opened(page, dock, listen):
    opened = listen(dock.folder_opened)
    page.show_ended("success", "358 footprints.", "", "/runs")
    press(page.predictMessage, "runFolderButton")
    assert opened == ["/runs"]


def test_the_choices_come_back_in_the_next_session(page, dock, make_dock, choose_ground, make_raster, tuned_card):
    make_raster(name="a")
    second = make_raster(name="b")
    page.predictRasterCombo.setLayer(second)
    page.choose_model(str(tuned_card))
    page.predictBandsRow.keep((3, 2, 1))
    choose_ground(VISIBLE)
    press(page)
    later = make_dock()
    later.restore_settings()
    later.predictPage.predictRasterCombo.setLayer(second)
    choices = later.predictPage.read_choices()
    assert (choices.model, choices.ground) == (str(tuned_card), VISIBLE)
    assert (choices.bands, choices.are_bands_confirmed) == ((3, 2, 1), True)


def test_what_is_remembered_and_cannot_be_used_is_left_out(page, dock, make_dock, tuned_card):
    page.choose_model(str(tuned_card))
    dock.store_settings()
    tuned_card.write_text(json.dumps({"name": "broken"}), "utf-8")
    later = make_dock()
    later.restore_settings()
    assert later.predictPage.read_choices().model == "starter"


def test_predict_can_be_pressed_by_keyboard_and_the_focus_goes_on_to_cancel(page, listen, make_raster):
    make_raster()
    asked = listen(page.predict_requested)
    page.predictButton.setFocus()
    QTest.keyClick(page.predictButton, Qt.Key.Key_Space)
    assert len(asked) == 1
    page.show_running()
    assert page.cancelPredictButton.hasFocus()
    page.show_ended("success", "3 footprints.")
    assert page.predictButton.hasFocus()


def run(page):
    page.show_running()
    page.show_notice(Notice("warning", f"{LONG} is finer.", f"Look at {LONG}."))
    page.show_progress(40, "predict")


def end(page):
    page.predictGroup.setCollapsed(False)
    page.show_ended("error", f"{LONG} cannot be written.", f"Look at {LONG}.", LONG)
    page.show_likeness("The raster is like the imagery that the model was tuned on.")


STATES = {
    "whole": lambda page: page.predictGroup.setCollapsed(False),
    "drawn": lambda page: page.groundCombo.setCurrentIndex(2),
    "polygons": lambda page: page.groundCombo.setCurrentIndex(3),
    "running": run,
    "ended": end,
}
every_state = pytest.mark.parametrize("state", STATES.values(), ids=STATES)


def list_visible(page, kind=QWidget):
    return [child for child in page.findChildren(kind) if child.isVisible()]


@every_state
def test_nothing_is_cut_off_at_320_pixels(page, dock, state, make_raster, make_polygons):
    make_raster(name="raster_" + "x" * 80)
    make_polygons("polygons " + LONG)
    state(page)
    settle_events()
    assert dock.width() == 320
    seen = dock.predictArea.viewport().width()
    assert page.width() <= seen
    places = {child.objectName(): child.mapTo(page, QPoint(child.width(), 0)).x() for child in list_visible(page)}
    assert {name: right for name, right in places.items() if right > seen} == {}
    wrapped = [label for label in list_visible(page, QLabel) if label.wordWrap()]
    assert [label.text() for label in wrapped if label.height() < label.heightForWidth(label.width())] == []
    plain = [label for label in list_visible(page, QLabel) if not label.wordWrap()]
    assert [label.text() for label in plain if label.width() < label.sizeHint().width()] == []
    buttons = [button for button in list_visible(page, QAbstractButton) if button.text()]
    assert [button.text() for button in buttons if button.width() < button.minimumSizeHint().width()] == []


@every_state
def test_whatever_can_be_worked_has_a_name_a_label_and_a_letter_of_its_own(page, state, make_raster):
    make_raster()
    state(page)
    inputs = [*list_visible(page, QComboBox), *list_visible(page, QAbstractSpinBox)]
    assert [field.objectName() for field in inputs if not field.accessibleName()] == []
    buttons = [button for button in list_visible(page, QAbstractButton) if button.parent() not in inputs]
    assert [button.objectName() for button in buttons if not (button.text() or button.accessibleName())] == []
    texts = [label.text() for label in list_visible(page, QLabel) if label.buddy() is not None]
    texts += [button.text() for button in list_visible(page, QAbstractButton)]
    letters = [text[text.index("&") + 1].upper() for text in texts if "&" in text]
    assert len(letters) == len(set(letters))
    assert not set(letters) & MENUS


def test_the_tab_key_goes_through_the_tab_from_top_to_bottom(page, make_raster, choose_ground):
    make_raster()
    choose_ground(DRAWN)
    page.predictGroup.setCollapsed(False)
    wanted = ["predictRasterCombo", "predictModelCombo", "predictModelButton", "predictBandsButton", "groundCombo"]
    wanted += ["drawGroundButton", "predictButton", "predictThresholdSpin", "predictAreaSpin"]
    names, widget = [], page.predictRasterCombo
    for _ in range(300):
        if widget.objectName() in wanted and widget.objectName() not in names:
            names.append(widget.objectName())
        widget = widget.nextInFocusChain()
    assert names == wanted


def test_no_part_of_the_tab_has_the_name_of_another_tabs(page, dock):
    here = {part.objectName() for part in page.findChildren(QWidget)}
    there = {part.objectName() for part in dock.tuneTab.findChildren(QWidget)}
    shared = {name for name in here & there if name and not name.startswith("qt_")}
    assert shared <= {"collapseButton", "mCollapseButton", "spinner", "ScrollArea"}


def test_a_card_that_has_changed_is_read_anew_and_another_choice_stays(page, make_raster, tuned_card):
    make_raster()
    page.choose_model(str(tuned_card))
    card = load_card(tuned_card)
    replace(card, threshold=0.8).save(tuned_card)
    page.read_model(str(tuned_card))
    assert page.predictModelPicker.card.threshold == 0.8
    first = page.predictModelPicker.modelCombo.itemData(0)
    page.choose_model(first)
    page.read_model(str(tuned_card))
    assert page.predictModelPicker.base_model == first


def test_a_refusal_goes_when_something_else_is_chosen_and_an_end_stays(page, make_raster, choose_ground):
    press(page)
    assert page.predictMessage.messageLabel.text() == "No raster is chosen."
    make_raster()
    assert page.predictMessage.isHidden()
    page.show_ended("success", "3 footprints.", "", "/runs")
    choose_ground(VISIBLE)
    assert page.predictMessage.messageLabel.text() == "3 footprints."


def test_settings_that_are_not_the_models_are_counted_where_they_are_folded_in(page, make_raster):
    make_raster()
    assert page.predictGroup.title() == "Settings"
    page.predictThresholdSpin.setValue(0.9)
    page.predictAreaSpin.setValue(40)
    assert page.predictGroup.title() == "Settings (2 changed)"
    page.predictResetButton.click()
    assert page.predictGroup.title() == "Settings"
    assert page.read_choices().threshold is None
