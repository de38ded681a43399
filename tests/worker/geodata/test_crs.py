"""Areas and distances on the ground. The oracle is an equal-area projection around the place in question."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform as reproject

from plugin.core.errors import InputError
from plugin.worker.geodata.crs import is_usable, measure_ground, measure_units_m2, metres_per_unit, move_points

WGS84 = CRS.from_epsg(4326)
DRAWING = CRS.from_wkt('LOCAL_CS["A drawing",UNIT["metre",1]]')


def locate(epsg, lon, lat):
    xs, ys = reproject(WGS84, CRS.from_epsg(epsg), [lon], [lat])
    return xs[0], ys[0]


def measure_by_equal_area(crs, transform, width, height):
    """Return the area in m2 of a raster's outline, by a Lambert azimuthal equal-area projection around it."""
    corners = [transform @ (col, row) for col, row in ((0, 0), (width, 0), (width, height), (0, height))]
    lons, lats = reproject(crs, WGS84, [x for x, _ in corners], [y for _, y in corners])
    laea = CRS.from_proj4(f"+proj=laea +lat_0={np.mean(lats)} +lon_0={lons[0]} +datum=WGS84")
    return shapely.Polygon(zip(*reproject(WGS84, laea, lons, lats), strict=True)).area


def test_a_pixel_in_utm_is_as_large_as_the_projection_says():
    scale = measure_ground(CRS.from_epsg(32645), Affine(0.5, 0, 333000, 0, -0.5, 3066000), 512, 512)
    assert scale.areas_m2.tolist() == [0.25] * 9
    assert scale.gsd_m == 0.5


def test_without_a_coordinate_system_a_unit_counts_as_a_metre():
    assert measure_ground(None, Affine(2, 0, 0, 0, -2, 0), 10, 10).gsd_m == 2
    assert measure_units_m2(None, np.zeros(3), np.zeros(3)).tolist() == [1, 1, 1]


def test_feet_are_no_metres():
    crs = CRS.from_epsg(2263)
    assert metres_per_unit(crs) == pytest.approx(0.3048006096)
    assert measure_ground(crs, Affine(1, 0, 985000, 0, -1, 200000), 100, 100).gsd_m == pytest.approx(0.3048006096)


@pytest.mark.parametrize("latitude", [-45.0, 0.0, 27.7, 60.0, 78.2])
def test_a_pixel_in_degrees_is_measured_on_the_ground(latitude):
    transform = Affine(5e-6, 0, 15.6, 0, -5e-6, latitude)
    scale = measure_ground(WGS84, transform, 2000, 2000)
    oracle = measure_by_equal_area(WGS84, transform, 2000, 2000) / 2000**2
    assert float(np.mean(scale.areas_m2)) == pytest.approx(oracle, rel=1e-4)


@pytest.mark.parametrize("epsg", [3857, 3395])
@pytest.mark.parametrize("latitude", [-45.0, 0.0, 4.7, 60.0, 78.2])
def test_a_pixel_in_a_mercator_projection_is_measured_on_the_ground_also_at_high_latitude(epsg, latitude):
    crs = CRS.from_epsg(epsg)
    x, y = locate(epsg, 15.6, latitude)
    transform = Affine(0.5, 0, x, 0, -0.5, y)
    scale = measure_ground(crs, transform, 2000, 2000)
    oracle = measure_by_equal_area(crs, transform, 2000, 2000) / 2000**2
    assert float(np.mean(scale.areas_m2)) == pytest.approx(oracle, rel=1e-4)


def test_a_square_in_web_mercator_has_the_area_of_the_same_square_in_utm():
    """60 degrees north: what Mercator calls 0.5 m is a quarter of a metre there."""
    x, y = locate(3857, 27.0, 60.0)
    scale = measure_ground(CRS.from_epsg(3857), Affine(0.5, 0, x, 0, -0.5, y), 1000, 1000)
    corners = np.array([(x, y), (x + 500, y), (x + 500, y - 500), (x, y - 500)])
    in_utm = shapely.Polygon(np.column_stack(reproject("EPSG:3857", "EPSG:32635", corners[:, 0], corners[:, 1]))).area
    on_ground = in_utm / 0.9996**2  # 27 degrees east is the zone's central meridian
    assert float(np.mean(scale.areas_m2)) * 1e6 == pytest.approx(on_ground, rel=1e-3)
    assert scale.gsd_m == pytest.approx(0.25, rel=0.01)


@pytest.mark.parametrize(
    ("epsg", "lon", "lat"),
    [(4087, 15.0, 60.0), (3413, -45.0, 62.0), (32633, 60.0, 50.0), (27700, -2.0, 52.0), (2056, 8.2, 46.9)],
    ids=["equidistant cylindrical", "polar stereographic", "UTM far outside its zone", "British grid", "Swiss grid"],
)
def test_a_projection_is_believed_only_where_it_is_true_to_area(epsg, lon, lat):
    crs = CRS.from_epsg(epsg)
    x, y = locate(epsg, lon, lat)
    transform = Affine(1, 0, x, 0, -1, y)
    measured = float(np.mean(measure_ground(crs, transform, 100, 100).areas_m2))
    assert measured == pytest.approx(measure_by_equal_area(crs, transform, 100, 100) / 1e4, rel=4e-3)


def test_a_turned_pixel_is_as_large_as_one_that_is_not():
    x, y = locate(3857, 15.6, 70.0)
    straight = measure_ground(CRS.from_epsg(3857), Affine(0.5, 0, x, 0, -0.5, y), 100, 100)
    turned = measure_ground(
        CRS.from_epsg(3857), Affine.translation(x, y) @ Affine.rotation(30) @ Affine.scale(0.5, -0.5), 100, 100
    )
    assert turned.gsd_m == pytest.approx(straight.gsd_m, rel=1e-4)


def test_the_scale_follows_the_latitude_down_a_long_raster():
    transform = Affine(0.001, 0, 15.0, 0, -0.001, 70.0)
    scale = measure_ground(WGS84, transform, 10, 20000)
    for row, latitude in ((0, 70.0), (10000, 60.0), (20000, 50.0)):
        alone = measure_ground(WGS84, Affine(0.001, 0, 15.0, 0, -0.001, latitude), 1, 1).areas_m2[0]
        assert float(scale.pixel_area_m2(row)) == pytest.approx(alone, rel=1e-9)


def test_a_place_on_the_date_line_is_measured_like_any_other():
    x, y = locate(3857, 180.0, 10.0)
    elsewhere, _ = locate(3857, 170.0, 10.0)
    on_line, beside = measure_units_m2(CRS.from_epsg(3857), np.array([x, elsewhere]), np.array([y, y]))
    assert on_line == pytest.approx(beside, rel=1e-9)


def test_a_place_that_is_none_has_no_area():
    areas = measure_units_m2(WGS84, np.array([333000.0, 15.0]), np.array([3066000.0, 60.0]))
    assert np.isnan(areas[0])
    assert areas[1] > 0


@pytest.mark.parametrize(("lon", "lat"), [(85.31, 27.70), (84.02, 0.001), (89.9, 61.5), (87.0, 45.0)])
def test_points_are_moved_exactly(lon, lat, project_to_utm):
    moved = move_points(WGS84, CRS.from_epsg(32645), np.array([[lon, lat]]))[0]
    assert moved == pytest.approx(project_to_utm(lon, lat, 45), abs=1e-3)


def test_one_point_without_a_place_does_not_spoil_the_others():
    points = np.array([[85.31, 27.7], [np.nan, 1.0], [85.32, 27.7], [np.inf, 0.0], [85.33, 95.0], [85.34, 27.7]])
    moved = move_points(WGS84, CRS.from_epsg(32645), points)
    alone = move_points(WGS84, CRS.from_epsg(32645), points[[0, 2, 5]])
    assert np.isnan(moved[[1, 3, 4]]).all()
    assert np.array_equal(moved[[0, 2, 5]], alone)


def test_a_point_that_the_projection_itself_refuses_does_not_spoil_the_others(project_to_utm):
    points = np.array([[500000.0, 3000000.0], [1e12, 3e9], [500100.0, 3000000.0]])
    moved = move_points(CRS.from_epsg(32645), WGS84, points)
    assert np.isnan(moved[1]).all()
    assert project_to_utm(*moved[0], 45) == pytest.approx(points[0], abs=1e-3)


def test_no_points_are_no_trouble():
    assert move_points(WGS84, CRS.from_epsg(32645), np.empty((0, 2))).shape == (0, 2)
    assert measure_units_m2(WGS84, np.array([]), np.array([])).shape == (0,)


def test_a_drawings_own_system_has_no_place_on_the_earth():
    assert not is_usable(DRAWING)
    assert is_usable(WGS84)
    assert is_usable(CRS.from_epsg(32645))
    with pytest.raises(InputError, match="cannot be brought") as caught:
        move_points(DRAWING, WGS84, np.array([[1.0, 1.0]]))
    assert caught.value.hint
