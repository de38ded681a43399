"""The form's line about bands: which of the raster serves for which of the base model, and the way to change it."""

from __future__ import annotations

from qgis.core import QgsRasterLayer
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QToolButton, QWidget

from ...plugin.core.card import Card
from ...plugin.core.model_specs import fit_bands
from .band_dialog import BandsDialog
from .imagery import choose_bands, describe_adaptation, describe_bands
from .ui_loader import load_form
from .wrapped_text import WrapLabel

_MOST_KEPT = 40


class BandsRow(QWidget):
    """Tells how the raster's bands meet the model's; what the user changes is kept for that raster and model."""

    changed = pyqtSignal()

    bandsLine: WrapLabel
    bandsButton: QToolButton
    adaptationLine: WrapLabel

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin hidden, without a raster or a model."""
        super().__init__(parent)
        self._layer: QgsRasterLayer | None = None
        self._card: Card | None = None
        self._key = ""
        self._kept: dict[str, tuple[int, ...]] = {}
        self._confirmed = ""
        load_form(self, "fields/bands")
        self.bandsButton.clicked.connect(self._ask)
        self._tell()

    @property
    def bands(self) -> tuple[int, ...]:
        """The raster's band for each of the model's (0: none like it); empty while one of the two is not known."""
        if self._layer is None or self._card is None:
            return ()
        return self._find_kept() or choose_bands(self._layer, self._card)

    @property
    def is_confirmed(self) -> bool:
        """Whether the user said so of these bands."""
        return bool(self._find_kept()) or (bool(self._key) and self._key == self._confirmed)

    @property
    def kept(self) -> dict[str, tuple[int, ...]]:
        """What the user changed, by raster and model."""
        return dict(list(self._kept.items())[-_MOST_KEPT:])

    def show_kept(self, kept: dict[str, tuple[int, ...]]) -> None:
        """Take what the user changed in an earlier session."""
        self._kept = dict(kept)
        self._tell()

    def show_choice(self, layer: QgsRasterLayer | None, base_model: str, card: Card | None) -> None:
        """Tell about another raster or another base model."""
        if self._layer is not None:
            self._layer.rendererChanged.disconnect(self._tell)
            self._layer.willBeDeleted.disconnect(self._forget)
        is_usable = layer is not None and layer.isValid()
        self._layer = layer if is_usable else None
        self._card = card
        self._key = f"{layer.id()}|{base_model}" if layer is not None else ""
        if self._layer is not None:
            self._layer.rendererChanged.connect(self._tell)
            self._layer.willBeDeleted.connect(self._forget)
        self._tell()

    def keep(self, bands: tuple[int, ...]) -> None:
        """Take these bands for this raster and this model, from now on."""
        self._kept.pop(self._key, None)
        self._confirmed = self._key
        if self._layer is not None and self._card is not None and bands != choose_bands(self._layer, self._card):
            self._kept[self._key] = bands
        self._tell()
        self.changed.emit()

    def _find_kept(self) -> tuple[int, ...]:
        """Return what the user chose for this raster and model, empty for nothing that fits."""
        if self._layer is None or self._card is None:
            return ()
        kept = self._kept.get(self._key, ())
        fits = self._card.is_start or len(kept) == len(self._card.bands)
        return kept if kept and fits and max(kept) <= self._layer.bandCount() else ()

    def _forget(self) -> None:
        self._layer = None
        self._tell()

    def _tell(self) -> None:
        bands = self.bands
        self.setVisible(bool(bands))
        if self._layer is None or self._card is None or not bands:
            return
        card = fit_bands(self._card, range(1, len(bands) + 1))
        self.bandsLine.setText(describe_bands(bands, card.bands))
        text = describe_adaptation(self._layer, card, bands)
        self.adaptationLine.setText(text)
        self.adaptationLine.setVisible(bool(text))

    def _ask(self) -> None:
        if self._layer is None or self._card is None:
            return
        dialog = BandsDialog(self._layer, self._card, self.bands, self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.bands_chosen.connect(self.keep)
        dialog.open()
