"""The command ``score``: any truth against any footprints, from two vector files."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS

from ...core.atomic_file import replacing
from ...core.counts import Counts
from ...core.errors import InputError
from ..geodata.crs import measure_units_m2
from ..geodata.vector import Geometries, Layer, append_layer, read_layer, reproject_geometries
from .blocks import BLOCKS, WIDTHS, count_by_block
from .metrics import Matching, find_candidates, match_footprints

Names: TypeAlias = "NDArray[np.str_]"

#: The layer that ``write_errors`` writes.
ERRORS = "errors"

_WIDEST_BUILDING_DEGREES = 0.1


@dataclass(frozen=True)
class Comparison:
    """How to compare: an IoU above ``iou`` matches, areas under ``min_area_m2`` are passed over on both sides.

    In files without a coordinate system ``min_area_m2`` is in their own square units (square pixels, say).

    ``confidence`` names the footprints' field that orders them, ``by`` the field of both that parts them into groups (a
    SpaceNet file's image); "" for none.
    """

    iou: float = 0.5
    min_area_m2: float = 0.0
    confidence: str = ""
    by: str = ""


def compare_files(truth_path: str, footprints_path: str, how: Comparison) -> Counts:
    """Return the score of footprints against the truth; raises InputError where the files do not allow it.

    Footprints are brought to the truth's coordinate system. Group by group the counts are those of SpaceNet: what has
    no area (such as a ring that crosses itself half-way) counts on neither side.

    A GeoJSON file that names no coordinate system is in degrees by its standard, but the files of the challenges hold
    pixels. It is taken for pixels where a coordinate lies outside the degrees' range, where half of the polygons are
    wider than a tenth of a degree (11 km), or where the other file has no coordinate system either.
    """
    return sum((match.matching.score for match in _match_files(truth_path, footprints_path, how)), Counts(0, 0, 0))


def compare_blocks(truth_path: str, footprints_path: str, how: Comparison) -> NDArray[np.int64]:
    """Return what ``compare_files`` counts by block, (blocks, 3): true positives, false positives, false negatives.

    A group is a block; without groups they are those of a square grid, about 48 over the extent of both files, each at
    least four times as wide as all but the largest buildings.
    """
    matches = list(_match_files(truth_path, footprints_path, how))
    if how.by:
        scores = [match.matching.score for match in matches]
        return np.array([(score.tp, score.fp, score.fn) for score in scores], dtype=np.int64).reshape(-1, 3)
    match = matches[0]
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


def write_errors(path: Path, truth_path: str, footprints_path: str, how: Comparison) -> None:
    """Write the layer ``errors``: every building that ``compare_files`` counts, in the truth's coordinate system.

    Its fields are those of a run's errors.gpkg: ``outcome`` (TP and FP tell of footprints, FN of the truth), ``iou``
    (of FP and FN the highest with any building), ``area_m2`` and ``confidence``. Raises InputError as
    ``compare_files`` does, and RunError where the file cannot be written.
    """
    matches = list(_match_files(truth_path, footprints_path, how))
    nothing = np.array([], dtype=object)
    with replacing(path) as partial:
        for match in matches or [_Match(nothing, nothing, match_footprints(nothing, nothing), None, None)]:
            polygons, columns = match.tell_outcomes()
            if len(polygons) or not partial.exists():
                append_layer(partial, polygons, columns, match.crs, ERRORS, may_be_multi=True)


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
            "area_m2": _measure_m2(polygons, self.crs).round(2),
            "confidence": sure,
        }
        return polygons, columns


def _match_files(truth_path: str, footprints_path: str, how: Comparison) -> Iterator[_Match]:
    """Match the files group by group."""
    if not 0 <= how.iou < 1:
        raise InputError("The IoU must be at least 0 and below 1.", "SpaceNet takes 0.5.")
    truth, found = _settle_crs(read_layer(truth_path), read_layer(footprints_path))
    if truth.crs and found.crs:
        found = _bring(found, truth.crs)
    elif (truth.crs or found.crs) and len(truth.geometries) and len(found.geometries):
        raise InputError("Only one of the two files has a coordinate system.", "Give both the same, or neither.")
    confidence = _read_numbers(found, how.confidence, footprints_path) if how.confidence else None
    is_truth, is_found = (_find_large(layer, how.min_area_m2) for layer in (truth, found))
    names = None
    if how.by:
        is_truth &= shapely.area(truth.geometries) > 0
        is_found &= shapely.area(found.geometries) > 0
        names = _read_names(truth, how.by, truth_path), _read_names(found, how.by, footprints_path)
    for truths, chosen in _group(is_truth, is_found, names):
        order = None if confidence is None else confidence[chosen]
        polygons = truth.geometries[truths], found.geometries[chosen]
        yield _Match(*polygons, match_footprints(*polygons, order, how.iou), order, truth.crs)


def _bring(layer: Layer, crs: CRS) -> Layer:
    moved = reproject_geometries(layer.geometries, layer.crs, crs) if layer.crs else layer.geometries
    lost = int((shapely.is_missing(moved) & ~shapely.is_missing(layer.geometries)).sum())
    if lost:
        raise InputError(
            f"{lost} footprints cannot be transformed to the truth's coordinate system.",
            "Check the coordinate systems of both files.",
        )
    return replace(layer, geometries=moved, crs=crs)


def _settle_crs(*layers: Layer) -> tuple[Layer, ...]:
    """Return the layers, those with an implied coordinate system without it where they do not hold degrees."""
    implied = [layer for layer in layers if layer.is_crs_implied]
    others = [layer for layer in layers if not layer.is_crs_implied]
    has_none = any(layer.crs is None and len(layer.geometries) for layer in others)
    if not implied or not (has_none or not all(_holds_degrees(layer.geometries) for layer in implied)):
        return layers
    return tuple(replace(layer, crs=None) if layer.is_crs_implied else layer for layer in layers)


def _holds_degrees(geometries: Geometries) -> bool:
    boxes = shapely.bounds(geometries)
    left, bottom, right, top = boxes[np.isfinite(boxes).all(axis=1)].T
    if len(left) == 0:
        return True
    is_inside = left.min() >= -180 and right.max() <= 180 and bottom.min() >= -90 and top.max() <= 90
    return bool(is_inside and np.median(np.maximum(right - left, top - bottom)) <= _WIDEST_BUILDING_DEGREES)


def _find_large(layer: Layer, min_area_m2: float) -> NDArray[np.bool_]:
    """Tell which polygons count: they have a geometry, and at least the minimum area on the ground."""
    is_large = np.asarray(~shapely.is_missing(layer.geometries) & ~shapely.is_empty(layer.geometries))
    if min_area_m2:
        is_large[is_large] = _measure_m2(layer.geometries[is_large], layer.crs) >= min_area_m2
    return is_large


def _measure_m2(polygons: Geometries, crs: CRS | None) -> NDArray[np.float64]:
    left, bottom, right, top = shapely.bounds(polygons).reshape(-1, 4).T
    return np.asarray(shapely.area(polygons) * measure_units_m2(crs, (left + right) / 2, (bottom + top) / 2))


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


def _read_names(layer: Layer, name: str, path: str) -> Names:
    """Return a column as texts: 7 and 7.0 are the same group, and so are all that have none."""
    column = _read_column(layer, name, path)
    if column.dtype.kind == "f":
        texts = [f"{value:.0f}" if value == np.rint(value) else str(value) for value in column]
        return np.where(np.isnan(column), "", np.array(texts, dtype=str))
    return np.array(["" if value is None else str(value) for value in column.tolist()], dtype=str)


def _read_numbers(layer: Layer, name: str, path: str) -> NDArray[np.float64]:
    """Return a column as numbers, NaN for none."""
    column = _read_column(layer, name, path)
    try:
        return np.array([np.nan if value in (None, "") else float(value) for value in column.tolist()])
    except (TypeError, ValueError) as error:
        raise InputError(
            f'The field "{name}" of {path} holds values that are not numbers.', "Choose another."
        ) from error


def _read_column(layer: Layer, name: str, path: str) -> NDArray[Any]:
    if name in layer.columns:
        return layer.columns[name]
    if len(layer.geometries) == 0:
        return np.array([], dtype=object)
    raise InputError(f'{path} has no field "{name}".', f"Its fields: {', '.join(layer.columns) or 'none'}.")
