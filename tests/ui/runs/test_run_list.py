"""The tab of runs: the table, its keys, its search, and what it remembers."""

from dataclasses import replace
from pathlib import Path

import pytest
from qgis.PyQt.QtCore import QEvent, QPoint, Qt
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit

from footprint_tuner.plugin.core.json_codec import decode
from footprint_tuner.plugin.core.run_comparison import RunComparison
from footprint_tuner.plugin.core.run_list import BROKEN_OFF, FINISHED, RUNNING, UNREADABLE, RunEntry
from footprint_tuner.ui.runs.compare_dialog import CompareDialog
from footprint_tuner.ui.runs.run_table_model import Column, shorten
from tests.qt_events import settle_events

RUNS = Path("/maps/footprint_tuner_runs")
GOOD = RunEntry(
    RUNS / "town_2026-01-02_03-04-05",
    FINISHED,
    raster="/maps/town.tif",
    base_model="Starter (U-Net)",
    before=0.395,
    after=0.519,
    interval=(0.49, 0.548),
    difference="The tuned model is better.",
    when=200.0,
    seconds=632.0,
)
BETTER = replace(
    GOOD,
    path=RUNS / "town_2026-01-03_03-04-05",
    after=0.6,
    when=300.0,
    parent=str(GOOD.path),
    note="roofs 🏠\nand more",
    by_hand="The threshold was set manually.",
)
BROKEN = RunEntry(
    RUNS / "hamlet", BROKEN_OFF, "The run is not finished.", "Resume it.", raster="/maps/b.tif", when=100.0
)
ODD = RunEntry(RUNS / "odd", UNREADABLE, "The run was made by a newer version of the plugin.", "Update.", when=50.0)
GOING = replace(BROKEN, path=RUNS / "going", status=RUNNING, problem="The run is still running.", when=400.0)


@pytest.fixture
def page(dock):
    """The tab with five runs, in front."""
    dock.tabs.setCurrentWidget(dock.runsTab)
    dock.runsPage.show_runs([GOOD, BROKEN, BETTER, ODD, GOING])
    settle_events()
    return dock.runsPage


@pytest.fixture
def select(page):
    """Return a function that selects runs as a person does, by clicks."""

    def click(*entries):
        page.runTable.clearSelection()
        for entry in entries:
            index = page.runTable.runs.index(page.runTable.runs.find_row(entry.path), 0)
            place = page.runTable.visualRect(index).center()
            QTest.mouseClick(
                page.runTable.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, place
            )

    return click


def read_rows(page, column=Column.RUN):
    model = page.runTable.runs
    return [model.index(row, column).data() for row in range(model.rowCount())]


def test_the_newest_run_stands_on_top_with_its_scores(page):
    assert read_rows(page) == ["going", "2026-01-03 03:04", "2026-01-02 03:04", "hamlet", "odd"]
    assert read_rows(page, Column.F1) == [
        "running",
        "0.395 → 0.600 (0.490\u20130.548), set manually",
        "0.395 → 0.519 (0.490\u20130.548)",
        "not finished",
        "cannot be read",
    ]
    assert read_rows(page, Column.TIME)[1:3] == ["10:32", "10:32"]
    assert read_rows(page, Column.PARENT)[1] == "2026-01-02 03:04 (not found)"
    assert read_rows(page, Column.NOTE)[1] == "roofs 🏠 and more"


def test_a_click_on_a_title_sorts_by_it_and_again_the_other_way(page):
    header = page.runTable.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(Column.F1) + 20, header.height() // 2)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    first = read_rows(page, Column.F1)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    second = read_rows(page, Column.F1)
    best = "0.395 → 0.600 (0.490\u20130.548), set manually"
    assert {first.index(best), second.index(best)} == {0, 4}


@pytest.mark.parametrize(
    ("text", "found"),
    [("STARTER", 2), ("roofs starter", 1), ("hamlet", 1), ("broken", 1), ("no such", 0), ("town_2026-01-02", 2)],
)
def test_the_search_keeps_what_holds_every_word(page, find, text, found):
    QTest.keyClicks(find("runsSearch"), text)
    assert len(read_rows(page)) == found
    if 0 < found < 5:
        assert f"{found} of 5" in find("runsLine").text()


def test_without_a_run_it_says_what_to_do(dock, find):
    dock.tabs.setCurrentWidget(dock.runsTab)
    dock.runsPage.show_reading()
    assert "Reading" in find("runsLine").text()
    dock.runsPage.show_runs([])
    assert "No run was found" in find("runsLine").text()


@pytest.mark.parametrize(
    ("entry", "possible"),
    [
        (GOOD, {"open", "repeat", "change", "note", "send", "folder", "delete"}),
        (BROKEN, {"repeat", "change", "resume", "note", "send", "folder", "delete"}),
        (ODD, {"note", "folder", "delete"}),
        (GOING, {"note", "folder"}),
    ],
)
def test_only_what_is_possible_is_offered_and_the_reason_is_said(page, select, find, entry, possible):
    select(entry)
    menu = page.make_menu()
    offered = {action.objectName()[:-9] for action in menu.actions() if action.isEnabled() and action.objectName()}
    assert offered == possible
    assert find("openRunButton").isEnabled() == ("open" in possible)
    assert (entry.problem or entry.difference) in find("runsLine").text()


def test_two_runs_can_be_compared_the_older_one_first(page, select, click, listen):
    compared = listen(page.compare_requested)
    select(BETTER, GOOD)
    click("compareRunsButton")
    assert compared == [(str(GOOD.path), str(BETTER.path))]
    select(BETTER, GOOD, BROKEN)
    assert not page.compareRunsButton.isEnabled()
    assert "3 runs" in page.runsLine.text()


@pytest.mark.parametrize(
    ("key", "modifier", "name"),
    [
        (Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier, "open_requested"),
        (Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier, "open_requested"),
        (Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier, "delete_requested"),
        (Qt.Key.Key_F5, Qt.KeyboardModifier.NoModifier, "refresh_requested"),
        (Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier, "repeat_requested"),
    ],
)
def test_keys_do_what_the_menu_says_and_qgis_does_not_hear_them(page, select, listen, key, modifier, name):
    select(GOOD)
    heard = listen(getattr(page, name))
    override = QKeyEvent(QEvent.Type.ShortcutOverride, key, modifier)
    override.ignore()
    QApplication.sendEvent(page.runTable, override)
    assert override.isAccepted()
    QTest.keyClick(page.runTable, key, modifier)
    assert heard == [() if name == "refresh_requested" else str(GOOD.path)]


def test_control_and_enter_compares(page, select, listen):
    heard = listen(page.compare_requested)
    select(GOOD, BETTER)
    QTest.keyClick(page.runTable, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert len(heard) == 1


def test_enter_on_a_run_that_cannot_be_opened_opens_nothing(page, select, listen):
    heard = listen(page.open_requested)
    select(BROKEN)
    QTest.keyClick(page.runTable, Qt.Key.Key_Return)
    assert heard == []
    assert "is not finished" in page.runsLine.text()


def test_a_double_click_opens(page, select, listen):
    heard = listen(page.open_requested)
    select(GOOD)
    index = page.runTable.runs.index(page.runTable.runs.find_row(GOOD.path), Column.F1)
    how = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, page.runTable.visualRect(index).center()
    QTest.mouseClick(page.runTable.viewport(), *how)
    QTest.mouseDClick(page.runTable.viewport(), *how)
    assert heard == [str(GOOD.path)]


@pytest.mark.parametrize("text", ["north 🏠 again", "x" * 3000])
def test_a_note_is_edited_in_its_cell(page, select, listen, text):
    heard = listen(page.note_edited)
    select(GOOD)
    QTest.keyClick(page.runTable, Qt.Key.Key_F2)
    (editor,) = page.runTable.viewport().findChildren(QLineEdit)
    editor.setText(text)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    settle_events()  # Qt commits when it has the time
    assert heard == [(str(GOOD.path), text)]


def test_a_note_that_is_left_as_it_was_is_not_written(page, select, listen):
    """The line breaks of a note that was written elsewhere stay."""
    heard = listen(page.note_edited)
    select(BETTER)
    QTest.keyClick(page.runTable, Qt.Key.Key_F2)
    (editor,) = page.runTable.viewport().findChildren(QLineEdit)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    settle_events()  # Qt commits when it has the time
    assert heard == []


def test_what_is_selected_stays_so_when_the_runs_are_read_anew(page, select):
    select(GOOD, BETTER)
    page.show_runs([BETTER, GOOD, replace(GOOD, path=RUNS / "new", when=900.0)])
    assert {entry.path for entry in page.chosen} == {GOOD.path, BETTER.path}


def test_the_size_of_the_selected_run_is_asked_for_and_shown(page, select, listen, find):
    asked = listen(page.size_requested)
    select(GOOD)
    assert asked[-1] == str(GOOD.path)
    page.show_size(str(GOOD.path), 112_000_000)
    assert "MiB" in find("runsLine").text() or "MB" in find("runsLine").text()
    page.show_size(str(BETTER.path), 5)
    assert "5 bytes" not in find("runsLine").text()


def test_columns_are_remembered(page, make_dock):
    header = page.runTable.horizontalHeader()
    header.resizeSection(Column.RASTER, 222)
    header.moveSection(header.visualIndex(Column.NOTE), 0)
    action = next(each for each in page.runTable.make_column_menu().actions() if each.text() == "Parent")
    action.setChecked(False)
    again = make_dock().runsPage.runTable.horizontalHeader()
    assert again.sectionSize(Column.RASTER) == 222
    assert again.visualIndex(Column.NOTE) == 0
    assert again.isSectionHidden(Column.PARENT)
    assert not again.isSectionHidden(Column.RUN)


def test_the_run_itself_cannot_be_hidden(page):
    assert not page.runTable.make_column_menu().actions()[0].isEnabled()


def test_added_folders_can_be_forgotten(page, listen):
    heard = listen(page.place_removed)
    page.show_places(["/maps/a & b"])
    action = page.placesButton.menu().actions()[-1]
    assert action.isChecked()
    action.setChecked(False)
    assert heard == ["/maps/a & b"]


def test_everything_fits_320_pixels_and_has_a_name(page, select, dock):
    select(replace(BROKEN))
    page.show_sentence("They were scored on different areas: " + "x" * 90, "Repeat one of them.")
    settle_events()
    assert dock.width() == 320
    for widget in [*page.findChildren(QAbstractButton), *page.findChildren(QLabel), page.runTable]:
        if widget.isVisible() and page.isAncestorOf(widget) and not page.runTable.isAncestorOf(widget):
            right = widget.mapTo(page, QPoint(widget.width(), 0)).x()
            assert 0 < right <= page.width(), widget.objectName()
    own = (page.runsSearch, page.runTable, page.refreshRunsButton, page.placesButton)
    assert [widget.objectName() for widget in own if not widget.accessibleName()] == []
    buttons = (page.openRunButton, page.compareRunsButton, page.moreRunButton)
    assert [b.text() for b in buttons if b.width() < b.minimumSizeHint().width()] == []
    assert page.runsLine.height() >= page.runsLine.heightForWidth(page.runsLine.width())


def test_the_tab_key_goes_from_the_search_through_the_table_to_the_buttons(page, select):
    select(GOOD)
    names, widget = [], page.runsSearch
    for _ in range(40):
        if page.isAncestorOf(widget) and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            names.append(widget.objectName())
        widget = widget.nextInFocusChain()
    wanted = ["runsSearch", "runTable", "openRunButton", "moreRunButton"]
    assert [name for name in dict.fromkeys(names) if name in wanted] == wanted


def test_five_thousand_runs_are_shown_sorted_and_searched_at_once(page):
    many = [replace(GOOD, path=RUNS / f"run_{i}", when=float(i), after=i / 5000) for i in range(5000)]
    page.show_runs(many)
    assert read_rows(page)[0] == "run_4999"
    page.runTable.sortByColumn(Column.F1, Qt.SortOrder.AscendingOrder)
    page.runTable.runs.search("run_77 starter")
    assert page.runTable.runs.rowCount() == 11


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("town_2026-01-02_03-04-05", "2026-01-02 03:04"),
        ("town_2026-01-02_03-04-05_2", "2026-01-02 03:04"),
        ("town", "town"),
        ("2026-01-02_03-04-05", "2026-01-02_03-04-05"),
    ],
)
def test_a_name_that_the_plugin_gave_is_shown_as_its_time(name, short):
    assert shorten(name) == short


RIVAL = {"folder": "/maps/a", "base_model": "Starter", "f1": 0.5, "precision": 0.6, "recall": 0.4, "seconds": 60.0}
RIVAL |= {"interval": [0.4, 0.6], "by_hand": ""}
ANSWER = {
    "runs": [{**RIVAL, "name": GOOD.name}, {**RIVAL, "name": BETTER.name, "f1": 0.55, "by_hand": "Set manually."}],
    "difference": {
        "f1": 0.05,
        "interval": [0.01, 0.09],
        "is_more_than_noise": True,
        "sentence": "The second is better.",
    },
    "blocks": {"better": 7, "worse": 3, "same": 2},
    "by_size": [{"from_m2": 0.0, "to_m2": 50.0, "f1": [0.1, 0.2]}, {"from_m2": 50.0, "to_m2": None, "f1": [0.3, 0.2]}],
    "by_iou": [{"iou": 0.5, "f1": [0.5, 0.55]}, {"iou": 0.55, "f1": [0.4, 0.45]}],
}


def test_a_comparison_shows_both_runs_and_their_difference(dock):
    dialog = CompareDialog(decode(RunComparison, ANSWER), dock)
    table = dialog.rivalsTable
    rows = {
        table.verticalHeaderItem(row).text(): [table.item(row, column).text() for column in range(3)]
        for row in range(table.rowCount())
    }
    assert rows["F1 by building"] == ["0.500 (0.400 to 0.600)", "0.550 (0.400 to 0.600)", "+0.050 (+0.010 to +0.090)"]
    assert rows["F1 from 50 m²"] == ["0.300", "0.200", "\u22120.100"]
    assert rows["F1 at IoU 0.55"] == ["0.400", "0.450", "+0.050"]
    assert table.horizontalHeaderItem(0).text() == "2026-01-02 03:04"
    assert dialog.verdictLabel.text() == "The second is better."
    assert "same 12 blocks" in dialog.groundLabel.text()
    assert "Set manually." in dialog.groundLabel.text()


def test_a_comparison_without_an_interval_and_of_like_names_is_shown_too(dock):
    runs = [{**RIVAL, "name": name, "interval": None, "seconds": None} for name in (GOOD.name, f"{GOOD.name}_2")]
    difference = {**ANSWER["difference"], "interval": None}
    answer = {**ANSWER, "runs": runs, "difference": difference, "by_size": [], "by_iou": []}
    dialog = CompareDialog(decode(RunComparison, answer), dock)
    assert dialog.rivalsTable.horizontalHeaderItem(0).text() == GOOD.name
    assert dialog.rivalsTable.item(0, 2).text() == "+0.050"


@pytest.mark.parametrize(
    ("ending", "text"),
    [("cancelled", "cancelled"), ("failed", "failed"), ("left", "QGIS closed"), ("died", "stopped")],
)
def test_a_run_that_is_not_finished_says_how_it_ended(page, ending, text):
    page.show_runs([replace(BROKEN, ending=ending)])
    model = page.runTable.runs
    assert model.data(model.index(0, Column.F1)) == f"not finished: {text}"
