"""Chooses how probabilities become buildings: what finds most of them on validation ground."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window

from ...core.card import Seeds, SeparationParams
from ...core.counts import Counts
from ..geodata.crs import GroundScale
from ..geodata.probability import NODATA, find_buildings
from ..geodata.rasterize import PolygonIndex
from ..geodata.vector import Geometries
from ..geodata.windows import cut_windows, keep_meeting, widen_window
from ..polygons.watershed import find_instances

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SEED_THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
BOUNDARY_SHARES = (0.0, 0.25, 0.5, 1.0)
CONTACT_SHARES = (0.0, 0.5, 1.0, 2.0)
SEED_AREAS_M2 = (0.5, 2.0, 4.0)

_TILE_PX = 1024
_MARGIN_PX = 96
_MOST_TILES = 24


@dataclass(frozen=True)
class Tally:
    """What was found in a tile: of each building how many pixels it has, and whether it found a label.

    Enough to tell the score for any least size without looking for buildings again.
    """

    sizes_px: NDArray[np.int64]
    is_hit: NDArray[np.bool_]
    truths: int
    pixel_m2: float

    def score(self, min_area_m2: float) -> Counts:
        """Return the score of the buildings that are large enough."""
        is_large = self.sizes_px >= max(min_area_m2 / self.pixel_m2, 1)
        tp = int(self.is_hit[is_large].sum())
        return Counts(tp, int(is_large.sum()) - tp, self.truths - tp)


@dataclass(frozen=True)
class Tile:
    """A piece of validation ground: what the model says of it, the buildings' numbers, and which pixels count."""

    values: NDArray[np.uint8]
    truth: NDArray[np.int32]
    counts: NDArray[np.bool_]
    pixel_m2: float

    def score(self, separation: SeparationParams, min_area_m2: float) -> Counts:
        """Return the building score of a separation: see ``tally``."""
        return self.tally(separation).score(min_area_m2)

    def tally(self, separation: SeparationParams) -> Tally:
        """Return what a separation finds, compared pixel by pixel: for choosing as good as outlines, and far quicker.

        As everywhere, a building counts where at least half of it lies, and is compared within the ground. Footprints
        do not overlap, nor do labels but by mistake: an IoU above 0.5 can be reached by one pair only.
        """
        found = find_instances(self.values, separation, self.pixel_m2)
        sizes_px, is_found, found_px = self._measure(found)
        _, is_true, true_px = self._measure(self.truth)
        both = self.counts & (found > 0) & (self.truth > 0)
        pairs = found[both].astype("int64") * len(true_px) + self.truth[both]
        keys, shared = np.unique(pairs, return_counts=True)
        firsts, seconds = keys // len(true_px), keys % len(true_px)
        overlap = shared / (found_px[firsts] + true_px[seconds] - shared)
        is_hit = np.zeros(len(sizes_px), dtype=bool)
        is_hit[firsts[(overlap > 0.5) & is_true[seconds]]] = True
        return Tally(sizes_px[is_found], is_hit[is_found], int(is_true.sum()), self.pixel_m2)

    def score_pixels(self, threshold: float) -> Counts:
        """Return the pixel score of a threshold."""
        counts = self.counts & (self.values[0] != NODATA)
        said, true = find_buildings(self.values[0], threshold), self.truth > 0
        return Counts(*(int((counts & part).sum()) for part in (said & true, said & ~true, ~said & true)))

    def _measure(self, places: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
        """Return of each number how many pixels it has, whether it counts here, and how many of its pixels do."""
        whole = np.bincount(places.ravel())
        inside = np.bincount(places[self.counts], minlength=len(whole))
        is_here = (whole >= 1) & (2 * inside >= whole)
        is_here[0] = False
        return whole, is_here, inside


class ThresholdSearch:
    """Knows the truth of validation ground."""

    def __init__(self, labels: Geometries, ground: Any, scale: GroundScale, min_area_m2: float) -> None:
        """Take the labels that count on the ground, and cut it into tiles; of very large ground some are taken."""
        self._truth = PolygonIndex(labels)
        self._numbers = np.arange(1, len(labels) + 1)
        self._ground = PolygonIndex(shapely.get_parts(np.array([ground], dtype=object)))
        self._scale, self._min_area_m2 = scale, min_area_m2
        self._windows = _choose_windows(ground)

    def choose(
        self, path: Path, start: SeparationParams, raise_if_cancelled: Callable[[], None], *, is_thorough: bool
    ) -> tuple[float, SeparationParams]:
        """Return the best building F1 that a probability raster reaches here, and how.

        From ``start`` one part after another is varied while the others are held; where ``is_thorough`` is False the
        seeds' threshold alone, in wider steps. Where nothing finds a building, the threshold with the best pixel F1 is
        taken. ``raise_if_cancelled`` may raise to stop.
        """
        tiles = list(self.read(path))
        known: dict[SeparationParams, float] = {}

        def rate(separation: SeparationParams) -> float:
            if separation not in known:
                raise_if_cancelled()
                known[separation] = sum(
                    (tile.score(separation, self._min_area_m2) for tile in tiles), Counts(0, 0, 0)
                ).f1
            return known[separation]

        best = start
        for vary in _list_variations(start, is_thorough=is_thorough):
            best = _pick(list(vary(best)), rate)
        if rate(best) > 0:
            return rate(best), best
        pixels = [sum((tile.score_pixels(each) for tile in tiles), Counts(0, 0, 0)).f1 for each in THRESHOLDS]
        return 0.0, replace(best, threshold=THRESHOLDS[int(np.argmax(pixels))])

    def read(self, path: Path) -> Iterator[Tile]:
        """Yield the tiles of a probability raster."""
        with rasterio.open(path) as dataset:
            for core in self._windows:
                wide, inner = widen_window(core, dataset, _MARGIN_PX)
                counts = np.zeros((wide.height, wide.width), dtype=bool)
                counts[inner] = self._ground.draw(wide)[inner] > 0
                pixel_m2 = float(self._scale.pixel_area_m2(core.row_off + core.height / 2))
                yield Tile(dataset.read(window=wide), self._truth.draw(wide, self._numbers), counts, pixel_m2)


Variation = Callable[[SeparationParams], Iterable[SeparationParams]]


def _list_variations(start: SeparationParams, *, is_thorough: bool) -> list[Variation]:
    if start.seeds is None:
        return [_vary_threshold]
    if not is_thorough:
        return [_vary_seeds("threshold", SEED_THRESHOLDS[::2])]
    seeds = [_vary_seeds("threshold", SEED_THRESHOLDS)]
    shares = [_vary_seeds("boundary_share", BOUNDARY_SHARES), _vary_seeds("contact_share", CONTACT_SHARES)]
    return [*seeds, _vary_threshold, *shares, *seeds, _vary_seeds("min_area_m2", SEED_AREAS_M2), _vary_threshold]


def _vary_threshold(separation: SeparationParams) -> Iterator[SeparationParams]:
    return (replace(separation, threshold=value) for value in THRESHOLDS)


def _vary_seeds(name: str, values: tuple[float, ...]) -> Variation:
    return lambda separation: (
        replace(separation, seeds=replace(separation.seeds or Seeds(), **{name: each})) for each in values
    )


def _pick(candidates: list[SeparationParams], rate: Callable[[SeparationParams], float]) -> SeparationParams:
    """Return the best candidate, the middle one of equals."""
    rates = np.array([rate(each) for each in candidates])
    best = np.flatnonzero(rates == rates.max())
    return candidates[int(best[len(best) // 2])]


def _choose_windows(ground: Any) -> list[Window]:
    """Return the tiles that meet the ground; of more than 24 so many, spread evenly over them."""
    left, top, right, bottom = (int(value) for value in np.round(ground.bounds))
    meeting = keep_meeting(cut_windows(Window(left, top, right - left, bottom - top), _TILE_PX), ground)
    chosen = np.linspace(0, len(meeting) - 1, min(_MOST_TILES, len(meeting))).round().astype(int)
    return [meeting[place] for place in np.unique(chosen)]
