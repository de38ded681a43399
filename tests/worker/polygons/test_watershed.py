"""Instances: touching buildings come apart where boundary and contact say so, and nothing is lost on the way."""

from __future__ import annotations

import numpy as np
import pytest

from plugin.core.card import Seeds, SeparationParams
from plugin.worker.geodata.probability import FULL, NODATA
from plugin.worker.polygons.watershed import find_instances, measure_certainty

PLAIN = SeparationParams(0.5)
SEEDED = SeparationParams(0.5, Seeds(threshold=0.5, boundary_share=1.0, contact_share=1.0, min_area_m2=0.0))


def paint(height=40, width=60):
    return np.zeros((3, height, width), dtype="uint8")


def build(values, rows, cols, wall=2):
    """Paint a building with its walls."""
    values[0, rows, cols] = FULL
    values[1, rows, cols] = FULL
    values[1, rows.start + wall : rows.stop - wall, cols.start + wall : cols.stop - wall] = 0


def test_without_seeds_pixels_that_share_an_edge_are_one_building():
    values = paint()
    values[0, 5:10, 5:10] = FULL
    values[0, 10:15, 10:15] = FULL
    assert find_instances(values, PLAIN, 1.0).max() == 2


def test_two_squares_that_touch_come_apart_along_their_wall():
    values = paint()
    build(values, slice(5, 25), slice(5, 25))
    build(values, slice(5, 25), slice(25, 45))
    found = find_instances(values, SEEDED, 1.0)
    assert sorted(np.unique(found)) == [0, 1, 2]
    assert (found[5:25, 5:24] == found[6, 6]).all()
    assert (found[5:25, 26:45] == found[6, 40]).all()
    assert (found > 0).sum() == 20 * 40


def test_a_row_of_terraces_comes_apart_house_by_house():
    values = paint()
    for i in range(6):
        build(values, slice(8, 30), slice(3 + 9 * i, 12 + 9 * i))
    assert find_instances(values, SEEDED, 1.0).max() == 6
    assert find_instances(values, PLAIN, 1.0).max() == 1


def test_a_courtyard_is_no_building_and_its_house_is_one():
    values = paint()
    build(values, slice(5, 35), slice(5, 35))
    values[:, 14:26, 14:26] = 0
    found = find_instances(values, SEEDED, 1.0)
    assert found.max() == 1
    assert not found[14:26, 14:26].any()


def test_a_house_too_small_for_a_seed_stays_a_building():
    values = paint()
    values[0, 5:8, 5:8] = FULL
    values[1, 5:8, 5:8] = FULL
    build(values, slice(15, 30), slice(15, 40))
    assert find_instances(values, SEEDED, 1.0).max() == 2


def test_seeds_smaller_than_the_least_area_make_no_building_of_their_own():
    values = paint()
    values[0, 5:25, 5:40] = FULL
    values[1, 5:25, 10:12] = FULL  # cuts a strip of 100 pixels off
    small = SeparationParams(0.5, Seeds(0.5, 1.0, 1.0, min_area_m2=30.0))
    assert find_instances(values, SEEDED, 0.25).max() == 2
    assert find_instances(values, small, 0.25).max() == 1


def test_an_empty_window_and_one_without_data_hold_nothing():
    assert not find_instances(paint(), SEEDED, 1.0).any()
    assert not find_instances(np.full((3, 20, 20), NODATA, "uint8"), SEEDED, 1.0).any()


@pytest.mark.parametrize("separation", [PLAIN, SEEDED])
def test_every_pixel_of_the_footprint_belongs_to_a_building_and_no_other_does(separation):
    values = np.random.default_rng(3).integers(0, FULL, (3, 50, 50), dtype="uint8")
    found = find_instances(values, separation, 1.0)
    assert np.array_equal(found > 0, values[0] >= np.ceil(0.5 * FULL))


def test_certainty_is_the_footprint_less_boundary_and_contact_in_their_shares():
    values = np.array([[[200, 100, NODATA]], [[100, 100, NODATA]], [[20, 0, NODATA]]], dtype="uint8")
    assert measure_certainty(values, Seeds(0.5, 0.5, 1.0)).tolist() == [[130, 50, 0]]
