"""The tab in which a model that is there already maps another raster, or a part of one."""

from __future__ import annotations

import contextlib
from typing import Sequence

from qgis.core import QgsMapLayerProxyModel, QgsVectorLayer
from qgis.gui import QgsCollapsibleGroupBox, QgsFileWidget
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtGui import QHideEvent, QShowEvent
from qgis.PyQt.QtWidgets import QComboBox, QDoubleSpinBox, QProgressBar, QPushButton, QToolButton, QWidget

from ...plugin.core.card import Card
from ...plugin.core.errors import InputError
from ...plugin.core.events import WARNING, Notice
from ..fields.bands import BandsRow
from ..fields.choices import DRAWN, POLYGONS, VISIBLE, WHOLE, PredictChoices
from ..fields.layer_combo import LayerCombo
from ..fields.message import MessageFrame
from ..fields.notices import NoticeList
from ..fields.scale import describe_scale
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel
from ..model.model_picker import ModelPicker


class PredictPage(QWidget):
    """Asks for a prediction with all that it needs, and shows how it goes; ``choices_changed`` tells of any choice."""

    predict_requested = pyqtSignal(object)
    cancel_requested = pyqtSignal()
    draw_requested = pyqtSignal()
    choices_changed = pyqtSignal()
    visibility_changed = pyqtSignal(bool)
    folder_opened = pyqtSignal(str)

    predictRasterCombo: LayerCombo
    predictModelPicker: ModelPicker
    predictBandsRow: BandsRow
    predictScaleLine: WrapLabel
    groundCombo: QComboBox
    groundLayerCombo: LayerCombo
    drawGroundButton: QPushButton
    groundLine: WrapLabel
    predictThresholdSpin: QDoubleSpinBox
    predictAreaSpin: QDoubleSpinBox
    predictGroup: QgsCollapsibleGroupBox
    predictResetButton: QPushButton
    outWidget: QgsFileWidget
    likenessLine: WrapLabel
    differenceList: NoticeList
    predictButton: QPushButton
    predictProgress: QWidget
    predictStageLabel: WrapLabel
    predictBar: QProgressBar
    cancelPredictButton: QPushButton
    predictMessage: MessageFrame

    def __init__(self, parent: QWidget | None = None) -> None:
        """Offer the project's layers."""
        super().__init__(parent)
        load_form(self, "predict/predict_page")
        self._polygons: QgsVectorLayer | None = None
        self._drawn = ""
        self._name_picker()
        self._group_name = self.predictGroup.title()
        for part in (self.predictModelPicker, self.predictBandsRow, self.predictMessage):
            _rename(part)
        self.predictRasterCombo.setFilters(QgsMapLayerProxyModel.RasterLayer)
        self.groundLayerCombo.setFilters(QgsMapLayerProxyModel.PolygonLayer)
        self.predictRasterCombo.show_none_as(self.tr("choose a raster"))
        self.groundLayerCombo.show_none_as(self.tr("choose a layer of polygons"))
        for kind, text in self._list_grounds():
            self.groundCombo.addItem(text, kind)
        self._prepare_file()
        self._connect()
        self.show_likeness("")
        self.show_idle()
        self._follow_polygons(self.groundLayerCombo.currentLayer())
        self._take_card(self.predictModelPicker.card)

    def read_choices(self) -> PredictChoices:
        """Return what is chosen, complete or not."""
        card, picker = self.predictModelPicker.card, self.predictModelPicker
        threshold, area_m2 = self.predictThresholdSpin.value(), self.predictAreaSpin.value()
        return PredictChoices(
            raster_layer=self.predictRasterCombo.currentLayer(),
            model=picker.base_model,
            bands=self.predictBandsRow.bands,
            are_bands_confirmed=self.predictBandsRow.is_confirmed,
            ground=self.groundCombo.currentData(),
            ground_layer=self.groundLayerCombo.currentLayer(),
            threshold=None if card is None or threshold == round(card.threshold, 2) else threshold,
            min_area_m2=None if card is None or area_m2 == round(card.min_area_m2, 1) else area_m2,
            out=self.outWidget.filePath().strip(),
        )

    # -- models -------------------------------------------------------------------------------------------------------

    def show_models(self, cards: Sequence[Card]) -> None:
        """List the models of the registry that know roofs."""
        self.predictModelPicker.show_models([card for card in cards if card.is_finetuned])

    def offer_models(self, names: Sequence[str]) -> None:
        """List tuned models and the user's own, too; what cannot be used, or knows no roofs yet, is left out."""
        picker = self.predictModelPicker
        for name in names:
            if name.endswith(".json") and name not in picker.added_models:
                self.read_model(name)

    def read_model(self, name: str) -> None:
        """List a model, and read its card anew where it is listed already; what cannot be used is left out."""
        with contextlib.suppress(InputError):
            self.predictModelPicker.add_model(name)

    def choose_model(self, name: str) -> None:
        """List a model and choose it, unless it cannot be used."""
        picker = self.predictModelPicker
        self.read_model(name)
        if picker.modelCombo.findData(name) >= 0:
            picker.choose(name)

    # -- the ground ---------------------------------------------------------------------------------------------------

    def show_area(self, text: str) -> None:
        """Say what was drawn on the map, "" for nothing."""
        self._drawn = text
        self._tell_ground()

    # -- what differs -------------------------------------------------------------------------------------------------

    def show_likeness(self, text: str, differences: Sequence[Notice] = ()) -> None:
        """Say how like the raster is to the imagery that the model learnt from, and in what it is not."""
        self.likenessLine.setText(text)
        self.likenessLine.setVisible(bool(text))
        self.differenceList.clear()
        for notice in differences:
            self.differenceList.add(notice)

    # -- the prediction -----------------------------------------------------------------------------------------------

    def show_running(self) -> None:
        """Begin to show a prediction."""
        self.predictMessage.clear()
        self.show_likeness("")
        self._set_running(True)
        self.cancelPredictButton.setEnabled(True)
        self.predictBar.setRange(0, 0)
        self.predictStageLabel.setText(self.tr("Starting the worker"))

    def show_progress(self, percent: float, stage: str) -> None:
        """Show how far the prediction is as a whole."""
        names = {
            "check": self.tr("Looking at the raster"),
            "fetch": self.tr("Fetching the weights"),
            "predict": self.tr("Predicting"),
            "trace": self.tr("Tracing the footprints"),
        }
        self.predictBar.setRange(0, 100)
        self.predictBar.setValue(round(percent))
        if self.cancelPredictButton.isEnabled():
            self.predictStageLabel.setText(names.get(stage, stage))

    def show_notice(self, notice: Notice) -> None:
        """Show a warning of the prediction; remarks go to the log alone."""
        if notice.level == WARNING:
            self.differenceList.add(notice)

    def show_ended(self, kind: str, message: str, hint: str = "", folder: str = "") -> None:
        """Say how a prediction ended, or why there is none: ``kind`` is error, warning, info or success."""
        self._set_running(False)
        self.predictMessage.tell(kind, message, hint, folder)

    def show_new_project(self) -> None:
        """Forget what was said of another project, and the file that was named in it."""
        self.show_idle()
        self.show_likeness("")
        self.outWidget.setFilePath("")

    def forget_refusal(self) -> None:
        """Take back why what was chosen could not be used: that has changed."""
        self.predictMessage.forget_refusal()

    def show_idle(self) -> None:
        """Offer to predict."""
        self._set_running(False)
        self.predictMessage.clear()

    # -- inside -------------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Tell that the tab is in front; called by Qt."""
        super().showEvent(event)
        self.visibility_changed.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Tell that the tab is not in front any more; called by Qt."""
        super().hideEvent(event)
        self.visibility_changed.emit(False)

    def _name_picker(self) -> None:
        picker = self.predictModelPicker
        picker.modelTitle.setText(self.tr("Model to &use"))
        picker.modelCombo.setAccessibleName(self.tr("Model to use"))
        picker.modelLine.setAccessibleName(self.tr("About the model"))
        picker.modelButton.setToolTip(self.tr("Other models: tuned models of earlier runs, your own weights"))
        picker.modelButton.setAccessibleName(self.tr("Other models"))
        picker.hide_starts()

    def _list_grounds(self) -> list[tuple[str, str]]:
        return [
            (WHOLE, self.tr("Whole raster")),
            (VISIBLE, self.tr("What the map shows")),
            (DRAWN, self.tr("An area drawn on the map")),
            (POLYGONS, self.tr("Polygons of a layer")),
        ]

    def _prepare_file(self) -> None:
        self.outWidget.setStorageMode(QgsFileWidget.StorageMode.SaveFile)
        self.outWidget.setConfirmOverwrite(False)  # an existing file is refused
        self.outWidget.setFilter(self.tr("GeoPackage") + " (*.gpkg)")
        self.outWidget.setDialogTitle(self.tr("File for the footprints"))
        self.outWidget.lineEdit().setPlaceholderText(self.tr("A new file beside the project"))
        self.outWidget.lineEdit().setAccessibleName(self.tr("File for the footprints"))
        self.outWidget.setFocusProxy(self.outWidget.lineEdit())

    def _connect(self) -> None:
        picker = self.predictModelPicker
        picker.card_chosen.connect(self._take_card)
        picker.card_refused.connect(lambda message, hint: self.show_ended("warning", message, hint))
        self.predictRasterCombo.layerChanged.connect(self._tell_imagery)
        self.predictBandsRow.changed.connect(self.choices_changed)
        self.groundCombo.currentIndexChanged.connect(self._tell_ground)
        self.groundLayerCombo.layerChanged.connect(self._follow_polygons)
        self.drawGroundButton.clicked.connect(self.draw_requested)
        self.predictButton.clicked.connect(self._ask)
        self.cancelPredictButton.clicked.connect(self._cancel)
        self.predictMessage.folder_opened.connect(self.folder_opened)
        self.choices_changed.connect(self.forget_refusal)
        for spin in (self.predictThresholdSpin, self.predictAreaSpin):
            spin.valueChanged.connect(self._tell_changes)
        self.outWidget.fileChanged.connect(self._tell_changes)
        self.predictResetButton.clicked.connect(lambda: self._show_defaults(self.predictModelPicker.card))

    def _take_card(self, card: Card | None) -> None:
        self._show_defaults(card)
        self._tell_imagery()

    def _show_defaults(self, card: Card | None) -> None:
        """Fill in what the model's card says."""
        if card is not None:
            self.predictThresholdSpin.setValue(card.threshold)
            self.predictAreaSpin.setValue(card.min_area_m2)
        self._tell_changes()

    def _tell_changes(self, *_: object) -> None:
        """Count in the title what is folded in beneath it and is not the model's own."""
        choices = self.read_choices()
        count = sum(value is not None for value in (choices.threshold, choices.min_area_m2))
        parts = [self.tr("file")] if choices.out else []
        parts += [self.tr("{} changed").format(count)] if count else []
        title = f"{self._group_name} ({', '.join(parts)})" if parts else self._group_name
        self.predictGroup.setTitle(title)
        for button in self.predictGroup.findChildren(QToolButton, "collapseButton"):
            button.setAccessibleName(title)
        self.predictResetButton.setEnabled(count > 0)

    def _tell_imagery(self, _: object = None) -> None:
        """Say how the raster's bands and its scale meet the model's."""
        layer, picker = self.predictRasterCombo.currentLayer(), self.predictModelPicker
        self.predictBandsRow.show_choice(layer, picker.base_model, picker.card)
        text = describe_scale(layer, picker.card)
        self.predictScaleLine.setText(text)
        self.predictScaleLine.setVisible(bool(text))
        self.choices_changed.emit()

    def _follow_polygons(self, layer: QgsVectorLayer | None) -> None:
        """Follow the selection of the layer whose polygons are the ground, and of no other."""
        if self._polygons is not None:
            self._polygons.selectionChanged.disconnect(self._tell_ground)
            self._polygons.willBeDeleted.disconnect(self._forget_polygons)
        self._polygons = layer
        if layer is not None:
            layer.selectionChanged.connect(self._tell_ground)
            layer.willBeDeleted.connect(self._forget_polygons)
        self._tell_ground()

    def _forget_polygons(self) -> None:
        self._polygons = None

    def _tell_ground(self, *_: object) -> None:
        kind = self.groundCombo.currentData()
        self.groundLayerCombo.setVisible(kind == POLYGONS)
        self.drawGroundButton.setVisible(kind == DRAWN)
        text = ""
        if kind == DRAWN:
            text = self._drawn or self.tr("No area is drawn yet.")
        elif kind == POLYGONS:
            text = self._tell_polygons(self._polygons)
        self.groundLine.setText(text)
        self.groundLine.setVisible(bool(text))
        self.choices_changed.emit()

    def _tell_polygons(self, layer: QgsVectorLayer | None) -> str:
        if layer is None:
            return self.tr("No layer of polygons is chosen.")
        count = layer.selectedFeatureCount()
        if count == 1:
            return self.tr("The selected polygon.")
        return self.tr("{} selected polygons.").format(count) if count else self.tr("None is selected: all are used.")

    def _ask(self) -> None:
        choices = self.read_choices()
        if choices.raster_layer is None:
            self.show_ended("warning", self.tr("No raster is chosen."), self.tr("Add a raster to the project."))
            self.predictRasterCombo.setFocus()
        elif not choices.model:
            hint = self.tr("Choose one with the button beside the list.")
            self.show_ended("warning", self.tr("No model is chosen."), hint)
            self.predictModelPicker.modelButton.setFocus()
        else:
            self.predict_requested.emit(choices)

    def _cancel(self) -> None:
        self.cancelPredictButton.setEnabled(False)
        self.predictStageLabel.setText(self.tr("Cancelling"))
        self.cancel_requested.emit()

    def _set_running(self, is_running: bool) -> None:
        has_focus = self.predictButton.hasFocus() or self.cancelPredictButton.hasFocus()
        self.predictProgress.setVisible(is_running)
        self.predictButton.setEnabled(not is_running)
        if has_focus:
            (self.cancelPredictButton if is_running else self.predictButton).setFocus()


def _rename(widget: QWidget) -> None:
    """Give the parts of a widget that the dock has elsewhere, too, names of their own."""
    for part in widget.findChildren(QObject):
        name = part.objectName()
        if name and not name.startswith("qt_"):
            part.setObjectName(f"predict{name[0].upper()}{name[1:]}")
