"""Choosing the base model: one that comes with the plugin, or the tuned model of an earlier run."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QFileDialog, QToolButton, QWidget

from ..plugin.core.card import Card
from ..plugin.core.errors import InputError
from ..plugin.core.job import DEFAULT_BASE_MODEL
from ..plugin.core.models import find_card
from .load import load_form
from .text import WrapLabel


class ModelPicker(QWidget):
    """A list of base models, a button for a tuned model's card, and what the chosen card says in a line."""

    card_chosen = pyqtSignal(object)
    card_refused = pyqtSignal(str, str)

    modelCombo: QComboBox
    modelButton: QToolButton
    modelLine: WrapLabel

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without any model."""
        super().__init__(parent)
        self._cards: dict[str, Card] = {}
        self._wanted = ""
        load_form(self, "model")
        self.modelCombo.currentIndexChanged.connect(self._tell_card)
        self.modelCombo.activated.connect(self._settle)
        self.modelButton.clicked.connect(self._ask_file)
        self._tell_card()

    @property
    def base_model(self) -> str:
        """The registry's name of the chosen model, or the path of a tuned model's card; "" without any."""
        return str(self.modelCombo.currentData() or "")

    @property
    def card(self) -> Card | None:
        """The chosen model's card."""
        return self._cards.get(self.base_model)

    def show_models(self, cards: Sequence[Card]) -> None:
        """List the models of the registry; tuned models opened before stay in the list, and the choice too."""
        wanted = self._wanted or self.base_model or DEFAULT_BASE_MODEL
        opened = {path: self._cards[path] for path in self.tuned_models}
        self._cards = {}
        self.modelCombo.clear()
        for card in cards:
            self._add(card.name, card)
        for path, card in opened.items():
            self._add(path, card)
        self.choose(wanted)

    @property
    def tuned_models(self) -> list[str]:
        """The paths of the tuned models' cards in the list."""
        return [name for name in self._cards if Path(name).suffix == ".json"]

    def open_model(self, path: str) -> None:
        """Add the tuned model whose card or weights lie at ``path`` and choose it, or say why that cannot be."""
        try:
            self.choose(self.add_model(path))
        except InputError as error:
            self.card_refused.emit(error.message, error.hint)

    def add_model(self, path: str) -> str:
        """Add a tuned model to the list and return its card's path; raises InputError where it cannot be used."""
        name = str(Path(path).with_suffix(".json"))
        self._add(name, find_card(name))
        return name

    def choose(self, base_model: str) -> None:
        """Choose a model, at once or as soon as it comes into the list."""
        index = self.modelCombo.findData(base_model)
        self._wanted = base_model if index < 0 else ""
        if index >= 0:
            self.modelCombo.setCurrentIndex(index)

    def _add(self, name: str, card: Card) -> None:
        self._cards[name] = card
        if self.modelCombo.findData(name) < 0:
            self.modelCombo.addItem(card.title, name)
            place = name if name in self.tuned_models else card.attribution
            self.modelCombo.setItemData(self.modelCombo.count() - 1, place, Qt.ItemDataRole.ToolTipRole)
        self._tell_card()

    def _settle(self) -> None:
        self._wanted = ""

    def _tell_card(self) -> None:
        card = self.card
        sentences = [card.description] if card else [self.tr("No base model is in the list.")]
        if card and not card.has_seen_roofs:
            sentences.append(self.tr("It learns what a building is from your labels alone."))
        self.modelLine.setText(" ".join(sentences))
        self.modelCombo.setToolTip(card.title if card else "")
        self.card_chosen.emit(card)

    def _ask_file(self) -> None:
        """Ask for a file without holding anything up: the answer comes as a signal."""
        dialog = QFileDialog(self.window(), self.tr("Choose a tuned model"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(self.tr("Tuned model (*.json *.safetensors)"))
        dialog.fileSelected.connect(self.open_model)
        dialog.open()
