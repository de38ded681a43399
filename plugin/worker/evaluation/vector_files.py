"""The command ``score``: any truth against any footprints, from two vector files."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS

from ...core.counts import Counts
from ...core.errors import InputError
from ...core.made_layers import ERRORS
from ..geodata.vector import Geometries, Layer, append_layer, replacing_layer
from .blocks import BLOCKS, WIDTHS, count_by_block
from .far_apart import describe_gap
from .metrics import Matching, find_candidates, match_footprints
from .scored_layers import Comparison, Names, ScoredLayer, measure_m2, read_numbers, read_scored_layers

#: The layer that ``write_errors`` writes.
LAYER = "errors"


@dataclass(frozen=True)
class MatchedFiles:
    """Two files, read and matched group by group."""

    truth: ScoredLayer
    footprints: ScoredLayer
    matches: tuple[_Match, ...]
    is_grouped: bool

    @property
    def counts(self) -> Counts:
        """The score."""
        return sum((match.matching.score for match in self.matches), Counts(0, 0, 0))

    @property
    def notices(self) -> tuple[str, ...]:
        """A sentence for each thing that was done to the labels and to the footprints, and where they lie apart."""
        gap = describe_gap(self.truth.layer, self.footprints.layer)
        return self.truth.notices + self.footprints.notices + gap

    @property
    def handled(self) -> dict[str, dict[str, int]]:
        """How many were repaired, taken apart, passed over, and found double, of each file."""
        return {"truth": self.truth.handled, "footprints": self.footprints.handled}

    def count_blocks(self) -> NDArray[np.int64]:
        """Return the score by block, (blocks, 3): true positives, false positives, false negatives.

        A group is a block; without groups they are those of a square grid, about 48 over the extent of both files, each
        at least four times as wide as all but the largest buildings.
        """
        if self.is_grouped:
            scores = [match.matching.score for match in self.matches]
            return np.array([(score.tp, score.fp, score.fn) for score in scores], dtype=np.int64).reshape(-1, 3)
        match = self.matches[0]
        boxes = [shapely.bounds(polygons).reshape(-1, 4) for polygons in (match.truths, match.proposals)]
        everything = np.concatenate(boxes)
        if len(everything) == 0:
            return np.zeros((0, 3), dtype=np.int64)
        left, bottom, right, top = everything.T
        width = float(np.quantile(np.maximum(right - left, top - bottom), 0.9))
        extent = (right.max() - left.min()) * (top.max() - bottom.min())
        side = max(math.sqrt(extent / BLOCKS), WIDTHS * width)
        cells = np.floor(((everything[:, :2] + everything[:, 2:]) / 2 - (left.min(), bottom.min())) / side)
        places = np.unique(cells, axis=0, return_inverse=True)[1].reshape(-1)
        own, others = places[: len(match.truths)], places[len(match.truths) :]
        return count_by_block(match.matching, own, others, int(places.max()) + 1)

    def write_errors(self, path: Path) -> None:
        """Write the layer ``errors``: every building that counts, in the truth's coordinate system.

        Its fields are those of a run's errors.gpkg: ``outcome`` (TP and FP tell of footprints, FN of the truth),
        ``iou`` (of FP and FN the highest with any building), ``area_m2`` and ``confidence``. Other layers of
        the file stay. Raises RunError where it cannot be written.
        """
        nothing, is_begun = np.array([], dtype=object), False
        with replacing_layer(path) as partial:
            for match in self.matches or [_Match(nothing, nothing, match_footprints(nothing, nothing), None, None)]:
                polygons, columns = match.tell_outcomes()
                if len(polygons) or not is_begun:
                    append_layer(
                        partial,
                        polygons,
                        columns,
                        match.crs,
                        LAYER,
                        kind="MultiPolygon",
                        is_begun=is_begun,
                        made=ERRORS,
                    )
                    is_begun = True


def match_files(truth_path: str, footprints_path: str, how: Comparison) -> MatchedFiles:
    """Read and match footprints and the truth; raises InputError where the files do not allow it.

    Footprints are brought to the truth's coordinate system. Group by group the counts are those of SpaceNet: what has
    no area (such as a ring that crosses itself half-way, where it is not repaired) counts on neither side.

    A GeoJSON file that names no coordinate system is in degrees by its standard, but the files of the challenges hold
    pixels. It is taken for pixels where a coordinate lies outside the degrees' range, where half of the polygons are
    wider than a tenth of a degree (11 km), or where the other file has no coordinate system either.
    """
    if not 0 <= how.iou < 1:
        raise InputError("The IoU must be at least 0 and below 1.", "SpaceNet takes 0.5.")
    truth, found = read_scored_layers(truth_path, footprints_path, how)
    matches = tuple(_match_groups(truth, found, footprints_path, how))
    return MatchedFiles(truth, found, matches, bool(how.by))


@dataclass(frozen=True)
class _Match:
    """What was matched of a group."""

    truths: Geometries
    proposals: Geometries
    matching: Matching
    confidence: NDArray[np.float64] | None
    crs: CRS | None

    def tell_outcomes(self) -> tuple[Geometries, dict[str, NDArray[Any]]]:
        """Return every building, and the columns that tell how it fared."""
        fates = find_candidates(self.truths, self.proposals, self.confidence).tell_fates(self.matching)
        polygons = np.concatenate([self.proposals, self.truths[fates.is_missed]])
        sure = np.full(len(polygons), np.nan)
        if self.confidence is not None:
            sure[: len(self.proposals)] = self.confidence
        columns = {
            "outcome": fates.outcome,
            "iou": fates.iou.round(4),
            "area_m2": measure_m2(polygons, self.crs).round(2),
            "confidence": sure,
        }
        return polygons, columns


def _match_groups(truth: ScoredLayer, found: ScoredLayer, path: str, how: Comparison) -> Iterator[_Match]:
    confidence = read_numbers(found.layer, how.confidence, path) if how.confidence else None
    is_truth, is_found = (_find_large(side.layer, how.min_area_m2) for side in (truth, found))
    names = None
    if truth.names is not None and found.names is not None:
        is_truth &= shapely.area(truth.layer.geometries) > 0
        is_found &= shapely.area(found.layer.geometries) > 0
        names = truth.names, found.names
    for truths, chosen in _group(is_truth, is_found, names):
        order = None if confidence is None else confidence[chosen]
        polygons = truth.layer.geometries[truths], found.layer.geometries[chosen]
        yield _Match(*polygons, match_footprints(*polygons, order, how.iou), order, truth.layer.crs)


def _find_large(layer: Layer, min_area_m2: float) -> NDArray[np.bool_]:
    """Tell which polygons count: they have a geometry, and at least the minimum area on the ground."""
    is_large = np.asarray(~shapely.is_missing(layer.geometries) & ~shapely.is_empty(layer.geometries))
    if min_area_m2:
        is_large[is_large] = measure_m2(layer.geometries[is_large], layer.crs) >= min_area_m2
    return is_large


def _group(
    is_truth: NDArray[np.bool_], is_found: NDArray[np.bool_], names: tuple[Names, Names] | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield for each group the places of its truths and of its footprints, in the files' order."""
    places = np.flatnonzero(is_truth), np.flatnonzero(is_found)
    if names is None:
        yield places
        return
    own = [each[chosen] for each, chosen in zip(names, places, strict=True)]
    groups = np.unique(np.concatenate(own))
    parts = []
    for each, chosen in zip(own, places, strict=True):
        codes = np.searchsorted(groups, each)
        order = np.argsort(codes, kind="stable")
        parts.append(np.split(chosen[order], np.searchsorted(codes[order], np.arange(1, len(groups)))))
    yield from zip(*parts, strict=True)
