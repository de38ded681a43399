"""Metres on the ground against the closed formulas of the WGS 84 ellipsoid's radii of curvature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform as reproject

from plugin.worker.geodata.crs import measure_axes_m, measure_ground, measure_units_m2, move_points

WGS84 = CRS.from_epsg(4326)
SEMI_MAJOR_M, ECCENTRICITY2 = 6378137.0, 0.00669437999014
LATITUDES = [-80.0, -33.3, 0.0, 27.7, 60.0, 84.0]


def measure_degrees_m(latitude):
    """Return how long a degree eastwards and one northwards are: N cos(latitude) and M."""
    bend = math.radians(latitude)
    curve = 1 - ECCENTRICITY2 * math.sin(bend) ** 2
    north = SEMI_MAJOR_M * (1 - ECCENTRICITY2) / curve**1.5
    return math.radians(SEMI_MAJOR_M / math.sqrt(curve) * math.cos(bend)), math.radians(north)


@pytest.mark.parametrize("latitude", LATITUDES)
def test_degrees_are_as_long_as_the_radii_of_curvature_say(latitude):
    axes = measure_axes_m(WGS84, np.array([[15.6, latitude], [-179.99995, latitude]]))
    east, north = measure_degrees_m(latitude)
    for place in axes:
        assert place.diagonal() == pytest.approx([east, north], rel=1e-6)
        assert place[[0, 1], [1, 0]] == pytest.approx([0, 0], abs=1e-6 * north)


@pytest.mark.parametrize("latitude", LATITUDES)
def test_a_pixel_in_degrees_has_the_shape_that_the_radii_say(latitude):
    scale = measure_ground(WGS84, Affine(2e-6, 0, 15.6, 0, -1e-6, latitude), 2, 2)
    east, north = measure_degrees_m(latitude)
    assert scale.aspect == pytest.approx(2 * east / north, rel=1e-6)
    assert scale.areas_m2[4] == pytest.approx(2e-12 * east * north, rel=1e-6)


@pytest.mark.parametrize("latitude", LATITUDES)
def test_web_mercator_stretches_as_its_formula_says(latitude):
    """On the sphere of 6378137 m, x grows by it for a radian of longitude and y by it / cos(latitude) for one north."""
    web = CRS.from_epsg(3857)
    point = move_points(WGS84, web, np.array([[15.6, latitude]]))
    east, north = measure_degrees_m(latitude)
    unit = math.radians(SEMI_MAJOR_M)
    expected = (east / unit) * (north * math.cos(math.radians(latitude)) / unit)
    assert measure_units_m2(web, *point.T) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("epsg", "lon", "lat"),
    [
        *((32645, 86, 27.7), (2263, -74, 40.7), (27700, -2, 52), (2056, 8.2, 46.9), (31467, 9, 50), (3035, 10, 52)),
        *((3413, -45, 80), (5070, -96, 37), (28992, 5.4, 52.2), (4267, -100, 40), (2193, 175, -40), (6933, 20, -60)),
    ],
)
def test_points_go_where_gdal_takes_them_and_come_back(epsg, lon, lat):
    crs, points = CRS.from_epsg(epsg), np.array([[lon, lat], [lon + 0.3, lat - 0.2]], dtype=float)
    moved = move_points(WGS84, crs, points)
    assert moved == pytest.approx(np.column_stack(reproject(WGS84, crs, *points.T)), rel=1e-9)
    assert move_points(crs, WGS84, moved) == pytest.approx(points, rel=1e-7)


def test_systems_that_stand_in_the_order_north_east_are_read_as_east_north():
    moved = move_points(WGS84, CRS.from_epsg(2193), np.array([[174.0, -41.0]]))[0]
    assert moved[0] < 2e6 < moved[1]


def test_the_poles_themselves_have_no_measure_but_disturb_nothing():
    axes = measure_axes_m(WGS84, np.array([[0.0, 90.0], [0.0, 45.0]]))
    assert np.isnan(axes[0]).any()
    assert np.isfinite(axes[1]).all()
