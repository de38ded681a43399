"""The few settings of a run, each with a sane default."""

from __future__ import annotations

from dataclasses import asdict

from qgis.core import QgsMapLayerProxyModel, QgsVectorLayer
from qgis.gui import QgsCollapsibleGroupBox, QgsDoubleSpinBox, QgsSpinBox
from qgis.PyQt.QtCore import QLocale, pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QComboBox, QPushButton, QToolButton, QWidget

from ...plugin.core.card import Card
from ...plugin.core.job import RECIPES, Settings
from ..fields.layer_combo import LayerCombo
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel


class SettingsGroup(QgsCollapsibleGroupBox):
    """The collapsed group beneath the button; where a spin box is at its least, the recipe decides.

    Its title counts what is not as it was at first: settings outlive the session. ``changed`` tells of any change.
    """

    changed = pyqtSignal()

    recipeLabel: WrapLabel
    resetButton: QPushButton
    areasCombo: LayerCombo
    recipeCombo: QComboBox
    epochsSpin: QgsSpinBox
    rateSpin: QgsDoubleSpinBox
    batchSpin: QgsSpinBox
    samplesSpin: QgsSpinBox
    tileSpin: QgsSpinBox
    minAreaSpin: QgsDoubleSpinBox
    squareCheck: QCheckBox
    heldOutSpin: QgsSpinBox
    seedSpin: QgsSpinBox
    deviceCombo: QComboBox

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin with the defaults."""
        super().__init__(parent)
        self._card: Card | None = None
        load_form(self, "tuning/settings")
        self.areasCombo.setFilters(QgsMapLayerProxyModel.PolygonLayer)
        self.areasCombo.show_none_as(self.tr("none: split into blocks"))
        as_recipe = self.tr("as the recipe says")
        for spin in (self.epochsSpin, self.rateSpin, self.batchSpin, self.samplesSpin, self.tileSpin):
            spin.setClearValueMode(type(spin).ClearValueMode.MinimumValue, as_recipe)
        for code, name in zip(RECIPES, (self.tr("default for this model"), "Solaris 2019")):
            self.recipeCombo.addItem(name, code)
        for code, name in (
            ("auto", self.tr("automatic")),
            ("cuda", self.tr("graphics card (CUDA)")),
            ("cpu", self.tr("processor (CPU)")),
        ):
            self.deviceCombo.addItem(name, code)
        self.areasCombo.layerChanged.connect(self._tell_share)
        self.recipeCombo.currentIndexChanged.connect(self._tell_recipe)
        self.tileSpin.editingFinished.connect(lambda: self.tileSpin.setValue(self._round_tile()))
        self._name = self.title()
        self.show_settings(Settings())
        for clearable in (self.minAreaSpin, self.heldOutSpin, self.seedSpin):
            clearable.setClearValue(clearable.value())
        self._first = self.read_settings()
        self._follow_changes()

    @property
    def areas_layer(self) -> QgsVectorLayer | None:
        """The layer of areas, None where the labelled ground is split into blocks."""
        return self.areasCombo.currentLayer()

    def read_settings(self) -> Settings:
        """Return the settings; what is left to the model is None."""
        return Settings(
            recipe=str(self.recipeCombo.currentData()),
            epochs=self.epochsSpin.value() or None,
            learning_rate=self.rateSpin.value() or None,
            batch_size=self.batchSpin.value() or None,
            samples=self.samplesSpin.value() or None,
            tile_px=None if self._round_tile() == self.tileSpin.minimum() else self._round_tile(),
            min_area_m2=self.minAreaSpin.value(),
            square=self.squareCheck.isChecked(),
            held_out_share=self.heldOutSpin.value() / 100,
            seed=self.seedSpin.value(),
            device=str(self.deviceCombo.currentData()),
        )

    def show_settings(self, settings: Settings) -> None:
        """Fill the form."""
        self.recipeCombo.setCurrentIndex(max(0, self.recipeCombo.findData(settings.recipe)))
        self.epochsSpin.setValue(settings.epochs or 0)
        self.rateSpin.setValue(settings.learning_rate or 0.0)
        self.batchSpin.setValue(settings.batch_size or 0)
        self.samplesSpin.setValue(settings.samples or 0)
        self.tileSpin.setValue(settings.tile_px or self.tileSpin.minimum())
        self.minAreaSpin.setValue(settings.min_area_m2)
        self.squareCheck.setChecked(settings.square)
        self.heldOutSpin.setValue(round(settings.held_out_share * 100))
        self.seedSpin.setValue(settings.seed)
        self.deviceCombo.setCurrentIndex(max(0, self.deviceCombo.findData(settings.device)))

    def show_card(self, card: Card | None) -> None:
        """Say what "as the recipe says" means for this base model."""
        self._card = card
        self._tell_recipe()

    def _follow_changes(self) -> None:
        spins = (self.epochsSpin, self.rateSpin, self.batchSpin, self.samplesSpin, self.tileSpin)
        for spin in (*spins, self.minAreaSpin, self.heldOutSpin, self.seedSpin):
            spin.valueChanged.connect(self._tell_changes)
        for combo in (self.recipeCombo, self.deviceCombo):
            combo.currentIndexChanged.connect(self._tell_changes)
        self.squareCheck.toggled.connect(self._tell_changes)
        self.areasCombo.layerChanged.connect(self._tell_changes)
        self.resetButton.clicked.connect(lambda: self.show_settings(self._first))
        self._tell_changes()

    def _tell_changes(self, *_: object) -> None:
        """Count in the title what is folded in beneath it."""
        now, first = asdict(self.read_settings()), asdict(self._first)
        count = sum(now[name] != first[name] for name in first)
        parts = [self.tr("areas")] if self.areas_layer is not None else []
        parts += [self.tr("{} changed").format(count)] if count else []
        title = f"{self._name} ({', '.join(parts)})" if parts else self._name
        self.setTitle(title)
        for button in self.findChildren(QToolButton, "collapseButton"):
            button.setAccessibleName(title)
        self.resetButton.setEnabled(count > 0)  # a group that unfolds shows whatever is in it
        self._tell_recipe()
        self.changed.emit()

    def _tell_recipe(self, _: int = 0) -> None:
        if self._card is None:
            self.recipeLabel.setText("")
            return
        recipe = self._card.recipe
        if self.recipeCombo.currentData() == RECIPES[1]:
            recipe = recipe.as_solaris()
        given = self.read_settings()
        numbers = {
            "epochs": (given.epochs, recipe.tune_epochs),
            "samples": (given.samples, recipe.crops_per_epoch),
            "tile": (given.tile_px, recipe.tile_px),
            "batch": (given.batch_size, recipe.batch_size),
            "rate": (given.learning_rate, recipe.tuning_rate),
        }
        text = self.tr("The recipe says: {}.")
        if any(own is not None for own, _ in numbers.values()):
            text = self.tr("A run does what is set here: {}.")
        used = {name: told if own is None else own for name, (own, told) in numbers.items()}
        used["rate"] = QLocale().toString(float(used["rate"]), "g", 3)
        what = self.tr("{epochs} epochs of {samples} tiles of {tile} pixels, batches of {batch}, learning rate {rate}")
        self.recipeLabel.setText(text.format(what.format(**used)))

    def _round_tile(self) -> int:
        """Return the size of a tile as networks can take it: a multiple of 32 pixels; the least is the recipe's."""
        step, value = self.tileSpin.singleStep(), self.tileSpin.value()
        return int(value if value == self.tileSpin.minimum() else max(2, round(value / step)) * step)

    def _tell_share(self) -> None:
        """A share is held out only where no areas say which ground is."""
        self.heldOutSpin.setEnabled(self.areas_layer is None)
