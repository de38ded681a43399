"""Walls at right angles, of outlines that come from pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from plugin.worker.geodata.shapes import is_square
from plugin.worker.polygons.right_angles import draw_right_angles, find_main_angle

SHAPES = {
    "box": shapely.box(0, 0, 60, 30),
    "L": shapely.box(0, 0, 60, 60) - shapely.box(30, 30, 60, 60),
    "T": shapely.box(0, 0, 60, 60) - shapely.box(0, 20, 20, 60) - shapely.box(40, 20, 60, 60),
    "U": shapely.box(0, 0, 60, 60) - shapely.box(20, 20, 40, 60),
    "court": shapely.box(0, 0, 60, 60) - shapely.box(20, 20, 40, 40),
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("degrees", [0, 17, 45, 80])
def test_a_house_stays_as_it_is(name, degrees):
    house = shapely.affinity.rotate(SHAPES[name], degrees)
    found = draw_right_angles(house, find_main_angle(house), 4.0)
    assert shapely.area(shapely.symmetric_difference(found, house)) < 1e-6
    assert shapely.get_num_coordinates(found) == shapely.get_num_coordinates(house)


def test_the_main_direction_is_that_of_most_walls():
    assert math.degrees(find_main_angle(shapely.affinity.rotate(SHAPES["L"], 17))) % 90 == pytest.approx(17)


def test_a_short_wall_goes_and_its_neighbours_become_one():
    house = shapely.box(0, 0, 60, 30) - shapely.box(50, 0, 60, 1)
    found = draw_right_angles(house, 0.0, 4.0)
    assert shapely.get_num_coordinates(found) == 5
    assert found.bounds == pytest.approx((0, 1 / 6, 60, 30))


def test_what_has_no_two_directions_is_none():
    assert draw_right_angles(shapely.Polygon([(0, 0), (50, 1), (100, 0)]), 0.0, 4.0) is None


@given(st.integers(0, 2**32 - 1), st.integers(4, 12), st.floats(0, 3))
def test_whatever_comes_out_is_valid_and_has_right_angles(seed, count, angle):
    rng = np.random.default_rng(seed)
    turns = np.sort(rng.uniform(0, 2 * np.pi, count))
    radii = rng.uniform(10, 50, count)
    outline = shapely.Polygon(np.column_stack([radii * np.cos(turns), radii * np.sin(turns)]))
    found = draw_right_angles(outline, angle, 4.0)
    assert found is None or (found.is_valid and is_square(np.array([found], dtype=object)).all())
