"""The score: by building after the SpaceNet rule, and by pixel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window

from ...core.counts import Counts
from ..geodata.probability import NODATA, find_buildings
from ..geodata.rasterize import PolygonIndex
from ..geodata.vector import Geometries
from ..geodata.windows import cut_windows
from ..polygons.vectorize import CHUNK_PX


@dataclass(frozen=True)
class Matching:
    """Which truth each proposal took (-1: none, a false positive), and with which IoU (0 for none)."""

    taken: NDArray[np.int64]
    iou: NDArray[np.float64]
    truths: int

    @property
    def score(self) -> Counts:
        """Return the counts."""
        tp = int((self.taken >= 0).sum())
        return Counts(tp, len(self.taken) - tp, self.truths - tp)


@dataclass(frozen=True)
class MatchOutcomes:
    """How all proposals fared and then those truths that were missed: TP, FP or FN, and the IoU.

    ``is_missed`` tells of each truth. ``iou`` is the one with the match, of FP and FN the highest with any building.
    """

    is_missed: NDArray[np.bool_]
    outcome: NDArray[np.object_]
    iou: NDArray[np.float64]


@dataclass(frozen=True)
class Candidates:
    """Pairs of a proposal (``firsts``) and a truth (``seconds``) with their IoU, and each proposal's rank (0 first)."""

    firsts: NDArray[np.int64]
    seconds: NDArray[np.int64]
    overlaps: NDArray[np.float64]
    ranks: NDArray[np.int64]
    truths: int

    def match(self, iou: float) -> Matching:
        """Return the matching by the rule of ``match_footprints``."""
        may_match = self.overlaps > max(iou, 0.0)
        firsts, seconds, overlaps = self.firsts[may_match], self.seconds[may_match], self.overlaps[may_match]
        order = np.lexsort((seconds, -overlaps, self.ranks[firsts]))
        taken, reached = np.full(len(self.ranks), -1), np.zeros(len(self.ranks))
        is_free = np.ones(self.truths, dtype=bool)
        for i in order:
            if taken[firsts[i]] < 0 and is_free[seconds[i]]:
                taken[firsts[i]], reached[firsts[i]] = seconds[i], overlaps[i]
                is_free[seconds[i]] = False
        return Matching(taken, reached, self.truths)

    def tell_fates(self, matching: Matching) -> MatchOutcomes:
        """Return how proposals and truths fared by a matching of these pairs; they should be all that overlap."""
        is_hit = matching.taken >= 0
        is_missed = ~np.isin(np.arange(self.truths), matching.taken[is_hit])
        nearest, nearest_truth = np.zeros(len(is_hit)), np.zeros(self.truths)
        np.maximum.at(nearest, self.firsts, self.overlaps)
        np.maximum.at(nearest_truth, self.seconds, self.overlaps)
        outcome = np.concatenate([np.where(is_hit, "TP", "FP"), np.full(int(is_missed.sum()), "FN")]).astype(object)
        iou = np.concatenate([np.where(is_hit, matching.iou, nearest), nearest_truth[is_missed]])
        return MatchOutcomes(is_missed, outcome, iou)


def measure_f1(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Return 2 TP / (2 TP + FP + FN) of counts (..., 3) of true positives, false positives and false negatives.

    It is 0 where there is nothing; of a single score see ``Counts``.
    """
    hits = 2.0 * counts[..., 0]
    total = hits + counts[..., 1] + counts[..., 2]
    return np.asarray(np.divide(hits, total, out=np.zeros_like(hits), where=total > 0))


def match_footprints(
    truths: Geometries, proposals: Geometries, confidence: NDArray[np.float64] | None = None, iou: float = 0.5
) -> Matching:
    """Match proposals to truths by the rule of the SpaceNet challenges (as Solaris and the official scorer apply it).

    In descending order of confidence (in file order where it is equal or absent) each proposal takes, of the truths
    that are still free, the one with the highest IoU (the first one on a tie) if that IoU is strictly greater than
    ``iou``. An invalid proposal is mended by a zero buffer; an invalid truth cannot be matched. Missing confidences
    come last.
    """
    return find_candidates(truths, proposals, confidence, iou).match(iou)


def find_candidates(
    truths: Geometries, proposals: Geometries, confidence: NDArray[np.float64] | None = None, iou: float = 0.0
) -> Candidates:
    """Return the pairs that may match at an IoU of ``iou`` or more; by default all that overlap."""
    firsts, seconds, overlaps = _measure_overlaps(truths, _mend(proposals), iou)
    ranks = np.arange(len(proposals))
    if confidence is not None:
        keys = -np.nan_to_num(np.asarray(confidence, dtype="float64"), nan=-np.inf)
        ranks[np.argsort(keys, kind="stable")] = np.arange(len(proposals))
    return Candidates(firsts, seconds, overlaps, ranks, len(truths))


def _mend(polygons: Geometries) -> Geometries:
    mended = np.asarray(polygons, dtype=object).copy()
    is_broken = ~shapely.is_valid(mended)
    mended[is_broken] = shapely.buffer(mended[is_broken], 0)
    return mended


def _measure_overlaps(
    truths: Geometries, proposals: Geometries, iou: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return (proposal, truth, IoU) for each pair whose boxes meet and whose IoU may be above ``iou``.

    No IoU is above the ratio of the smaller to the larger area. The IoU of an invalid truth is 0.
    """
    sound = np.flatnonzero(shapely.is_valid(truths) & ~shapely.is_missing(truths)) if len(truths) else np.array([], int)
    firsts, places = shapely.STRtree(truths[sound]).query(proposals)
    seconds = sound[places]
    areas = shapely.area(proposals)[firsts], shapely.area(truths)[seconds]
    may_match = np.minimum(*areas) >= iou * np.maximum(*areas)
    firsts, seconds = firsts[may_match], seconds[may_match]
    shared = shapely.area(shapely.intersection(proposals[firsts], truths[seconds]))
    together = shapely.area(shapely.union(proposals[firsts], truths[seconds]))
    with np.errstate(invalid="ignore", divide="ignore"):
        overlaps = np.where(together > 0, shared / together, 0.0)
    return firsts, seconds, overlaps


def clip_to_ground(polygons: Geometries, ground: Any, is_inside: NDArray[np.bool_]) -> Geometries:
    """Return the polygons that count on the ground, cut at its border: what lies beyond was neither seen nor asked."""
    shapely.prepare(ground)
    chosen = polygons[is_inside].copy()
    is_cut = ~shapely.covers(ground, chosen)
    chosen[is_cut] = [_keep_surfaces(each) for each in shapely.intersection(chosen[is_cut], ground)]
    return np.asarray(chosen, dtype=object)


def _keep_surfaces(polygon: Any) -> Any:
    """Return what is cut from a polygon without the lines and points where it only touched."""
    if polygon.geom_type != "GeometryCollection":
        return polygon
    return shapely.union_all([part for part in polygon.geoms if part.area > 0])


def score_pixels(path: Path, threshold: float, truths: Geometries, ground: Any) -> Counts:
    """Count pixels of the ground that hold data: building in the probability raster against building in the truth."""
    drawn, score = PolygonIndex(truths), Counts(0, 0, 0)
    where = PolygonIndex(shapely.get_parts(np.array([ground], dtype=object)))
    with rasterio.open(path) as dataset:
        for window in cut_windows(Window(0, 0, dataset.width, dataset.height), CHUNK_PX):
            if len(where.find(window)) == 0:
                continue
            values = dataset.read(1, window=window)
            counts = (where.draw(window) > 0) & (values != NODATA)
            said, true = find_buildings(values, threshold), drawn.draw(window) > 0
            tp, fp, fn = ((counts & part).sum() for part in (said & true, said & ~true, ~said & true))
            score += Counts(int(tp), int(fp), int(fn))
    return score
