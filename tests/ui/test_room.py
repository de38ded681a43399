"""Room: the dock at 320 pixels, by keyboard, by ear, and in a longer language."""

from dataclasses import replace

import pytest
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from footprint_tuner.plugin.core.environment import SetupStep
from footprint_tuner.plugin.core.events import EpochEnded, Finding, Notice, Progress, Scored, StageStarted
from footprint_tuner.plugin.core.report import Link
from footprint_tuner.plugin.core.score import BuildingScore, Difference, PixelScore, Score
from tests.qt_events import settle_events

LONG = "/home/analyst/footprint_tuner/runs/banepa_north_2026-01-12_1530_with_all_the_labels/" + "x" * 80
SCORE = Score(building=BuildingScore(123456, 1, 2, 1.0, 1.0, 1.0), pixel=PixelScore(f1=1.0))
#: The letters of QGIS's menus (Project, Edit, View, Layer, Settings, Plugins, Vector, Raster, Database, Web, Mesh,
#: Processing, Help): a letter that stands for two things opens neither.
MENUS = set("JEVLSPORDWMCH")


def set_up(dock):
    dock.show_setup_needed(f"There is no environment in {LONG}.", "Press Set up.")
    dock.show_setup_step(SetupStep(f"Installing into {LONG}", 1, 3, LONG))


def tune(dock):
    dock.show_running(LONG, LONG)
    dock.show_event(StageStarted("tune"))
    dock.show_event(Scored("before", SCORE))
    dock.show_event(Notice("warning", f"{LONG} was repaired.", f"Look at {LONG}."))
    dock.show_event(EpochEnded(1, 12, 123456.789, 0.5, 1.0, is_best=True))
    dock.show_event(Progress("tune", 0.3, 40000, f"Window 1 of 2 of {LONG}"))


def finish(dock):
    tune(dock)
    dock.show_finished(SCORE, SCORE, LONG)


def improve(dock):
    tune(dock)
    score = replace(SCORE.building, interval=(0.123, 0.456))
    chain = [Link(role, building=score) for role in ("base", "tuned", "improved", "improved")]
    dock.show_finished(SCORE, SCORE, LONG, Difference(0.1, (0.1, 0.2), is_more_than_noise=True), chain)


def open_settings(dock):
    dock.formPage.settingsGroup.setCollapsed(False)
    dock.show_device(f"Ready: runs on {LONG}.")


def check(dock):
    dock.show_running("Check", "")
    places = [[0.0, 0.0, 1.0, 1.0]] * 200
    dock.show_event(Finding("overlaps", "warning", f"{LONG} overlaps.", f"Look at {LONG}.", 200, places, "EPSG:3857"))
    dock.show_event(Finding("shift", "warning", "The labels lie off.", "Move them.", east_m=12.3, north_m=-45.6))
    dock.show_checked()
    dock.findingList.rows[0].zoomButton.click()
    dock.findingList.rows[1].applyButton.click()


STATES = {
    "idle": lambda _dock: None,
    "settings": open_settings,
    "checked": check,
    "set-up needed": lambda dock: dock.show_setup_needed(f"There is no environment in {LONG}.", "Press Set up."),
    "setting up": set_up,
    "tuning": tune,
    "finished": finish,
    "improved": improve,
    "failed": lambda dock: dock.show_failed(f"{LONG} cannot be read.", f"Look at {LONG}.", LONG, True),
}
every_state = pytest.mark.parametrize("state", STATES.values(), ids=STATES)


def list_visible(dock, kind=QWidget):
    page = dock.scrollArea.widget()
    return [child for child in page.findChildren(kind) if child.isVisible()]


@every_state
def test_nothing_is_cut_off_at_320_pixels(dock, state, raster, labels):
    raster.setName(f"raster {LONG}")
    labels.setName(f"labels {LONG}")
    state(dock)
    settle_events()
    assert dock.width() == 320
    page, seen = dock.scrollArea.widget(), dock.scrollArea.viewport().width()
    assert page.width() <= seen
    outside = [
        child.objectName()
        for child in list_visible(dock)
        if child.mapTo(page, QPoint(0, 0)).x() < 0 or child.mapTo(page, QPoint(child.width(), 0)).x() > seen
    ]
    assert outside == []


@every_state
def test_every_text_has_the_height_that_it_needs(dock, state):
    state(dock)
    settle_events()
    labels = [label for label in list_visible(dock, QLabel) if label.wordWrap()]
    assert labels
    assert [label.text() for label in labels if label.height() < label.heightForWidth(label.width())] == []
    wide = [label for label in list_visible(dock, QLabel) if not label.wordWrap() and label.objectName() != "chart"]
    assert [label.text() for label in wide if label.width() < label.sizeHint().width()] == []


@every_state
def test_every_button_shows_its_whole_text(dock, state):
    state(dock)
    settle_events()
    buttons = list_visible(dock, QAbstractButton)
    narrow = [
        button.text() for button in buttons if button.text() and button.width() < button.minimumSizeHint().width()
    ]
    assert narrow == []


@every_state
def test_whatever_can_be_worked_has_a_name_for_a_screen_reader(dock, state):
    state(dock)
    inputs = [
        *list_visible(dock, QComboBox),
        *list_visible(dock, QAbstractSpinBox),
        *list_visible(dock, QPlainTextEdit),
    ]
    assert [widget.objectName() for widget in inputs if not widget.accessibleName()] == []
    buttons = [button for button in list_visible(dock, QAbstractButton) if button.parent() not in inputs]
    assert [button.objectName() for button in buttons if not (button.text() or button.accessibleName())] == []


def list_tab_order(dock, first):
    """Return the names of the dock's widgets as the tab key reaches them."""
    names, widget = [first.objectName()], first.nextInFocusChain()
    while widget is not first:
        takes_tab = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        if takes_tab and widget.isEnabled() and widget.isVisibleTo(dock) and dock.isAncestorOf(widget):
            names.append(widget.objectName())
        widget = widget.nextInFocusChain()
    return names


def test_the_tab_key_goes_through_the_form_from_top_to_bottom(dock, find, labels, raster):
    assert raster.isValid()
    labels.selectAll()
    open_settings(dock)
    order = [name for name in list_tab_order(dock, find("rasterCombo")) if not name.startswith("qt_")]
    wanted = ["rasterCombo", "labelCombo", "selectedCheck", "modelCombo", "modelButton"]
    wanted += ["bandsButton", "trainButton", "checkButton"]
    wanted += [
        "areasCombo",
        "epochsSpin",
        "rateSpin",
        "batchSpin",
        "samplesSpin",
        "tileSpin",
        "minAreaSpin",
        "heldOutSpin",
        "seedSpin",
        "deviceCombo",
    ]
    assert [name for name in order if name in wanted] == wanted


def test_fine_tune_can_be_pressed_by_keyboard(dock, find, listen, raster, labels):
    asked = listen(dock.train_requested)
    find("trainButton").setFocus()
    QTest.keyClick(find("trainButton"), Qt.Key.Key_Space)
    assert len(asked) == 1


@every_state
def test_no_letter_stands_for_two_things_or_for_one_of_qgiss_menus(dock, state, labels):
    state(dock)
    texts = [label.text() for label in list_visible(dock, QLabel) if label.buddy() is not None]
    texts += [button.text() for button in list_visible(dock, QAbstractButton)]
    letters = [text[text.index("&") + 1].upper() for text in texts if "&" in text]
    assert len(letters) == len(set(letters))
    assert not set(letters) & MENUS


def test_every_field_of_the_form_has_a_label_that_leads_to_it(dock, find):
    labels = dock.formPage.findChildren(QLabel)
    buddies = {label.buddy().objectName() for label in labels if label.buddy() is not None}
    fields = [*dock.formPage.findChildren(QComboBox), *dock.formPage.findChildren(QAbstractSpinBox)]
    assert {field.objectName() for field in fields} == buddies


def test_the_dock_offers_no_scroll_bar_from_left_to_right(dock):
    assert dock.scrollArea.horizontalScrollBarPolicy() == Qt.ScrollBarPolicy.ScrollBarAlwaysOff


DIALOGS = {
    "network": lambda dock: dock.formPage.modelPicker._menu._ask_network(),
    "own weights": lambda dock: dock.formPage.modelPicker._menu._take_own(f"{LONG}.pth"),
    "bands": lambda dock: dock.formPage.bandsRow._ask(),
}


@pytest.fixture(params=DIALOGS.values(), ids=DIALOGS)
def dialog(request, dock, raster):
    """Each dialog of the form, open."""
    assert raster.isValid()
    request.param(dock)
    settle_events()
    (found,) = (child for child in dock.findChildren(QDialog) if child.isVisible())
    return found


def test_a_dialog_fits_a_small_screen_and_cuts_nothing_off(dialog):
    assert dialog.width() <= 600
    assert dialog.height() <= 640
    labels = [label for label in dialog.findChildren(QLabel) if label.isVisible()]
    assert [label.text() for label in labels if label.height() < label.heightForWidth(label.width())] == []
    plain = [label for label in labels if not label.wordWrap()]
    assert [label.text() for label in plain if label.width() < label.sizeHint().width()] == []


def test_whatever_can_be_worked_in_a_dialog_has_a_name_and_a_label_that_leads_to_it(dialog):
    inputs = [*dialog.findChildren(QComboBox), *dialog.findChildren(QAbstractSpinBox), *dialog.findChildren(QLineEdit)]
    own = [field for field in inputs if field.parent() not in inputs]
    assert [field.objectName() for field in own if not field.accessibleName()] == []
    buddies = [label.buddy() for label in dialog.findChildren(QLabel) if label.buddy() is not None]
    reached = {buddy.focusProxy() or buddy for buddy in buddies}
    assert [field.objectName() for field in own if field not in reached] == []


def test_no_letter_stands_for_two_things_in_a_dialog(dialog):
    texts = [label.text() for label in dialog.findChildren(QLabel) if label.buddy() is not None]
    texts += [button.text() for button in dialog.findChildren(QAbstractButton)]
    letters = [text[text.index("&") + 1].upper() for text in texts if "&" in text]
    assert len(letters) == len(set(letters))


def test_escape_closes_a_dialog(dialog):
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
