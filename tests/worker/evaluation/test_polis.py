"""How far outlines lie apart, in metres."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from plugin.worker.evaluation.polis import measure_distances
from plugin.worker.geodata.crs import measure_ground

SQUARE = shapely.box(0, 0, 10, 10)


def measure(first, second, width=1.0, height=1.0):
    pair = [np.array([each], dtype=object) for each in (first, second)]
    return measure_distances(*pair, np.array([[width, height]]))[0]


def test_the_same_outline_lies_at_no_distance():
    assert measure(SQUARE, SQUARE) == 0


def test_corners_that_are_added_to_an_outline_change_nothing():
    assert measure(SQUARE, shapely.segmentize(SQUARE, 1.0)) == 0


def test_a_square_around_another_lies_at_the_distance_of_their_walls_and_corners():
    """From the inner corners it is 2 to the outer walls, from the outer corners 2 * sqrt(2) to the inner ones."""
    assert measure(SQUARE, SQUARE.buffer(2, join_style="mitre")) == pytest.approx((2 + 2 * 2**0.5) / 2)


def test_pixels_that_are_not_square_on_the_ground_are_measured_as_they_are():
    assert measure(SQUARE, shapely.box(3, 0, 13, 10), width=0.25) == pytest.approx(0.75 / 2)
    assert measure(SQUARE, shapely.box(0, 3, 10, 13), height=0.25) == pytest.approx(0.75 / 2)


def test_courtyards_and_parts_count():
    holed = shapely.box(0, 0, 30, 30) - shapely.box(10, 10, 20, 20)
    assert measure(holed, shapely.box(0, 0, 30, 30)) == pytest.approx((4 * 0 + 4 * 10) / 8 / 2)
    parts = shapely.MultiPolygon([SQUARE, shapely.box(20, 0, 30, 10)])
    assert measure(parts, SQUARE) == pytest.approx((10 + 10 + 20 + 20) / 8 / 2)


def test_no_pair_has_no_distance():
    none = np.array([], dtype=object)
    assert measure_distances(none, none, np.zeros((0, 2))).tolist() == []


def measure_slowly(first, second):
    """Say PoLiS word by word: the oracle."""
    sides = []
    for one, other in ((first, second), (second, first)):
        corners = one.exterior.coords[:-1]
        sides.append(sum(shapely.Point(corner).distance(other.exterior) for corner in corners) / (2 * len(corners)))
    return sum(sides)


POLYGON = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=4, max_size=9).map(
    lambda points: shapely.MultiPoint(points).convex_hull
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(POLYGON, POLYGON), min_size=1, max_size=8))
def test_many_pairs_at_once_give_what_each_gives_alone(pairs):
    pairs = [pair for pair in pairs if all(each.geom_type == "Polygon" for each in pair)]
    firsts, seconds = (np.array([pair[i] for pair in pairs], dtype=object) for i in (0, 1))
    found = measure_distances(firsts, seconds, np.ones((len(pairs), 2)))
    assert found == pytest.approx([measure_slowly(*pair) for pair in pairs])
    assert found == pytest.approx(measure_distances(seconds, firsts, np.ones((len(pairs), 2))))


@pytest.mark.parametrize(("latitude", "length_m"), [(0.0, 111319.49), (60.0, 55800.0)])
def test_in_degrees_a_pixel_is_narrower_than_high_on_the_ground(latitude, length_m):
    """55,800 m is a degree eastwards at 60 degrees, 111,412 m one northwards (tables of the WGS 84 ellipsoid)."""
    step = 1e-5
    scale = measure_ground(CRS.from_epsg(4326), Affine(step, 0, 10, 0, -step, latitude + 50 * step), 100, 100)
    width, height = scale.pixel_sides_m(50.0)
    assert width == pytest.approx(length_m * step, rel=1e-4)
    assert height == pytest.approx((110574.0 if latitude == 0 else 111412.0) * step, rel=1e-4)


def test_a_pixel_of_a_projection_is_as_wide_as_its_transform_says():
    scale = measure_ground(CRS.from_epsg(32645), Affine(0.5, 0, 500000, 0, -0.25, 3066000), 100, 100)
    assert scale.pixel_sides_m(np.array([0.0, 100.0])).tolist() == [pytest.approx([0.5, 0.25])] * 2
