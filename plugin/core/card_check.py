"""Validation of model cards: one sentence for each problem."""

from __future__ import annotations

import math
from typing import Iterable

from .card import ADAPTATIONS, NO_WEIGHTS, OUTPUTS, PRETRAINED, Card, Recipe, Seeds

_MOST_BANDS = 12
_HASH_LENGTH = 64


def find_problems(card: Card) -> list[str]:
    """Return what is wrong with a card; raises TypeError or ValueError where a value is of the wrong kind."""
    checks = [*_check_texts(card), *_check_values(card), *_check_says(card), *_check_recipe(card.recipe)]
    return [sentence for is_fine, sentence in checks if not is_fine]


def _check_texts(card: Card) -> Iterable[tuple[bool, str]]:
    for field in ("name", "title", "encoder", "weights", "architecture"):
        text = getattr(card, field)
        yield isinstance(text, str) and bool(text), f'"{field}" must be a text.'
    is_address = not card.source or card.source.startswith("https://")
    yield is_address, '"source" must be an address that begins with https://.'
    is_name = card.weights.startswith((PRETRAINED, "imagenet:")) or card.weights == NO_WEIGHTS or not card.source
    yield is_name or _is_plain(card.weights), '"weights" of a "source" must be a file\'s name alone.'
    yield not card.source or _is_plain(card.name), '"name" of a "source" must be fit for a folder, and hold no slash.'
    yield card.size_bytes >= 0, '"size_bytes" must not be negative.'
    is_hash = not card.sha256 or (len(card.sha256) == _HASH_LENGTH and set(card.sha256) <= set("0123456789abcdef"))
    yield is_hash, '"sha256" must be 64 hexadecimal digits.'


def _is_plain(name: str) -> bool:
    """Tell whether a name makes a file or folder in the one that it is meant for, and nowhere else."""
    return bool(name.strip(". ")) and not set(name) & set('/\\:*?"<>|') and name.isprintable()


def _check_values(card: Card) -> Iterable[tuple[bool, str]]:
    count = len(card.bands)
    are_texts = isinstance(card.bands, tuple) and all(isinstance(band, str) and band for band in card.bands)
    yield are_texts and 0 < count <= _MOST_BANDS, f'"bands" must name 1 to {_MOST_BANDS} bands.'
    yield len(card.mean) == len(card.std) == count, f'"mean" and "std" must hold {count} numbers, one for each band.'
    yield _are_finite(card.mean), '"mean" must hold numbers.'
    yield _are_finite(card.std) and all(std > 0 for std in card.std), '"std" must hold numbers above 0.'
    yield len(card.stretch) in (0, count), f'"stretch" must be empty or hold {count} pairs, one for each band.'
    yield all(_is_range(limits) for limits in card.stretch), '"stretch" must hold pairs of a lower and a higher number.'
    yield card.adaptation in ADAPTATIONS, f'"adaptation" must be one of {", ".join(ADAPTATIONS)}.'
    yield _is_range(card.value_range), '"value_range" must be a lower and a higher number.'
    is_told = card.imagery is None or card.imagery.is_sound(count)
    yield is_told, f'"imagery" must hold numbers for {count} bands.'


def _check_says(card: Card) -> Iterable[tuple[bool, str]]:
    yield card.outputs in (OUTPUTS[:1], OUTPUTS), f'"outputs" must be {OUTPUTS[0]} alone, or {", ".join(OUTPUTS)}.'
    yield 0 < card.threshold < 1, '"threshold" must be between 0 and 1.'
    yield card.min_area_m2 >= 0, '"min_area_m2" must not be negative.'
    yield _are_finite(card.gsd_m) and all(gsd_m > 0 for gsd_m in card.gsd_m), '"gsd_m" must hold numbers above 0.'
    is_metric = card.working_gsd_m is None or 0 < card.working_gsd_m < math.inf
    yield is_metric, '"working_gsd_m" must be a number above 0, or null.'
    yield card.boundary_m >= 0 and card.contact_m >= 0, '"boundary_m" and "contact_m" must not be negative.'
    yield card.seeds is None or _are_sound(card.seeds), '"seeds" must hold a threshold between 0 and 1, and shares.'
    yield card.seeds is None or card.outputs == OUTPUTS, '"seeds" need a model with all three outputs.'


def _check_recipe(recipe: Recipe) -> Iterable[tuple[bool, str]]:
    is_tile = recipe.tile_px >= 32 and recipe.tile_px % 32 == 0
    yield is_tile, 'The recipe\'s "tile_px" must be a multiple of 32.'
    counts = {
        "batch_size": recipe.batch_size,
        "samples_per_epoch": recipe.crops_per_epoch,
        "tune_epochs": recipe.tune_epochs,
    }
    for key, count in counts.items():
        yield count >= 1, f'The recipe\'s "{key}" must be at least 1.'
    yield recipe.learning_rate > 0 and recipe.tuning_rate > 0, "The recipe's learning rates must be above 0."
    yield recipe.weight_decay >= 0, 'The recipe\'s "weight_decay" must not be negative.'
    yield 0 <= recipe.encoder_share <= 1, 'The recipe\'s "encoder_share" must be from 0 to 1.'
    yield 0 <= recipe.ema_decay < 1, 'The recipe\'s "averaging" must be from 0 to less than 1.'


def _are_sound(seeds: Seeds) -> bool:
    shares = (seeds.boundary_share, seeds.contact_share, seeds.min_area_m2)
    return 0 < seeds.threshold < 1 and all(0 <= share < math.inf for share in shares)


def _are_finite(values: Iterable[float]) -> bool:
    return all(math.isfinite(value) for value in values)


def _is_range(limits: tuple[float, float]) -> bool:
    low, high = limits
    return math.isfinite(high - low) and low < high
