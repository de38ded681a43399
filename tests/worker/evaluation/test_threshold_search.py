"""Choosing how buildings part: on validation ground, by the score that counts."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from plugin.core.card import Seeds, SeparationParams
from plugin.worker.evaluation.metrics import match_footprints
from plugin.worker.evaluation.threshold_search import ThresholdSearch
from plugin.worker.geodata.crs import GroundScale
from plugin.worker.geodata.probability import FULL, NODATA
from plugin.worker.polygons.watershed import find_instances

QUARTER = GroundScale(np.array([0.0, 3000.0]), np.array([0.25, 0.25]))
START = SeparationParams(0.5, Seeds(0.5, 1.0, 1.0, 0.5))


def never():
    return None


def write(path, values):
    profile = {"height": values.shape[1], "width": values.shape[2], "count": len(values), "dtype": "uint8"}
    place = {"crs": "EPSG:32645", "transform": Affine(0.5, 0, 300000, 0, -0.5, 3000000), "nodata": NODATA}
    with rasterio.open(path, "w", driver="GTiff", **profile, **place) as target:
        target.write(values)
    return path


@pytest.fixture
def terraces():
    """Rows of houses of 10 x 12 pixels, wall to wall, and what a model says of them: walls at half certainty."""
    houses, values = [], np.zeros((3, 300, 300), dtype="uint8")
    for top in range(20, 260, 40):
        for left in range(20, 260, 10):
            houses.append(shapely.box(left, top, left + 10, top + 12))
            values[0, top : top + 12, left : left + 10] = 230
            values[1, top : top + 12, left : left + 10] = 120
            values[1, top + 2 : top + 10, left + 2 : left + 8] = 10
    return np.array(houses, dtype=object), values


def choose(terraces, path, start=START, ground=None, *, is_thorough=True):
    houses, values = terraces
    chooser = ThresholdSearch(houses, ground or shapely.box(0, 0, 300, 300), QUARTER, 5.0)
    return chooser.choose(write(path, values), start, never, is_thorough=is_thorough)


def test_the_parting_that_finds_the_houses_is_found(tmp_path, terraces):
    f1, separation = choose(terraces, tmp_path / "p.tif", SeparationParams(0.5, Seeds(0.1, 1.0, 1.0, 0.5)))
    assert f1 == 1.0
    assert find_instances(terraces[1], separation, 0.25).max() == len(terraces[0])


def test_where_a_model_says_footprints_alone_the_threshold_is_chosen(tmp_path):
    values = np.full((1, 200, 200), 60, dtype="uint8")
    houses = [shapely.box(x, y, x + 12, y + 12) for x in range(10, 180, 30) for y in range(10, 180, 30)]
    for house in houses:
        left, top, right, bottom = (int(value) for value in house.bounds)
        values[0, top:bottom, left:right] = 190
    chooser = ThresholdSearch(np.array(houses, dtype=object), shapely.box(0, 0, 200, 200), QUARTER, 5.0)
    f1, separation = chooser.choose(write(tmp_path / "p.tif", values), SeparationParams(0.9), never, is_thorough=True)
    assert f1 == 1.0
    assert 60 / FULL < separation.threshold <= 190 / FULL
    assert separation.seeds is None


def test_the_score_is_that_of_outlines_on_the_same_ground(tmp_path, terraces):
    """Buildings are drawn pixel by pixel here, so that both ways of counting see the same shapes."""
    houses, values = terraces
    ground = shapely.box(0, 0, 155, 300)
    path = write(tmp_path / "p.tif", values)
    f1, _ = ThresholdSearch(houses, ground, QUARTER, 5.0).choose(path, START, never, is_thorough=False)
    half = np.array([house for house in houses if (house & ground).area >= 0.5 * house.area], dtype=object)
    cut = shapely.intersection(half, ground)
    assert f1 == match_footprints(cut, cut).score.f1 == 1.0


def test_a_house_on_the_border_counts_where_most_of_it_lies(tmp_path, terraces):
    houses, values = terraces
    values[:, :, 160:] = 0
    ground = shapely.box(0, 0, 160, 300)
    f1, _ = choose((houses, values), tmp_path / "p.tif", ground=ground)
    assert f1 == 1.0


def test_a_quick_choice_varies_the_seeds_threshold_alone(tmp_path, terraces):
    _, separation = choose(terraces, tmp_path / "p.tif", is_thorough=False)
    assert separation.threshold == START.threshold
    assert separation.seeds.boundary_share == START.seeds.boundary_share


def test_where_nothing_finds_a_building_the_best_pixels_decide(tmp_path):
    values = np.full((1, 100, 100), 100, dtype="uint8")
    values[0, :, 50:] = 140
    house = np.array([shapely.box(60, 10, 70, 20)], dtype=object)
    chooser = ThresholdSearch(house, shapely.box(0, 0, 100, 100), QUARTER, 5.0)
    f1, separation = chooser.choose(write(tmp_path / "p.tif", values), SeparationParams(0.9), never, is_thorough=True)
    assert f1 == 0.0
    assert 100 / FULL < separation.threshold <= 140 / FULL


def test_the_work_can_be_stopped(tmp_path, terraces):
    def stop():
        raise KeyboardInterrupt

    houses, values = terraces
    chooser = ThresholdSearch(houses, shapely.box(0, 0, 300, 300), QUARTER, 5.0)
    with pytest.raises(KeyboardInterrupt):
        chooser.choose(write(tmp_path / "p.tif", values), START, stop, is_thorough=True)


def test_of_very_large_ground_only_some_is_looked_at():
    chooser = ThresholdSearch(np.array([], dtype=object), shapely.box(0, 0, 40000, 40000), QUARTER, 5.0)
    assert 1 < len(chooser._windows) <= 24


def count_by_hand(tile, separation, least_m2):
    """Return tp, fp and fn building by building: an oracle that shares nothing but the search for buildings."""
    found = find_instances(tile.values, separation, tile.pixel_m2)

    def list_here(places, least_px):
        masks = [places == number for number in range(1, places.max() + 1) if (places == number).any()]
        return [
            mask & tile.counts
            for mask in masks
            if mask.sum() >= least_px and 2 * (mask & tile.counts).sum() >= mask.sum()
        ]

    proposals, truths = list_here(found, least_m2 / tile.pixel_m2), list_here(tile.truth, 0)
    hits = sum(any((one & two).sum() / (one | two).sum() > 0.5 for two in truths) for one in proposals)
    return hits, len(proposals) - hits, len(truths) - hits


@pytest.mark.parametrize("least_m2", [0.0, 5.0, 31.0, 1000.0])
def test_a_tally_tells_the_score_for_every_least_area(tmp_path, terraces, least_m2):
    houses, values = terraces
    small = [house for i, house in enumerate(houses) if i % 3]
    ground = shapely.box(0, 0, 157, 300)
    chooser = ThresholdSearch(np.array(small, dtype=object), ground, QUARTER, 5.0)
    (tile,) = chooser.read(write(tmp_path / "p.tif", values))
    for threshold in (0.3, 0.5):
        separation = SeparationParams(threshold, START.seeds)
        score = tile.tally(separation).score(least_m2)
        assert (score.tp, score.fp, score.fn) == count_by_hand(tile, separation, least_m2)
        assert tile.score(separation, least_m2) == score
