"""The table of buildings: what it lists, how it is stepped through, what it says."""

import pytest
from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLabel, QWidget

from footprint_tuner.plugin.core.building_outcomes import BADLY, BASE, FOUND, MISSED, TUNED, WRONG, Outcome
from footprint_tuner.ui.review.error_browser import ErrorBrowser
from footprint_tuner.ui.review.outcome_model import AREA, CONFIDENCE, IOU, KIND, SEEN
from tests.qt_events import settle_events

DASH = "\u2013"
WORST_FIRST = [
    Outcome(4, MISSED, 400.0, 0.2, None, "d"),
    Outcome(3, WRONG, 50.0, 0.0, 0.6, "c"),
    Outcome(5, MISSED, 20.0, None, None, "e"),
    Outcome(2, FOUND, 300.0, 0.55, 0.7, "b"),
    Outcome(1, FOUND, 100.0, 0.9, 0.8, "a"),
]


@pytest.fixture
def panel(dock):
    """The panel of the dock, 320 pixels wide, with five buildings."""
    dock.tabs.setCurrentWidget(dock.reviewTab)
    dock.reviewPage.show_run("banepa", "F1 by building 0.395.")
    dock.reviewPage.errorsGroup.setCollapsed(False)
    dock.reviewPage.errorPanel.show_outcomes(WORST_FIRST, ())
    settle_events()
    return dock.reviewPage.errorPanel


def read_column(panel, column):
    rows = panel.errorTable.rows
    return [rows.index(row, column).data() for row in range(rows.rowCount())]


def press(panel, *keys):
    for key in keys:
        QTest.keyClick(panel.errorTable, key)


def choose(combo, value):
    combo.setCurrentIndex(combo.findData(value))


def click_head(panel, column):
    head = panel.errorTable.horizontalHeader()
    place = QPoint(head.sectionViewportPosition(column) + head.sectionSize(column) // 2, head.height() // 2)
    QTest.mouseClick(head.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)


def test_the_table_lists_kind_area_iou_and_confidence_with_a_dash_for_what_is_not_known(panel):
    assert read_column(panel, KIND) == ["Missed", "Extra", "Missed", "Found", "Found"]
    assert read_column(panel, AREA) == ["400", "50", "20", "300", "100"]
    assert read_column(panel, IOU) == ["0.20", "0.00", DASH, "0.55", "0.90"]
    assert read_column(panel, CONFIDENCE) == [DASH, "0.60", DASH, "0.70", "0.80"]


def test_a_sentence_counts_the_kinds(panel):
    said = panel.errorTally.text()
    assert said == "2 missed, 1 extra (they match no building), 2 found (1 of them badly outlined)."
    assert panel.errorLine.text() == "5 in the table."


def test_the_sentence_counts_the_buildings_of_the_chosen_size_whatever_kind_is_listed(panel):
    choose(panel.errorKindCombo, MISSED)
    panel.leastAreaSpin.setValue(60)
    assert panel.errorTally.text().startswith("1 missed, 0 extra")
    assert read_column(panel, AREA) == ["400"]


@pytest.mark.parametrize(
    ("kind", "areas"),
    [("", ["400", "50", "20", "300", "100"]), (MISSED, ["400", "20"]), (WRONG, ["50"]), (BADLY, ["300"])],
)
def test_a_kind_is_chosen(panel, kind, areas):
    choose(panel.errorKindCombo, kind)
    assert read_column(panel, AREA) == areas


def test_sizes_have_a_least_and_a_largest_and_any_is_any(panel):
    panel.leastAreaSpin.setValue(50)
    panel.mostAreaSpin.setValue(300)
    assert read_column(panel, AREA) == ["50", "300", "100"]
    panel.mostAreaSpin.setValue(0)
    assert panel.mostAreaSpin.text() == "any"
    assert read_column(panel, AREA) == ["400", "50", "300", "100"]


def test_where_nothing_is_chosen_the_panel_says_so(panel):
    panel.leastAreaSpin.setValue(5000)
    assert panel.errorLine.text().startswith("None is chosen")
    assert not panel.nextButton.isEnabled()
    panel.step(1)
    press(panel, Qt.Key.Key_Return, Qt.Key.Key_Space, Qt.Key.Key_N)


def test_a_head_sorts_one_way_then_the_other_then_worst_first_again(panel):
    click_head(panel, AREA)
    assert read_column(panel, AREA) == ["400", "300", "100", "50", "20"]
    click_head(panel, AREA)
    assert read_column(panel, AREA) == ["20", "50", "100", "300", "400"]
    click_head(panel, AREA)
    assert read_column(panel, AREA) == ["400", "50", "20", "300", "100"]


def test_iou_is_sorted_from_the_worst_and_what_is_not_known_comes_last(panel):
    click_head(panel, IOU)
    assert read_column(panel, IOU) == ["0.00", "0.20", "0.55", "0.90", DASH]


def test_next_begins_with_the_worst_and_ends_at_the_last(panel, listen):
    heard = listen(panel.stepped)
    for _ in range(7):
        panel.nextButton.click()
    assert [outcome.mark for outcome, _ in heard] == ["d", "c", "e", "b", "a"]
    assert panel.errorLine.text() == "5 of 5: found, 100 m², IoU 0.90."
    assert not panel.nextButton.isEnabled()
    panel.previousButton.click()
    assert heard[-1][0].mark == "b"


def test_arrows_n_and_p_step_and_enter_zooms(panel, listen):
    heard = listen(panel.stepped)
    press(panel, Qt.Key.Key_N, Qt.Key.Key_Down, Qt.Key.Key_N, Qt.Key.Key_P, Qt.Key.Key_Up, Qt.Key.Key_Return)
    assert [(outcome.mark, is_zooming) for outcome, is_zooming in heard] == [
        ("d", False),
        ("c", False),
        ("e", False),
        ("c", False),
        ("d", False),
        ("d", True),
    ]


def test_a_click_on_a_row_steps_to_it(panel, listen):
    heard = listen(panel.stepped)
    place = panel.errorTable.visualRect(panel.errorTable.rows.index(2, KIND)).center()
    QTest.mouseClick(panel.errorTable.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert [outcome.mark for outcome, _ in heard] == ["e"]


def test_zoom_to_each_is_told_with_every_step_and_remembered(panel, listen):
    heard = listen(panel.stepped)
    panel.zoomCheck.setChecked(True)
    panel.step(1)
    assert heard[-1][1] is True
    made = ErrorBrowser()
    assert made.zoomCheck.isChecked()
    QgsSettings().remove("footprint_tuner/errors/zoom_to_each")
    assert not ErrorBrowser().zoomCheck.isChecked()


def test_the_building_at_hand_stays_so_when_the_table_is_sorted_or_filled_anew(panel, listen):
    press(panel, Qt.Key.Key_N, Qt.Key.Key_N, Qt.Key.Key_N)
    heard = listen(panel.stepped)
    click_head(panel, AREA)
    assert panel.errorLine.text() == "5 of 5: missed, 20 m²."
    panel.show_outcomes(WORST_FIRST[1:], ())
    assert panel.errorLine.text().startswith("4 of 4")
    choose(panel.errorKindCombo, WRONG)
    assert panel.errorLine.text() == "1 in the table."
    choose(panel.errorKindCombo, "")
    assert panel.errorLine.text().startswith("4 of 4")
    assert heard == []


def test_the_space_bar_ticks_what_was_looked_at_and_takes_the_tick_away(panel, listen):
    heard = listen(panel.seen_changed)
    press(panel, Qt.Key.Key_N, Qt.Key.Key_Space)
    assert heard == [{"d"}]
    assert "You have looked at 1." in panel.errorTally.text()
    press(panel, Qt.Key.Key_N, Qt.Key.Key_Space, Qt.Key.Key_P, Qt.Key.Key_Space)
    assert heard[-1] == {"c"}


def test_a_click_on_the_box_ticks(panel, listen):
    heard = listen(panel.seen_changed)
    box = panel.errorTable.visualRect(panel.errorTable.rows.index(1, SEEN))
    place = QPoint(box.left() + 9, box.center().y())
    QTest.mouseClick(panel.errorTable.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert heard == [{"c"}]


def test_those_not_yet_looked_at_can_be_listed_alone_and_a_new_tick_takes_no_row_away(panel):
    panel.show_outcomes(WORST_FIRST, {"d", "b"})
    panel.newOnlyCheck.setChecked(True)
    assert read_column(panel, AREA) == ["50", "20", "100"]
    press(panel, Qt.Key.Key_N, Qt.Key.Key_Space)
    assert read_column(panel, AREA) == ["50", "20", "100"]


def test_the_other_models_buildings_are_asked_for(panel, listen):
    heard = listen(panel.layer_chosen)
    choose(panel.errorModelCombo, BASE)
    assert heard == [BASE]
    panel.show_model(TUNED)
    assert (heard, panel.errorModelCombo.currentData()) == ([BASE], TUNED)


def test_a_perfect_model_has_no_errors_and_no_buildings_are_no_fault(panel):
    panel.show_outcomes(WORST_FIRST[3:], ())
    assert panel.errorTally.text().startswith("0 missed, 0 extra")
    panel.show_outcomes([], ())
    assert panel.errorTally.text() == "There are no buildings in the held-out area."
    assert not panel.nextButton.isEnabled()
    panel.step(1)


def test_a_problem_is_told_with_its_next_step(panel):
    panel.show_none("errors.gpkg is gone.", "Choose another run.")
    assert (panel.errorTally.text(), panel.errorLine.text()) == ("errors.gpkg is gone.", "Choose another run.")
    assert panel.errorTable.rows.rowCount() == 0


def test_the_layers_box_says_whether_it_is_seen_and_asks_when_it_is_clicked(panel, listen):
    heard = listen(panel.layer_shown)
    panel.show_layer(True)
    assert panel.errorLayerCheck.isChecked()
    panel.errorLayerCheck.click()
    assert heard == [False]
    panel.show_layer(None)
    assert not panel.errorLayerCheck.isEnabled()


def test_a_hundred_thousand_rows_are_listed_filtered_and_sorted_at_once(panel):
    many = [each._replace(fid=n, mark=str(n)) for n in range(20_000) for each in WORST_FIRST]
    panel.show_outcomes(many, ())
    choose(panel.errorKindCombo, MISSED)
    click_head(panel, AREA)
    assert panel.errorTable.rows.rowCount() == 40_000
    assert read_column(panel, AREA)[19_999:20_001] == ["400", "20"]


def test_nothing_is_cut_off_at_320_pixels(panel, dock):
    panel.show_outcomes([each._replace(area_m2=9999.0) for each in WORST_FIRST], {"d"})
    press(panel, Qt.Key.Key_N)
    settle_events()
    assert dock.width() == 320
    shown = [child for child in panel.findChildren(QWidget) if child.isVisible()]
    edge = panel.width()
    assert [each.objectName() for each in shown if each.mapTo(panel, QPoint(each.width(), 0)).x() > edge] == []
    assert panel.mapTo(dock, QPoint(edge, 0)).x() <= dock.width()
    labels = [each for each in panel.findChildren(QLabel) if each.isVisible()]
    assert [
        each.text() for each in labels if each.wordWrap() and each.height() < each.heightForWidth(each.width())
    ] == []
    buttons = [each for each in panel.findChildren(QAbstractButton) if each.isVisible() and each.text()]
    assert [each.text() for each in buttons if each.width() < each.minimumSizeHint().width()] == []


def test_every_cell_shows_its_whole_text_at_320_pixels(panel):
    panel.show_outcomes([each._replace(area_m2=9999.0) for each in WORST_FIRST], ())
    table = panel.errorTable
    for column in (KIND, AREA, IOU, CONFIDENCE):
        assert table.sizeHintForColumn(column) <= table.columnWidth(column) + 1, column


def test_what_can_be_worked_has_a_name_and_a_label(panel):
    fields = [*panel.findChildren(QComboBox), *panel.findChildren(QAbstractSpinBox), panel.errorTable]
    assert [field.objectName() for field in fields if not field.accessibleName()] == []
    buddies = {label.buddy() for label in panel.findChildren(QLabel) if label.buddy() is not None}
    assert buddies == set(fields) - {panel.errorTable}


def test_tab_leaves_the_table(panel, dock):
    dock.activateWindow()
    panel.errorTable.setFocus()
    press(panel, Qt.Key.Key_N, Qt.Key.Key_Tab)
    assert panel.errorTable.row == 0
    assert not panel.errorTable.hasFocus()


def test_an_improved_run_names_the_model_that_it_began_with(panel):
    combo = panel.errorModelCombo
    assert [combo.itemText(combo.findData(layer)) for layer in (TUNED, BASE)] == ["Tuned model", "Base model"]
    panel.name_models(is_improved=True)
    assert [combo.itemText(combo.findData(layer)) for layer in (TUNED, BASE)] == ["Improved model", "Earlier model"]
