"""Held-out ground as an exam: the same buildings, ground and blocks for every model, and how each building fared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ...core.counts import Counts
from ...core.score import BlockScore, BoundaryDistance, BuildingScore, IouScore, SizeScore
from ..geodata.crs import GroundScale
from ..geodata.vector import Geometries
from ..polygons.vectorize import Footprints
from .blocks import choose_block_side, count_by_block, cut_blocks, find_blocks
from .bootstrap import bound_f1
from .metrics import Candidates, Matching, clip_to_ground, find_candidates
from .polis import measure_distances

IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
SIZES_M2 = (0.0, 50.0, 150.0, 500.0)


@dataclass(frozen=True)
class Outcomes:
    """Every building of the ground in pixel coordinates, whole, and how it fared.

    ``columns``: ``outcome`` (TP and FP tell of footprints, FN of labels), ``iou`` with its match, of FP and FN the
    highest with any building; ``area_m2``, ``confidence`` (NaN for labels), ``block`` (its number in the report).
    """

    polygons: Geometries
    columns: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class HeldOutScores:
    """What an exam came to: the score by building, how each building fared, and which label each footprint took."""

    score: BlockScore
    outcomes: Outcomes
    matching: Matching


class HeldOutEvaluation:
    """Knows the truth of the ground, and its blocks."""

    def __init__(self, labels: Geometries, ground: Any, scale: GroundScale, building_px: float) -> None:
        """Take the labels that count on the ground (pixel coordinates), and cut them at its border."""
        self.ground, self._labels, self._scale = ground, labels, scale
        self.truth = clip_to_ground(labels, ground, np.ones(len(labels), dtype=bool))
        self.blocks = cut_blocks(ground, choose_block_side(ground, building_px))
        self._truth_blocks = find_blocks(self.truth, self.blocks)
        self._label_m2 = self._measure_m2(labels)

    def mark(self, found: Footprints) -> HeldOutScores:
        """Mark the footprints that count on the ground; they, too, are compared within it."""
        proposals = clip_to_ground(found.polygons, self.ground, np.ones(len(found.polygons), dtype=bool))
        candidates = find_candidates(self.truth, proposals, found.confidence)
        matching = candidates.match(IOUS[0])
        own_blocks = find_blocks(proposals, self.blocks)
        counts = count_by_block(matching, self._truth_blocks, own_blocks, len(self.blocks))
        by_iou = [candidates.match(iou).score.rate(IouScore, iou=iou) for iou in IOUS]
        score = BlockScore(
            building=matching.score.rate(BuildingScore, interval=bound_f1(counts)),
            by_iou=tuple(by_iou),
            mean_f1=float(np.mean([each.f1 for each in by_iou])),
            by_size=self._score_by_size(matching, found.area_m2),
            count_error_percent=_measure_error(len(self.truth), len(proposals)),
            area_error_percent=_measure_error(self._measure_m2(self.truth).sum(), self._measure_m2(proposals).sum()),
            boundary_m=self._measure_boundary(matching, proposals),
            blocks=tuple((tp, fp, fn) for tp, fp, fn in counts.tolist()),
        )
        return HeldOutScores(score, self._tell_outcomes(found, candidates, matching, own_blocks), matching)

    def _measure_m2(self, polygons: Geometries) -> NDArray[np.float64]:
        rows = shapely.get_y(shapely.centroid(polygons))
        return np.asarray(shapely.area(polygons) * self._scale.pixel_area_m2(rows))

    def _score_by_size(self, matching: Matching, found_m2: NDArray[np.float64]) -> tuple[SizeScore, ...]:
        """Return the counts by size: of labels by their own area, of false positives by the footprint's."""
        is_hit = matching.taken >= 0
        is_found = np.isin(np.arange(matching.truths), matching.taken[is_hit])
        areas = (self._label_m2[is_found], found_m2[~is_hit], self._label_m2[~is_found])
        counts = np.stack([np.histogram(each, (*SIZES_M2, np.inf))[0] for each in areas], axis=1)
        limits = zip(SIZES_M2, (*SIZES_M2[1:], None), counts.tolist(), strict=True)
        return tuple(Counts(*each).rate(SizeScore, from_m2=low, to_m2=high) for low, high, each in limits)

    def _measure_boundary(self, matching: Matching, proposals: Geometries) -> BoundaryDistance:
        is_hit = matching.taken >= 0
        truth = self.truth[matching.taken[is_hit]]
        sides = self._scale.pixel_sides_m(shapely.get_y(shapely.centroid(truth)))
        distances = measure_distances(truth, proposals[is_hit], sides)
        mean, median = (float(each(distances)) if len(distances) else None for each in (np.mean, np.median))
        return BoundaryDistance(mean, median, len(distances))

    def _tell_outcomes(
        self, found: Footprints, candidates: Candidates, matching: Matching, own_blocks: NDArray[np.int64]
    ) -> Outcomes:
        is_hit, fates = matching.taken >= 0, candidates.tell_fates(matching)
        is_missed = fates.is_missed
        columns = {
            "outcome": fates.outcome,
            "iou": fates.iou.round(4),
            "area_m2": np.concatenate([found.area_m2, self._label_m2[is_missed]]).round(2),
            "confidence": np.concatenate([found.confidence, np.full(int(is_missed.sum()), np.nan)]).round(4),
            "block": np.concatenate([own_blocks, self._truth_blocks[is_missed]]),
        }
        columns["block"][: len(is_hit)][is_hit] = self._truth_blocks[matching.taken[is_hit]]
        return Outcomes(np.concatenate([found.polygons, self._labels[is_missed]]), columns)


def _measure_error(truth: float, found: float) -> float | None:
    """Return by how many percent too much was found (negative: too little)."""
    return float(100 * (found - truth) / truth) if truth else None
