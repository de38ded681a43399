"""What an exported model tells the QGIS plugin Deepness about itself, by the names of Deepness's documentation.

Deepness divides the values of a tile by 255, takes ``standardization_mean`` from them and divides by
``standardization_std``. What comes out below ``seg_thresh`` it sets to 0, and each pixel is then of the class whose
channel is largest. ``seg_small_segment`` is the side, in pixels, of the window of a median filter that follows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ...core.card import ADAPTATIONS, Card
from ...core.json_codec import described

CLASSES = ("background", "building")
_OVERLAP_PERCENT = 25
_BYTE = 255.0
_SMALLEST_WINDOW_PX = 3


@dataclass(frozen=True)
class DeepnessMetadata:
    """The metadata by key; each value is to be written as JSON.

    ``resolution`` in centimetres a pixel is left out where the card knows none. The side of the tiles is there twice:
    ``tiles_size`` is the documented key, ``tile_size`` the one that Deepness's sources read.
    """

    model_type: str
    class_names: dict[str, str]
    tiles_size: int
    tile_size: int
    tiles_overlap: int
    standardization_mean: list[float]
    standardization_std: list[float]
    seg_thresh: float
    resolution: float | None = described("centimetres a pixel", default=None, is_omitted=True)
    seg_small_segment: int | None = described("the side of the median filter", default=None, is_omitted=True)


def describe_for_deepness(card: Card, tile_px: int) -> DeepnessMetadata:
    """Return what Deepness has to know of a model."""
    classes = {str(number): name for number, name in enumerate(CLASSES)}
    normalisation, gsd_m = fold_normalisation(card), choose_gsd(card)
    told = DeepnessMetadata(
        "Segmentor", classes, tile_px, tile_px, _OVERLAP_PERCENT, *normalisation, seg_thresh=card.threshold
    )
    if gsd_m is None:
        return told
    side_px = _choose_window(math.sqrt(card.min_area_m2) / gsd_m)
    return replace(told, resolution=round(100 * gsd_m, 4), seg_small_segment=side_px)


def fold_normalisation(card: Card) -> tuple[list[float], list[float]]:
    """Return the mean and std, a number each band, with which values v / 255 become what the network takes."""
    ranges = [(low, high - low) for low, high in read_stretch(card)]
    mean = [(low + mean * span) / _BYTE for (low, span), mean in zip(ranges, card.mean, strict=True)]
    std = [std * span / _BYTE for (_, span), std in zip(ranges, card.std, strict=True)]
    return mean, std


def read_stretch(card: Card) -> tuple[tuple[float, float], ...]:
    """Return which values of each band become 0 and 1: the card's, else those of 8 bits or of the model's own imagery.

    A model that is yet to be adapted to a raster's moments takes values like those it learnt from.
    """
    usual = (0.0, _BYTE) if is_clipped(card) else card.value_range
    return card.stretch or (usual,) * len(card.bands)


def is_clipped(card: Card) -> bool:
    """Tell whether values beyond the stretch are brought to its ends."""
    return card.adaptation == ADAPTATIONS[0]


def choose_gsd(card: Card) -> float | None:
    """Return the ground sample distance, in metres, to which imagery is to be resampled (None: not known)."""
    if card.working_gsd_m is not None or not card.gsd_m:
        return card.working_gsd_m
    return (min(card.gsd_m) + max(card.gsd_m)) / 2


def _choose_window(side_px: float) -> int:
    """Return the largest odd window that a square footprint of that side fills (0: none, there is no filter)."""
    window = math.floor(side_px)
    window -= 1 - window % 2
    return window if window >= _SMALLEST_WINDOW_PX else 0
