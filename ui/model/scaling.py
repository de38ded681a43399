"""How the values of imagery were scaled when a model was trained: the usual ways, and numbers as people write them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Mapping, Sequence

from ...plugin.core.bands import read_colour


@dataclass(frozen=True)
class Scaling:
    """Mean and deviation of each colour, as shares of ``value_range``; other bands take those of the colours."""

    value_range: tuple[float, float]
    mean: Mapping[str, float]
    std: Mapping[str, float]


SCALINGS = {
    "imagenet": Scaling(
        (0.0, 255.0),
        {"red": 0.485, "green": 0.456, "blue": 0.406},
        {"red": 0.229, "green": 0.224, "blue": 0.225},
    ),
    "unit": Scaling((0.0, 255.0), {"red": 0.0}, {"red": 1.0}),
    "spacenet4": Scaling(
        (0.0, 65535.0),
        {"blue": 0.006479, "green": 0.009328, "red": 0.01123, "nir": 0.02082},
        {"blue": 0.004986, "green": 0.004964, "red": 0.00495, "nir": 0.004878},
    ),
}


def scale_bands(scaling: Scaling, bands: Sequence[str]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation band by band."""
    colours = [read_colour(band) for band in bands]
    return _pick(scaling.mean, colours), _pick(scaling.std, colours)


def format_numbers(values: Sequence[float]) -> str:
    """Return "0.485, 0.456"."""
    return ", ".join(f"{value:g}" for value in values)


def parse_numbers(text: str, count: int) -> tuple[float, ...]:
    """Return the numbers between commas; raises ValueError where they are not ``count`` finite ones."""
    values = tuple(float(part) for part in text.split(","))
    if len(values) != count or not all(map(math.isfinite, values)):
        raise ValueError(text)
    return values


def _pick(values: Mapping[str, float], colours: Sequence[str]) -> tuple[float, ...]:
    middle = round(sum(values.values()) / len(values), 6)
    return tuple(values.get(colour, middle) for colour in colours)
