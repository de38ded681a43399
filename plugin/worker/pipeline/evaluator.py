"""Chooses on validation ground how buildings come apart, and scores on held-out ground, for every model alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ...core.block_roles import HELD_OUT, VALIDATION
from ...core.card import Card, SeparationParams
from ...core.score import BlockScore, PixelScore, RightAngles
from ..dataset.inputs import Inputs
from ..dataset.split import Split, is_mostly_inside
from ..evaluation.heldout import HeldOutEvaluation, Outcomes
from ..evaluation.metrics import Matching, score_pixels
from ..evaluation.threshold_search import ThresholdSearch
from ..geodata.shapes import is_square
from ..polygons.vectorize import Footprints, TraceRule, make_rule, trace_all, trace_footprints
from ..runtime.progress import Progress


class Evaluator:
    """Knows the truth of each ground; the same rule for every model."""

    def __init__(self, inputs: Inputs, split: Split, progress: Progress) -> None:
        """Take each ground, and the labels that count on it, cut at its border."""
        self._inputs, self._progress = inputs, progress
        is_held_out, is_validation = (split.label_roles == role for role in (HELD_OUT, VALIDATION))
        labels, ground = inputs.labels.polygons[is_held_out], split.ground(HELD_OUT)
        self.evaluation = HeldOutEvaluation(labels, ground, inputs.raster.scale, split.buffer_px)
        self._is_truth_square = is_square(inputs.labels.polygons[is_held_out])
        self._chooser = ThresholdSearch(
            inputs.labels.polygons[is_validation],
            split.ground(VALIDATION),
            inputs.raster.scale,
            inputs.job.settings.min_area_m2,
        )

    def choose(
        self, path: Path, start: SeparationParams, *, is_thorough: bool = True
    ) -> tuple[float, SeparationParams]:
        """Return the best building F1 on validation ground, and the separation that gives it, from ``start`` on."""
        return self._chooser.choose(path, start, self._progress.raise_if_cancelled, is_thorough=is_thorough)

    def score_held_out(
        self, path: Path, found: Footprints, separation: SeparationParams
    ) -> tuple[BlockScore, Outcomes]:
        """Return the score of what ``trace_held_out`` found, and how each building fared."""
        marks = self.evaluation.mark(found)
        pixel = score_pixels(path, separation.threshold, self.evaluation.truth, self.evaluation.ground)
        total = pixel.tp + pixel.fp + pixel.fn
        score = replace(
            marks.score,
            pixel=pixel.rate(PixelScore, iou=pixel.tp / total if total else 0.0),
            right_angles=self._measure_angles(found, marks.matching),
            parting=separation,
        )
        return score, marks.outcomes

    def _measure_angles(self, found: Footprints, matching: Matching) -> RightAngles:
        is_asked = matching.taken >= 0
        is_asked[is_asked] = self._is_truth_square[matching.taken[is_asked]]
        count = int(is_asked.sum())
        return RightAngles(count, float(is_square(found.polygons[is_asked]).mean()) if count else 0.0)

    def trace(self, path: Path, card: Card) -> Iterator[tuple[float, Footprints]]:
        """Trace the whole raster as a tuned model's card says, row of chunks by row of chunks."""
        return trace_footprints(path, self._rule(card.separation, card.min_area_m2), self._inputs.raster.scale)

    def trace_held_out(self, path: Path, separation: SeparationParams, min_area_m2: float | None = None) -> Footprints:
        """Return the footprints that count on held-out ground; the least area is the job's unless told otherwise."""
        rule = self._rule(separation, self._inputs.job.settings.min_area_m2 if min_area_m2 is None else min_area_m2)
        found = trace_all(path, rule, self._inputs.raster.scale, self.evaluation.ground)
        inside = is_mostly_inside(found.polygons, self.evaluation.ground)
        return Footprints(found.polygons[inside], found.confidence[inside], found.area_m2[inside])

    def _rule(self, separation: SeparationParams, min_area_m2: float) -> TraceRule:
        settings, raster = self._inputs.job.settings, self._inputs.raster
        return make_rule(separation, min_area_m2, settings.simplify_m, raster, is_squared=settings.square)
