"""What can be said of the labels and of the scale without looking at the imagery."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray

from ...core.card import Card
from ...core.events import ADVICE, WARNING, Finding
from ..dataset.labels import Labels
from ..dataset.locate import count_things, locate_finding
from ..geodata.raster import Raster
from ..geodata.vector import Geometries

_OVERLAP = 0.2
_SMALL_BUILDING_PX = 6.0
_LEAST_BUILDING_PX = 2.0
_MANY_OUTSIDE = 0.5

_DONE = {
    "repaired": (WARNING, "To repair the layer itself, use Processing > Fix geometries."),
    "twins": (WARNING, "Delete the duplicates with Processing > Delete duplicate geometries."),
    "split": (ADVICE, "Where the parts are one building, draw it as one polygon."),
    "dropped": (ADVICE, "Delete them, or draw them again."),
    "outside": (ADVICE, "If the layer covers a larger area than the raster, you need not do anything."),
}


def find_faults(labels: Labels, raster: Raster, card: Card, min_area_m2: float) -> list[Finding]:
    """Return what is to be said of the labels themselves, and of pixel sizes."""
    return [
        *_find_done(labels, raster),
        *_find_overlaps(labels.polygons, raster),
        *_find_tiny(labels.polygons, raster, min_area_m2),
        *_find_scale(labels.polygons, raster, card),
    ]


def _find_done(labels: Labels, raster: Raster) -> list[Finding]:
    found = []
    for name, (level, hint) in _DONE.items():
        count, sentence = getattr(labels, name), labels.describe_count(name)
        if count:
            finding = Finding(name, level, sentence, hint, count)
            found.append(locate_finding(finding, labels.places.get(name, np.empty((0, 4))), raster))
    if labels.outside <= _MANY_OUTSIDE * (labels.outside + len(labels.polygons)):
        return found
    hint = "Check the coordinate systems of both layers."
    return [replace(each, level=WARNING, hint=hint) if each.kind == "outside" else each for each in found]


def find_overlapping_pairs(polygons: Geometries) -> NDArray[np.int64]:
    """Return the pairs (n, 2) of polygons that share more than a fifth of the smaller one."""
    first, second = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    pairs = np.column_stack([first, second])[first < second]
    shared = shapely.area(shapely.intersection(polygons[pairs[:, 0]], polygons[pairs[:, 1]]))
    smaller = np.minimum(*shapely.area(polygons[pairs]).T)
    return np.asarray(pairs[shared > _OVERLAP * smaller])


def _find_overlaps(polygons: Geometries, raster: Raster) -> list[Finding]:
    pairs = find_overlapping_pairs(polygons)
    if len(pairs) == 0:
        return []
    sentence = count_things(
        len(pairs),
        "Two labels overlap by more than a fifth of the smaller one.",
        "{} pairs of labels overlap by more than a fifth of the smaller one.",
    )
    hint = "Check whether a building was drawn twice, and delete or reshape one of each pair."
    shared = shapely.intersection(polygons[pairs[:, 0]], polygons[pairs[:, 1]])
    finding = Finding("overlaps", WARNING, sentence, hint, len(pairs))
    return [locate_finding(finding, shapely.bounds(shared), raster)]


def _find_tiny(polygons: Geometries, raster: Raster, min_area_m2: float) -> list[Finding]:
    """Labels that no footprint can match: below the smallest footprint that is kept, or of hardly a pixel."""
    rows = shapely.bounds(polygons)[:, [1, 3]].mean(axis=1)
    areas_m2 = shapely.area(polygons) * raster.scale.pixel_area_m2(rows)
    pixels_m2 = (_LEAST_BUILDING_PX * raster.native_gsd_m) ** 2
    is_tiny = areas_m2 < max(min_area_m2, pixels_m2)
    count = int(is_tiny.sum())
    if count == 0:
        return []
    limit = f"{min_area_m2:g} m\u00b2, the minimum area of a footprint"
    if pixels_m2 > min_area_m2:
        limit = f"2 x 2 pixels of {raster.native_gsd_m:.2f} m"
    said = count_things(count, f"One label is smaller than {limit}.", f"{{}} labels are smaller than {limit}.")
    hint = "They count as missed: delete those that are no buildings, or lower the minimum area."
    if pixels_m2 > min_area_m2:
        hint = "No model can find them in this raster: delete them, or use finer imagery."
    bounds = shapely.bounds(polygons[is_tiny])
    return [locate_finding(Finding("tiny", ADVICE, said, hint, count), bounds, raster)]


def _find_scale(polygons: Geometries, raster: Raster, card: Card) -> list[Finding]:
    found = []
    side_px = math.sqrt(float(np.median(shapely.area(polygons)))) * raster.gsd_m / raster.native_gsd_m
    if side_px < _SMALL_BUILDING_PX:
        sentence = (
            f"Half of the labels are smaller than {side_px:.0f} x {side_px:.0f} pixels of {raster.native_gsd_m:.2f} m."
        )
        found.append(Finding("small", WARNING, sentence, "Finer imagery would help; expect a low score."))
    if card.gsd_m and not 0.5 * min(card.gsd_m) <= raster.native_gsd_m <= 2 * max(card.gsd_m):
        sentence = (
            f"The base model was trained at {min(card.gsd_m):g} to {max(card.gsd_m):g} m a pixel, "
            f"this raster has {raster.native_gsd_m:.2f} m."
        )
        found.append(Finding("scale", WARNING, sentence, "Choose imagery or a model with a more similar pixel size."))
    return found
