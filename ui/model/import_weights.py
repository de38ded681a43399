"""The few questions that make a card for weights of the user's own."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Mapping, Sequence

from qgis.gui import QgsDoubleSpinBox
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QLineEdit, QWidget

from ...plugin.core.card import OUTPUTS, Card
from ...plugin.core.model_specs import DECODERS, IdentifiedModel
from ...plugin.core.models import list_cards
from ..fields.choices import ImportedModel
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel
from .encoders import EncoderSearch
from .scaling import SCALINGS, format_numbers, parse_numbers, scale_bands

_PRESETS = ("red, green, blue", "blue, green, red", "blue, green, red, near-infrared")
_MOST_BANDS = 12


class ImportWeightsDialog(QDialog):
    """Asks what a file of weights is; ``own_model_requested`` carries the answers. What is wrong is said at once."""

    own_model_requested = pyqtSignal(object)  # choices.OwnModel

    fileLine: WrapLabel
    guessLine: WrapLabel
    titleEdit: QLineEdit
    architectureCombo: QComboBox
    ownEncoderSearch: EncoderSearch
    outputsCombo: QComboBox
    ownBandsCombo: QComboBox
    scalingCombo: QComboBox
    meanEdit: QLineEdit
    stdEdit: QLineEdit
    rangeEdit: QLineEdit
    gsdSpin: QgsDoubleSpinBox
    licenceEdit: QLineEdit
    problemLine: WrapLabel
    ownButtons: QDialogButtonBox

    def __init__(self, path: str, encoders: Mapping[str, Sequence[str]], parent: QWidget | None = None) -> None:
        """Ask about the file at ``path``."""
        super().__init__(parent)
        load_form(self, "model/import_weights")
        self.path = path
        self.fileLine.setText(path)
        self.guessLine.setText(self.tr("Reading the file. Fields that it defines are filled in."))
        self.titleEdit.setText(Path(path).stem)
        self._fill_lists(encoders)
        self._connect()
        self._fill_numbers()

    def read_answers(self) -> ImportedModel:
        """Return what is answered; raises ValueError where a number cannot be read."""
        bands = self._read_bands()
        low, high = parse_numbers(self.rangeEdit.text(), 2)
        return ImportedModel(
            path=self.path,
            title=self.titleEdit.text().strip() or Path(self.path).stem,
            architecture=str(self.architectureCombo.currentData()),
            encoder=self.ownEncoderSearch.encoder,
            outputs=OUTPUTS[: int(self.outputsCombo.currentData())],
            bands=bands,
            mean=parse_numbers(self.meanEdit.text(), len(bands)),
            std=parse_numbers(self.stdEdit.text(), len(bands)),
            value_range=(low, high),
            gsd_m=self.gsdSpin.value() or None,
            licence=self.licenceEdit.text().strip(),
        )

    def show_guess(self, guess: IdentifiedModel) -> None:
        """Fill in what the worker found in the file."""
        architecture, encoder, bands, outputs = astuple(guess)
        if architecture:
            if self.architectureCombo.findData(architecture) < 0:
                self.architectureCombo.addItem(architecture, architecture)
            self.architectureCombo.setCurrentIndex(self.architectureCombo.findData(architecture))
        if encoder:
            self.ownEncoderSearch.choose(encoder)
        if outputs:
            self.outputsCombo.setCurrentIndex(max(0, self.outputsCombo.findData(outputs)))
        published = [card for card in list_cards() if _is_of(card, architecture, encoder, bands)]
        if published:
            self._show_card(published[0])
        elif bands:
            names = [preset for preset in _PRESETS if preset.count(",") + 1 == bands]
            self._show_bands(names[0] if names else ", ".join(f"band {number}" for number in range(1, bands + 1)))
        found = bool(architecture or encoder or bands)
        self.guessLine.setText(self.tr("Filled in from the file: please check.") if found else "")
        self.guessLine.setVisible(found)

    def show_no_guess(self, sentence: str) -> None:
        """Say why the file does not tell."""
        self.guessLine.setText(sentence)

    def _show_card(self, card: Card) -> None:
        """Answer as a published model of the same network does."""
        self._show_bands(", ".join(card.bands))
        scale = (card.mean, card.std, card.value_range)
        presets = [
            code for code, made in SCALINGS.items() if (*scale_bands(made, card.bands), made.value_range) == scale
        ]
        self.scalingCombo.setCurrentIndex(self.scalingCombo.findData(presets[0] if presets else ""))
        for edit, values in zip((self.meanEdit, self.stdEdit, self.rangeEdit), scale):
            edit.setText(format_numbers(values))
        self.gsdSpin.setValue(card.working_gsd_m or 0.0)

    def _show_bands(self, text: str) -> None:
        self.ownBandsCombo.setCurrentText(text)
        self.ownBandsCombo.lineEdit().setCursorPosition(0)

    def _fill_lists(self, encoders: Mapping[str, Sequence[str]]) -> None:
        for code, name in DECODERS.items():
            self.architectureCombo.addItem(name, code)
        self.ownEncoderSearch.show_encoders(list(encoders))
        self.outputsCombo.addItem(self.tr("footprint"), 1)
        self.outputsCombo.addItem(self.tr("footprint, boundary, contact"), len(OUTPUTS))
        self.ownBandsCombo.addItems(_PRESETS)
        names = {
            "imagenet": self.tr("8-bit, ImageNet mean and std"),
            "unit": self.tr("8-bit, 0 to 255 becomes 0 to 1"),
            "spacenet4": self.tr("16-bit, SpaceNet 4 statistics"),
        }
        for code in SCALINGS:
            self.scalingCombo.addItem(names[code], code)
        self.scalingCombo.addItem(self.tr("mean and deviation below"), "")
        self.gsdSpin.setClearValue(0.0, self.tr("not known"))

    def _connect(self) -> None:
        self.scalingCombo.currentIndexChanged.connect(self._fill_numbers)
        self.ownBandsCombo.currentTextChanged.connect(self._fill_numbers)
        self.ownEncoderSearch.encoder_chosen.connect(self._judge)
        for edit in (self.meanEdit, self.stdEdit, self.rangeEdit):
            edit.textEdited.connect(self._take_numbers)
            edit.textChanged.connect(self._judge)
        self.ownButtons.accepted.connect(self._accept)
        self.ownButtons.rejected.connect(self.reject)

    def _read_bands(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.ownBandsCombo.currentText().split(",") if name.strip())

    def _fill_numbers(self) -> None:
        """Write the numbers of the chosen scaling, band by band."""
        code = str(self.scalingCombo.currentData())
        if code:
            scaling = SCALINGS[code]
            mean, std = scale_bands(scaling, self._read_bands())
            self.meanEdit.setText(format_numbers(mean))
            self.stdEdit.setText(format_numbers(std))
            self.rangeEdit.setText(format_numbers(scaling.value_range))
        self._judge()

    def _take_numbers(self) -> None:
        self.scalingCombo.setCurrentIndex(self.scalingCombo.findData(""))

    def _judge(self, _: object = None) -> None:
        problem = self._find_problem()
        self.problemLine.setText(problem)
        self.ownButtons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(not problem)

    def _find_problem(self) -> str:
        if not self.ownEncoderSearch.encoder:
            return self.tr("No encoder is chosen.")
        count = len(self._read_bands())
        if not 1 <= count <= _MOST_BANDS:
            return self.tr("Name 1 to {} bands, with commas between.").format(_MOST_BANDS)
        try:
            answers = self.read_answers()
        except ValueError:
            text = self.tr("Mean and deviation take {} numbers each, the range of values two, with commas between.")
            return text.format(count)
        if min(answers.std) <= 0 or answers.value_range[0] >= answers.value_range[1]:
            return self.tr("Deviations are above 0, and the range goes from a lower to a higher number.")
        return ""

    def _accept(self) -> None:
        self.own_model_requested.emit(self.read_answers())
        self.accept()


def _is_of(card: Card, architecture: str, encoder: str, bands: int) -> bool:
    """Tell whether a published model is of the very network."""
    return bool(card.source) and (card.architecture, card.encoder, len(card.bands)) == (architecture, encoder, bands)
