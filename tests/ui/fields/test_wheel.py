"""The mouse wheel over a field scrolls, and changes nothing."""

import pytest
from qgis.gui import QgsScrollArea
from qgis.PyQt.QtCore import QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QWheelEvent
from qgis.PyQt.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLineEdit,
    QScrollArea,
    QScrollBar,
)

from tests.qt_events import settle_events

DIALOGS = {
    "network": lambda dock: dock.formPage.modelPicker._menu._ask_network(),
    "own weights": lambda dock: dock.formPage.modelPicker._menu._take_own("weights.pth"),
    "bands": lambda dock: dock.formPage.bandsRow._ask(),
}


def turn(widget, notches=-1):
    """Turn the wheel over a widget, or over the line in which it is typed.

    It goes on to parents until one takes it, as Qt does with a mouse's, but not with those that a test sends.
    """
    target = widget.findChild(QLineEdit) or widget
    while target is not None:
        place, none = QPointF(target.rect().center()), Qt.MouseButton.NoButton
        there = QPointF(target.mapToGlobal(place.toPoint()))
        phase, keys = Qt.ScrollPhase.NoScrollPhase, Qt.KeyboardModifier.NoModifier
        event = QWheelEvent(place, there, QPoint(), QPoint(0, 120 * notches), none, keys, phase, False)
        if (QApplication.sendEvent(target, event) and event.isAccepted()) or target.isWindow():
            return
        target = target.parentWidget()


def list_fields(root):
    found = [each for kind in (QComboBox, QAbstractSpinBox, QAbstractSlider) for each in root.findChildren(kind)]
    return [each for each in found if not isinstance(each, QScrollBar)]


def read_value(field):
    return field.currentIndex() if isinstance(field, QComboBox) else field.value()


def make_room(field):
    """Bring a field to a value from which it could go either way, and let it be worked."""
    field.setEnabled(True)
    if isinstance(field, QComboBox):
        while field.count() < 3:
            field.addItem("one more") if field.metaObject().className() == "QComboBox" else field.setAdditionalItems(
                ["one more", "another"]
            )
        field.setCurrentIndex(1)
    else:
        field.setValue(type(field.maximum())((field.minimum() + field.maximum()) / 2))


def find_changed(root):
    """Return the names of the fields that the wheel changes without the focus."""
    changed = []
    for field in list_fields(root):
        make_room(field)
        field.clearFocus()
        before = read_value(field)
        for notches in (-1, 1, 1):
            turn(field, notches)
            if read_value(field) != before:
                changed.append(field.objectName())
                break
    return changed


def test_the_wheel_over_a_field_of_the_dock_changes_nothing(dock, raster, labels):
    assert len(list_fields(dock)) > 25
    assert find_changed(dock) == []
    assert {field.focusPolicy() for field in list_fields(dock)} == {Qt.FocusPolicy.StrongFocus}


@pytest.mark.parametrize("open_dialog", DIALOGS.values(), ids=DIALOGS)
def test_the_wheel_over_a_field_of_a_dialog_changes_nothing(dock, raster, open_dialog):
    open_dialog(dock)
    settle_events()
    (dialog,) = (child for child in dock.findChildren(QDialog) if child.isVisible())
    assert list_fields(dialog)
    assert find_changed(dialog) == []


def test_lists_that_come_later_are_guarded_too(dock, raster):
    dock.formPage.modelPicker.open_model("unet:resnet34:none")
    dock.formPage.bandsRow._ask()
    (dialog,) = (child for child in dock.findChildren(QDialog) if child.isVisible())
    dialog.countSpin.setValue(7)
    settle_events()
    assert len(dialog._combos) == 7
    assert find_changed(dialog) == []


def test_the_wheel_over_a_field_scrolls_the_dock(make_dock):
    dock = make_dock(height=300)
    dock.formPage.settingsGroup.setCollapsed(False)
    settle_events()
    bar = dock.scrollArea.verticalScrollBar()
    spin = dock.formPage.settingsGroup.epochsSpin
    dock.scrollArea.ensureWidgetVisible(spin)
    before, value = bar.value(), spin.value()
    turn(spin, 1)
    assert bar.value() < before
    assert spin.value() == value


def test_a_spin_box_that_has_the_focus_takes_the_wheel(dock, find):
    dock.formPage.settingsGroup.setCollapsed(False)
    dock.activateWindow()
    settle_events()
    spin = find("seedSpin")
    spin.setValue(5)
    spin.setFocus()
    assert spin.hasFocus()
    turn(spin, 1)
    assert spin.value() == 6


def test_a_list_keeps_its_choice_even_with_the_focus(dock, find):
    combo = find("modelCombo")
    combo.setCurrentIndex(1)
    combo.setFocus()
    turn(combo)
    assert combo.currentIndex() == 1


def test_whatever_scrolls_holds_the_wheel_back_as_qgis_does(dock):
    areas = [area for area in dock.findChildren(QScrollArea) if area.objectName() in AREAS]
    assert len(areas) == len(AREAS)
    assert all(isinstance(area, QgsScrollArea) for area in areas)


AREAS = ("scrollArea", "reviewArea", "predictArea")
