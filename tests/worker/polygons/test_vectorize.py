"""Tracing: from a probability raster to whole footprints."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize

from plugin.core.card import Seeds, SeparationParams
from plugin.core.models import find_card
from plugin.worker.geodata.crs import GroundScale
from plugin.worker.geodata.probability import FULL, NODATA
from plugin.worker.geodata.raster import describe_raster
from plugin.worker.geodata.shapes import is_square, measure_iou
from plugin.worker.polygons.vectorize import TraceRule, make_rule, trace_all, trace_footprints

PIXEL_OF_A_QUARTER_M2 = GroundScale(np.array([0.0, 1000.0]), np.array([0.25, 0.25]))
EXACT = TraceRule(SeparationParams(0.5), min_area_m2=0.0, simplify_px=0.0)
SEEDED = TraceRule(SeparationParams(0.5, Seeds(0.5, 1.0, 1.0, 0.0)), min_area_m2=0.0, simplify_px=0.0)


def write_probability(path, values):
    values = values if values.ndim == 3 else values[None]
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=values.shape[1],
        width=values.shape[2],
        count=len(values),
        dtype="uint8",
        nodata=NODATA,
        crs="EPSG:32645",
        transform=Affine(0.5, 0, 300000, 0, -0.5, 3000000),
    ) as target:
        target.write(values)
    return path


def trace(path, rule=EXACT, chunk_px=2048):
    found = [part for _, part in trace_footprints(path, rule, PIXEL_OF_A_QUARTER_M2, chunk_px=chunk_px)]
    return (
        np.concatenate([part.polygons for part in found]),
        np.concatenate([part.confidence for part in found]),
        np.concatenate([part.area_m2 for part in found]),
    )


def sort_key(polygon):
    return shapely.to_wkb(shapely.normalize(polygon))


@pytest.fixture
def empty():
    return np.zeros((64, 64), dtype="uint8")


def test_a_square_becomes_a_square_with_its_confidence_and_area_in_square_metres(tmp_path, empty):
    empty[10:20, 30:42] = 200
    polygons, confidence, areas = trace(write_probability(tmp_path / "p.tif", empty))
    assert len(polygons) == 1
    assert polygons[0].equals(shapely.box(30, 10, 42, 20))
    assert confidence[0] == pytest.approx(200 / FULL)
    assert areas[0] == pytest.approx(120 * 0.25)


def test_two_squares_that_touch_at_a_corner_stay_two(tmp_path, empty):
    empty[10:20, 10:20] = FULL
    empty[20:30, 20:30] = FULL
    polygons, _, _ = trace(write_probability(tmp_path / "p.tif", empty))
    assert sorted(polygon.area for polygon in polygons) == [100, 100]


def test_a_courtyard_stays_open(tmp_path, empty):
    empty[10:40, 10:40] = FULL
    empty[20:30, 20:30] = 0
    polygons, _, _ = trace(write_probability(tmp_path / "p.tif", empty))
    assert len(polygons) == 1
    assert len(polygons[0].interiors) == 1
    assert polygons[0].area == 30 * 30 - 10 * 10


def test_a_building_across_four_chunks_is_one_whole(tmp_path, empty):
    empty[20:44, 25:50] = 150
    polygons, confidence, _ = trace(write_probability(tmp_path / "p.tif", empty), chunk_px=32)
    assert len(polygons) == 1
    assert polygons[0].equals(shapely.box(25, 20, 50, 44))
    assert confidence[0] == pytest.approx(150 / FULL)


def test_an_arm_that_comes_back_from_the_next_row_of_chunks_belongs_to_the_same_building(tmp_path, empty):
    empty[10:50, 5:10] = FULL
    empty[45:50, 5:60] = FULL
    empty[10:50, 55:60] = FULL
    polygons, _, _ = trace(write_probability(tmp_path / "p.tif", empty), chunk_px=16)
    assert len(polygons) == 1
    assert polygons[0].is_valid


def test_an_empty_raster_gives_no_footprint(tmp_path, empty):
    assert len(trace(write_probability(tmp_path / "p.tif", empty))[0]) == 0


def test_nodata_is_no_building(tmp_path, empty):
    empty[:] = NODATA
    assert len(trace(write_probability(tmp_path / "p.tif", empty))[0]) == 0


def test_what_is_smaller_than_the_minimum_area_is_passed_over_and_the_equal_one_kept(tmp_path, empty):
    empty[2:6, 2:7] = FULL  # 20 pixels: 5 m2
    empty[20:24, 20:24] = FULL  # 16 pixels: 4 m2
    rule = TraceRule(SeparationParams(0.5), min_area_m2=5.0, simplify_px=0.0)
    polygons, _, areas = trace(write_probability(tmp_path / "p.tif", empty), rule)
    assert areas.tolist() == [5.0]
    assert polygons[0].area == 20


def test_a_small_piece_beside_a_seam_counts_with_its_other_half(tmp_path, empty):
    empty[10:14, 30:32] = FULL
    empty[10:14, 32:40] = FULL
    rule = TraceRule(SeparationParams(0.5), min_area_m2=8.0, simplify_px=0.0)
    polygons, _, _ = trace(write_probability(tmp_path / "p.tif", empty), rule, chunk_px=32)
    assert [polygon.area for polygon in polygons] == [40]


def test_a_slanting_wall_is_simplified_to_few_corners(tmp_path):
    values = np.fromfunction(lambda row, col: (abs(row - 32) + abs(col - 32) < 20) * FULL, (64, 64)).astype("uint8")
    polygons, _, _ = trace(
        write_probability(tmp_path / "p.tif", values), TraceRule(SeparationParams(0.5), 0.0, simplify_px=1.0)
    )
    assert shapely.get_num_coordinates(polygons[0]) <= 12
    assert polygons[0].is_valid


def test_ground_restricts_what_is_read(tmp_path, empty):
    empty[5:10, 5:10] = FULL
    empty[50:55, 50:55] = FULL
    path = write_probability(tmp_path / "p.tif", empty)
    parts = trace_footprints(path, EXACT, PIXEL_OF_A_QUARTER_M2, shapely.box(0, 0, 20, 20), chunk_px=32)
    polygons = np.concatenate([part.polygons for _, part in parts])
    assert [polygon.bounds for polygon in polygons] == [(5, 5, 10, 10)]


def test_the_share_done_rises_to_one(tmp_path, empty):
    path = write_probability(tmp_path / "p.tif", empty)
    shares = [share for share, _ in trace_footprints(path, EXACT, PIXEL_OF_A_QUARTER_M2, chunk_px=16)]
    assert shares == [0.25, 0.5, 0.75, 1.0]


def test_trace_all_is_all_that_is_traced(tmp_path, empty):
    empty[5:10, 5:10] = FULL
    found = trace_all(write_probability(tmp_path / "p.tif", empty), EXACT, PIXEL_OF_A_QUARTER_M2)
    assert len(found.polygons) == len(found.confidence) == len(found.area_m2) == 1


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), chunk_px=st.sampled_from([7, 16, 33]))
def test_the_result_does_not_depend_on_the_size_of_the_chunks(tmp_path_factory, seed, chunk_px):
    rng = np.random.default_rng(seed)
    values = (rng.random((48, 56)) < 0.55).astype("uint8") * rng.integers(130, 250, (48, 56), dtype="uint8")
    path = write_probability(tmp_path_factory.mktemp("chunks") / "p.tif", values)
    rule = TraceRule(SeparationParams(0.5), min_area_m2=1.0, simplify_px=0.0)
    whole, whole_confidence, _ = trace(path, rule)
    parts, parts_confidence, _ = trace(path, rule, chunk_px)
    assert sorted(map(sort_key, whole)) == sorted(map(sort_key, parts))
    assert np.sort(whole_confidence) == pytest.approx(np.sort(parts_confidence))


# -- buildings that come apart by seeds -------------------------------------------------------------------------------


@pytest.fixture
def paint():
    """Return an empty window of three channels, and a function that paints a house with walls of two pixels into it."""
    values = np.zeros((3, 96, 120), dtype="uint8")

    def build(top, left, height, width):
        values[:2, top : top + height, left : left + width] = FULL
        values[1, top + 2 : top + height - 2, left + 2 : left + width - 2] = 0

    return values, build


def test_two_touching_squares_become_two_footprints_that_share_a_wall(tmp_path, paint):
    values, build = paint
    build(10, 10, 20, 20)
    build(10, 30, 20, 20)
    polygons, _, _ = trace(write_probability(tmp_path / "p.tif", values), SEEDED)
    assert sum(polygon.area for polygon in polygons) == 800
    assert [polygon.area for polygon in polygons] == pytest.approx([400, 400], abs=20)
    assert not polygons[0].intersection(polygons[1]).area


def test_a_row_of_terraces_becomes_a_footprint_a_house_whatever_the_chunks(tmp_path, paint):
    values, build = paint
    for i in range(10):
        build(20, 5 + 11 * i, 24, 11)
    path = write_probability(tmp_path / "p.tif", values)
    for chunk_px in (2048, 48, 32):
        polygons, _, _ = trace(path, SEEDED, chunk_px)
        assert len(polygons) == 10
        assert sum(polygon.area for polygon in polygons) == 10 * 24 * 11


def test_a_seeded_building_across_four_windows_is_one_whole(tmp_path, paint):
    values, build = paint
    build(20, 20, 50, 60)
    build(20, 80, 50, 30)
    polygons, _, _ = trace(write_probability(tmp_path / "p.tif", values), SEEDED, chunk_px=40)
    assert sorted(round(polygon.area, -2) for polygon in polygons) == [1500, 3000]


def test_a_building_longer_than_any_margin_is_one_whole(tmp_path):
    values = np.zeros((3, 40, 900), dtype="uint8")
    values[:2, 10:30, 5:895] = FULL
    values[1, 12:28, 7:893] = 0
    polygons, _, _ = trace(write_probability(tmp_path / "p.tif", values), SEEDED, chunk_px=64)
    assert [polygon.area for polygon in polygons] == [20 * 890]


def test_a_courtyard_with_seeds_stays_open(tmp_path, paint):
    values, build = paint
    build(10, 10, 40, 40)
    values[:, 24:36, 24:36] = 0
    (polygon,), _, _ = trace(write_probability(tmp_path / "p.tif", values), SEEDED, chunk_px=32)
    assert len(polygon.interiors) == 1
    assert polygon.area == 1600 - 144


def test_squared_footprints_are_valid_apart_and_right_angled(tmp_path, paint):
    values, build = paint
    for i in range(9):
        build(20, 5 + 12 * i, 24, 12)
    build(60, 20, 30, 60)
    rule = TraceRule(SEEDED.separation, 1.0, 1.0, is_squared=True)
    polygons, _, _ = trace(write_probability(tmp_path / "p.tif", values), rule, chunk_px=32)
    assert len(polygons) == 10
    assert shapely.is_valid(polygons).all()
    assert is_square(polygons).all()
    firsts, seconds = shapely.STRtree(polygons).query(polygons)
    shared = shapely.area(shapely.intersection(polygons[firsts], polygons[seconds]))[firsts != seconds]
    assert shared.max() < 1e-6


# -- tolerances and right angles on the ground ------------------------------------------------------------------------


def rule_on(raster, simplify_m=None):
    return make_rule(SeparationParams(0.5), 4.0, simplify_m, raster, is_squared=True)


@pytest.mark.parametrize(("gsd_m", "expected_px"), [(0.05, 1.25), (0.1, 1.25), (0.25, 1.25), (0.5, 2.0)])
def test_the_tolerance_is_a_pixel_of_the_file_and_never_less_than_the_traced_grids_steps(
    make_raster, gsd_m, expected_px
):
    path = make_raster(size=(200, 200), transform=Affine(gsd_m, 0, 333000, 0, -gsd_m, 3066000))
    raster = describe_raster(str(path), find_card("starter"))
    assert raster.gsd_m == pytest.approx(0.25, rel=0.05)
    assert rule_on(raster).simplify_px == pytest.approx(expected_px, rel=0.01)
    assert rule_on(raster, 0.1).simplify_px == pytest.approx(0.4, rel=0.05)


def test_right_angles_are_such_on_the_ground_where_pixels_are_not_square(tmp_path):
    """Pixels twice as high as wide, as in degrees at 60 degrees north: an L that stands askew on the ground."""
    axes = np.array([[math.sqrt(0.5), 0], [0, -math.sqrt(2)]])
    house = shapely.box(0, 0, 60, 60) - shapely.box(30, 30, 60, 60)
    house = shapely.affinity.translate(shapely.affinity.rotate(house, 20), 100, -150)
    pixels = shapely.transform(house, lambda xy: xy @ np.linalg.inv(axes).T)
    drawn = rasterize([(pixels, 254)], (256, 256), dtype="uint8")
    path = write_probability(tmp_path / "p.tif", drawn)
    scale = replace(PIXEL_OF_A_QUARTER_M2, axes=axes)
    rule = TraceRule(SeparationParams(0.5), 1.0, 1.25 * math.sqrt(2), is_squared=True)
    (found,) = trace_all(path, rule, scale).polygons
    ground = shapely.transform(found, lambda xy: xy @ axes.T)
    assert is_square(np.array([ground], dtype=object)).all()
    assert shapely.get_num_coordinates(ground) == 7
    assert measure_iou(np.array([ground], dtype=object), np.array([house], dtype=object))[0] > 0.95
