"""Why a raster has no footprints, as far as its probability tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from rasterio.windows import Window

from ...core.card import Card
from ...core.events import WARNING, Notice
from ..geodata.probability import FULL, NODATA, find_buildings
from ..geodata.rasterize import PolygonIndex
from ..geodata.windows import cut_windows, keep_meeting

_SIDE_PX = 2048


def explain_none(path: Path, card: Card, ground: Any = None, *, is_warned: bool = False) -> Notice:
    """Return why no footprint came of a probability raster: no data, a low probability, or too small an area.

    ``ground`` (its pixel coordinates; None: all of it) is where footprints were looked for. ``is_warned`` says that
    what is unusual about the raster was told already.
    """
    highest = _find_highest(path, ground)
    if highest is None:
        sentence, hint = "the raster holds no data there.", "Choose imagery, or an area, where the map shows some."
    elif not find_buildings(np.array([highest], "uint8"), card.threshold)[0]:
        sentence = f"the model's highest probability is {highest / FULL:.2f}, its threshold {card.threshold:.2f}."
        hint = "Are there buildings, and is each band assigned to its colour? Else tune a model on this raster."
    else:
        place = "" if ground is None else ", or lies at least half in the area"
        sentence = (
            f"nothing where the probability reaches the threshold of {card.threshold:.2f} "
            f"is as large as {card.min_area_m2:g} m2{place}."
        )
        hint = "Choose a smaller minimum area, or a lower threshold."
    if is_warned:
        hint = "The warnings above say what is unusual about the raster."
    return Notice(WARNING, f"No footprints: {sentence}", hint)


def _find_highest(path: Path, ground: Any) -> int | None:
    """Return the highest byte of the footprint's probability, None where nothing is known."""
    inside = None if ground is None else PolygonIndex(shapely.get_parts([ground]))
    highest = []
    with rasterio.open(path) as dataset:
        for window in keep_meeting(cut_windows(Window(0, 0, dataset.width, dataset.height), _SIDE_PX), ground):
            values = dataset.read(1, window=window)
            counts = values != NODATA
            if inside is not None:
                counts &= inside.draw(window) > 0
            highest.append(int(values[counts].max(initial=0)) if counts.any() else None)
    return max((value for value in highest if value is not None), default=None)
