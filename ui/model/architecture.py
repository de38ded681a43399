"""The dialog that puts a base model together: a decoder over any encoder, with published weights or none."""

from __future__ import annotations

from typing import Mapping, Sequence

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QWidget

from ...plugin.core.card import NO_WEIGHTS
from ...plugin.core.model_specs import DECODERS
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel
from .encoders import EncoderSearch


class ArchitectureDialog(QDialog):
    """Asks for a start; ``start_chosen`` carries its name, ``DECODER:ENCODER:TAG``."""

    start_chosen = pyqtSignal(str)

    decoderCombo: QComboBox
    decoderLine: WrapLabel
    encoderSearch: EncoderSearch
    tagCombo: QComboBox
    networkButtons: QDialogButtonBox

    def __init__(self, encoders: Mapping[str, Sequence[str]], parent: QWidget | None = None) -> None:
        """Offer every decoder and the given encoders, each with the tags of its published weights."""
        super().__init__(parent)
        load_form(self, "model/architecture")
        self._encoders = encoders
        self._sentences = {
            "unet": self.tr("The usual choice: sharp outlines, little memory."),
            "unetplusplus": self.tr("A denser U-Net: a little sharper, about twice the time and memory."),
            "fpn": self.tr("Light and quick; good where buildings differ much in size."),
            "deeplabv3plus": self.tr("Sees far around each pixel; good for large buildings, coarser outlines."),
            "segformer": self.tr("A small decoder, made for transformer encoders (mit_b0 to mit_b5)."),
            "upernet": self.tr("Sees all scales at once; goes well with ConvNeXt and Swin encoders, needs memory."),
        }
        for code, name in DECODERS.items():
            self.decoderCombo.addItem(name, code)
        self.decoderCombo.currentIndexChanged.connect(self._tell_decoder)
        self.encoderSearch.encoder_chosen.connect(self._offer_tags)
        self.networkButtons.accepted.connect(self._accept)
        self.networkButtons.rejected.connect(self.reject)
        self._tell_decoder()
        self.encoderSearch.show_encoders(list(encoders))
        self.encoderSearch.setFocus()

    @property
    def start(self) -> str:
        """The start's name as it is chosen now, "" where no encoder is."""
        if not self.encoderSearch.encoder:
            return ""
        return f"{self.decoderCombo.currentData()}:{self.encoderSearch.encoder}:{self.tagCombo.currentData()}"

    def _tell_decoder(self, _: int = 0) -> None:
        self.decoderLine.setText(self._sentences[str(self.decoderCombo.currentData())])

    def _offer_tags(self, encoder: str) -> None:
        self.tagCombo.clear()
        for tag in self._encoders.get(encoder, ()):
            self.tagCombo.addItem(tag, tag)
        self.tagCombo.addItem(self.tr("none: random weights"), NO_WEIGHTS)
        self.networkButtons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(bool(encoder))

    def _accept(self) -> None:
        self.start_chosen.emit(self.start)
        self.accept()
