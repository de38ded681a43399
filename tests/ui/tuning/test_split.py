"""The form's row about ground: what it asks for, and what it says."""

import pytest
from qgis.PyQt.QtCore import QPoint

from footprint_tuner.plugin.core.events import Finding
from footprint_tuner.plugin.core.job import Settings
from footprint_tuner.ui.tuning.findings import FindingRow
from footprint_tuner.ui.tuning.split import RoleCount
from tests.qt_events import settle_events

COUNTS = [
    RoleCount("training", 41, 1204),
    RoleCount("validation", 7, 203),
    RoleCount("held-out", 1, 1),
    RoleCount("left-out", 0, 0),
]


@pytest.fixture
def row(dock):
    return dock.formPage.splitRow


def test_the_split_is_asked_for_with_what_is_chosen(dock, click, listen, raster, labels):
    asked = listen(dock.split_requested)
    click("splitButton")
    (choices,) = asked
    assert (choices.raster_layer, choices.label_layer, choices.settings) == (raster, labels, Settings())
    assert choices.block_roles == ()


def test_without_labels_no_split_is_asked_for_and_the_form_says_what_to_do(dock, click, find, listen, raster):
    asked = listen(dock.split_requested)
    click("splitButton")
    assert asked == []
    assert find("messageLabel").text() == "No labels are chosen."


def test_to_show_the_split_leaves_what_a_check_found(dock, click, find, raster, labels):
    dock.show_event(Finding("overlaps", "warning", "Two labels overlap."))
    dock.show_idle()
    click("splitButton")
    assert [row.isVisible() for row in find("findingList").findChildren(FindingRow)] == [True]


def test_what_a_split_holds_is_said_a_line_a_role(row, find):
    row.show_split(COUNTS, ())
    said = [
        "Training: 41 blocks, 1,204 buildings",
        "Validation: 7 blocks, 203 buildings",
        "Held-out: 1 block, 1 building",
    ]
    assert find("splitLine").text().split("\n") == said
    row.show_split([*COUNTS[:3], RoleCount("left-out", 2, 0)], ("3=left-out", "4=left-out"))
    assert find("splitLine").text().split("\n") == [*said, "Left out: 2 blocks", "Changed: 2 blocks"]


def test_tools_for_blocks_are_there_while_a_split_is_shown(row, find, click, listen):
    assert not find("changeButton").isVisible()
    row.show_split(COUNTS, ())
    toggled, drawn = listen(row.change_toggled), listen(row.drawn_requested)
    assert not find("drawnButton").isEnabled()
    click("changeButton")
    row.show_split(COUNTS, ("1=held-out",))
    click("drawnButton")
    assert (toggled, drawn) == ([True], [()])
    row.clear()
    assert not find("changeButton").isVisible()
    assert not find("changeButton").isChecked()
    assert toggled == [True]


def test_the_changes_go_into_the_choices_until_the_split_is_gone(dock, row):
    row.show_split(COUNTS, ("1=held-out", "2=left-out"))
    assert dock.read_choices().block_roles == ("1=held-out", "2=left-out")
    row.clear("It is another one now.")
    assert dock.read_choices().block_roles == ()


def test_the_button_hides_a_split_that_is_shown(row, find, click, listen, raster, labels):
    hidden = listen(row.hide_requested)
    row.show_drawing()
    assert not find("splitButton").isEnabled()
    assert find("splitLine").text() == "Drawing the split..."
    row.show_split(COUNTS, ())
    assert find("splitButton").text() == "Hide the split"
    click("splitButton")
    assert hidden == [()]


def test_a_problem_stands_beneath_the_counts_that_stay(row, find):
    row.show_split(COUNTS, ("1=left-out",))
    row.show_problem("No building lies in the held-out area.")
    lines = find("splitLine").text().split("\n")
    assert lines[0].startswith("Training: 41")
    assert lines[-1] == "No building lies in the held-out area."
    assert find("drawnButton").isEnabled()


def test_a_run_whose_changed_blocks_are_those_of_another_split_is_not_asked_for(
    dock, row, click, find, listen, raster, labels
):
    """Whoever holds the split hears that the choices may have changed, and takes it away."""
    asked = listen(dock.train_requested)
    row.show_split(COUNTS, ("1=left-out",))
    dock.formPage.choices_changed.connect(row.clear)
    click("trainButton")
    assert asked == []
    assert "another split" in find("messageLabel").text()
    click("trainButton")
    assert len(asked) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda form: form.settingsGroup.seedSpin.setValue(8),
        lambda form: form.settingsGroup.heldOutSpin.setValue(41),
        lambda form: form.rasterCombo.setLayer(None),
        lambda form: form.labelCombo.setLayer(None),
        lambda form: form.settingsGroup.areasCombo.setLayer(form.labelCombo.currentLayer()),
        lambda form: form.modelPicker.modelCombo.setCurrentIndex(form.modelPicker.modelCombo.count() - 1),
    ],
    ids=["seed", "share", "raster", "labels", "areas", "model"],
)
def test_what_a_split_depends_on_is_told_when_it_changes(dock, listen, raster, labels, change):
    heard = listen(dock.formPage.choices_changed)
    change(dock.formPage)
    assert heard


@pytest.mark.parametrize(("index", "role"), [(0, "training"), (1, "held-out")])
def test_an_area_is_asked_for_by_its_role(row, find, listen, index, role):
    asked = listen(row.area_requested)
    find("areaButton").menu().actions()[index].trigger()
    assert asked == [role]


def test_the_row_fits_a_narrow_dock(dock, row, find):
    row.show_split([*COUNTS[:3], RoleCount("left-out", 12, 0)], ("1=left-out",))
    settle_events()
    seen = dock.scrollArea.viewport().width()
    for name in ("splitButton", "areaButton", "changeButton", "drawnButton", "splitLine"):
        widget = find(name)
        assert widget.mapTo(dock.scrollArea.widget(), QPoint(widget.width(), 0)).x() <= seen
        assert widget.width() >= widget.minimumSizeHint().width()
