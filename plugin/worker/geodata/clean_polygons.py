"""Polygons as people draw them, made fit for use: repaired, taken apart, what has no area and what is double found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS

from .crs import measure_units_m2
from .polygons import explode_polygons, list_parts
from .shapes import measure_iou
from .vector import Geometries

#: What is narrower has no area: a trace of an overlay, no building.
NARROWEST_M = 0.02
#: A piece that a repair leaves, and that is a smaller share of the largest one, is a trace of the fault.
_LEAST_PIECE = 0.02
#: Two polygons whose boxes and areas differ by less than this share of their size, and whose IoU is above, are one.
_ALIKE = 0.005

#: What was done to polygons, in words: of one, and of more. ``{thing}`` is a label, say, ``{use}`` a run.
_DONE = {
    "repaired": (
        "One invalid {thing} was repaired for this {use} (your layer is unchanged).",
        "{count} invalid {thing}s were repaired for this {use} (your layer is unchanged).",
    ),
    "split": (
        "One multi-part {thing} was split: each part counts as a building.",
        "{count} multi-part {thing}s were split: each part counts as a building.",
    ),
    "dropped": ("One {thing} without an area was ignored.", "{count} {thing}s without an area were ignored."),
    "outside": (
        "One {thing} lies outside the raster and was ignored.",
        "{count} {thing}s lie outside the raster and were ignored.",
    ),
    "twins": (
        "One {thing} lies exactly on another: each building counts once in this {use}.",
        "{count} {thing}s lie exactly on another one: each building counts once in this {use}.",
    ),
}


Apart: TypeAlias = "tuple[int, int]"


@dataclass(frozen=True)
class CleanPolygons:
    """Valid polygons of one part each, with an area; ``origins`` is the feature of each.

    Of the features ``is_repaired``, ``is_split`` and ``is_dropped`` (none of its polygons has an area) tell. ``apart``
    are how many rings came apart in their repair, and into how many polygons.
    """

    polygons: Geometries
    origins: NDArray[np.int64]
    is_repaired: NDArray[np.bool_]
    is_split: NDArray[np.bool_]
    is_dropped: NDArray[np.bool_]
    apart: Apart = (0, 0)


def clean_polygons(
    geometries: Geometries | Iterable[Any], is_mended: NDArray[np.bool_] | None = None, narrowest: float = 0.0
) -> CleanPolygons:
    """Return the polygons inside geometries of any kind, made fit for use.

    Parts are taken apart before they are repaired, so that houses which share a wall stay two. What a repair leaves
    beside a polygon's largest pieces, and what is narrower than ``narrowest`` (in the geometries' unit), is passed
    over. ``is_mended`` tells which features had been repaired already.
    """
    features = np.asarray(geometries, dtype=object)
    parts, owners = list_parts(features)
    is_broken = ~shapely.is_valid(parts)
    parts[is_broken] = shapely.make_valid(parts[is_broken], method="structure", keep_collapsed=False)
    polygons, places = explode_polygons(parts)
    areas = shapely.area(polygons)
    largest = np.zeros(len(parts))
    np.maximum.at(largest, places, areas)
    keep = 2 * areas > narrowest * shapely.length(polygons)
    keep &= ~is_broken[places] | (areas >= _LEAST_PIECE * largest[places])
    polygons, places = polygons[keep], places[keep]
    pieces = np.bincount(places, minlength=len(parts))
    is_apart = is_broken & (pieces > 1)
    used = np.unique(places)
    is_repaired = np.zeros(len(features), dtype=bool) if is_mended is None else is_mended.copy()
    is_repaired[owners[used[is_broken[used]]]] = True
    counts = np.bincount(owners[used], minlength=len(features))
    apart = int(is_apart.sum()), int(pieces[is_apart].sum())
    return CleanPolygons(polygons, owners[places], is_repaired & (counts > 0), counts > 1, counts == 0, apart)


def find_narrowest(geometries: Geometries, crs: CRS | None) -> float:
    """Return the least width of a polygon in the unit of ``crs``; without one any width will do."""
    boxes = shapely.bounds(geometries).reshape(-1, 4)
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    if crs is None or len(boxes) == 0:
        return 0.0
    left, bottom, right, top = np.median(boxes, axis=0)
    unit_m2 = measure_units_m2(crs, np.array([(left + right) / 2]), np.array([(bottom + top) / 2]))[0]
    return NARROWEST_M / float(np.sqrt(unit_m2)) if unit_m2 > 0 else 0.0


def find_twins(polygons: Geometries, groups: NDArray[Any] | None = None) -> NDArray[np.bool_]:
    """Tell of each polygon whether an earlier one (of its group) covers the same ground, wherever its vertices lie."""
    boxes = shapely.bounds(polygons).reshape(-1, 4)
    sides = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    middles = shapely.points((boxes[:, :2] + boxes[:, 2:]) / 2)
    firsts, seconds = shapely.STRtree(middles).query(middles, predicate="dwithin", distance=_ALIKE * sides)
    is_pair = firsts < seconds
    if groups is not None:
        is_pair &= groups[firsts] == groups[seconds]
    firsts, seconds = firsts[is_pair], seconds[is_pair]
    is_near = (np.abs(boxes[firsts] - boxes[seconds]) <= _ALIKE * sides[firsts, None]).all(axis=1)
    firsts, seconds = firsts[is_near], seconds[is_near]
    is_twin = np.zeros(len(polygons), dtype=bool)
    is_twin[seconds[measure_iou(polygons[firsts], polygons[seconds]) >= 1 - _ALIKE]] = True
    return is_twin


def describe_done(name: str, count: int, thing: str = "label", use: str = "run", apart: Apart = (0, 0)) -> str:
    """Return what was done to so many polygons in a sentence ("": nothing); ``name`` is repaired or split, say.

    Of those that were repaired ``apart`` tells how many came apart, and into how many.
    """
    if count == 0:
        return ""
    one, many = _DONE[name]
    said = (one if count == 1 else many).format(count=count, thing=thing, use=use)
    if name != "repaired" or not apart[0]:
        return said
    which = "It" if count == 1 else "One of them" if apart[0] == 1 else f"{apart[0]} of them"
    return f"{said} {which} came apart into {apart[1]} pieces: each counts as a building."
