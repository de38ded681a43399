"""Truth and footprints of a score are read as a run reads its labels, and what was done to them is told."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import shapely
from rasterio.warp import transform as reproject

from plugin.core.errors import InputError
from plugin.worker.evaluation.scored_layers import Comparison
from plugin.worker.evaluation.vector_files import match_files
from plugin.worker.geodata.vector import append_layer

SQUARES = [shapely.box(20 * i, 0, 20 * i + 10, 10) for i in range(4)]
ORIGIN = (333000.0, 3066000.0)
AS_WRITTEN = Comparison(is_as_written=True)


@pytest.fixture
def write(make_vector):
    """Return a function that writes polygons under a name and returns the path as text."""
    return lambda polygons, name="truth.gpkg", **options: str(make_vector(polygons, name, **{"crs": None, **options}))


def count(truth, footprints, how=Comparison()):  # noqa: B008 - a frozen value
    score = match_files(truth, footprints, how).counts
    return score.tp, score.fp, score.fn


def move(polygons, crs):
    placed = shapely.transform(np.array(polygons, dtype=object), lambda xy: xy + ORIGIN)
    return shapely.transform(placed, lambda xy: np.column_stack(reproject("EPSG:32645", crs, *xy.T)))


def spike(polygon):
    """Return the polygon with a line out and back at its second corner."""
    first, second, *rest = polygon.exterior.coords
    return shapely.Polygon([first, second, (second[0] + 0.5, second[1] + 0.5), second, *rest])


ODD = {
    "spikes": ([spike(each) for each in SQUARES], "4 invalid labels were repaired for this score"),
    "turned back on itself": (
        [shapely.Polygon([*SQUARES[0].exterior.coords, (10, 5), (0, 5), (0, 0)]), *SQUARES[1:]],
        "",
    ),
    "multi": ([shapely.MultiPolygon(SQUARES[:2]), shapely.MultiPolygon(SQUARES[2:])], "2 multi-part labels were split"),
    "points": ([*SQUARES, *(each.centroid for each in SQUARES)], "4 labels without an area were ignored."),
    "lines": ([*SQUARES, shapely.LineString([(0, 0), (9, 9)])], "One label without an area was ignored."),
    "empty": ([*SQUARES, shapely.Polygon()], "One label without an area was ignored."),
    "missing": ([None, *SQUARES], "One label without an area was ignored."),
    "flat": ([*SQUARES, shapely.Polygon([(0, 0), (5, 5), (9, 9)])], "One label without an area was ignored."),
    "not a number": (
        [*SQUARES, shapely.Polygon([(0, 0), (float("nan"), 1), (9, 9)])],
        "One label without an area was ignored.",
    ),
    "collection": (
        [shapely.GeometryCollection([SQUARES[0], shapely.Point(3, 3)]), shapely.GeometryCollection(SQUARES[1:])],
        "One multi-part label was split",
    ),
    "twice": ([*SQUARES, *SQUARES], "4 labels lie exactly on another one: each building counts once in this score."),
    "twice, from another corner": (
        [*SQUARES, *(shapely.Polygon([*each.exterior.coords[2:], *each.exterior.coords[1:3]]) for each in SQUARES)],
        "4 labels lie exactly on another one",
    ),
    "heights": ([shapely.force_3d(each, 7.0) for each in SQUARES], ""),
}


@pytest.mark.parametrize("name", ODD)
def test_the_truth_is_read_as_a_run_reads_its_labels_and_that_is_told(write, name):
    truths, said = ODD[name]
    matched = match_files(write(truths), write(SQUARES, "found.gpkg"), Comparison())
    assert (matched.counts.tp, matched.counts.fp, matched.counts.fn) == (4, 0, 0)
    assert [said in sentence for sentence in matched.notices] == ([True] if matched.notices else [])
    assert bool(matched.notices) or not said


@pytest.mark.parametrize(
    ("crs", "places", "said"),
    [
        ("EPSG:32645", lambda xy: xy + np.array([0, 5000]), "5.0 km apart. Choose files of the same place"),
        ("EPSG:4326", lambda xy: xy[:, ::-1], "The x and y of one of them are exchanged"),
        (None, lambda xy: xy + np.array([0, 5000]), "choose files of the same place."),
    ],
)
def test_files_without_common_ground_are_told_with_the_way_between_them(write, crs, places, said):
    placed = move(SQUARES, crs) if crs else np.array(SQUARES, dtype=object)
    truth, found = write(placed, crs=crs), write(shapely.transform(placed, places), "found.gpkg", crs=crs)
    matched = match_files(truth, found, Comparison())
    assert matched.counts.tp == 0
    (told,) = matched.notices
    assert told.startswith("No label touches a footprint")
    assert said in told


def test_nothing_is_said_of_a_distance_where_one_file_is_empty(write, tmp_path):
    append_layer(tmp_path / "none.gpkg", [], {}, None, "none")
    assert match_files(write(SQUARES), str(tmp_path / "none.gpkg"), Comparison()).notices == ()


def test_a_truth_that_comes_apart_is_told_with_the_count_of_its_pieces(write):
    bowtie = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    matched = match_files(write([bowtie]), write(SQUARES, "found.gpkg"), Comparison())
    assert matched.notices[0].endswith("It came apart into 2 pieces: each counts as a building.")
    assert matched.counts.fn == 2


@pytest.mark.parametrize("name", ["spikes", "multi", "points", "collection"])
def test_footprints_are_read_as_the_truth_is(write, name):
    matched = match_files(write(SQUARES), write(ODD[name][0], "found.gpkg"), Comparison())
    assert (matched.counts.tp, matched.counts.fp, matched.counts.fn) == (4, 0, 0)
    assert "footprint" in matched.notices[0]


def test_a_footprint_that_is_there_twice_is_a_false_positive_and_that_is_told(write):
    matched = match_files(write(SQUARES), write([*SQUARES, SQUARES[0]], "found.gpkg"), Comparison())
    assert (matched.counts.tp, matched.counts.fp, matched.counts.fn) == (4, 1, 0)
    assert matched.notices == (
        "One footprint lies exactly on another: only one of them can match, the others count as false positives.",
    )


def test_houses_that_share_a_wall_stay_two_in_one_multipolygon(write):
    terrace = [shapely.box(0, 0, 5, 10), shapely.box(5, 0, 10, 10)]
    assert count(write([shapely.MultiPolygon(terrace)]), write(terrace, "found.gpkg")) == (2, 0, 0)


def test_the_crumbs_of_a_repair_are_no_buildings(write):
    """A corner that was drawn past itself by a hand's breadth leaves a triangle beyond the crossing."""
    crossed = shapely.Polygon([(0, 0), (10, 0), (10, 10), (-0.1, 10), (0.1, -0.1)])
    assert count(write([crossed]), write([SQUARES[0]], "found.gpkg")) == (1, 0, 0)


def test_an_overlays_slivers_have_no_area_on_the_ground(write):
    sliver = shapely.Polygon([(50, 50), (80, 50), (80, 50.005)])
    truth = write(move([*SQUARES, sliver], "EPSG:4326"), crs="EPSG:4326")
    found = write(move(SQUARES, "EPSG:32645"), "found.gpkg", crs="EPSG:32645")
    assert count(truth, found) == (4, 0, 0)


def test_the_same_polygon_in_two_groups_is_no_double(write):
    paths = [write([SQUARES[0]] * 2, name, columns={"image": ["a", "b"]}) for name in ("truth.gpkg", "found.gpkg")]
    assert count(*paths, Comparison(by="image")) == (2, 0, 0)
    assert count(*paths) == (1, 1, 0)


def test_columns_follow_the_parts_of_a_multi_part_footprint(write):
    found = write(
        [shapely.MultiPolygon(SQUARES[:2]), shapely.MultiPolygon(SQUARES[:2])],
        "found.gpkg",
        columns={"sure": [0.2, 0.9]},
    )
    match = match_files(write(SQUARES[:2]), found, Comparison(confidence="sure")).matches[0]
    assert match.matching.taken.tolist() == [-1, -1, 0, 1]


def test_a_file_without_polygons_is_refused(write):
    truth = write([each.centroid for each in SQUARES])
    with pytest.raises(InputError, match="holds no polygons"):
        match_files(truth, write(SQUARES, "found.gpkg"), Comparison())


def test_as_written_nothing_is_repaired_and_what_that_costs_is_told(write):
    truth = write([spike(SQUARES[0]), *SQUARES[1:], SQUARES[1], SQUARES[2].centroid])
    matched = match_files(truth, write(SQUARES, "found.gpkg"), AS_WRITTEN)
    assert (matched.counts.tp, matched.counts.fp, matched.counts.fn) == (3, 1, 3)
    assert matched.notices == (
        "One label is invalid and cannot be matched: use Processing > Fix geometries, or leave out --as-written.",
    )


def test_the_command_tells_what_was_done_in_json(write, root):
    truth, found = write([*map(spike, SQUARES), SQUARES[0].centroid]), write(SQUARES, "found.gpkg")
    command = [sys.executable, "-m", "plugin.worker", "score", "--truth", truth, "--footprints", found, "--json"]
    answer = json.loads(subprocess.run(command, cwd=root, capture_output=True, check=True, text=True).stdout)
    assert answer["f1"] == 1
    assert len(answer["notices"]) == 2
    assert answer["handled"]["truth"] == {"repaired": 4, "split": 0, "dropped": 1, "twins": 0}
