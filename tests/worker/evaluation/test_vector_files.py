"""The command ``score``: any truth against any footprints, from two files, in whatever coordinates they are."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import shapely
from rasterio.warp import transform as reproject

from plugin.core.errors import InputError
from plugin.worker.evaluation.bootstrap import bound_f1
from plugin.worker.evaluation.scored_layers import Comparison
from plugin.worker.evaluation.vector_files import match_files
from plugin.worker.geodata.vector import read_layer

SQUARES = [shapely.box(20 * i, 0, 20 * i + 10, 10) for i in range(4)]
BOWTIE = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
LARGE, SMALL = shapely.box(0, 0, 5, 4), shapely.box(20, 0, 24, 4.99)
ORIGIN = (333000.0, 3066000.0)
TO_TENTHS = Comparison(min_area_m2=20.0)
AS_WRITTEN = Comparison(is_as_written=True)


@pytest.fixture
def write(make_vector):
    """Return a function that writes polygons under a name and returns the path as text."""
    return lambda polygons, name="truth.gpkg", **options: str(make_vector(polygons, name, **{"crs": None, **options}))


@pytest.fixture
def write_plain(tmp_path):
    """Return a function that writes GeoJSON that names no coordinate system."""

    def write_plain(polygons, name="truth.geojson", **properties):
        features = [
            {
                "type": "Feature",
                "properties": {field: values[i] for field, values in properties.items()},
                "geometry": polygon and json.loads(shapely.to_geojson(polygon)),
            }
            for i, polygon in enumerate(polygons)
        ]
        (tmp_path / name).write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
        return str(tmp_path / name)

    return write_plain


@pytest.fixture
def write_csv(tmp_path):
    """Return a function that writes a table as SpaceNet's competitors do."""

    def write_csv(rows, name="truth.csv"):
        lines = [f'{image},{i},"{wkt}",{confidence}' for i, (image, wkt, confidence) in enumerate(rows)]
        text = "\n".join(["ImageId,BuildingId,PolygonWKT_Pix,Confidence", *lines])
        (tmp_path / name).write_text(text + "\n", "utf-8")
        return str(tmp_path / name)

    return write_csv


def count(truth, footprints, how=Comparison()):  # noqa: B008 - a frozen value
    score = match_files(truth, footprints, how).counts
    return score.tp, score.fp, score.fn


def refusal_of(truth, footprints, how=Comparison()):  # noqa: B008 - a frozen value
    with pytest.raises(InputError) as caught:
        match_files(truth, footprints, how)
    assert caught.value.hint
    return caught.value


def move(polygons, crs):
    placed = shapely.transform(np.array(polygons, dtype=object), lambda xy: xy + ORIGIN)
    return shapely.transform(placed, lambda xy: np.column_stack(reproject("EPSG:32645", crs, *xy.T)))


# -- coordinate systems -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:32644"])
def test_footprints_are_brought_to_the_truths_coordinate_system(write, crs):
    truth = write(move(SQUARES, "EPSG:32645"), crs="EPSG:32645")
    assert count(truth, write(move(SQUARES[1:], crs), "found.gpkg", crs=crs)) == (3, 0, 1)


def test_only_one_file_with_a_coordinate_system_is_refused_with_a_next_step(write):
    truth = write(move(SQUARES, "EPSG:32645"), crs="EPSG:32645")
    error = refusal_of(truth, write(SQUARES, "found.gpkg"))
    assert error.message == "Only one of the two files has a coordinate system."


def test_footprints_that_lie_nowhere_in_the_truths_coordinate_system_are_refused(write):
    truth = write(move(SQUARES, "EPSG:32645"), crs="EPSG:32645")
    error = refusal_of(truth, write(move(SQUARES, "EPSG:32645"), "found.gpkg", crs="EPSG:4326"))
    assert error.message == "4 footprints cannot be transformed to the truth's coordinate system."


@pytest.mark.parametrize("crs", ["EPSG:32645", "EPSG:4326", "EPSG:3857"])
def test_the_minimum_area_is_in_square_metres_on_the_ground(write, crs):
    """Squares of 3, 4, 5 and 6 m at 27.7 degrees north; in Web Mercator each seems a quarter larger."""
    sides = [shapely.box(20 * i, 0, 20 * i + side, side) for i, side in enumerate((3.0, 4.0, 5.0, 6.0))]
    paths = write(move(sides, crs), crs=crs), write(move(sides, crs), "found.gpkg", crs=crs)
    assert count(*paths, Comparison(min_area_m2=16.5)) == (2, 0, 0)
    assert count(*paths, Comparison(min_area_m2=15.5)) == (3, 0, 0)


def test_in_files_without_a_coordinate_system_the_minimum_area_is_in_their_own_square_units(write):
    paths = write([LARGE, SMALL]), write([LARGE, SMALL], "found.gpkg")
    assert count(*paths, TO_TENTHS) == (1, 0, 0)
    assert count(*paths) == (2, 0, 0)


def test_an_area_of_exactly_the_minimum_counts_on_both_sides(write):
    assert LARGE.area == 20
    assert count(write([LARGE]), write([LARGE], "found.gpkg"), TO_TENTHS) == (1, 0, 0)


# -- GeoJSON that names no coordinate system --------------------------------------------------------------------------


def test_pixels_in_geojson_are_pixels_though_they_lie_in_the_degrees_range(write_plain):
    assert count(write_plain([LARGE, SMALL]), write_plain([LARGE, SMALL], "found.geojson"), TO_TENTHS) == (1, 0, 0)


def test_pixels_in_geojson_are_pixels_where_they_lie_beyond_the_degrees_range(write_plain):
    far = [shapely.affinity.translate(polygon, 500, 300) for polygon in (LARGE, SMALL)]
    assert count(write_plain(far), write_plain(far, "found.geojson"), TO_TENTHS) == (1, 0, 0)


def test_degrees_in_geojson_are_degrees(write_plain):
    """Four houses of 10 m: in square degrees every one of them would be too small."""
    houses = move(SQUARES, "EPSG:4326")
    paths = write_plain(houses), write_plain(houses, "found.geojson")
    assert count(*paths, Comparison(min_area_m2=99)) == (4, 0, 0)
    assert count(*paths, Comparison(min_area_m2=101)) == (0, 0, 0)


def test_degrees_in_geojson_are_compared_with_metres_elsewhere(write, write_plain):
    truth = write(move(SQUARES, "EPSG:32645"), crs="EPSG:32645")
    found = write_plain(move(SQUARES, "EPSG:4326"), "found.geojson")
    assert count(truth, found) == (4, 0, 0)
    assert count(found, truth) == (4, 0, 0)


def test_metres_in_geojson_that_does_not_name_them_are_not_guessed(write, write_plain):
    truth = write(move(SQUARES, "EPSG:32645"), crs="EPSG:32645")
    error = refusal_of(truth, write_plain(move(SQUARES, "EPSG:32645"), "found.geojson"))
    assert "Only one of the two files" in error.message


def test_pixels_in_geojson_are_compared_with_pixels_in_a_table(write_plain, write_csv):
    truth = write_csv([("a", polygon.wkt, 1) for polygon in (LARGE, SMALL)])
    assert count(truth, write_plain([LARGE, SMALL], "found.geojson"), TO_TENTHS) == (1, 0, 0)


def test_an_empty_geojson_says_nothing_of_the_other_file(write, write_plain):
    empty = write_plain([], "found.geojson")
    assert count(write_plain([LARGE, SMALL]), empty, TO_TENTHS) == (0, 0, 1)
    assert count(write(move(SQUARES, "EPSG:32645"), crs="EPSG:32645"), empty) == (0, 0, 4)
    assert count(write(SQUARES, "bare.gpkg"), empty) == (0, 0, 4)
    assert count(empty, empty) == (0, 0, 0)


# -- confidence -------------------------------------------------------------------------------------------------------


def test_the_confidence_field_orders_the_footprints(write):
    worse = shapely.box(0, 0, 10, 8)
    truth, found = write([SQUARES[0]]), [worse, SQUARES[0]]
    path = write(found, "found.gpkg", columns={"score": [0.2, 0.9]})
    assert count(truth, path, Comparison(0.9, confidence="score")) == (1, 1, 0)
    path = write(found, "other.gpkg", columns={"score": [0.9, 0.2]})
    assert count(truth, path, Comparison(0.7, confidence="score")) == (1, 1, 0)


def test_a_confidence_may_be_text_or_missing(write_csv):
    truth = write_csv([("a", SQUARES[0].wkt, "")])
    found = write_csv([("a", SQUARES[0].wkt, ""), ("a", shapely.box(0, 0, 10, 8).wkt, "0.5")], "found.csv")
    assert count(truth, found, Comparison(0.7, confidence="Confidence")) == (1, 1, 0)


def test_a_field_that_is_not_there_is_refused_with_those_that_are(write):
    paths = write(SQUARES), write(SQUARES, "found.gpkg", columns={"id": [1, 2, 3, 4], "score": [1.0, 1.0, 1.0, 1.0]})
    error = refusal_of(*paths, Comparison(confidence="conf"))
    assert 'no field "conf"' in error.message
    assert error.hint == "Its fields: id, score."


def test_a_confidence_that_is_no_number_is_refused(write):
    paths = write(SQUARES), write(SQUARES, "found.gpkg", columns={"score": ["high", "low", "low", "low"]})
    assert "values that are not numbers" in refusal_of(*paths, Comparison(confidence="score")).message


# -- group by group ---------------------------------------------------------------------------------------------------


def test_groups_are_scored_one_by_one_and_their_counts_summed(write):
    """The same place in two images: what lies in the one cannot be matched by the other."""
    truth = write([SQUARES[0], SQUARES[0]], columns={"image": ["a", "b"]})
    found = write([SQUARES[0], SQUARES[0]], "found.gpkg", columns={"image": ["a", "c"]})
    assert count(truth, found, Comparison(by="image")) == (1, 1, 1)
    assert count(truth, found, AS_WRITTEN) == (2, 0, 0)


def test_the_best_confidence_counts_within_its_group_only(write):
    truth = write([SQUARES[0]] * 2, columns={"image": ["a", "b"]})
    columns = {"image": ["a", "b", "a"], "score": [0.1, 0.9, 0.5]}
    found = write([SQUARES[0], SQUARES[0], shapely.box(0, 0, 10, 8)], "found.gpkg", columns=columns)
    assert count(truth, found, Comparison(0.9, confidence="score", by="image")) == (2, 1, 0)


def test_a_group_is_the_same_whether_its_number_is_kept_as_text_or_as_a_number(write, write_csv):
    truth = write_csv([("7", SQUARES[0].wkt, 1), ("8", SQUARES[1].wkt, 1)])
    for values in ([7, 8], [7.0, 8.0], ["7", "8"]):
        found = write(SQUARES[:2], f"found{type(values[0]).__name__}.gpkg", columns={"ImageId": values})
        assert count(truth, found, Comparison(by="ImageId")) == (2, 0, 0)


def test_a_group_field_that_one_file_lacks_is_refused(write):
    truth, found = write(SQUARES, columns={"image": ["a"] * 4}), write(SQUARES, "found.gpkg")
    assert 'no field "image"' in refusal_of(truth, found, Comparison(by="image")).message


def test_many_groups_are_no_trouble(write):
    images = [f"image {i % 300}" for i in range(3000)]
    boxes = [shapely.box(i, 0, i + 0.9, 1) for i in range(3000)]
    truth = write(boxes, columns={"image": images})
    found = write(boxes[::-1], "found.gpkg", columns={"image": images[::-1]})
    assert count(truth, found, Comparison(by="image")) == (3000, 0, 0)


def test_an_image_without_buildings_has_a_row_of_its_own_that_counts_nowhere(write_csv):
    truth = write_csv([("a", SQUARES[0].wkt, 1), ("b", "POLYGON EMPTY", 1)])
    found = write_csv([("a", "POLYGON EMPTY", 1), ("b", SQUARES[0].wkt, 0.5)], "found.csv")
    for minimum in (0.0, 20.0):
        how = Comparison(min_area_m2=minimum, confidence="Confidence", by="ImageId")
        assert count(truth, found, how) == (0, 1, 1)
        assert count(truth, truth, how) == (1, 0, 0)
    assert count(truth, found) == (1, 0, 0)


# -- odd geometries ---------------------------------------------------------------------------------------------------


def test_a_proposal_that_crosses_itself_half_way_vanishes_image_by_image_and_is_wrong_in_one_image(write):
    """Its net area is 0. So does SpaceNet's metric by its letter: 0/0/1 by image, 0/1/1 in one."""
    truth = write([SQUARES[0]], columns={"image": ["a"]})
    found = write([BOWTIE], "found.gpkg", columns={"image": ["a"]})
    assert count(truth, found, Comparison(by="image", is_as_written=True)) == (0, 0, 1)
    assert count(truth, found, AS_WRITTEN) == (0, 1, 1)


def test_a_truth_that_crosses_itself_half_way_is_not_missed_image_by_image(write):
    truth = write([BOWTIE], columns={"image": ["a"]})
    found = write([SQUARES[0]], "found.gpkg", columns={"image": ["a"]})
    assert count(truth, found, Comparison(by="image", is_as_written=True)) == (0, 1, 0)
    assert count(truth, found, AS_WRITTEN) == (0, 1, 1)


def test_features_without_a_geometry_count_nowhere(write_plain):
    truth, found = write_plain([*SQUARES, None]), write_plain([None, *SQUARES], "found.geojson")
    assert count(truth, found) == (4, 0, 0)


# -- the command ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("iou", [-0.1, 1.0, float("nan")])
def test_a_threshold_that_makes_no_sense_is_refused(write, iou):
    assert "IoU" in refusal_of(write(SQUARES), write(SQUARES, "found.gpkg"), Comparison(iou)).message


def run_score(root, *options):
    command = [sys.executable, "-m", "plugin.worker", "score", *options]
    return subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8")


def test_the_command_prints_one_json_object(write, root):
    done = run_score(root, "--truth", write(SQUARES), "--footprints", write(SQUARES[:2], "found.gpkg"), "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == pytest.approx(
        {"tp": 2, "fp": 0, "fn": 2, "precision": 1.0, "recall": 0.5, "f1": 2 / 3}
    )


def read_errors(path):
    layer = read_layer(str(path), "errors")
    rows = zip(layer.columns["outcome"], layer.columns["iou"].tolist(), layer.columns["area_m2"].tolist(), strict=True)
    return list(rows), layer


@pytest.mark.parametrize("crs", [None, "EPSG:32645"])
def test_the_layer_of_errors_holds_every_building_that_counts_with_its_best_iou(write, tmp_path, crs):
    found = [SQUARES[0], shapely.box(20, 0, 30, 4), shapely.box(200, 0, 210, 10)]
    found = [shapely.transform(each, lambda xy: xy + ORIGIN) for each in found]
    truth = [shapely.transform(each, lambda xy: xy + ORIGIN) for each in SQUARES[:2]]
    paths = write(truth, crs=crs), write(found, "found.gpkg", crs=crs, columns={"sure": [0.9, 0.8, 0.7]})
    match_files(*paths, Comparison(confidence="sure")).write_errors(tmp_path / "errors.gpkg")
    rows, layer = read_errors(tmp_path / "errors.gpkg")
    assert [row[0] for row in rows] == ["TP", "FP", "FP", "FN"]
    assert [row[1] for row in rows] == pytest.approx([1.0, 0.4, 0.0, 0.4])
    assert [row[2] for row in rows] == pytest.approx([100, 40, 100, 100], rel=0.003)
    assert layer.columns["confidence"].tolist()[:3] == [0.9, 0.8, 0.7]
    assert np.isnan(layer.columns["confidence"][3])
    assert shapely.equals(shapely.get_geometry(layer.geometries[3], 0), truth[1])
    assert (layer.crs is None) == (crs is None)


def test_the_layer_of_errors_counts_what_the_score_counts_group_by_group(write, tmp_path):
    truth = write(SQUARES, columns={"image": ["a", "a", "b", "b"]})
    found = write([SQUARES[0], *SQUARES[:2]], "found.gpkg", columns={"image": ["b", "a", "b"]})
    how = Comparison(by="image")
    match_files(truth, found, how).write_errors(tmp_path / "errors.gpkg")
    kinds = [row[0] for row in read_errors(tmp_path / "errors.gpkg")[0]]
    score = match_files(truth, found, how).counts
    assert [kinds.count(kind) for kind in ("TP", "FP", "FN")] == [score.tp, score.fp, score.fn] == [1, 2, 3]


@pytest.mark.parametrize("by", ["", "image"])
def test_files_without_a_building_give_a_layer_of_errors_without_one(write, tmp_path, by):
    empty = write([shapely.Polygon()], columns={"image": ["a"]})
    match_files(empty, empty, Comparison(by=by)).write_errors(tmp_path / "errors.gpkg")
    assert read_errors(tmp_path / "errors.gpkg")[0] == []


def test_the_command_writes_the_layer_of_errors_beside_the_score(write, root, tmp_path):
    files = ("--truth", write(SQUARES), "--footprints", write(SQUARES[:2], "found.gpkg"))
    done = run_score(root, *files, "--errors", str(tmp_path / "errors.gpkg"), "--json")
    assert json.loads(done.stdout)["fn"] == 2
    assert [row[0] for row in read_errors(tmp_path / "errors.gpkg")[0]] == ["TP", "TP", "FN", "FN"]
    done = run_score(root, *files, "--errors", str(tmp_path / "no" / "errors.gpkg"), "--json")
    assert done.returncode == 1
    assert "is not there. Make it first." in done.stderr


def test_the_command_fails_with_one_sentence_and_a_hint(write, root, tmp_path):
    done = run_score(root, "--truth", write(SQUARES), "--footprints", str(tmp_path / "none.gpkg"), "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.strip().endswith("The file is not there: was it moved?")


def test_wrong_usage_ends_with_code_2(root):
    assert run_score(root, "--truth", "t.gpkg").returncode == 2


# -- blocks and the interval over them --------------------------------------------------------------------------------


def make_pairs(count, seed=3):
    """Return truths on a lattice of 30 units, and footprints: eight of ten found, some beside them."""
    rng = np.random.default_rng(seed)
    corners = 30.0 * np.stack(np.meshgrid(np.arange(count), np.arange(count)), axis=-1).reshape(-1, 2)
    truths = shapely.box(*corners.T, *(corners + 10).T)
    is_found = rng.random(len(corners)) < 0.8
    found = shapely.box(*(corners[is_found] + 1).T, *(corners[is_found] + 11).T)
    blunders = shapely.box(*(corners[~is_found] + 15).T, *(corners[~is_found] + 20).T)
    return truths, np.concatenate([found, blunders[::2]])


def test_the_blocks_of_two_files_add_up_to_their_score(write):
    truths, found = make_pairs(20)
    paths = write(truths), write(found, "found.gpkg")
    counts = match_files(*paths, Comparison()).count_blocks()
    score = match_files(*paths, Comparison()).counts
    assert counts.sum(axis=0).tolist() == [score.tp, score.fp, score.fn]
    assert 40 <= len(counts) <= 64
    low, high = bound_f1(counts)
    assert low < score.f1 < high


def test_with_groups_each_is_a_block(write):
    truths, found = make_pairs(8)
    columns = [{"id": list(range(len(each))), "image": [i % 4 for i in range(len(each))]} for each in (truths, found)]
    paths = write(truths, columns=columns[0]), write(found, "found.gpkg", columns=columns[1])
    counts = match_files(*paths, Comparison(by="image")).count_blocks()
    assert (counts[:, 0] + counts[:, 2]).tolist() == [16] * 4


def test_files_without_a_building_have_no_block(write_plain):
    paths = write_plain([]), write_plain([], "found.geojson")
    assert match_files(*paths, Comparison()).count_blocks().tolist() == []


@pytest.mark.parametrize(("count", "said"), [(20, "95 % interval of F1 0."), (3, "The 9 buildings lie in only")])
def test_the_command_line_tells_the_interval_or_why_there_is_none(count, said, write):
    truths, found = make_pairs(count)
    files = ["--truth", write(truths), "--footprints", write(found, "found.gpkg")]
    command = [sys.executable, "-m", "plugin.worker", "score", *files, "--interval"]
    assert said in subprocess.run(command, capture_output=True, check=True, text=True).stdout
    answer = json.loads(subprocess.run([*command, "--json"], capture_output=True, check=True, text=True).stdout)
    assert (answer["interval"] is None) == (count == 3)
