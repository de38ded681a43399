"""The two vector files of a score, read alike: one coordinate system, valid polygons of one part, and what was done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS

from ...core.errors import InputError
from ..geodata.clean_polygons import Apart, clean_polygons, describe_done, find_narrowest, find_twins
from ..geodata.crs import measure_units_m2
from ..geodata.date_line import unwrap_geometries
from ..geodata.vector import SURFACES, Geometries, Layer, read_layer, reproject_geometries

Names: TypeAlias = "NDArray[np.str_]"

_WIDEST_BUILDING_DEGREES = 0.1


@dataclass(frozen=True)
class Comparison:
    """How to compare: an IoU above ``iou`` matches, areas under ``min_area_m2`` are passed over on both sides.

    In files without a coordinate system ``min_area_m2`` is in their own square units (square pixels, say).

    ``confidence`` names the footprints' field that orders them, ``by`` the field of both that parts them into groups (a
    SpaceNet file's image); "" for none. ``is_as_written`` counts every feature as it stands, by the letter of
    SpaceNet's rule: an invalid truth cannot be matched, and is missed.
    """

    iou: float = 0.5
    min_area_m2: float = 0.0
    confidence: str = ""
    by: str = ""
    is_as_written: bool = False


@dataclass(frozen=True)
class ScoredLayer:
    """What counts of a file: polygons with their columns, and the ``names`` of their groups (None: no groups).

    ``handled`` says how many were ``repaired``, ``split``, ``dropped`` (no area) and ``twins`` (doubles), ``notices``
    the same in sentences.
    """

    layer: Layer
    names: Names | None
    handled: dict[str, int]
    notices: tuple[str, ...]


def read_scored_layers(truth_path: str, footprints_path: str, how: Comparison) -> tuple[ScoredLayer, ScoredLayer]:
    """Return what counts of the truth and of the footprints, both in the truth's coordinate system.

    Both are repaired, taken apart, and what has no area is passed over, as a run does with its labels. A truth that is
    there twice counts once; a footprint that is there twice is a false positive. Raises InputError where the files do
    not allow a score.
    """
    truth, found = _settle_crs(read_layer(truth_path), read_layer(footprints_path))
    if truth.crs and found.crs:
        found = _bring(found, truth.crs)
        truth, found = _lay_together(truth, found)
    elif (truth.crs or found.crs) and len(truth.geometries) and len(found.geometries):
        raise InputError("Only one of the two files has a coordinate system.", "Give both the same, or neither.")
    return _prepare(truth, truth_path, "label", how), _prepare(found, footprints_path, "footprint", how)


def _prepare(layer: Layer, path: str, thing: str, how: Comparison) -> ScoredLayer:
    present = ~shapely.is_missing(layer.geometries)
    if present.any() and not np.isin(shapely.get_type_id(layer.geometries[present]), SURFACES).any():
        raise InputError(f"{path} holds no polygons.", "Choose a polygon layer: lines and points have no area.")
    if how.is_as_written:
        notices = _describe_invalid(layer, thing)
        return ScoredLayer(layer, read_names(layer, how.by, path) if how.by else None, {}, notices)
    clean = clean_polygons(layer.geometries, layer.is_mended, find_narrowest(layer.geometries, layer.crs))
    columns = {name: column[clean.origins] for name, column in layer.columns.items()}
    taken = replace(layer, geometries=clean.polygons, columns=columns, is_mended=None)
    names = read_names(taken, how.by, path) if how.by else None
    is_twin = find_twins(clean.polygons, names)
    is_dropped = clean.is_dropped
    if how.by:  # an image without buildings has a row of its own, without a geometry
        is_dropped = is_dropped & present & ~shapely.is_empty(layer.geometries)
    masks = {"repaired": clean.is_repaired, "split": clean.is_split, "dropped": is_dropped, "twins": is_twin}
    handled = {name: int(mask.sum()) for name, mask in masks.items()}
    notices = tuple(_describe(name, count, thing, clean.apart) for name, count in handled.items() if count)
    if thing == "label":
        taken = _choose(taken, ~is_twin)
        names = None if names is None else names[~is_twin]
    return ScoredLayer(taken, names, handled, notices)


def _describe(name: str, count: int, thing: str, apart: Apart) -> str:
    if name == "twins" and thing == "footprint":
        said = "One footprint lies exactly on another" if count == 1 else f"{count} footprints lie exactly on another"
        return f"{said}: only one of them can match, the others count as false positives."
    return describe_done(name, count, thing, "score", apart)


def _describe_invalid(layer: Layer, thing: str) -> tuple[str, ...]:
    """Return what SpaceNet's letter makes of invalid geometries, in a sentence."""
    present = layer.geometries[~shapely.is_missing(layer.geometries)]
    count = int((~shapely.is_valid(present)).sum())
    if not count or thing != "label":
        return ()
    said = (
        "One label is invalid and cannot be matched"
        if count == 1
        else f"{count} labels are invalid and cannot be matched"
    )
    return (f"{said}: use Processing > Fix geometries, or leave out --as-written.",)


def _choose(layer: Layer, chosen: NDArray[np.bool_]) -> Layer:
    columns = {name: column[chosen] for name, column in layer.columns.items()}
    return replace(layer, geometries=layer.geometries[chosen], columns=columns)


def _bring(layer: Layer, crs: CRS) -> Layer:
    moved = reproject_geometries(layer.geometries, layer.crs, crs) if layer.crs else layer.geometries
    lost = int((shapely.is_missing(moved) & ~shapely.is_missing(layer.geometries)).sum())
    if lost:
        raise InputError(
            f"{lost} footprints cannot be transformed to the truth's coordinate system.",
            "Check the coordinate systems of both files.",
        )
    return replace(layer, geometries=moved, crs=crs)


def _lay_together(truth: Layer, found: Layer) -> tuple[Layer, Layer]:
    """Return both layers at one end of a coordinate system that goes round the earth."""
    boxes = shapely.bounds(np.concatenate([truth.geometries, found.geometries])).reshape(-1, 4)
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    if truth.crs is None or len(boxes) == 0:
        return truth, found
    near_x = float(boxes[0, 0])
    first, second = (unwrap_geometries(layer.geometries, truth.crs, near_x) for layer in (truth, found))
    return replace(truth, geometries=first), replace(found, geometries=second)


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
    is_inside = left.min() >= -360 and right.max() <= 360 and bottom.min() >= -90 and top.max() <= 90
    return bool(is_inside and np.median(np.maximum(right - left, top - bottom)) <= _WIDEST_BUILDING_DEGREES)


def measure_m2(polygons: Geometries, crs: CRS | None) -> NDArray[np.float64]:
    """Return the area of each polygon on the ground; without a coordinate system in its own square units."""
    left, bottom, right, top = shapely.bounds(polygons).reshape(-1, 4).T
    return np.asarray(shapely.area(polygons) * measure_units_m2(crs, (left + right) / 2, (bottom + top) / 2))


def read_names(layer: Layer, name: str, path: str) -> Names:
    """Return a column as texts: 7 and 7.0 are the same group, and so are all that have none."""
    column = _read_column(layer, name, path)
    if column.dtype.kind == "f":
        texts = [f"{value:.0f}" if value == np.rint(value) else str(value) for value in column]
        return np.where(np.isnan(column), "", np.array(texts, dtype=str))
    return np.array(["" if value is None else str(value) for value in column.tolist()], dtype=str)


def read_numbers(layer: Layer, name: str, path: str) -> NDArray[np.float64]:
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
    if len(layer.geometries) == 0 and not layer.columns:
        return np.array([], dtype=object)
    raise InputError(f'{path} has no field "{name}".', f"Its fields: {', '.join(layer.columns) or 'none'}.")
