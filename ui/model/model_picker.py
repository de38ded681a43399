"""Choosing the base model: one that comes with the plugin, or one that the user adds to the list."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QLabel, QToolButton, QWidget

from ...plugin.core.card import Card
from ...plugin.core.errors import InputError
from ...plugin.core.job import DEFAULT_BASE_MODEL
from ...plugin.core.model_specs import IdentifiedModel, is_start
from ...plugin.core.models import find_card
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel
from .card_text import describe_card, tell_sources
from .model_menu import ModelMenu


class ModelPicker(QWidget):
    """A list of base models, a button with the ways to others, and what the chosen card says."""

    card_chosen = pyqtSignal(object)
    card_refused = pyqtSignal(str, str)
    guess_requested = pyqtSignal(str)
    own_model_requested = pyqtSignal(object)
    weights_given = pyqtSignal(str, str)

    modelTitle: QLabel
    modelCombo: QComboBox
    modelButton: QToolButton
    modelLine: WrapLabel
    modelWorkLine: WrapLabel

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without any model."""
        super().__init__(parent)
        self._cards: dict[str, Card] = {}
        self._wanted = ""
        load_form(self, "model/model_picker")
        self.modelCombo.currentIndexChanged.connect(self._tell_card)
        self.modelCombo.activated.connect(self._settle)
        self._menu = ModelMenu(self)
        self._menu.model_opened.connect(self.open_model)
        self._menu.start_chosen.connect(self.open_model)
        self._menu.guess_requested.connect(self.guess_requested)
        self._menu.own_model_requested.connect(self.own_model_requested)
        self._menu.weights_given.connect(self.weights_given)
        self.modelButton.setMenu(self._menu)
        self.show_work("")
        self._tell_card()

    @property
    def base_model(self) -> str:
        """The registry's name of the chosen model, a start's, or the path of a card; "" without any."""
        return str(self.modelCombo.currentData() or "")

    @property
    def card(self) -> Card | None:
        """The chosen model's card."""
        return self._cards.get(self.base_model)

    @property
    def added_models(self) -> list[str]:
        """The models in the list that the user added: paths of cards, and starts."""
        return [name for name in self._cards if Path(name).suffix == ".json" or is_start(name)]

    def show_models(self, cards: Sequence[Card]) -> None:
        """List the models of the registry; models added before stay in the list, and the choice too."""
        wanted = self._wanted or self.base_model or DEFAULT_BASE_MODEL
        added = {name: self._cards[name] for name in self.added_models}
        self._cards = {}
        self.modelCombo.clear()
        for card in cards:
            self._add(card.name, card)
        for name, card in added.items():
            self._add(name, card)
        self.choose(wanted)

    def hide_starts(self) -> None:
        """Offer only models that know roofs."""
        self._menu.hide_starts()

    def show_work(self, text: str) -> None:
        """Say what is being done with weights at this moment, nothing with ""; the chosen card is told anew."""
        self.modelWorkLine.setText(text)
        self.modelWorkLine.setVisible(bool(text))
        self._tell_card()

    def show_guess(self, path: str, guess: IdentifiedModel) -> None:
        """Fill in what the worker found in a file of the user's own weights."""
        self._menu.show_guess(path, guess)

    def show_no_guess(self, path: str, sentence: str) -> None:
        """Say why the worker found nothing in a file of the user's own weights."""
        self._menu.show_no_guess(path, sentence)

    def open_model(self, name: str) -> None:
        """Add a start, or the model whose card or weights lie at a path, and choose it, or say why that cannot be."""
        try:
            self.choose(self.add_model(name))
        except InputError as error:
            self.card_refused.emit(error.message, error.hint)

    def add_model(self, name: str) -> str:
        """Add a start or the model at a path to the list and return its name there; raises InputError."""
        name = name if is_start(name) else str(Path(name).with_suffix(".json"))
        card = find_card(name)
        name = card.name if is_start(name) else name
        self._add(name, card)
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
            is_known = self.modelCombo.findText(card.title) >= 0  # as two models that were tuned on the same raster
            self.modelCombo.addItem(f"{card.title} ({card.name})" if is_known else card.title, name)
            tip = name if name in self.added_models and not is_start(name) else tell_sources(card)
            self.modelCombo.setItemData(self.modelCombo.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._tell_card()

    def _settle(self) -> None:
        self._wanted = ""

    def _tell_card(self) -> None:
        card = self.card
        self.modelLine.setText(describe_card(card) if card else self.tr("No base model is in the list."))
        for widget in (self.modelCombo, self.modelLine):
            widget.setToolTip(tell_sources(card) if card else "")
        self._menu.show_card(card)
        self.card_chosen.emit(card)
