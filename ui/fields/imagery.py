"""What a raster layer's bands are, which of them a model reads, and what is done to their values, in words."""

from __future__ import annotations

from typing import Sequence

from qgis.core import Qgis, QgsMultiBandColorRenderer, QgsRaster, QgsRasterLayer
from qgis.PyQt.QtCore import QCoreApplication

from ...plugin.core.bands import propose_bands, read_colour
from ...plugin.core.card import ADAPTATIONS, Card

_FIRST = (1, 2, 3)
_UNBROKEN = str.maketrans({" ": "\u00a0", "-": "\u2011"})
_RGB = ("red", "green", "blue")
_COLOURS = {
    QgsRaster.RedBand: "red",
    QgsRaster.GreenBand: "green",
    QgsRaster.BlueBand: "blue",
    QgsRaster.AlphaBand: "alpha",
}
_BITS = {Qgis.Byte: 8, Qgis.UInt16: 16, Qgis.Int16: 16, Qgis.UInt32: 32, Qgis.Int32: 32}


def list_colours(layer: QgsRasterLayer) -> list[str]:
    """Return the colour of each band, "" for none: as its file says, else as its name says, else as it is drawn.

    The drawing is no witness where it is what QGIS begins with for any raster of more bands: the first three.
    """
    provider = layer.dataProvider()
    if provider is None:
        return []
    colours = []
    for band in range(1, layer.bandCount() + 1):
        own = _COLOURS.get(provider.colorInterpretation(band), "")
        colours.append(own or read_colour(layer.bandName(band).partition(": ")[2]))
    renderer = layer.renderer()
    if not set(_RGB) & set(colours) and isinstance(renderer, QgsMultiBandColorRenderer):
        drawn = (renderer.redBand(), renderer.greenBand(), renderer.blueBand())
        if len(set(drawn)) == len(_RGB) and drawn != _FIRST and min(drawn) >= 1 and max(drawn) <= len(colours):
            for band, name in zip(drawn, _RGB):
                colours[band - 1] = name
    return colours


def choose_bands(layer: QgsRasterLayer, card: Card) -> tuple[int, ...]:
    """Return the layer's band for each of the model's, 0 where it has none; empty where the layer cannot be read."""
    bands = propose_bands(list_colours(layer), card.bands)
    return bands if any(bands) else ()


def describe_bands(bands: Sequence[int], names: Sequence[str]) -> str:
    """Return "red ← band 3, green ← band 2"; a band that the raster lacks is "none"."""
    own = QCoreApplication.translate("Bands", "band {}")
    none = QCoreApplication.translate("Bands", "none")
    pairs = (f"{name} \u2190 {own.format(band) if band else none}" for name, band in zip(names, bands))
    return ", ".join(pair.translate(_UNBROKEN) for pair in pairs)


def describe_adaptation(layer: QgsRasterLayer, card: Card, bands: Sequence[int]) -> str:
    """Return what happens to the raster's values before the model reads them, "" where nothing much does."""
    sentences = []
    kind = _describe_values(layer)
    if card.adaptation == ADAPTATIONS[1]:
        text = QCoreApplication.translate(
            "Bands",
            "{kind} values are scaled, band by band, to the mean and spread of the training imagery, unless they"
            " are like those already.",
        )
        sentences.append(text.format(kind=kind))
    elif layer.dataProvider() is not None and layer.dataProvider().dataType(1) != Qgis.Byte and not card.stretch:
        text = QCoreApplication.translate(
            "Bands", "{kind} values are stretched, band by band, from their 1st to their 99th percentile."
        )
        sentences.append(text.format(kind=kind))
    missing = [name for name, band in zip(card.bands, bands) if band == 0]
    if missing:
        text = QCoreApplication.translate("Bands", "No {bands} band: filled with the model's mean.")
        sentences.append(text.format(bands=join_names(missing)))
    return " ".join(sentences)


def join_names(names: Sequence[str]) -> str:
    """Return "blue, green, red and near-infrared"."""
    if len(names) < 2:
        return "".join(names)
    both = QCoreApplication.translate("Bands", "{first} and {last}")
    return both.format(first=", ".join(names[:-1]), last=names[-1])


def _describe_values(layer: QgsRasterLayer) -> str:
    provider = layer.dataProvider()
    bits = _BITS.get(provider.dataType(1)) if provider is not None else None
    if bits is None:
        return QCoreApplication.translate("Bands", "Floating-point")
    return QCoreApplication.translate("Bands", "{}-bit").format(bits)
