"""How large a pixel is on the ground, in any coordinate system."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from pyproj.exceptions import ProjError
from rasterio.crs import CRS

from ...core.errors import InputError

_WGS84 = CRS.from_epsg(4326)
_ELLIPSOID = Geod(ellps="WGS84")
_STEP_DEGREES = 1e-4
_STEP_M = 10.0
_TRUE_TO_AREA = 0.003


def is_usable(crs: CRS) -> bool:
    """Tell whether a coordinate system has a place on the earth (a drawing's own system has none)."""
    return bool(crs.is_geographic or crs.is_projected)


def is_mercator(crs: CRS) -> bool:
    """Tell whether the projection is a Mercator one whose scale changes with the latitude."""
    text = crs.to_wkt().lower().replace("_", " ")
    return "mercator" in text.replace("transverse mercator", "")


def metres_per_unit(crs: CRS) -> float:
    """Return the length of a projected system's unit in metres."""
    return float(crs.linear_units_factor[1])


@dataclass(frozen=True)
class GroundScale:
    """The area of a pixel on the ground, in square metres, by row: areas in pixels times this are metric.

    ``axes`` (2, 2) are a step of one column and of one row on the ground, in its columns, in sides of a square pixel of
    the same area; None for square pixels.
    """

    rows: NDArray[np.float64]
    areas_m2: NDArray[np.float64]
    axes: NDArray[np.float64] | None = None

    @property
    def aspect(self) -> float:
        """How many times as wide as high a pixel is on the ground (not 1 in degrees)."""
        return 1.0 if self.axes is None else float(np.divide(*np.hypot(*self.axes)))

    def pixel_area_m2(self, row: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the area of the pixels at a row (interpolated)."""
        return np.asarray(np.interp(row, self.rows, self.areas_m2))

    def pixel_sides_m(self, row: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return width and height (..., 2) in metres of the pixels at a row."""
        sides = np.sqrt(self.pixel_area_m2(row))
        return np.stack([sides * math.sqrt(self.aspect), sides / math.sqrt(self.aspect)], axis=-1)

    @property
    def gsd_m(self) -> float:
        """The ground sample distance in the raster's middle, in metres."""
        return math.sqrt(float(self.areas_m2[len(self.areas_m2) // 2]))


def measure_ground(crs: CRS | None, transform: Affine, width: int, height: int) -> GroundScale:
    """Measure a raster's pixels down its middle, as ``measure_units_m2`` does; NaN where there is no such place."""
    rows = np.linspace(0.0, float(height), 9)
    xs, ys = transform @ np.array([np.full(rows.shape, width / 2), rows])
    axes = _measure_axes(crs, transform, float(ys[len(ys) // 2]))
    return GroundScale(rows, measure_units_m2(crs, xs, ys) * abs(transform.determinant), axes)


def _measure_axes(crs: CRS | None, transform: Affine, latitude: float) -> NDArray[np.float64]:
    """Return ``GroundScale.axes``; projections are true to shape in a place."""
    east = 1.0  # degrees eastwards, counted in degrees northwards
    if crs is not None and crs.is_geographic and abs(latitude) < 90 - _STEP_DEGREES:
        (east_m, _), (_, north_m) = measure_axes_m(_WGS84, np.array([[0.0, latitude]]))[0]
        east = east_m / north_m
    axes = np.array([[transform.a * east, transform.b * east], [transform.d, transform.e]])
    area = abs(float(np.linalg.det(axes)))
    return axes / math.sqrt(area) if area else np.eye(2)


def measure_units_m2(crs: CRS | None, xs: NDArray[np.float64], ys: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many square metres a square unit of the coordinate system is, at points in it.

    In degrees and in Mercator projections that is measured at the point, on the WGS 84 ellipsoid. Any other projection
    is believed where it is true to area within 0.3 % (as UTM is in its zone), and measured elsewhere. Without a
    coordinate system a unit counts as a metre. NaN where the point has no place on the earth.
    """
    if crs is None or len(xs) == 0:
        return np.ones(len(xs))
    measured = _measure_on_ellipsoid(crs, np.column_stack([xs, ys]))
    if crs.is_geographic or is_mercator(crs):
        return measured
    stated = metres_per_unit(crs) ** 2
    return np.where(np.abs(measured / stated - 1) <= _TRUE_TO_AREA, stated, measured)


def _measure_on_ellipsoid(crs: CRS, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area of a unit square around each point."""
    (east, north) = measure_axes_m(crs, points).transpose(1, 0, 2)
    return np.abs(east[:, 0] * north[:, 1] - east[:, 1] * north[:, 0])


def measure_axes_m(crs: CRS, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many metres (east, north) a unit along x and one along y are at points (n, 2), as (n, 2, 2).

    The metres stand in rows, the axes in columns: times a difference of coordinates that gives metres on the ground.
    Measured to each point's neighbours on either side, along geodesics of the WGS 84 ellipsoid; NaN where a point has
    no place on the earth.
    """
    step = _STEP_DEGREES if crs.is_geographic else _STEP_M / metres_per_unit(crs)
    offsets = np.array([(0, 0), (step, 0), (-step, 0), (0, step), (0, -step)])
    places = move_points(crs, _WGS84, (points + offsets[:, None]).reshape(-1, 2)).reshape(5, -1, 2)
    middle, neighbours = np.broadcast_to(places[0], (4, *places[0].shape)), places[1:]
    azimuths, _, metres = _ELLIPSOID.inv(middle[..., 0], middle[..., 1], neighbours[..., 0], neighbours[..., 1])
    ways = metres * np.stack([np.sin(np.radians(azimuths)), np.cos(np.radians(azimuths))])
    return np.asarray((ways[:, 0::2] - ways[:, 1::2]).transpose(2, 0, 1) / (2 * step))


def move_points(source: CRS, target: CRS, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points (n, 2) in another coordinate system, NaN for each that has no place there.

    Raises InputError where the two systems have nothing to do with each other.
    """
    try:
        transformer = _find_transformer(source.to_wkt(), target.to_wkt())
    except ProjError as error:
        raise InputError(
            f"{source.to_string()} cannot be brought to {target.to_string()}.",
            "See that both layers have the right coordinate system.",
        ) from error
    moved = np.column_stack(transformer.transform(points[:, 0], points[:, 1]))
    is_placed = np.isfinite(points).all(axis=1) & np.isfinite(moved).all(axis=1)
    if source.is_geographic:
        is_placed &= np.abs(points[:, 1]) <= 90
    moved[~is_placed] = np.nan
    return moved


@lru_cache(maxsize=64)
def _find_transformer(source: str, target: str) -> Transformer:
    """Return what takes x and y, in this order, from one system (as WKT) to another."""
    return Transformer.from_crs(source, target, always_xy=True)
