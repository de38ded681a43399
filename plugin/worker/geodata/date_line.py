"""Coordinate systems that go round the earth: what lies across their seam, such as the date line, is made whole."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import ProjError
from rasterio.crs import CRS

#: What spans the earth but for less than this share of it lies across the seam instead, and is narrower than this.
_NARROW = 1 / 360
_SNAP = 1e-12


def unwrap_geometries(geometries: NDArray[np.object_], crs: CRS, near_x: float | None = None) -> NDArray[np.object_]:
    """Return the geometries so that none jumps from one end of the coordinate system to the other.

    One that does, or that was cut at the seam (as GeoJSON asks), becomes whole, and reaches beyond the seam. With
    ``near_x`` each is moved round the earth to where it is nearest to that place. None stays None.
    """
    period = find_period(crs.to_wkt())
    if not period:
        return geometries
    boxes = shapely.bounds(geometries).reshape(-1, 4)
    result = geometries.copy()
    with np.errstate(invalid="ignore"):
        is_wide = boxes[:, 2] - boxes[:, 0] > (1 - _NARROW) * period
    for place in np.flatnonzero(is_wide):
        result[place] = _join(geometries[place], period)
    if near_x is None:
        return result
    boxes = shapely.bounds(result).reshape(-1, 4)
    turns = np.rint((near_x - (boxes[:, 0] + boxes[:, 2]) / 2) / period)
    for turn in np.unique(turns[np.isfinite(turns) & (turns != 0)]):
        way = np.array([turn * period, 0.0])
        result[turns == turn] = shapely.transform(result[turns == turn], lambda xy, way=way: xy + way)
    return result


def _join(geometry: Any, period: float) -> Any:
    """Return a geometry whose vertices lie at both ends with all of them at one, as it is where it spans the earth."""
    first = shapely.get_coordinates(geometry)[0, 0]
    whole = shapely.transform(
        geometry, lambda xy: np.column_stack([xy[:, 0] - period * np.rint((xy[:, 0] - first) / period), xy[:, 1]])
    )
    left, _, right, _ = shapely.bounds(whole)
    if not 0 < right - left < _NARROW * period:
        return geometry
    parts = shapely.get_parts(whole)
    return whole if len(parts) < 2 else shapely.union_all(shapely.make_valid(parts), grid_size=_SNAP * period)


@lru_cache(maxsize=64)
def find_period(wkt: str) -> float:
    """Return after how many units along x the coordinate system (as WKT) is at the same place again, 0 for never.

    That is so in degrees, and in projections upon an upright cylinder, such as Mercator's.
    """
    crs = CRS.from_wkt(wkt)
    if crs.is_geographic:
        return float(2 * math.pi / crs.units_factor[1])
    if not crs.is_projected:
        return 0.0
    try:
        own = pyproj.CRS.from_wkt(wkt)
        transformer = pyproj.Transformer.from_crs(own.geodetic_crs, own, always_xy=True)
    except ProjError:
        return 0.0
    degrees = np.repeat(np.arange(-170.0, 171.0, 20.0), 2)
    xs, ys = transformer.transform(
        degrees + np.tile([0.0, 1.0], len(degrees) // 2), np.tile([0.0, 40.0], len(degrees) // 2)
    )
    if not (np.isfinite(xs).all() and np.isfinite(ys).all()):
        return 0.0
    steps = xs[1::2] - xs[::2]
    step = float(np.median(steps))
    is_even = np.abs(steps - step) <= 1e-9 * abs(step)  # but for one across the seam
    is_upright = np.ptp(ys[::2]) <= abs(step) * 1e-6 and np.ptp(ys[1::2]) <= abs(step) * 1e-6
    return 360 * abs(step) if is_even.sum() >= len(steps) - 1 and is_upright else 0.0
