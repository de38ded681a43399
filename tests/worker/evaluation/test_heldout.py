"""Held-out ground as an exam: the same for every model, with figures that follow from each building's fate."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.core.counts import Counts
from plugin.core.score import BoundaryDistance
from plugin.worker.dataset.split import is_mostly_inside
from plugin.worker.evaluation.heldout import IOUS, HeldOutEvaluation
from plugin.worker.evaluation.metrics import clip_to_ground, match_footprints
from plugin.worker.geodata.crs import GroundScale
from plugin.worker.polygons.vectorize import Footprints

GROUND = shapely.box(0, 0, 1000, 800)
SCALE = GroundScale(np.array([0.0, 800.0]), np.array([0.25, 0.25]))


def as_array(polygons):
    return np.array(list(polygons), dtype=object)


def find(polygons, confidence=None):
    polygons = as_array(polygons)
    sure = np.linspace(0.9, 0.6, len(polygons)) if confidence is None else np.array(confidence)
    return Footprints(polygons, sure, shapely.area(polygons) * 0.25)


def sit(labels, footprints, ground=GROUND, confidence=None):
    """Return the marks of footprints; both sides by the rule of half a building inside."""
    labels, found = as_array(labels), find(footprints, confidence)
    inside = is_mostly_inside(found.polygons, ground)
    chosen = Footprints(found.polygons[inside], found.confidence[inside], found.area_m2[inside])
    return HeldOutEvaluation(labels[is_mostly_inside(labels, ground)], ground, SCALE, 16.0).mark(chosen)


def make_town(count, seed, least=12.0, most=40.0):
    """Return that many buildings, one to a lot of 50 pixels, off the border of the ground."""
    rng = np.random.default_rng(seed)
    lots = [(x, y) for y in range(75, 750, 50) for x in range(75, 950, 50)]
    centres = np.array(lots)[rng.choice(len(lots), count, replace=False)] + rng.uniform(-4, 4, (count, 2))
    halves = rng.uniform(least, most, (count, 2)) / 2
    return shapely.box(*(centres - halves).T, *(centres + halves).T)


def shake(buildings, seed):
    """Return most of the buildings, moved and resized, and some that are not there."""
    rng = np.random.default_rng(seed)
    moved = [
        shapely.affinity.translate(shapely.affinity.scale(each, *rng.uniform(0.8, 1.2, 2)), *rng.normal(0, 3, 2))
        for each in buildings
        if rng.random() < 0.8
    ]
    return as_array([*moved, *make_town(20, seed + 1)])


def read_counts(figures):
    return Counts(figures.tp, figures.fp, figures.fn)


# -- figures ----------------------------------------------------------------------------------------------------------


def test_a_perfect_answer_has_perfect_figures():
    town = make_town(200, 1)
    figures = sit(town, town).score
    assert figures.building.f1 == figures.mean_f1 == 1
    assert figures.count_error_percent == figures.area_error_percent == 0
    assert figures.boundary_m == BoundaryDistance(0, 0, 200)


def test_no_answer_is_an_answer():
    figures = sit(make_town(50, 1), []).score
    assert read_counts(figures.building) == Counts(0, 0, 50)
    assert figures.count_error_percent == figures.area_error_percent == -100
    assert figures.boundary_m == BoundaryDistance(None, None, 0)
    assert figures.building.interval is None


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 200), st.integers(0, 10**6))
def test_the_counts_add_up_to_those_of_the_rule_by_every_reckoning(count, seed):
    town, found = make_town(count, seed), shake(make_town(count, seed), seed)
    marks = sit(town, found)
    confidence = np.linspace(0.9, 0.6, len(found))
    expected = match_footprints(town, found, confidence).score
    figures, columns = marks.score, marks.outcomes.columns
    assert read_counts(figures.building) == expected
    assert sum((read_counts(each) for each in figures.by_size), Counts(0, 0, 0)) == expected
    assert np.sum(figures.blocks, axis=0).tolist() == [expected.tp, expected.fp, expected.fn]
    assert [(columns["outcome"] == name).sum() for name in ("TP", "FP", "FN")] == [
        expected.tp,
        expected.fp,
        expected.fn,
    ]
    for each in figures.by_iou:
        assert read_counts(each) == match_footprints(town, found, confidence, each.iou).score
    assert figures.mean_f1 == pytest.approx(np.mean([each.f1 for each in figures.by_iou]))


def test_the_ious_are_those_of_the_field():
    assert IOUS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def test_count_and_area_errors_are_shares_of_the_truth():
    town = make_town(100, 3)
    figures = sit(town, [shapely.affinity.scale(each, 2**0.5, 2**0.5) for each in town[:60]]).score
    areas = shapely.area(town)
    assert figures.count_error_percent == pytest.approx(-40)
    assert figures.area_error_percent == pytest.approx(100 * (2 * areas[:60].sum() / areas.sum() - 1))


def test_a_building_belongs_to_the_size_of_its_label_and_a_blunder_to_that_of_its_footprint():
    """A pixel is a quarter of a square metre: 10 px a side are 25 m2, 20 are 100, 40 are 400, 60 are 900."""
    labels = [shapely.box(100 * i, 0, 100 * i + side, side) for i, side in enumerate((10, 20, 40, 60))]
    grown = shapely.box(100, 0, 127, 27)  # 182 m2 on a label of 100: IoU 0.55
    blunder = shapely.box(700, 700, 760, 760)
    sizes = sit(labels, [grown, blunder]).score.by_size
    assert [(each.from_m2, each.to_m2) for each in sizes] == [(0, 50), (50, 150), (150, 500), (500, None)]
    assert [read_counts(each) for each in sizes] == [Counts(0, 0, 1), Counts(1, 0, 0), Counts(0, 0, 1), Counts(0, 1, 1)]


def test_walls_that_lie_half_a_metre_outside_are_told_in_metres():
    labels = [shapely.box(100, 100, 140, 140)]
    grown = [shapely.box(99, 99, 141, 141)]
    distance = sit(labels, grown).score.boundary_m
    assert distance.mean == pytest.approx(0.5 * (1 + 2**0.5) / 2)
    assert distance.pairs == 1


def test_a_town_of_many_blocks_has_an_interval_and_a_hamlet_has_none():
    town = make_town(250, 5)
    low, high = sit(town, shake(town, 5)).score.building.interval
    assert 0 < low < high < 1
    assert sit(town[:20], shake(town[:20], 5)).score.building.interval is None


# -- the border of the ground -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("inside_px", "counts"), [(9.9, 0), (10, 1), (10.1, 1)])
def test_labels_and_footprints_count_from_half_of_them_inside_on(inside_px, counts):
    cut = shapely.box(-20 + inside_px, 100, inside_px, 120)
    whole = shapely.box(500, 500, 520, 520)
    assert read_counts(sit([cut, whole], [whole]).score.building) == Counts(1, 0, counts)
    assert read_counts(sit([whole], [cut, whole]).score.building) == Counts(1, counts, 0)
    assert read_counts(sit([cut, whole], [cut, whole]).score.building) == Counts(1 + counts, 0, 0)


def test_what_lies_beyond_the_border_is_compared_on_neither_side():
    """A footprint is right inside, whatever it says of the ground beyond; and the other way round."""
    short, long = shapely.box(-2, 100, 12, 120), shapely.box(-12, 100, 12, 120)
    for label, footprint in ((short, long), (long, short)):
        marks = sit([label], [footprint])
        assert marks.score.by_iou[-1].tp == 1
        assert marks.outcomes.columns["iou"].tolist() == [1]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 800)), min_size=3, max_size=6))
def test_the_border_treats_labels_and_footprints_alike(seed, corners):
    """Changing sides changes false positives into false negatives, and nothing else."""
    ground = shapely.MultiPoint(corners).convex_hull
    if ground.geom_type != "Polygon" or ground.area < 10_000:
        return
    town, found = make_town(150, seed), make_town(150, seed + 1)
    ahead, back = (sit(*pair, ground).score for pair in ((town, found), (found, town)))
    one, other = read_counts(ahead.building), read_counts(back.building)
    assert (one.tp + one.fn, one.tp + one.fp) == (other.tp + other.fp, other.tp + other.fn)
    inside = [is_mostly_inside(each, ground) for each in (town, found)]
    assert (one.tp + one.fn, one.tp + one.fp) == (inside[0].sum(), inside[1].sum())


def test_a_building_that_touches_the_border_elsewhere_is_cut_to_its_surface():
    ground = shapely.box(0, 0, 100, 100) - shapely.box(40, 40, 60, 60)
    shape = shapely.union_all([shapely.box(10, 10, 40, 30), shapely.box(36, 30, 40, 70), shapely.box(30, 70, 60, 74)])
    across = shapely.union_all([shape, shapely.box(40, 45, 44, 50)])
    cut = clip_to_ground(as_array([across]), ground, np.array([True]))[0]
    assert cut.geom_type in {"Polygon", "MultiPolygon"}
    assert cut.area == pytest.approx(shape.area)


# -- how each building fared ------------------------------------------------------------------------------------------


def test_every_building_is_told_with_its_overlap_its_size_and_its_block():
    labels = [shapely.box(100, 100, 120, 120), shapely.box(800, 600, 820, 620)]
    hit, near, blunder = (
        shapely.box(100, 100, 120, 116),
        shapely.box(800, 600, 820, 608),
        shapely.box(400, 400, 410, 410),
    )
    marks = sit(labels, [hit, near, blunder])
    columns = marks.outcomes.columns
    assert columns["outcome"].tolist() == ["TP", "FP", "FP", "FN"]
    assert columns["iou"].tolist() == pytest.approx([0.8, 0.4, 0, 0.4])
    assert columns["area_m2"].tolist() == [80, 40, 25, 100]
    assert np.isnan(columns["confidence"]).tolist() == [False, False, False, True]
    assert [
        polygon.equals(each)
        for polygon, each in zip(marks.outcomes.polygons, [hit, near, blunder, labels[1]], strict=True)
    ]
    assert columns["block"][1] == columns["block"][3] != columns["block"][0]


def test_the_blocks_and_what_is_labelled_in_them_are_the_same_for_every_model():
    town = make_town(250, 8)
    evaluation = HeldOutEvaluation(town, GROUND, SCALE, 16.0)
    tables = [np.array(evaluation.mark(find(shake(town, seed))).score.blocks) for seed in (1, 2)]
    assert (tables[0][:, [0, 2]].sum(axis=1) == tables[1][:, [0, 2]].sum(axis=1)).all()
    assert not (tables[0] == tables[1]).all()
