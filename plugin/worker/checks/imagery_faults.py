"""Faults of the imagery around a sample of the labels, and the shift between both."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from affine import Affine
from rasterio.windows import Window

from ...core.events import ADVICE, STOP, WARNING, Finding
from ..dataset.labels import Labels, describe_way
from ..dataset.locate import count_things, locate_finding
from ..geodata.polygons import apply_affine
from ..geodata.raster import Raster, open_raster, regrid_raster
from ..geodata.rasterize import PolygonIndex
from ..geodata.statistics import measure_filled
from .label_crops import LabelCrops
from .misregistration import Misregistration

_BLANK = 0.5
_ALL_BLANK = 0.9
_MANY_EXTREME = 0.25
_MOST_LABELS = 64
MANY_FILLED = 0.005
_UNSET = "Raster > Conversion > Translate, -a_nodata none"
_COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


def find_blank(crops: LabelCrops, labels: Labels, raster: Raster, is_clipped: bool = False) -> list[Finding]:
    """Labels with no imagery under them: nodata, or one value all over, unless the model's stretch made it so."""
    shares = ((crop.label, crop.void_share if is_clipped else crop.blank_share) for crop in crops.items)
    blank = [label for label, share in shares if share > _BLANK]
    if not blank:
        return []
    count, of = len(blank), len(crops.items)
    looked = f"{of} labels" if of == len(labels.polygons) else f"{of} checked labels"
    sentence = count_things(
        count,
        f"1 of {looked} lies where the raster has no imagery.",
        f"{{}} of {looked} lie where the raster has no imagery.",
    )
    level, hint = WARNING, "Delete them, or choose a raster that covers them."
    if count >= _ALL_BLANK * of:
        level, hint = STOP, "Choose the raster that the labels were drawn on, or check the coordinate systems of both."
    nodata = read_nodata(raster)
    if nodata is not None:
        hint = f"If imagery has the nodata value {nodata:g}, unset it ({_UNSET}). Else: {hint[0].lower()}{hint[1:]}"
    finding = Finding("blank", level, sentence, hint, count)
    return [locate_finding(finding, shapely.bounds(labels.polygons[blank]), raster)]


def find_remarks(raster: Raster) -> list[Finding]:
    """What of the raster's values is not as the file says: nodata, transparency."""
    return [Finding(remark.kind, WARNING, remark.message, remark.hint) for remark in raster.remarks]


def find_specks(labels: Labels, raster: Raster, seed: int) -> list[Finding]:
    """Labels whose pixels lack values here and there, looked at in up to 64 labels: are these values truly nodata?"""
    factor = raster.gsd_m / raster.native_gsd_m
    drawn = np.random.default_rng(seed).permutation(labels.polygons)[:_MOST_LABELS]
    placed = apply_affine(drawn, Affine.scale(factor))
    native = regrid_raster(raster, None)
    frames = shapely.intersection(shapely.envelope(placed), shapely.box(0, 0, native.width, native.height))
    windows = [_frame_window(frame) for frame in frames if frame.area > 0]
    share = measure_filled(raster, windows, PolygonIndex(placed))
    if share < MANY_FILLED:
        return []
    return [Finding("specks", WARNING, *describe_specks(raster, share, "under the labels"))]


def describe_specks(raster: Raster, share: float, where: str) -> tuple[str, str]:
    """Return a sentence and a next step for pixels of which a share lacks values, and is filled."""
    nodata = read_nodata(raster)
    sentence = f"{share:.1%} of the pixels {where} hold no data here and there"
    if nodata is None:
        return f"{sentence}: they are filled from around.", "Is the raster's mask or transparency right?"
    hint = f"If imagery has this value, unset it ({_UNSET})."
    return f"{sentence} (nodata {nodata:g}): they are filled from around.", hint


def read_nodata(raster: Raster) -> float | None:
    """Return the nodata value that the file declares for the first band that is read, None for none."""
    with open_raster(raster.path) as dataset:
        return next((dataset.nodatavals[band - 1] for band in raster.bands if band), None)


def _frame_window(frame: Any) -> Window:
    left, top, right, bottom = shapely.bounds(frame)
    first = np.floor([left, top]).astype(int)
    size = np.maximum(np.ceil([right, bottom]).astype(int) - first, 1)
    return Window(*(int(value) for value in (*first, *size)))


def find_extremes(crops: LabelCrops, raster: Raster) -> list[Finding]:
    """Imagery that is black or white through and through in much of its ground."""
    seen = [crop for crop in crops.items if crop.valid.any()]
    if not raster.is_clipped or not seen:
        return []
    pixels = np.concatenate([crop.values[:, crop.valid].T for crop in seen])
    share = float(((pixels <= 0).all(axis=1) | (pixels >= 1).all(axis=1)).mean())
    if share <= _MANY_EXTREME:
        return []
    sentence = f"{share:.0%} of the imagery around the labels is pure black or white, and shows nothing."
    return [Finding("extremes", ADVICE, sentence, "Export the raster again with its full range of values.")]


def describe_shift(shift: Misregistration | None, labels: Labels, raster: Raster) -> list[Finding]:
    """Labels that lie off the imagery beyond doubt, and the job's shift that brings them onto it."""
    if shift is None or not shift.is_certain(raster.native_gsd_m):
        return []
    way = _COMPASS[round(np.degrees(np.arctan2(shift.east_m, shift.north_m)) / 45) % 8]
    sentence = (
        f"The labels lie {shift.length_m:.1f} m {way} of the buildings in the imagery "
        f"(\u00b1 {max(shift.within_m, 0.1):.1f} m, by {shift.labels} labels)."
    )
    east_m, north_m = (
        round(old - off, 2) for old, off in zip(labels.shift_m, (shift.east_m, shift.north_m), strict=True)
    )
    hint = f"Move them by {describe_way(-shift.east_m, -shift.north_m)}: for this run alone, or in the layer itself."
    return [Finding("shift", WARNING, sentence, hint, shift.labels, east_m=east_m, north_m=north_m)]
