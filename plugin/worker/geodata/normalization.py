"""How a raster's values are brought to those that a model was trained on, and how that is said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from ...core.card import ADAPTATIONS, Card
from ...core.errors import InputError
from .nodata import Survey, read_sample, survey_values

#: A raster's values are the model's own where no mean is off by more standard deviations, no spread by more than this.
_NEAR_MEANS = 2.0
_NEAR_SPREADS = 3.0
_EIGHT_BITS = (0.0, 255.0)


@dataclass(frozen=True)
class Normalization:
    """``stretch`` maps each band to 0..1, beyond which is clipped or not; ``sentence`` says it ("": as it is)."""

    stretch: tuple[tuple[float, float], ...]
    is_clipped: bool
    sentence: str


def adapt_values(dataset: DatasetReader, card: Card, bands: tuple[int, ...], survey: Survey) -> Normalization:
    """Return how the values of a raster's ``bands`` (0: none of the raster's) become the model's.

    A card with a stretch of its own keeps it. Raises InputError for a band without data.
    """
    is_clipped = card.adaptation == ADAPTATIONS[0]
    if card.stretch:
        sentence = "" if _is_plain(card.stretch) else _tell_stretch(card.stretch, bands)
        return Normalization(tuple(card.stretch), is_clipped, _add_fill(sentence, card, bands))
    if is_clipped:
        stretch = measure_stretch(dataset, bands, survey)
        sentence = "" if _is_plain(stretch) else _tell_stretch(stretch, bands)
    else:
        stretch, sentence = _match_moments(dataset, card, bands, survey)
    return Normalization(stretch, is_clipped, _add_fill(sentence, card, bands))


def measure_stretch(
    dataset: DatasetReader, bands: tuple[int, ...], survey: Survey | None = None
) -> tuple[tuple[float, float], ...]:
    """Return what of each band becomes 0 and 1: 0 and 255 in 8 bits, else its 1st and 99th percentile.

    ``survey`` is of these bands (None: it is still to be made).
    """
    present = tuple(filter(None, bands))
    if all(dataset.dtypes[band - 1] == "uint8" for band in present):
        return (_EIGHT_BITS,) * len(bands)
    limits = {0: (0.0, 1.0)}
    for band, values in _sample_values(dataset, present, survey or survey_values(dataset, bands)).items():
        low, high = (float(limit) for limit in np.percentile(values, (1, 99)))
        limits[band] = (low, high if high > low else low + 1.0)
    return tuple(limits[band] for band in bands)


def _match_moments(
    dataset: DatasetReader, card: Card, bands: tuple[int, ...], survey: Survey
) -> tuple[tuple[tuple[float, float], ...], str]:
    """Return the stretch that gives each band the mean and the standard deviation of the model's, and how it is said.

    Values that are like the model's own are taken as they are.
    """
    low, high = card.value_range
    found = {band: (float(v.mean()), float(v.std())) for band, v in _sample_values(dataset, bands, survey).items()}
    pairs = [(found[band], mean, std) for band, mean, std in zip(bands, card.mean, card.std, strict=True) if band]
    if all(_is_near(moments, low + mean * (high - low), std * (high - low)) for moments, mean, std in pairs):
        return (card.value_range,) * len(bands), "Values are like those of the training imagery, and used unchanged."
    stretch = tuple(
        _stretch_to(found[band], mean, std) if band else card.value_range
        for band, mean, std in zip(bands, card.mean, card.std, strict=True)
    )
    told = "; ".join(f"band {band}: {mean:.4g} \u00b1 {std:.3g}" for band, (mean, std) in found.items())
    aims = "; ".join(
        f"{name} {low + mean * (high - low):.4g} \u00b1 {std * (high - low):.3g}"
        for name, mean, std in zip(card.bands, card.mean, card.std, strict=True)
    )
    return (
        stretch,
        f"Each band is scaled to the mean and standard deviation of the training imagery ({aims}), from {told}.",
    )


def _is_near(moments: tuple[float, float], mean: float, std: float) -> bool:
    is_mean = abs(moments[0] - mean) <= _NEAR_MEANS * std
    return is_mean and 1 / _NEAR_SPREADS <= moments[1] / std <= _NEAR_SPREADS


def _stretch_to(moments: tuple[float, float], mean: float, std: float) -> tuple[float, float]:
    """Return what becomes 0 and 1 where values of the given moments become values of ``mean`` and ``std``."""
    spread = moments[1] or 1.0
    low = moments[0] - mean / std * spread
    return low, low + spread / std


def _sample_values(dataset: DatasetReader, bands: tuple[int, ...], survey: Survey) -> dict[int, NDArray[np.float32]]:
    """Return some of the values that hold data, band by band; raises InputError for a band that holds none."""
    samples, rule = survey.samples, survey.rule
    if not samples:
        looks = zip(rule.bands, rule.nodata, strict=True)
        planes = {band: read_sample(dataset, band, nodata, rule.mask) for band, nodata in looks}
        samples = {band: plane[np.isfinite(plane)] for band, plane in planes.items()}
    for band in dict.fromkeys(filter(None, bands)):
        if samples[band].size == 0:
            raise InputError(
                f"Band {band} of the raster {dataset.name} holds no data.", "Choose another band or raster."
            )
    return samples


def _is_plain(stretch: tuple[tuple[float, float], ...]) -> bool:
    return all(tuple(limits) == _EIGHT_BITS for limits in stretch)


def _tell_stretch(stretch: tuple[tuple[float, float], ...], bands: tuple[int, ...]) -> str:
    present = [f"{low:g} to {high:g}" for (low, high), band in zip(stretch, bands, strict=True) if band]
    return f"Values are stretched from {'; '.join(present)}."


def _add_fill(sentence: str, card: Card, bands: tuple[int, ...]) -> str:
    missing = [name for name, band in zip(card.bands, bands, strict=True) if not band]
    if not missing:
        return sentence
    filled = f"The raster has no {' and no '.join(missing)} band: it is filled with the model's mean."
    return f"{sentence} {filled}".strip()
