"""Whether a raster is like the imagery that a model was tuned on: a sentence and a next step for each difference."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import shapely
from rasterio.windows import Window

from ...core.card import NEAR_ENOUGH, Card
from ...core.events import WARNING, Finding, Notice
from ...core.imagery import Imagery
from ..geodata.raster import Raster
from ..geodata.statistics import holds_data, measure_filled, measure_imagery, spread_looks
from .imagery_faults import MANY_FILLED, describe_specks

#: What differs between parts of one raster, and what between two, was measured on imagery of four places: the parts
#: stay within these bounds, half or twice the brightness, a bent tone curve and swapped colours do not.
_FAR_MEANS = 0.6  # in standard deviations of the tuned raster's band
_FAR_SPREADS = 1.5  # times
_FAR_COLOURS = 1.0  # in standard deviations of the difference between two bands
_MUCH_CLIPPED = 0.1
_LEAST_SPREAD = 0.04  # a band that says next to nothing has no scale of its own
_LEAST_REGION_PX = 1024
_EIGHT_BITS = (0.0, 255.0)
_FITTING = (
    "Scale the raster to the values of the earlier one (Raster > Conversion > Translate), or choose another base model."
)
_NEXT = "Correct some footprints there and improve the model, or tune one on this raster."


def find_differences(raster: Raster, card: Card, ground: Any = None) -> list[Notice]:
    """Return a warning for each thing in which a raster differs from what the model of ``card`` learnt from.

    Values are compared where it is predicted: on the ``ground`` (pixel coordinates of the model's grid; None: the whole
    raster) and around it, if it is small. Of a card that does not tell of its imagery, only what is known is compared.
    Ground without any data is told, too, and what of the raster's values is not as its file says. Raises InputError and
    RunError where the raster cannot be read.
    """
    notices = [Notice(WARNING, remark.message, remark.hint) for remark in raster.remarks]
    notices += [*_compare_scale(raster, card), *_compare_bands(raster, card), *_compare_kind(raster, card)]
    if ground is not None and not holds_data(raster, _frame(ground, raster, 1)):
        sentence = "The raster holds no data in this area."
        return [*notices, Notice(WARNING, sentence, "Choose an area where the map shows imagery.")]
    region = None if ground is None else _frame(ground, raster, _LEAST_REGION_PX)
    share = measure_filled(raster, spread_looks(raster, region))
    if share >= MANY_FILLED:
        notices.append(Notice(WARNING, *describe_specks(raster, share, "that were looked at")))
    if not card.parent:
        return notices  # brought to any imagery by its own stretch, and tuned on none
    found = measure_imagery(raster, region)
    return notices if found is None else [*notices, *_compare_looks(found, card)]


def find_foreign_values(raster: Raster, card: Card) -> list[Finding]:
    """Values of another kind than those that a tuned model's stretch is for: tuning would learn from black or white.

    Where none are clipped, it is told in what else they differ, as it is told where footprints are mapped.
    """
    kinds = [Finding("values", WARNING, notice.message, notice.hint) for notice in _compare_kind(raster, card)]
    if not (card.parent and card.stretch):
        return kinds
    found = measure_imagery(raster)
    said = () if found is None else tuple(_tell_clipped(found, card.imagery))
    if kinds and found is not None and not said:
        looks = (Finding("differs", WARNING, notice.message, _FITTING) for notice in _compare_looks(found, card))
        return [*kinds, *looks]
    return kinds + [
        Finding("clipped", WARNING, f"The raster's values do not fit the base model: {sentence}.", _FITTING)
        for sentence in said
    ]


def _compare_scale(raster: Raster, card: Card) -> Iterator[Notice]:
    own = raster.native_gsd_m
    if not card.gsd_m or min(card.gsd_m) / NEAR_ENOUGH <= own <= max(card.gsd_m) * NEAR_ENOUGH:
        return
    learnt = " to ".join(f"{gsd_m:.2f}" for gsd_m in dict.fromkeys(card.gsd_m))
    word = "finer" if own < min(card.gsd_m) else "coarser"
    sentence = f"The raster is {word} than the model's training imagery: {own:.2f} m a pixel instead of {learnt} m."
    yield Notice(WARNING, sentence, _NEXT)


def _compare_bands(raster: Raster, card: Card) -> Iterator[Notice]:
    tuned = card.imagery.bands if card.imagery else tuple(range(1, len(card.bands) + 1))
    rows = list(zip(card.bands, raster.bands, tuned, strict=True))
    missing = [name for name, band, own in rows if own and not band]
    if missing:
        sentence = f"The model was trained with {_join(missing)}: no band is assigned, the model's mean is used."
        yield Notice(WARNING, sentence, "Choose a raster that has it, or tune a model on this raster.")
    added = [name for name, band, own in rows if band and not own]
    if added:
        sentence = f"The model was trained without {_join(added)}: this band of the raster is new to it."
        yield Notice(WARNING, sentence, "Assign no band to it.")
    used = [band for band in raster.bands if band]
    shared = next((band for band in used if used.count(band) > 1), 0)
    if shared and len(set(filter(None, tuned))) > len(set(used)):
        names = [name for name, band, _ in rows if band == shared]
        sentence = f"Band {shared} is assigned to {_join(names)}, which were separate bands when the model was trained."
        yield Notice(WARNING, sentence, _NEXT)


def _compare_kind(raster: Raster, card: Card) -> Iterator[Notice]:
    is_plain = bool(card.stretch) and all(tuple(limits) == _EIGHT_BITS for limits in card.stretch)
    learnt = card.imagery.values if card.imagery else "uint8" if is_plain else ""
    if learnt and learnt != raster.values:
        sentence = f"The raster's values are {raster.values}; the model was tuned on {learnt} values."
        yield Notice(WARNING, sentence, "Convert the raster (Raster > Conversion > Translate).")


def _compare_looks(found: Imagery, card: Card) -> Iterator[Notice]:
    """Compare colours, brightness, contrast, and what is clipped: colours mean nothing where that is much."""
    clipped, said = list(_tell_clipped(found, card.imagery)), []
    if card.imagery is not None:
        pair = None if clipped else _find_swap(found, card.imagery)
        if pair is not None:
            names = _join([card.bands[place] for place in pair])
            sentence = f"The bands for {names} seem to be swapped."
            yield Notice(WARNING, sentence, "Check which band of the raster is assigned to which band of the model.")
            found = _swap(found, *pair)
        said = [*_tell_brightness(found, card.imagery, card.bands), *_tell_contrast(found, card.imagery)]
        if not clipped and _measure_colours(found, card.imagery) > _FAR_COLOURS:
            said.append("the ratios between its colours are different")
    said += clipped
    if said:
        sentence = f"The raster differs from the imagery that the model was tuned on: {'; '.join(said)}."
        yield Notice(WARNING, sentence, _NEXT)


def _tell_brightness(found: Imagery, tuned: Imagery, names: tuple[str, ...]) -> Iterator[str]:
    for is_darker, word in ((True, "darker"), (False, "brighter")):
        places = [i for i in _list_shared(found, tuned) if _is_far(found, tuned, i, is_darker)]
        if places:
            here, there = (_join([f"{each.mean[i]:.2f}" for i in places]) for each in (found, tuned))
            yield f"{_join([names[i] for i in places])} {word} (mean {here} instead of {there}, from 0 to 1)"


def _is_far(found: Imagery, tuned: Imagery, place: int, is_darker: bool) -> bool:
    off = (tuned.mean[place] - found.mean[place]) / max(tuned.std[place], _LEAST_SPREAD)
    return (off if is_darker else -off) > _FAR_MEANS


def _tell_contrast(found: Imagery, tuned: Imagery) -> Iterator[str]:
    ratios = [
        max(found.std[i], _LEAST_SPREAD / 2) / max(tuned.std[i], _LEAST_SPREAD / 2) for i in _list_shared(found, tuned)
    ]
    worst = max(ratios, key=lambda ratio: abs(math.log(ratio)), default=1.0)
    if not 1 / _FAR_SPREADS <= worst <= _FAR_SPREADS:
        yield f"its contrast is {worst:.1f} times as high"


def _tell_clipped(found: Imagery, tuned: Imagery | None) -> Iterator[str]:
    before = tuned.clipped if tuned else ((0.0, 0.0),) * len(found.clipped)
    rows = zip(found.bands, found.clipped, before, strict=True)
    share, grown = max((max(own), max(a - b for a, b in zip(own, old, strict=True))) for band, own, old in rows if band)
    if grown > _MUCH_CLIPPED:
        yield f"{share:.0%} of a band's values are clipped to the darkest or brightest value"


def _find_swap(found: Imagery, tuned: Imagery) -> tuple[int, int] | None:
    """Return two bands that fit the tuned ones well the other way round, where they do not fit as they are."""
    worst = _measure_colours(found, tuned)
    if worst <= _FAR_COLOURS:
        return None
    fits = {pair: _measure_colours(_swap(found, *pair), tuned) for pair in combinations(_list_shared(found, tuned), 2)}
    best = min(fits, key=lambda pair: fits[pair])
    return best if fits[best] < _FAR_COLOURS / 2 else None


def _swap(imagery: Imagery, first: int, second: int) -> Imagery:
    order = list(range(len(imagery.mean)))
    order[first], order[second] = second, first
    mean = tuple(imagery.mean[i] for i in order)
    covariance = tuple(tuple(imagery.covariance[i][j] for j in order) for i in order)
    return Imagery(imagery.values, imagery.bands, mean, covariance, imagery.clipped)


def _measure_colours(found: Imagery, tuned: Imagery) -> float:
    """Return how far the bands stand to each other from how they stood, in standard deviations of the worst pair."""
    worst = 0.0
    for first, second in combinations(_list_shared(found, tuned), 2):
        mean, spread = tuned.contrast(first, second)
        worst = max(worst, abs(found.contrast(first, second)[0] - mean) / max(spread, _LEAST_SPREAD))
    return worst


def _list_shared(found: Imagery, tuned: Imagery) -> list[int]:
    return [place for place, bands in enumerate(zip(found.bands, tuned.bands, strict=True)) if all(bands)]


def _frame(ground: Any, raster: Raster, least_px: int) -> Window:
    """Return the window of the file around the ground, so many px a side at least where the file has them."""
    factor = raster.gsd_m / raster.native_gsd_m
    left, top, right, bottom = (value * factor for value in shapely.bounds(ground))
    width, height = (round(size * factor) for size in (raster.width, raster.height))
    col, cols = _widen(left, right, width, least_px)
    row, rows = _widen(top, bottom, height, least_px)
    return Window(col, row, cols, rows)


def _widen(start: float, end: float, limit: int, least: int) -> tuple[int, int]:
    """Return start and length of a stretch that is long enough and lies within 0 and ``limit``."""
    length = min(limit, max(math.ceil(end - start), least))
    first = min(max(0, round((start + end - length) / 2)), limit - length)
    return first, length


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
