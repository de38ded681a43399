"""Ground is cut into blocks of a fitting size, and the drawn ones stand for all of them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.worker.dataset.block_sampling import choose_side, count_inside, cut_blocks, draw_alike, measure_unlikeness


def make_blocks(side=10, block_px=100):
    raster = SimpleNamespace(width=side * block_px, height=side * block_px)
    return cut_blocks(shapely.box(0, 0, raster.width, raster.height), raster, block_px)


def settle(blocks, densities, seed=1):
    """Return points, as many as ``densities`` says in each block, at random."""
    rng = np.random.default_rng(seed)
    corners = np.repeat(shapely.bounds(blocks), densities, axis=0)
    return shapely.points(rng.uniform(corners[:, :2] + 1, corners[:, 2:] - 1))


# -- the size of a block ----------------------------------------------------------------------------------------------


def test_wide_ground_has_about_64_blocks():
    assert choose_side(2560**2, 16) == 320


def test_a_block_is_at_least_four_buffers_wide_so_that_several_buildings_fit_beside_one():
    assert choose_side(2000**2, 90) == 352
    assert choose_side(2000**2, 16) == 256


def test_a_block_is_no_narrower_than_what_a_network_looks_at_around_a_pixel():
    assert choose_side(640**2, 16) == 128


def test_small_ground_still_has_enough_blocks_to_draw_from():
    assert choose_side(384**2, 90) == 96
    assert choose_side(40**2, 90) == 32


def test_a_block_of_wide_ground_is_no_wider_than_needed():
    assert choose_side(20_000**2, 16) == 512
    assert choose_side(20_000**2, 200) == 800


# -- cutting ----------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.floats(0, 500)] * 6), min_size=1, max_size=3), st.sampled_from([32, 96, 160]))
def test_the_blocks_are_the_ground_without_gap_or_overlap(corners, side_px):
    ground = shapely.union_all([shapely.Polygon([(a, b), (c, d), (e, f)]) for a, b, c, d, e, f in corners])
    blocks = cut_blocks(ground, SimpleNamespace(width=500, height=500), side_px)
    assert shapely.area(blocks).sum() == pytest.approx(ground.area, abs=1e-3)
    assert shapely.union_all(blocks).symmetric_difference(ground).area < 1e-3


def test_blocks_come_row_by_row():
    corners = shapely.bounds(make_blocks(3))[:, :2]
    assert corners.tolist() == sorted(corners.tolist(), key=lambda corner: (corner[1], corner[0]))


# -- drawing ----------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 0.4))
def test_the_drawn_blocks_hold_about_the_share_of_the_buildings(seed, share):
    blocks = make_blocks()
    counts = np.random.default_rng(seed).integers(0, 20, len(blocks))
    drawn = draw_alike(blocks, counts, share, np.random.default_rng(seed))
    assert counts[drawn].sum() / counts.sum() == pytest.approx(share, abs=0.05)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_a_dense_and_a_sparse_quarter_are_on_both_sides(seed):
    """Half of the town has twenty buildings in a block, half has two: so has what is drawn."""
    blocks = make_blocks()
    is_dense = shapely.bounds(blocks)[:, 0] < 500
    counts = np.where(is_dense, 20, 2)
    drawn = draw_alike(blocks, counts, 0.25, np.random.default_rng(seed))
    assert is_dense[drawn].mean() == pytest.approx(0.5, abs=0.2)
    assert is_dense[~drawn].mean() == pytest.approx(0.5, abs=0.1)


def test_unlikeness_adds_up_the_share_the_density_and_its_spread():
    areas = np.full(4, 100.0)
    mixed, even, paired = np.array([20, 0, 10, 10]), np.array([10, 10, 10, 10]), np.array([20, 0, 20, 0])
    assert measure_unlikeness(even, areas, np.array([0, 1]), 0.5) == 0
    assert measure_unlikeness(even, areas, np.array([0]), 0.5) == pytest.approx(2 * 0.25)
    assert measure_unlikeness(paired, areas, np.array([0, 1]), 0.5) == 0
    assert measure_unlikeness(paired, areas, np.array([0, 2]), 1.0) == pytest.approx(1 + 2)  # twice as dense, all dense
    assert measure_unlikeness(mixed, areas, np.array([0, 1]), 0.5) == pytest.approx(1)  # the mean alone is right


def test_the_same_seed_draws_the_same_blocks_and_another_one_others():
    blocks = make_blocks()
    counts = np.random.default_rng(3).integers(0, 20, len(blocks))
    one, same, other = (draw_alike(blocks, counts, 0.2, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.tolist() == same.tolist() != other.tolist()


def test_blocks_of_which_a_buffer_left_nothing_are_never_drawn():
    blocks = make_blocks(4)
    blocks[::2] = shapely.Polygon()
    drawn = draw_alike(blocks, np.full(len(blocks), 5), 0.5, np.random.default_rng(1))
    assert drawn.any()
    assert not drawn[::2].any()


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_ground_of_few_blocks_or_none_is_drawn_from_without_a_fault(kept):
    blocks = make_blocks(2)
    blocks[kept:] = shapely.Polygon()
    assert draw_alike(blocks, np.full(4, 3), 0.3, np.random.default_rng(1)).sum() == min(kept, 1)


def test_points_are_counted_by_block():
    blocks = make_blocks(2)
    assert count_inside(blocks, settle(blocks, np.array([3, 0, 2, 7]))).tolist() == [3, 0, 2, 7]
