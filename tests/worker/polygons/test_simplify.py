"""Outlines of pixels, made simple: fewer corners, never invalid, and quick also for what a poor model says."""

from __future__ import annotations

import numpy as np
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import shapes

from plugin.worker.geodata.shapes import is_square
from plugin.worker.polygons.simplify import Outliner, firm_outlines, part_outlines, simplify_outlines


def outline(pixels):
    found = shapes(pixels.astype("uint8"), pixels.astype(bool), connectivity=4, transform=Affine.identity())
    return np.array([shapely.geometry.shape(polygon) for polygon, _ in found], dtype=object)


def test_points_on_a_straight_wall_go_whatever_the_tolerance():
    wall = np.array([shapely.Polygon([(0, 0), (3, 0), (7, 0), (10, 0), (10, 4), (0, 4)])], dtype=object)
    slim = simplify_outlines(wall, 0.0)
    assert shapely.get_num_coordinates(slim).tolist() == [5]
    assert slim[0].equals(wall[0])


def test_a_courtyard_that_would_collapse_keeps_its_corners():
    house = np.array([shapely.box(0, 0, 30, 30) - shapely.box(10, 10, 11, 11)], dtype=object)
    (slim,) = simplify_outlines(house, 3.0)
    assert len(slim.interiors) == 1


def test_nothing_stays_nothing():
    assert len(simplify_outlines(np.array([], dtype=object), 1.0)) == 0


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.3, 0.9), tolerance=st.floats(0, 3))
def test_what_comes_out_is_one_valid_polygon_for_each_that_went_in(seed, share, tolerance):
    polygons = outline(np.random.default_rng(seed).random((30, 30)) < share)
    slim = simplify_outlines(polygons, tolerance)
    assert len(slim) == len(polygons)
    assert shapely.is_valid(slim).all()
    assert (shapely.get_type_id(slim) == shapely.GeometryType.POLYGON).all()
    assert (shapely.get_num_coordinates(slim) <= shapely.get_num_coordinates(polygons)).all()


# -- neighbours -------------------------------------------------------------------------------------------------------


def boxes(*bounds):
    return np.array([shapely.box(*each) for each in bounds], dtype=object)


NONE = boxes()


def overlaps(polygons):
    firsts, seconds = shapely.STRtree(polygons).query(polygons)
    once = firsts < seconds
    return shapely.area(shapely.intersection(polygons[firsts[once]], polygons[seconds[once]]))


def test_two_with_right_angles_share_the_strip_that_both_would_cover():
    parted = part_outlines(boxes((0, 0, 10, 10), (8, 0, 20, 10)), np.array([0.6, 0.9]), NONE)
    assert parted[0].equals(shapely.box(0, 0, 9, 10))
    assert parted[1].equals(shapely.box(9, 0, 20, 10))


def test_a_straight_cut_leaves_right_angles_where_houses_stand_askew():
    askew = np.array([shapely.affinity.rotate(box, 8) for box in boxes((0, 0, 30, 20), (29, 2, 60, 22))], dtype=object)
    askew[1] = shapely.affinity.rotate(askew[1], -5)
    parted = part_outlines(askew, np.array([0.6, 0.9]), NONE)
    assert is_square(parted).all()
    assert overlaps(parted).max(initial=0) < 1e-6


def test_of_two_without_right_angles_the_surer_keeps_the_ground():
    roofs = np.array([shapely.Polygon([(0, 0), (20, 0), (0, 20)]), shapely.box(5, 0, 20, 5)], dtype=object)
    first, second = part_outlines(roofs, np.array([0.9, 0.6]), NONE)
    assert first.equals(roofs[0])
    assert second.equals(roofs[1] - roofs[0])


def test_an_earlier_outline_keeps_its_ground_whatever_the_certainty():
    (parted,) = part_outlines(boxes((8, 0, 20, 10)), np.array([1.0]), boxes((0, 0, 10, 10)))
    assert parted.equals(shapely.box(10, 0, 20, 10))


def test_one_that_lies_in_another_altogether_becomes_empty():
    parted = part_outlines(boxes((0, 0, 10, 10), (2, 2, 4, 4)), np.array([0.9, 0.6]), NONE)
    assert parted[1].is_empty


def test_neighbours_that_share_a_wall_keep_it():
    walls = boxes((0, 0, 10, 10), (10, 0, 20, 10))
    assert all(map(shapely.equals, part_outlines(walls, np.array([0.5, 0.6]), NONE), walls))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_no_two_outlines_overlap_within_a_batch_or_between_batches(seed):
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 60, (24, 2))
    houses = np.array([shapely.box(x, y, x + w, y + h) for (x, y), (w, h) in
                       zip(places, rng.uniform(4, 14, (24, 2)), strict=True)], dtype=object)  # fmt: skip
    houses = houses[np.argsort(shapely.bounds(houses)[:, 3])]
    outliner = Outliner(1.0, is_squared=False)
    first = outliner.draw(houses[:12], rng.random(12))
    outliner.move_to(float(shapely.bounds(houses[:12])[:, 3].max()), houses[12:])
    second = outliner.draw(houses[12:], rng.random(12))
    drawn = np.concatenate([first, second])
    assert shapely.is_valid(drawn).all()
    assert overlaps(drawn).max(initial=0) < 1e-6


def test_what_no_later_building_can_meet_is_forgotten():
    outliner = Outliner(1.0, is_squared=False)
    outliner.draw(boxes((0, 0, 10, 10), (0, 80, 10, 99), (50, 0, 60, 10)), np.ones(3))
    outliner.move_to(100, boxes((60, 5, 70, 100)))
    assert sorted(shapely.bounds(outliner._earlier)[:, 0].tolist()) == [0, 50]


def test_an_outline_that_nearly_touches_itself_stays_valid_where_its_coordinates_are_rounded():
    neck = shapely.box(0, 0, 20, 20) | shapely.box(20, 9.99, 40, 10.01) | shapely.box(40, 0, 60, 20)
    slit = shapely.box(0, 0, 40, 20) - shapely.Polygon([(20, 20), (20.01, 20), (20.005, 2)])
    touching = shapely.Polygon([(0, 0), (20, 0), (20, 20), (0, 20)], [[(5, 5), (10, 1e-9), (15, 5)]])
    given_outlines = np.array([neck, slit, touching, shapely.box(0, 0, 9, 9)], dtype=object)
    firm = firm_outlines(given_outlines)
    for digits in (1, 2, 6):
        assert shapely.is_valid(shapely.transform(firm, lambda xy, digits=digits: np.round(xy, digits))).all()
    assert shapely.area(shapely.difference(firm, given_outlines)).max() < 1e-9
    assert firm[3].equals(given_outlines[3])
