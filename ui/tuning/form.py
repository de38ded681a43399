"""What a run is made of: the raster, the labels, the base model, and the button."""

from __future__ import annotations

from qgis.core import QgsMapLayerProxyModel, QgsVectorLayer
from qgis.PyQt.QtCore import pyqtBoundSignal, pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QFrame, QLabel, QPushButton, QWidget

from ..fields.bands import BandsRow
from ..fields.choices import Choices
from ..fields.layer_combo import LayerCombo
from ..fields.scale import describe_scale
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel
from ..model.model_picker import ModelPicker
from .settings import SettingsGroup
from .split import SplitRow


class FormPage(QWidget):
    """The form of the dock. It asks for a run, or for a check of its inputs, only with all that they need."""

    train_requested = pyqtSignal(object)
    check_requested = pyqtSignal(object)
    split_requested = pyqtSignal(object)
    choices_changed = pyqtSignal()
    asked = pyqtSignal()
    refused = pyqtSignal(str, str)

    againLine: QFrame
    againTitle: QLabel
    rasterCombo: LayerCombo
    labelCombo: LayerCombo
    selectedCheck: QCheckBox
    modelPicker: ModelPicker
    bandsRow: BandsRow
    scaleLine: WrapLabel
    trainButton: QPushButton
    checkButton: QPushButton
    splitRow: SplitRow
    settingsGroup: SettingsGroup
    deviceLine: WrapLabel

    def __init__(self, parent: QWidget | None = None) -> None:
        """Offer the project's layers."""
        super().__init__(parent)
        self._labels: QgsVectorLayer | None = None
        load_form(self, "tuning/form")
        self.rasterCombo.setFilters(QgsMapLayerProxyModel.RasterLayer)
        self.labelCombo.setFilters(QgsMapLayerProxyModel.PolygonLayer)
        self.rasterCombo.show_none_as(self.tr("choose a raster"))
        self.labelCombo.show_none_as(self.tr("choose the layer of labels"))
        self.labelCombo.layerChanged.connect(self._follow_labels)
        self.modelPicker.card_chosen.connect(self.settingsGroup.show_card)
        self.modelPicker.card_refused.connect(self.refused)
        self.modelPicker.card_chosen.connect(self._tell_imagery)
        self.rasterCombo.layerChanged.connect(self._tell_imagery)
        self.trainButton.clicked.connect(lambda: self._start(self.train_requested))
        self.checkButton.clicked.connect(lambda: self._start(self.check_requested))
        self.splitRow.show_requested.connect(lambda: self._ask(self.split_requested))
        self._tell_changes()
        self._follow_labels(self.labelCombo.currentLayer())
        self.settingsGroup.show_card(self.modelPicker.card)
        self._tell_imagery()
        self.show_device("")
        self.show_again(False)

    def read_choices(self) -> Choices:
        """Return what is chosen, complete or not."""
        return Choices(
            raster_layer=self.rasterCombo.currentLayer(),
            label_layer=self.labelCombo.currentLayer(),
            only_selected=self.selectedCheck.isChecked(),
            areas_layer=self.settingsGroup.areas_layer,
            base_model=self.modelPicker.base_model,
            bands=self.bandsRow.bands,
            settings=self.settingsGroup.read_settings(),
            block_roles=self.splitRow.block_roles,
        )

    def describe_inputs(self) -> tuple[str, ...]:
        """Return what tells these layers and this model from others."""
        combos = (self.rasterCombo, self.labelCombo, self.settingsGroup.areasCombo)
        layers = [combo.currentLayer() for combo in combos]
        return (*(layer.id() if layer is not None else "" for layer in layers), self.modelPicker.base_model)

    def show_device(self, text: str) -> None:
        """Say what runs compute on."""
        self.deviceLine.setText(text)
        self.deviceLine.setVisible(bool(text))

    def show_again(self, is_again: bool) -> None:
        """Set the form apart from the report of an earlier run above it."""
        self.againLine.setVisible(is_again)
        self.againTitle.setVisible(is_again)

    def _start(self, signal: pyqtBoundSignal) -> None:
        self.asked.emit()
        self._ask(signal)

    def _ask(self, signal: pyqtBoundSignal) -> None:
        changes = self.splitRow.block_roles
        self.choices_changed.emit()  # whoever holds the split sees whether it is still that of these choices
        choices = self.read_choices()
        problem = self._find_problem(choices)
        if changes and not choices.block_roles:
            hint = self.tr("Show the split again, or start without the changes.")
            problem = (
                self.tr("The blocks that you changed are those of another split."),
                hint,
                self.splitRow.splitButton,
            )
        if problem is None:
            signal.emit(choices)
            return
        message, hint, widget = problem
        self.refused.emit(message, hint)
        widget.setFocus()

    def _find_problem(self, choices: Choices) -> tuple[str, str, QWidget] | None:
        if choices.raster_layer is None:
            hint = self.tr("Add a raster to the project and choose it as the raster.")
            return self.tr("No raster is chosen."), hint, self.rasterCombo
        if choices.label_layer is None:
            hint = self.tr("Add a polygon layer with hand-drawn buildings to the project and choose it as the labels.")
            return self.tr("No labels are chosen."), hint, self.labelCombo
        if not choices.base_model:
            hint = self.tr("Choose one with the button beside the list.")
            return self.tr("No base model is chosen."), hint, self.modelPicker.modelButton
        return None

    def _tell_changes(self) -> None:
        """Tell of every change of what a split depends on."""
        group = self.settingsGroup
        for combo in (self.rasterCombo, self.labelCombo, group.areasCombo):
            combo.layerChanged.connect(self.choices_changed)
        self.selectedCheck.toggled.connect(self._tell_selection)
        self.selectedCheck.toggled.connect(self.choices_changed)
        self.modelPicker.card_chosen.connect(self.choices_changed)
        for spin in (group.heldOutSpin, group.seedSpin):
            spin.valueChanged.connect(self.choices_changed)

    def _tell_imagery(self, _: object = None) -> None:
        """Say how the raster's bands and its scale meet the model's."""
        layer, picker = self.rasterCombo.currentLayer(), self.modelPicker
        self.bandsRow.show_choice(layer, picker.base_model, picker.card)
        text = describe_scale(layer, picker.card)
        self.scaleLine.setText(text)
        self.scaleLine.setVisible(bool(text))

    def _follow_labels(self, layer: QgsVectorLayer | None) -> None:
        """Follow the selection of the chosen labels, and of no others."""
        if self._labels is not None:
            self._labels.selectionChanged.disconnect(self._tell_selection)
            self._labels.willBeDeleted.disconnect(self._forget_labels)
        self._labels = layer
        if layer is not None:
            layer.selectionChanged.connect(self._tell_selection)
            layer.willBeDeleted.connect(self._forget_labels)
        self._tell_selection()

    def _forget_labels(self) -> None:
        self._labels = None
        self._tell_selection()

    def _tell_selection(self, *_: object) -> None:
        """Say how many labels are selected; a tick can be taken back when there are none, and none are meant then."""
        count = self._labels.selectedFeatureCount() if self._labels is not None else 0
        text = self.tr("Onl&y selected features")
        self.selectedCheck.setEnabled(count > 0 or self.selectedCheck.isChecked())
        self.selectedCheck.setText(f"{text} ({count})" if count else text)
