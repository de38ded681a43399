"""What a check found, in the dock: its rows, the way to its places, and the shift that a click applies."""

import pytest
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QPushButton

from footprint_tuner.plugin.core.events import ADVICE, STOP, WARNING, Finding
from footprint_tuner.plugin.core.job import Settings
from tests.qt_events import settle_events

BOXES = [[0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 30.0, 30.0], [40.0, 0.0, 50.0, 10.0]]
OVERLAPS = Finding("overlaps", WARNING, "3 pairs of labels overlap.", "Look at them.", 3, BOXES, "EPSG:32645")
TINY = Finding("tiny", ADVICE, "4 labels are tiny.", "Delete them.", 4)
BLANK = Finding("blank", STOP, "No label has imagery under it.", "Choose another raster.", 60, BOXES[:1], "EPSG:32645")
REFUSED = Finding("refused", STOP, "No label touches the raster.", "Choose others.")
SHIFT = Finding("shift", WARNING, "The labels lie 2.5 m off.", "Move them.", 60, east_m=-2.0, north_m=1.46)


@pytest.fixture
def checked(dock):
    """Return a function that shows a check with findings in the dock, as it stands after it."""

    def show(*findings):
        dock.show_running("Check", "")
        for finding in findings:
            dock.show_event(finding)
        dock.show_checked()
        settle_events()
        return dock.findingList

    return show


def press(row, name):
    button = row.findChild(QPushButton, name)
    assert button.isVisible(), f"{name} cannot be seen"
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_heaviest_finding_stands_first_and_the_title_counts_them(checked):
    shown = checked(TINY, OVERLAPS, BLANK, SHIFT)
    assert shown.findings == [BLANK, OVERLAPS, SHIFT, TINY]
    assert shown.findingsTitle.text() == "Check: 1 problem stops the run, 2 warnings, 1 tip"


def test_a_row_says_what_was_found_and_what_to_do_next(checked):
    (row,) = checked(OVERLAPS).rows
    assert (row.sentenceLabel.text(), row.stepLabel.text()) == (OVERLAPS.message, OVERLAPS.hint)
    assert row.accessibleName() == "Warning"
    assert not row.levelLabel.pixmap().isNull()


def test_the_same_finding_is_shown_once(checked):
    assert checked(TINY, TINY).findings == [TINY]


def test_zoom_to_goes_through_the_places_and_begins_anew(checked, dock, listen):
    (row,) = checked(OVERLAPS).rows
    asked = listen(dock.zoom_requested)
    for _ in range(4):
        press(row, "zoomButton")
    assert asked == [(box, "EPSG:32645") for box in [*BOXES, BOXES[0]]]


def test_after_a_click_the_button_says_which_place_comes_next(checked):
    (row,) = checked(OVERLAPS).rows
    press(row, "zoomButton")
    assert row.zoomButton.text() == "Zoom to 2 of 3"


def test_without_a_place_there_is_nothing_to_zoom_to(checked):
    shown = checked(TINY)
    assert not shown.rows[0].zoomButton.isVisible()
    assert not shown.findingsLayerButton.isVisible()


def test_the_findings_can_be_had_as_a_layer(checked, dock, listen, click):
    checked(TINY, OVERLAPS)
    asked = listen(dock.layer_requested)
    click("findingsLayerButton")
    assert asked == [[OVERLAPS, TINY]]


def test_a_check_that_finds_nothing_says_so(checked):
    shown = checked()
    assert shown.isVisible()
    assert shown.findingsTitle.text() == "The check found no problems."


def test_what_stops_a_run_is_not_told_twice(checked):
    assert checked(REFUSED).findings == []


def test_the_next_check_and_the_next_run_begin_with_an_empty_list(checked, dock):
    checked(OVERLAPS)
    dock.show_running("town", "/runs/town")
    assert dock.findingList.findings == []
    assert not dock.findingList.isVisible()


def test_a_finding_of_a_kind_of_a_newer_worker_is_shown_last(checked):
    newer = Finding("haze", "remark", "The imagery is hazy.")
    assert checked(newer, TINY).findings == [TINY, newer]


# -- the shift --------------------------------------------------------------------------------------------------------


def read_shift(choices):
    return choices.settings.shift_east_m, choices.settings.shift_north_m


def test_without_a_click_labels_are_taken_as_they_lie(checked, dock):
    checked(SHIFT)
    assert not dock.shiftLine.isVisible()
    assert dock.read_choices().settings == Settings(**vars(dock.formPage.read_choices().settings))
    assert read_shift(dock.read_choices()) == (0.0, 0.0)


def test_a_click_applies_the_shift_to_the_next_run_and_says_so(checked, dock, raster, labels, listen, click):
    (row,) = checked(SHIFT).rows
    asked = listen(dock.train_requested)
    press(row, "applyButton")
    assert (
        dock.shiftLine.shiftLabel.text()
        == "Runs move the labels by 2.0 m west and 1.5 m north; the layer stays as it is."
    )
    assert not row.applyButton.isEnabled()
    click("trainButton")
    assert read_shift(asked[0]) == (-2.0, 1.46)


def test_the_shift_goes_along_with_a_check_too(checked, dock, raster, labels, listen, click):
    press(checked(SHIFT).rows[0], "applyButton")
    asked = listen(dock.check_requested)
    click("checkButton")
    assert read_shift(asked[0]) == (-2.0, 1.46)


def test_the_shift_can_be_taken_back(checked, dock, click):
    (row,) = checked(SHIFT).rows
    press(row, "applyButton")
    click("undoShiftButton")
    assert read_shift(dock.read_choices()) == (0.0, 0.0)
    assert not dock.shiftLine.isVisible()
    assert row.applyButton.isEnabled()


def test_other_labels_are_not_moved_by_the_shift_of_these(checked, dock, find, make_polygons):
    first, second = make_polygons("houses"), make_polygons("sheds")
    find("labelCombo").setLayer(first)
    press(checked(SHIFT).rows[0], "applyButton")
    find("labelCombo").setLayer(second)
    assert read_shift(dock.read_choices()) == (0.0, 0.0)


def test_only_a_finding_with_a_shift_offers_one(checked):
    assert not checked(OVERLAPS).rows[0].applyButton.isVisible()
