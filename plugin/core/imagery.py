"""Statistics of the imagery that a model was tuned on, for comparison with other imagery."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterable, Sequence

from .errors import InputError


@dataclass(frozen=True)
class Imagery:
    """A raster as a model read it.

    ``values`` is the kind of its values (``uint8``, ``uint16`` ...). ``bands`` are the raster's for each of the
    model's, counted from 1, 0 where it had none. ``mean`` and ``covariance`` are those of the values as the stretch
    made them (0 to 1), ``clipped`` the shares of them that lay at or beyond (0, 1), all band by band.
    """

    values: str
    bands: tuple[int, ...]
    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    clipped: tuple[tuple[float, float], ...]

    @property
    def std(self) -> tuple[float, ...]:
        """The standard deviation of each band."""
        return tuple(math.sqrt(row[place]) for place, row in enumerate(self.covariance))

    def contrast(self, first: int, second: int) -> tuple[float, float]:
        """Return mean and standard deviation of what one band is brighter than another, pixel by pixel."""
        own = self.covariance
        variance = own[first][first] + own[second][second] - 2 * own[first][second]
        return self.mean[first] - self.mean[second], math.sqrt(max(0.0, variance))

    def is_sound(self, count: int) -> bool:
        """Tell whether it can be that of a model with so many bands; TypeError where a value is of the wrong kind."""
        lengths = {len(part) for part in (self.bands, self.mean, self.covariance, self.clipped, *self.covariance)}
        if lengths != {count} or not self.values or min(self.bands) < 0:
            return False
        numbers = [*self.mean, *_flatten(self.covariance), *_flatten(self.clipped)]
        return all(map(math.isfinite, numbers)) and min(own[i] for i, own in enumerate(self.covariance)) >= 0


def require_bands(names: Sequence[str], bands: Sequence[int], tuned: Imagery | None) -> None:
    """Raise InputError where a raster lacks a band (0 in ``bands``) that a model was tuned with; names are the model's.

    A model that was never tuned, or was tuned without the band, has nothing to miss.
    """
    if tuned is None:
        return
    missing = [name for name, band, own in zip(names, bands, tuned.bands) if own and not band]
    if missing:
        raise InputError(
            f"The raster has no {' and no '.join(missing)} band, which the model was tuned with.",
            "Choose a raster that has it, or say which band serves instead (0: none, filled with the model's mean).",
        )


def _flatten(rows: Iterable[Iterable[float]]) -> list[float]:
    return [value for row in rows for value in row]
