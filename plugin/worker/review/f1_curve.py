"""How the F1 on validation ground goes with the threshold: found out piece by piece, while nothing else is due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import shapely

from ...core.block_roles import VALIDATION
from ...core.counts import Counts
from ...core.errors import InputError
from ...core.live_view import CurvePoints
from ..evaluation.threshold_search import Tally, ThresholdSearch, Tile
from ..geodata.polygons import apply_affine, explode_polygons
from ..geodata.vector import Geometries, read_layer
from .context import ReviewContext

#: From the least to the greatest, all of them a step apart.
THRESHOLDS = tuple(round(0.05 + 0.025 * step, 3) for step in range(37))
_STRIDES = (8, 4, 2, 1)


class F1Curve:
    """The building F1 on validation ground by threshold, after the rule by which the run chose its own.

    What a threshold finds is kept with its sizes, so that another least area is answered without a new search.
    """

    def __init__(self, context: ReviewContext) -> None:
        """Begin without a point; nothing is read yet."""
        self._context = context
        self._tallies: dict[float, list[Tally]] = {}
        self._min_area_m2: float | None = None
        self._work = self._search()
        self._is_over = False

    @property
    def is_wanted(self) -> bool:
        """Whether somebody asked for it, and there is more to be found out."""
        return self._min_area_m2 is not None and not self._is_over

    def ask(self, min_area_m2: float) -> None:
        """Want the curve for buildings from this area on, in square metres."""
        self._min_area_m2 = min_area_m2

    def step(self) -> bool:
        """Do the next piece of work (a tile); return whether a point came of it.

        Raises InputError where the run's split cannot be read, RasterioError where its probability cannot.
        """
        return next(self._work, False)

    def describe(self) -> CurvePoints:
        """Return what is known."""
        least = self._min_area_m2 or 0.0
        scores = {
            threshold: sum((tally.score(least) for tally in tallies), Counts(0, 0, 0))
            for threshold, tallies in sorted(self._tallies.items())
        }
        points = [[threshold, score.f1, score.precision, score.recall] for threshold, score in scores.items()]
        done = len(self._tallies) / len(THRESHOLDS)
        return CurvePoints(least, points, _find_best(scores), round(done, 4))

    def _search(self) -> Iterator[bool]:
        try:
            tiles = list[Tile]()
            for tile in open_chooser(self._context).read(self._context.path):
                tiles.append(tile)
                yield False
            for threshold in list_thresholds():
                yield from self._try(threshold, tiles)
                yield True
        finally:
            self._is_over = True

    def _try(self, threshold: float, tiles: list[Tile]) -> Iterator[bool]:
        separation, tallies = replace(self._context.separation, threshold=threshold), list[Tally]()
        for tile in tiles:
            if tallies:
                yield False
            tallies.append(tile.tally(separation))
        self._tallies[threshold] = tallies


def list_thresholds() -> list[float]:
    """Return the thresholds in the order in which they are tried: wide steps first, then those between."""
    order = dict.fromkeys(threshold for stride in _STRIDES for threshold in THRESHOLDS[4 % stride :: stride])
    return list(order)


def open_chooser(context: ReviewContext) -> ThresholdSearch:
    """Return what scores on the run's validation ground; raises InputError where ``split.gpkg`` cannot be read."""
    labels, ground = (_read(context, layer) for layer in ("labels", "blocks"))
    if not len(labels) or not len(ground):
        raise InputError(f"{context.folder.split} holds no validation area.", "Run the job again.")
    return ThresholdSearch(labels, shapely.union_all(ground), context.scale, 0.0)


def _read(context: ReviewContext, layer: str) -> Geometries:
    """Return the polygons of a layer of the split that are of validation ground, in the raster's pixels."""
    path: Path = context.folder.split
    content = read_layer(str(path), layer)
    if "role" not in content.columns:
        raise InputError(f"The layer {layer} of {path} is not as a run writes it.", "Run the job again.")
    is_own = np.asarray(content.columns["role"] == VALIDATION)
    return apply_affine(explode_polygons(content.geometries[is_own])[0], ~context.transform)


def _find_best(scores: dict[float, Counts]) -> list[float] | None:
    """Return threshold and F1 of the best point, the middle one of equals; None where nothing was found."""
    highest = max((score.f1 for score in scores.values()), default=0.0)
    best = [threshold for threshold, score in scores.items() if score.f1 == highest]
    return [best[len(best) // 2], highest] if highest > 0 else None
