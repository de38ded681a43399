"""What a base model's card says, in the words of the form."""

from __future__ import annotations

from qgis.PyQt.QtCore import QCoreApplication, QLocale

from ...plugin.core.card import Card
from ..fields.imagery import join_names

_MB = 1_000_000


def describe_card(card: Card) -> str:
    """Return the lines about a model: what it is, what it reads, at which scale, its licence, what must be fetched."""
    sentences = [card.description]
    if not card.is_finetuned:
        sentences.append(_tr("It learns what a building is from your labels alone."))
    reads = _tr("Reads 1 to 12 bands; without a choice {bands}.") if card.is_start else _tr("Reads {bands}.")
    sentences.append(reads.format(bands=join_names(card.bands)))
    if card.working_gsd_m is not None:
        sentences.append(_tr("Works at {gsd} m.").format(gsd=QLocale().toString(card.working_gsd_m, "f", 2)))
    lines = [" ".join(sentence for sentence in sentences if sentence)]
    if card.licence:
        lines.append(_tr("Licence: {}").format(card.licence))
    if must_fetch(card):
        lines.append(_tr("{} MB, fetched at the first run").format(QLocale().toString(round(card.size_bytes / _MB))))
    return "\n".join(lines)


def tell_sources(card: Card) -> str:
    """Return who made a model and how to cite it."""
    return "\n".join(line for line in (card.title, card.attribution, card.citation) if line)


def must_fetch(card: Card) -> bool:
    """Tell whether a model's weights come from a source and are not on this machine yet."""
    return bool(card.source) and not card.weights_path.exists()


def _tr(text: str) -> str:
    return QCoreApplication.translate("About", text)
