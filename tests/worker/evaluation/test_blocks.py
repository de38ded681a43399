"""Blocks of ground by which it is told how sure a score is, and which building belongs to which."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.worker.evaluation.blocks import choose_block_side, count_by_block, cut_blocks, find_blocks
from plugin.worker.evaluation.metrics import match_footprints

SQUARE = shapely.box(0, 0, 1000, 1000)


def as_array(polygons):
    return np.array(list(polygons), dtype=object)


def test_a_block_is_four_times_as_wide_as_its_buildings_and_no_narrower_than_what_the_network_sees():
    assert choose_block_side(SQUARE, 10) == pytest.approx(1000 / 48**0.5)
    assert choose_block_side(SQUARE, 60) == 240
    assert choose_block_side(shapely.box(0, 0, 300, 300), 10) == 128


def test_a_square_is_cut_into_squares():
    blocks = cut_blocks(SQUARE, 250)
    assert len(blocks) == 16
    assert shapely.area(blocks).tolist() == pytest.approx([62500] * 16)


def test_a_sliver_joins_its_neighbour():
    blocks = cut_blocks(shapely.box(0, 0, 520, 250), 250)
    assert sorted(shapely.area(blocks)) == pytest.approx([62500, 62500 + 5000])


def test_a_small_piece_that_stands_alone_is_a_block_of_its_own():
    ground = shapely.MultiPolygon([shapely.box(0, 0, 250, 250), shapely.box(900, 900, 910, 910)])
    assert sorted(shapely.area(cut_blocks(ground, 250))) == [100, 62500]


def test_far_pieces_of_ground_are_cut_without_cutting_all_that_lies_between():
    ground = shapely.MultiPolygon([shapely.box(0, 0, 200, 200), shapely.box(1e7, 1e7, 1e7 + 200, 1e7 + 200)])
    assert shapely.area(cut_blocks(ground, 128)).sum() == pytest.approx(ground.area)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(0, 900)] * 2, *[st.floats(1, 400)] * 2), min_size=1, max_size=5),
    st.floats(60, 300),
)
def test_blocks_cover_the_ground_once(boxes, side):
    ground = shapely.union_all([shapely.box(x, y, x + width, y + height) for x, y, width, height in boxes])
    blocks = cut_blocks(ground, side)
    assert shapely.area(blocks).sum() == pytest.approx(ground.area)
    assert shapely.union_all(blocks).symmetric_difference(ground).area == pytest.approx(0, abs=1e-3)


def test_a_building_on_the_border_of_two_blocks_belongs_to_one_of_them():
    blocks = cut_blocks(SQUARE, 500)
    places = find_blocks(as_array([shapely.box(490, 10, 520, 40), shapely.box(700, 700, 720, 720)]), blocks)
    assert blocks[places[0]].contains(shapely.point_on_surface(shapely.box(490, 10, 520, 40)))
    assert blocks[places[1]].bounds == (500, 500, 1000, 1000)


def test_no_building_has_no_block():
    assert find_blocks(as_array([]), cut_blocks(SQUARE, 500)).tolist() == []


def test_a_match_over_a_border_counts_in_the_labels_block():
    """What is found and missed of a block is then always what is labelled there, whatever a model says."""
    blocks = as_array([shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)])
    truths = as_array([shapely.box(90, 10, 108, 20), shapely.box(150, 10, 160, 20)])
    proposals = as_array([shapely.box(93, 10, 111, 20), shapely.box(10, 50, 20, 60)])
    matching = match_footprints(truths, proposals)
    counts = count_by_block(matching, find_blocks(truths, blocks), find_blocks(proposals, blocks), 2)
    assert find_blocks(proposals, blocks).tolist() == [1, 0]
    assert counts.tolist() == [[1, 1, 0], [0, 0, 1]]
    assert counts.sum(axis=0).tolist() == [matching.score.tp, matching.score.fp, matching.score.fn]
