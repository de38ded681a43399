"""The dialog in which each band of the base model gets a band of the raster."""

from __future__ import annotations

from qgis.core import QgsRasterLayer
from qgis.gui import QgsScrollArea
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QSpinBox,
    QWidget,
)

from ...plugin.core.bands import ALPHA, propose_bands
from ...plugin.core.card import Card
from ...plugin.core.model_specs import fit_bands
from .imagery import list_colours
from .ui_loader import load_form
from .wheel import guard_fields
from .wrapped_text import WrapLabel


class BandsDialog(QDialog):
    """One list a band of the model; a network of the user's own making may read 1 to 12 bands."""

    bands_chosen = pyqtSignal(tuple)

    assignLine: WrapLabel
    countTitle: QLabel
    countSpin: QSpinBox
    assignArea: QgsScrollArea
    assignRows: QFormLayout
    assignButtons: QDialogButtonBox

    def __init__(
        self, layer: QgsRasterLayer, card: Card, bands: tuple[int, ...], parent: QWidget | None = None
    ) -> None:
        """Show how the bands meet now."""
        super().__init__(parent)
        load_form(self, "fields/band_dialog")
        self._card = card
        self._colours = list_colours(layer)
        self._names = [_name_band(layer, band, colour) for band, colour in enumerate(self._colours, 1)]
        self._combos: list[QComboBox] = []
        self.assignLine.setText(
            self.tr(
                "Choose the raster's band for each band that the base model reads. If there is none, the model's"
                " mean is used instead."
            )
        )
        for widget in (self.countTitle, self.countSpin):
            widget.setVisible(card.is_start)
        self.assignButtons.accepted.connect(self._accept)
        self.assignButtons.rejected.connect(self.reject)
        restore = self.assignButtons.button(QDialogButtonBox.StandardButton.RestoreDefaults)
        restore.setAutoDefault(False)
        restore.clicked.connect(self._restore)
        self._show(bands)
        self.countSpin.valueChanged.connect(self._change_count)

    @property
    def bands(self) -> tuple[int, ...]:
        """The band for each of the model's, 0 where none serves."""
        return tuple(int(combo.currentData()) for combo in self._combos)

    def _show(self, bands: tuple[int, ...]) -> None:
        """Offer a list for each of the model's bands."""
        while self.assignRows.rowCount():
            self.assignRows.removeRow(0)
        self._combos = []
        for name, band in zip(fit_bands(self._card, range(1, len(bands) + 1)).bands, bands):
            self._add(name, band)
        self.countSpin.setValue(len(bands))
        rows = min(len(bands), 8) * (self._combos[0].sizeHint().height() + self.assignRows.verticalSpacing())
        self.assignArea.setMinimumHeight(rows)
        self.resize(self.width(), self.layout().totalHeightForWidth(self.width()))
        self._judge()

    def _add(self, name: str, band: int) -> None:
        combo = QComboBox(self)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(12)
        combo.setAccessibleName(name)
        combo.addItem(self.tr("none: filled"), 0)
        for number, text in enumerate(self._names, 1):
            combo.addItem(text, number)
        combo.setCurrentIndex(max(0, combo.findData(band)))
        combo.currentIndexChanged.connect(self._judge)
        guard_fields(combo)
        title = QLabel(name, self)
        title.setBuddy(combo)
        self.assignRows.addRow(title, combo)
        self._combos.append(combo)

    def _change_count(self, count: int) -> None:
        """Keep what is chosen; bands that come new take those of the raster that nothing takes yet."""
        bands, numbers = self.bands, enumerate(self._colours, 1)
        spare = [number for number, colour in numbers if colour != ALPHA and number not in bands]
        self._show((*bands, *spare, *(0 for _ in range(count)))[:count])

    def _restore(self) -> None:
        self._show(propose_bands(self._colours, self._card.bands))

    def _judge(self) -> None:
        self.assignButtons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(any(self.bands))

    def _accept(self) -> None:
        self.bands_chosen.emit(self.bands)
        self.accept()


def _name_band(layer: QgsRasterLayer, band: int, colour: str) -> str:
    """Return "Band 4: NIR", with the colour where the name does not say it."""
    name = str(layer.bandName(band))
    return name if not colour or colour in name.lower() else f"{name} ({colour})"
