"""Chooses the threshold on validation ground and scores on held-out ground, for base and tuned model alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .check import Inputs
from .score import Score, clip_to_ground, match_footprints, score_pixels
from .split import HELD_OUT, VALIDATION, Split, is_mostly_inside
from .trace import Footprints, TraceRule, trace_all, trace_footprints
from .wire import Wire

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class Judge:
    """Knows the truth of each ground; the same rule for every model."""

    def __init__(self, inputs: Inputs, split: Split, wire: Wire) -> None:
        """Take each ground, and the labels that count on it, cut at its border."""
        self._inputs, self._wire = inputs, wire
        self._grounds = {role: split.ground(role) for role in (VALIDATION, HELD_OUT)}
        self._truths = {
            role: clip_to_ground(inputs.labels.polygons, ground, split.label_roles == role)
            for role, ground in self._grounds.items()
        }

    def choose_threshold(self, path: Path) -> tuple[float, float]:
        """Return the best building F1 on validation ground, and the threshold that gives it (the middle one of equals).

        Where no threshold finds a building, the one with the best pixel F1 is taken.
        """
        scores = []
        for threshold in THRESHOLDS:
            self._wire.check()
            scores.append(self._score_buildings(path, threshold, VALIDATION).f1)
        if max(scores) == 0:
            pixels = [score_pixels(path, each, *self._truth(VALIDATION)).f1 for each in THRESHOLDS]
            return 0.0, THRESHOLDS[int(np.argmax(pixels))]
        best = np.flatnonzero(np.array(scores) == max(scores))
        return max(scores), THRESHOLDS[int(best[len(best) // 2])]

    def score_held_out(self, path: Path, threshold: float) -> dict[str, Any]:
        """Return the score on held-out ground: ``building`` and ``pixel``, the latter with ``iou``."""
        building = self._score_buildings(path, threshold, HELD_OUT)
        pixel = score_pixels(path, threshold, *self._truth(HELD_OUT))
        total = pixel.tp + pixel.fp + pixel.fn
        return {
            "building": building.to_dict(),
            "pixel": {**pixel.to_dict(), "iou": pixel.tp / total if total else 0.0},
            "threshold": threshold,
        }

    def trace(self, path: Path, threshold: float) -> Iterator[tuple[float, Footprints]]:
        """Trace the whole raster, row of chunks by row of chunks."""
        return trace_footprints(path, self._rule(threshold), self._inputs.raster.scale)

    def trace_held_out(self, path: Path, threshold: float) -> Footprints:
        """Return the footprints that count on held-out ground."""
        return self._trace_on(path, threshold, HELD_OUT)

    def _trace_on(self, path: Path, threshold: float, role: str) -> Footprints:
        ground = self._grounds[role]
        found = trace_all(path, self._rule(threshold), self._inputs.raster.scale, ground)
        inside = is_mostly_inside(found.polygons, ground)
        return Footprints(found.polygons[inside], found.confidence[inside], found.area_m2[inside])

    def _score_buildings(self, path: Path, threshold: float, role: str) -> Score:
        found = self._trace_on(path, threshold, role)
        everything = np.ones(len(found.polygons), dtype=bool)
        proposals = clip_to_ground(found.polygons, self._grounds[role], everything)
        return match_footprints(self._truths[role], proposals, found.confidence).score

    def _truth(self, role: str) -> tuple[Any, Any]:
        return self._truths[role], self._grounds[role]

    def _rule(self, threshold: float) -> TraceRule:
        settings, raster = self._inputs.job.settings, self._inputs.raster
        simplify_px = 1.0 if settings.simplify_m is None else settings.simplify_m / raster.gsd_m
        return TraceRule(threshold, settings.min_area_m2, simplify_px)
