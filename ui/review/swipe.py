"""What the swipe shows on either side of its line, and the flip."""

from __future__ import annotations

from enum import Enum
from typing import Mapping

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QLabel, QPushButton, QRadioButton, QWidget

from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel

_PREFIX = "footprint_tuner/swipe/"


class Sight(Enum):
    """What one side of the swipe can show."""

    BASE_FOOTPRINTS = "base footprints"
    FOOTPRINTS = "footprints"
    BASE_PROBABILITY = "base probability"
    PROBABILITY = "probability"
    LABELS = "labels"
    IMAGERY = "imagery"


class SwipePanel(QWidget):
    """Asks for two sights, a line between them, and the first one alone; what is chosen is remembered."""

    swipe_toggled = pyqtSignal(bool)
    sights_changed = pyqtSignal()
    turned = pyqtSignal(bool)
    before_held = pyqtSignal(bool)

    beforeSideLabel: QLabel
    beforeCombo: QComboBox
    afterSideLabel: QLabel
    afterCombo: QComboBox
    verticalRadio: QRadioButton
    horizontalRadio: QRadioButton
    swipeButton: QPushButton
    holdButton: QPushButton
    swipeNote: WrapLabel

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without a run."""
        super().__init__(parent)
        load_form(self, "review/swipe")
        self.names: dict[Sight, str] = {}
        self._tips: dict[Sight, str] = {}
        self._combos = {"before": self.beforeCombo, "after": self.afterCombo}
        for which, combo in self._combos.items():
            for sight in Sight:
                combo.addItem("", sight.value)
            combo.activated.connect(lambda _, which=which: self._choose(which))
        self.horizontalRadio.setChecked(QgsSettings().value(f"{_PREFIX}is_horizontal", False, type=bool))
        self.name_sights(is_improved=False)
        self._name_sides()
        self.horizontalRadio.toggled.connect(self._turn)
        self.swipeButton.clicked.connect(self.swipe_toggled)
        self.holdButton.pressed.connect(lambda: self.before_held.emit(True))
        self.holdButton.released.connect(lambda: self.before_held.emit(False))
        self.show_none()

    @property
    def before(self) -> Sight:
        """What the left or top side shows."""
        return Sight(self.beforeCombo.currentData())

    @property
    def after(self) -> Sight:
        """What the right or bottom side shows."""
        return Sight(self.afterCombo.currentData())

    @property
    def is_horizontal(self) -> bool:
        """Whether the line parts top and bottom, instead of left and right."""
        return bool(self.horizontalRadio.isChecked())

    def name_sights(self, *, is_improved: bool) -> None:
        """Call the two models as the run does: an improved one began with the model of an earlier run."""
        before = self.tr("Earlier model's {}") if is_improved else self.tr("Base model's {}")
        after = self.tr("Improved model's {}") if is_improved else self.tr("Tuned model's {}")
        footprints, probability = self.tr("footprints"), self.tr("probability")
        self.names = {
            Sight.BASE_FOOTPRINTS: before.format(footprints),
            Sight.FOOTPRINTS: after.format(footprints),
            Sight.BASE_PROBABILITY: before.format(probability),
            Sight.PROBABILITY: after.format(probability),
            Sight.LABELS: self.tr("Labels"),
            Sight.IMAGERY: self.tr("Imagery alone"),
        }
        self._tips = {
            Sight.BASE_FOOTPRINTS: self.tr("Exists in the held-out area only"),
            Sight.BASE_PROBABILITY: self.tr("Exists in the validation and held-out areas only"),
        }
        for combo in self._combos.values():
            for index, sight in enumerate(Sight):
                combo.setItemText(index, self.names[sight])

    def show_none(self) -> None:
        """Offer nothing: there is no run."""
        self.show_swipe(False)
        self.show_note()
        self.setEnabled(False)

    def show_run(self, missing: Mapping[Sight, str]) -> None:
        """Offer what a run has; ``missing`` says of the rest why it is not there."""
        self.show_note()
        self.setEnabled(True)
        defaults = {"before": Sight.BASE_FOOTPRINTS, "after": Sight.FOOTPRINTS}
        for which, combo in self._combos.items():
            for index, sight in enumerate(Sight):
                tip = missing.get(sight, self._tips.get(sight, ""))
                combo.model().item(index).setEnabled(sight not in missing)
                combo.setItemData(index, tip, Qt.ItemDataRole.ToolTipRole)
            wanted = [_read_sight(which), defaults[which], *Sight]
            chosen = next((sight for sight in wanted if sight is not None and sight not in missing), defaults[which])
            combo.setCurrentIndex(list(Sight).index(chosen))
        can_begin = len(missing) < len(Sight)
        self.swipeButton.setEnabled(can_begin)
        self.holdButton.setEnabled(can_begin)

    def show_swipe(self, is_on: bool) -> None:
        """Show whether the map is parted."""
        self.swipeButton.setChecked(is_on)
        self.swipeButton.setText(self.tr("End the swipe") if is_on else self.tr("Swipe"))

    def show_direction(self, is_horizontal: bool) -> None:
        """Show how the line lies, as it was turned on the map."""
        (self.horizontalRadio if is_horizontal else self.verticalRadio).setChecked(True)

    def show_note(self, sentence: str = "") -> None:
        """Say what is not as it should be, and what to do; nothing where all is well."""
        self.swipeNote.setText(sentence)
        self.swipeNote.setVisible(bool(sentence))

    def _choose(self, which: str) -> None:
        QgsSettings().setValue(_PREFIX + which, self._combos[which].currentData())
        self.sights_changed.emit()

    def _turn(self, is_horizontal: bool) -> None:
        QgsSettings().setValue(f"{_PREFIX}is_horizontal", is_horizontal)
        self._name_sides()
        self.turned.emit(is_horizontal)

    def _name_sides(self) -> None:
        self.beforeSideLabel.setText(self.tr("Top") if self.is_horizontal else self.tr("Left"))
        self.afterSideLabel.setText(self.tr("Bottom") if self.is_horizontal else self.tr("Right"))


def _read_sight(which: str) -> Sight | None:
    """Return the sight that was chosen last, None where that is no sight of this version."""
    stored = QgsSettings().value(_PREFIX + which, "")
    return next((sight for sight in Sight if sight.value == stored), None)
