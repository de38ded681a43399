"""What is asked of a model: a raster, or a part of it, read in a certain way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...core.card import Card
from ...core.imagery import require_bands
from ..geodata.raster import Raster, describe_raster
from .aoi import AreaOfInterest


@dataclass(frozen=True)
class PredictRequest:
    """A raster's path; its band for each of the model's (empty: by their names); the ground (None: all of it)."""

    raster: str
    bands: tuple[int, ...] = ()
    area: AreaOfInterest | None = None

    def open(self, card: Card) -> tuple[Raster, Any]:
        """Return the raster as the model reads it, and the ground in its pixels (None: all of it).

        A band that the model was tuned with must be there, unless ``bands`` says that none serves. Raises InputError
        where one of them cannot be used.
        """
        raster = describe_raster(self.raster, card, self.bands)
        if not self.bands:
            require_bands(card.bands, raster.bands, card.imagery)
        return raster, None if self.area is None else self.area.locate(raster)
