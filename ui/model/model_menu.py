"""The ways to base models that are not in the list: a menu, and the dialogs behind it. None holds anything up."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QDialog, QFileDialog, QMenu, QWidget

from ...plugin.core.card import Card
from ...plugin.core.model_specs import IdentifiedModel, load_encoders
from ..fields.actions import QAction
from .architecture import ArchitectureDialog
from .import_weights import ImportWeightsDialog


class ModelMenu(QMenu):
    """Asks for a tuned model, for weights of the user's own, for another network, or for a file of weights."""

    model_opened = pyqtSignal(str)
    start_chosen = pyqtSignal(str)
    guess_requested = pyqtSignal(str)
    own_model_requested = pyqtSignal(object)
    weights_given = pyqtSignal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        """Offer the three ways that are always there."""
        super().__init__(parent)
        self._card: Card | None = None
        self._own: ImportWeightsDialog | None = None
        self._add("tunedAction", self.tr("&Tuned model of an earlier run…"), self._ask_tuned)
        self._add("ownAction", self.tr("&Own weights…"), self._ask_own)
        self._network = self._add("networkAction", self.tr("Another &network…"), self._ask_network)
        self._weights = self._add("weightsAction", self.tr("Take the weights from a &file…"), self._ask_weights)
        self.show_card(None)

    def show_card(self, card: Card | None) -> None:
        """Offer to take the weights from a file, where the chosen model's are fetched."""
        self._card = card
        self._weights.setVisible(card is not None and bool(card.source))

    def hide_starts(self) -> None:
        """Offer no network that has yet to learn what a building is."""
        self._network.setVisible(False)

    def show_guess(self, path: str, guess: IdentifiedModel) -> None:
        """Fill the questions about a file with what the worker found in it."""
        if self._own is not None and self._own.path == path:
            self._own.show_guess(guess)

    def show_no_guess(self, path: str, sentence: str) -> None:
        """Say beside the questions about a file why the worker cannot answer them."""
        if self._own is not None and self._own.path == path:
            self._own.show_no_guess(sentence)

    def _add(self, name: str, text: str, do: Callable[[], None]) -> QAction:
        action = QAction(text, self)
        action.setObjectName(name)
        action.triggered.connect(lambda _: do())
        self.addAction(action)
        return action

    def _ask_tuned(self) -> None:
        names = self.tr("Tuned model (*.json *.safetensors)")
        self._ask_file(self.tr("Choose a tuned model"), names, self.model_opened.emit)

    def _ask_own(self) -> None:
        names = self.tr("Weights (*.safetensors *.pth *.pt);;Model card (*.json)")
        self._ask_file(self.tr("Choose weights"), names, self._take_own)

    def _ask_weights(self) -> None:
        if self._card is not None:
            name = self._card.name
            title = self.tr("Choose the file {}").format(self._card.weights)
            names = self.tr("Weights (*.safetensors *.pth *.pt);;All files (*)")
            self._ask_file(title, names, lambda path: self.weights_given.emit(name, path))

    def _ask_network(self) -> None:
        dialog = ArchitectureDialog(load_encoders(), self._find_window())
        dialog.start_chosen.connect(self.start_chosen)
        _open(dialog)

    def _take_own(self, path: str) -> None:
        """Open weights whose card lies beside them; ask the questions that make one for others."""
        if Path(path).with_suffix(".json").exists():
            self.model_opened.emit(path)
            return
        self._own = ImportWeightsDialog(path, load_encoders(), self._find_window())
        self._own.own_model_requested.connect(self.own_model_requested)
        self._own.finished.connect(self._forget_own)
        _open(self._own)
        self.guess_requested.emit(path)

    def _forget_own(self) -> None:
        self._own = None

    def _ask_file(self, title: str, names: str, answer: Callable[[str], Any]) -> None:
        dialog = QFileDialog(self._find_window(), title)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(names)
        dialog.fileSelected.connect(answer)
        _open(dialog)

    def _find_window(self) -> QWidget | None:
        parent = self.parentWidget()
        return None if parent is None else parent.window()


def _open(dialog: QDialog) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
