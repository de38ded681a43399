"""The score: by building after the SpaceNet rule, by pixel, and on a piece of ground."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.core.counts import Counts
from plugin.core.score import Rates
from plugin.worker.evaluation.metrics import clip_to_ground, match_footprints, score_pixels
from plugin.worker.geodata.probability import NODATA

BOWTIE = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])


def as_array(polygons):
    return np.array(list(polygons), dtype=object)


def match(truths, proposals, confidence=None, iou=0.5):
    order = None if confidence is None else np.array(confidence, dtype=float)
    return match_footprints(as_array(truths), as_array(proposals), order, iou)


def count(*arguments, **options):
    score = match(*arguments, **options).score
    return score.tp, score.fp, score.fn


def slide(by, side=10.0):
    """Return a square moved to the right: its overlap with the unmoved one follows from ``by``."""
    return shapely.box(by, 0, side + by, side)


# -- counts and ratios ------------------------------------------------------------------------------------------------


def test_ratios_follow_from_the_counts():
    score = Counts(3, 1, 2)
    assert (score.precision, score.recall, score.f1) == pytest.approx((0.75, 0.6, 2 / 3))


@pytest.mark.parametrize("score", [Counts(0, 0, 0), Counts(0, 5, 0), Counts(0, 0, 5), Counts(0, 3, 4)])
def test_what_is_undefined_is_0(score):
    assert (score.precision, score.recall, score.f1) == (0, 0, 0)


def test_counts_of_several_grounds_are_summed_and_ratios_follow_from_the_sums():
    assert Counts(1, 0, 0) + Counts(1, 2, 4) == Counts(2, 2, 4)


def test_a_report_holds_counts_and_ratios():
    assert Counts(1, 1, 0).rate(Rates) == Rates(1, 1, 0, precision=0.5, recall=1.0, f1=2 / 3)


# -- the rule ---------------------------------------------------------------------------------------------------------


def test_identical_footprints_all_match():
    squares = [shapely.box(20 * i, 0, 20 * i + 10, 10) for i in range(5)]
    matching = match(squares, squares)
    assert matching.score == Counts(5, 0, 0)
    assert matching.taken.tolist() == [0, 1, 2, 3, 4]
    assert matching.iou.tolist() == [1] * 5


def test_nothing_against_nothing_is_nothing():
    assert count([], []) == (0, 0, 0)
    assert count([slide(0)], []) == (0, 0, 1)
    assert count([], [slide(0)]) == (0, 1, 0)


def test_an_overlap_of_exactly_the_threshold_is_no_match():
    assert count([slide(0)], [shapely.box(0, 0, 10, 5)]) == (0, 1, 1)
    assert count([slide(0)], [shapely.box(0, 0, 10, 5.01)]) == (1, 0, 0)


@pytest.mark.parametrize(("iou", "expected"), [(0.25, (1, 0, 0)), (0.5, (0, 1, 1)), (0.75, (0, 1, 1))])
def test_the_threshold_can_be_chosen(iou, expected):
    assert count([slide(0)], [slide(4)], iou=iou) == expected  # 60 / 140 = 0.43


def test_a_threshold_of_0_asks_for_some_overlap_all_the_same():
    assert count([slide(0)], [slide(9.9), slide(10), slide(50)], iou=0) == (1, 2, 0)


def test_each_truth_is_matched_once():
    assert count([slide(0)], [slide(0), slide(0)]) == (1, 1, 0)


def test_the_most_confident_comes_first_even_if_it_fits_worse():
    matching = match([slide(0)], [slide(0), slide(2)], [0.5, 0.9])
    assert matching.taken.tolist() == [-1, 0]


def test_equal_confidences_come_in_the_files_order():
    many = [slide(0)] + [slide(i / 100) for i in range(1, 40)]
    assert match([slide(0)], many, [0.7] * 40).taken.tolist() == [0] + [-1] * 39


def test_without_confidences_the_files_order_counts():
    assert match([slide(0)], [slide(2), slide(0)]).taken.tolist() == [0, -1]


def test_missing_confidences_come_last():
    assert match([slide(0)], [slide(0), slide(2)], [np.nan, 0.0]).taken.tolist() == [-1, 0]


def test_a_proposal_takes_the_best_of_the_truths_that_are_left():
    """It falls back to its second choice where the first is taken, and nobody is asked a second time."""
    truths = [slide(0), slide(1)]
    assert match(truths, [slide(0), slide(0.2)]).taken.tolist() == [0, 1]
    assert match(truths, [slide(0.6), slide(1)], [0.9, 0.8]).taken.tolist() == [1, 0]


def test_the_choice_is_greedy_not_optimal():
    """The first proposal takes the truth that alone would fit the second."""
    truths = [shapely.box(0, 0, 10, 10), shapely.box(3, 0, 14, 10)]
    proposals = [shapely.box(2, 0, 12, 10), shapely.box(5, 0, 14, 10)]
    assert count(truths, proposals, [0.9, 0.8]) == (1, 1, 1)


def test_of_equal_truths_the_first_in_the_file_is_taken():
    assert match([slide(0), slide(0)], [slide(0)]).taken.tolist() == [0]


def test_touching_is_no_overlap():
    assert count([slide(0)], [slide(10)], iou=0) == (0, 1, 1)


def test_one_proposal_over_two_houses_and_two_over_one_match_nothing():
    assert count([slide(0), slide(10)], [shapely.box(0, 0, 20, 10)]) == (0, 1, 2)
    assert count([slide(0)], [shapely.box(0, 0, 5, 10), shapely.box(5, 0, 10, 10)]) == (0, 2, 1)


def test_a_courtyard_counts_as_not_built():
    holed = shapely.box(0, 0, 20, 20) - shapely.box(5, 5, 15, 15)
    matching = match([holed], [shapely.box(0, 0, 20, 20)])
    assert matching.iou.tolist() == [0.75]
    assert match([holed], [shapely.box(5, 5, 15, 15)]).score == Counts(0, 1, 1)


def test_parts_of_one_building_are_one():
    parts = shapely.MultiPolygon([slide(0), slide(20)])
    shifted = shapely.MultiPolygon([slide(0), slide(22)])
    assert match([parts], [shifted]).iou.tolist() == pytest.approx([180 / 220])
    assert count([parts], [slide(0)]) == (0, 1, 1)


def test_an_invalid_proposal_is_mended_by_a_zero_buffer():
    mended = shapely.Polygon([(0, 0), (10, 0), (10, 10), (5, 0), (0, 10)])  # touches itself
    assert not mended.is_valid
    assert count([shapely.buffer(mended, 0)], [mended]) == (1, 0, 0)
    assert count([shapely.box(0, 0, 10, 10)], [BOWTIE]) == (0, 1, 1)


def test_an_invalid_truth_cannot_be_matched():
    assert count([BOWTIE], [BOWTIE]) == (0, 1, 1)


def test_what_is_given_is_not_changed():
    proposals = as_array([BOWTIE])
    match_footprints(as_array([slide(0)]), proposals)
    assert proposals[0] is BOWTIE


BOX = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(1, 12), st.integers(1, 12)).map(
    lambda b: shapely.box(b[0], b[1], b[0] + b[2], b[1] + b[3])
)


def match_slowly(truths, proposals, confidence, iou):
    """Say the rule word by word, without an index: the oracle."""
    free, taken = set(range(len(truths))), [-1] * len(proposals)
    for i in sorted(range(len(proposals)), key=lambda i: -confidence[i]):
        best = (iou, 0, -1)
        for j in sorted(free):
            overlap = proposals[i].intersection(truths[j]).area / proposals[i].union(truths[j]).area
            best = max(best, (overlap, -j, j)) if overlap > best[0] else best
        if best[2] >= 0:
            taken[i] = best[2]
            free.remove(best[2])
    return taken


@settings(max_examples=150, deadline=None)
@given(
    st.lists(BOX, max_size=10),
    st.lists(st.tuples(BOX, st.integers(0, 3)), max_size=10),
    st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75]),
)
def test_the_index_changes_nothing_in_the_rule(truths, proposals, iou):
    polygons, confidence = [box for box, _ in proposals], [value for _, value in proposals]
    assert match(truths, polygons, confidence, iou).taken.tolist() == match_slowly(truths, polygons, confidence, iou)


@settings(max_examples=100, deadline=None)
@given(st.lists(BOX, max_size=10), st.lists(BOX, max_size=10))
def test_every_truth_and_every_proposal_is_counted_once(truths, proposals):
    tp, fp, fn = count(truths, proposals)
    assert tp + fp == len(proposals)
    assert tp + fn == len(truths)


# -- on a piece of ground ---------------------------------------------------------------------------------------------


def test_what_counts_on_the_ground_is_cut_at_its_border():
    ground = shapely.box(0, 0, 100, 100)
    polygons = as_array([shapely.box(10, 10, 20, 20), shapely.box(95, 0, 105, 10), shapely.box(200, 0, 210, 10)])
    clipped = clip_to_ground(polygons, ground, np.array([True, True, False]))
    assert shapely.area(clipped).tolist() == [100, 50]
    assert polygons[1].area == 100


@pytest.fixture
def make_probability(make_raster):
    return lambda values: make_raster(np.asarray(values)[None], nodata=NODATA, name="probability.tif")


def test_pixels_of_the_ground_are_counted_and_no_others(make_probability):
    values = np.zeros((40, 40))
    values[0:10, 0:10] = 254  # on the truth
    values[0:10, 10:20] = 200  # beside it
    values[30:40, :] = 254  # off the ground
    truths = as_array([shapely.box(0, 0, 10, 20)])
    score = score_pixels(make_probability(values), 0.5, truths, shapely.box(0, 0, 40, 30))
    assert score == Counts(100, 100, 100)


def test_pixels_without_data_count_nowhere(make_probability):
    values = np.full((40, 40), 254)
    values[:20] = NODATA
    truths = as_array([shapely.box(0, 0, 40, 30)])
    assert score_pixels(make_probability(values), 0.5, truths, shapely.box(0, 0, 40, 40)) == Counts(400, 400, 0)


def test_the_threshold_itself_is_building(make_probability):
    values = np.zeros((40, 40))
    values[0, :4] = (126, 127, 128, 254)
    truths = as_array([shapely.box(0, 0, 4, 1)])
    assert score_pixels(make_probability(values), 0.5, truths, shapely.box(0, 0, 40, 40)) == Counts(3, 0, 1)


def test_a_ground_of_several_pieces_counts_as_one(make_probability):
    values = np.full((40, 40), 254)
    ground = shapely.MultiPolygon([shapely.box(0, 0, 10, 10), shapely.box(20, 20, 30, 30)])
    assert score_pixels(make_probability(values), 0.5, as_array([shapely.box(0, 0, 10, 10)]), ground) == Counts(
        100, 100, 0
    )


def test_pixels_do_not_depend_on_the_windows_they_are_read_in(make_probability, monkeypatch):
    rng = np.random.default_rng(1)
    path = make_probability(rng.integers(0, 256, (100, 70)))
    truths = as_array([shapely.box(5, 5, 40, 33), shapely.box(30, 60, 69, 99)])
    ground = shapely.Polygon([(0, 0), (70, 10), (60, 100), (5, 90)])
    at_once = score_pixels(path, 0.5, truths, ground)
    monkeypatch.setattr("plugin.worker.evaluation.metrics.CHUNK_PX", 16)
    assert score_pixels(path, 0.5, truths, ground) == at_once
