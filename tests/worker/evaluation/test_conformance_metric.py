"""The score against the SpaceNet metric's reference: counts that other programs gave for the same files.

The reference lies beside the project, in ../shared/conformance; where it is absent these tests are skipped, and
test_compare.py and test_score.py hold the same rules by small cases of our own.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import numpy as np
import pyogrio
import pytest
import shapely

from plugin.worker.evaluation.scored_layers import Comparison
from plugin.worker.evaluation.vector_files import match_files
from tests.conftest import ROOT

METRIC = ROOT.parent / "shared" / "conformance" / "metric"
BENCH = METRIC.parent / "bench" / "gen_workload.py"
CASES = sorted((METRIC / "cases").glob("*.json"))
REAL = METRIC / "real"
EXPECTED = json.loads((REAL / "expected.json").read_text("utf-8")) if REAL.exists() else {}
pytestmark = [
    pytest.mark.skipif(not CASES, reason="the reference (../shared/conformance/metric) is not here"),
    pytest.mark.filterwarnings("ignore:Several features with id"),  # the cases number their features image by image
]

#: Where the official scorer and Solaris differ ours follows the official one. README.md of the reference says why.
OFFICIAL = {"06_miniou_zero": (1, 1, 1), "28_tiny_areas_min_area_20": (2, 1, 0)}
TRUTH_COLUMNS = ("ImageId", "BuildingId", "PolygonWKT_Pix", "PolygonWKT_Geo")
FOOTPRINT_COLUMNS = ("ImageId", "BuildingId", "PolygonWKT_Pix", "Confidence")


def counts(score):
    return (score.tp, score.fp, score.fn)


def read_counts(expected):
    total = expected.get("total", expected)
    return (total["TruePos"], total["FalsePos"], total["FalseNeg"])


def read_expectation(case, kind):
    """Return the counts of a case by Solaris's one-image or per-image form, None where it has none.

    ``kind`` is eval_iou or eval_iou_spacenet_csv. Ties are stable in the official scorer, so the stable counts hold.
    """
    if case["name"] in OFFICIAL and not (kind == "eval_iou" and case["params"]["min_area"]):
        return OFFICIAL[case["name"]]
    solaris = case["expected_solaris"]
    expected = solaris.get(f"{kind}_stable_ties", solaris.get(kind))
    return None if expected is None else read_counts(expected)


def load(path):
    return json.loads(path.read_text("utf-8"))


def find_confidence(case):
    return "conf" if any("conf" in each["properties"] for each in case["proposals"]["features"]) else ""


def write_geojson(case, folder):
    """Write the case as it is: GeoJSON in pixels, without a word on its coordinate system."""
    paths = folder / "truth.geojson", folder / "proposals.geojson"
    for path, name in zip(paths, ("truth", "proposals"), strict=True):
        path.write_text(json.dumps(case[name]), "utf-8")
    return tuple(map(str, paths))


def write_csv(case, folder):
    """Write the case as SpaceNet's competitors did, an image without buildings as POLYGON EMPTY."""
    paths = folder / "truth.csv", folder / "proposals.csv"
    for path, name, columns in zip(paths, ("truth", "proposals"), (TRUTH_COLUMNS, FOOTPRINT_COLUMNS), strict=True):
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerow(["an_empty_image", -1, "POLYGON EMPTY", 1])
            for feature in case[name]["features"]:
                wkt = shapely.geometry.shape(feature["geometry"]).wkt
                own = feature["properties"]
                writer.writerow([own["ImageId"], own["id"], wkt, own.get("conf", 1)])
    return tuple(map(str, paths))


def write_by_driver(case, folder, suffix):
    """Write the case through GDAL, without a coordinate system."""
    paths = folder / f"truth{suffix}", folder / f"proposals{suffix}"
    for path, name in zip(paths, ("truth", "proposals"), strict=True):
        features = case[name]["features"]
        shapes = [shapely.geometry.shape(feature["geometry"]) for feature in features]
        fields = ["ImageId"] + (["conf"] if name == "proposals" else [])
        values = [[feature["properties"][field] for feature in features] for field in fields]
        with pytest.warns(UserWarning, match="crs"):
            pyogrio.raw.write(
                path,
                geometry=shapely.to_wkb(shapes),
                field_data=[np.array(column, dtype=object if i == 0 else float) for i, column in enumerate(values)],
                fields=fields,
                geometry_type="Polygon" if suffix == ".shp" else "Unknown",
                layer_options={"SPATIAL_INDEX": "NO"},  # FlatGeobuf's index would put the features into its own order
            )
    return tuple(map(str, paths))


ONE_IMAGE = [path for path in CASES if read_expectation(load(path), "eval_iou")]


@pytest.mark.parametrize("path", ONE_IMAGE, ids=lambda path: path.stem)
def test_one_image_gives_the_counts_of_the_reference(path, tmp_path):
    case = load(path)
    expected = read_expectation(case, "eval_iou")
    how = Comparison(case["params"]["miniou"], 0.0, find_confidence(case), is_as_written=True)
    assert counts(match_files(*write_geojson(case, tmp_path), how).counts) == expected


@pytest.mark.parametrize("write", [write_geojson, write_csv], ids=["geojson", "csv"])
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_image_by_image_gives_the_counts_of_the_reference(path, write, tmp_path):
    case = load(path)
    expected = read_expectation(case, "eval_iou_spacenet_csv")
    confidence = "Confidence" if write is write_csv else find_confidence(case)
    how = Comparison(case["params"]["miniou"], case["params"]["min_area"], confidence, "ImageId", is_as_written=True)
    assert counts(match_files(*write(case, tmp_path), how).counts) == expected


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".fgb"])
@pytest.mark.parametrize("name", ["28_tiny_areas_min_area_20", "42_random_07_levels", "31_two_images_same_place"])
def test_any_vector_file_gives_the_same(name, suffix, tmp_path):
    path = METRIC / "cases" / f"{name}.json"
    case = load(path)
    how = Comparison(case["params"]["miniou"], case["params"]["min_area"], "conf", "ImageId", is_as_written=True)
    paths = write_by_driver(case, tmp_path, suffix)
    assert counts(match_files(*paths, how).counts) == read_expectation(case, "eval_iou_spacenet_csv")


def test_the_official_scorer_gives_the_same_on_the_cases_that_it_can_score_with_the_same_minimum_area(tmp_path):
    """It always takes 20 square pixels, scores no images that one file lacks, and knows no multi-part polygons."""
    compared = []
    for path in CASES:
        case = load(path)
        official = case["official_visualizer_1_1_min_area_20"] or {}
        images = official.get("per_image_TP_FP_FN") or {}
        if not official.get("total") or None in images.values() or path.stem == "32_image_only_in_proposals":
            continue
        folder = tmp_path / path.stem
        folder.mkdir()
        how = Comparison(case["params"]["miniou"], 20.0, find_confidence(case), "ImageId", is_as_written=True)
        assert counts(match_files(*write_geojson(case, folder), how).counts) == read_counts(official), path.stem
        compared.append(path.stem)
    assert len(compared) > 20


def test_the_command_line_gives_the_same(tmp_path):
    case = load(METRIC / "cases" / "46_random_simple_01_levels.json")
    truth, footprints = write_geojson(case, tmp_path)
    options = ["--min-area-m2", "20", "--confidence", "conf", "--by", "ImageId", "--as-written", "--json"]
    command = [sys.executable, "-m", "plugin.worker", "score", "--truth", truth, "--footprints", footprints, *options]
    out = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout)
    tp, fp, fn = read_expectation(case, "eval_iou_spacenet_csv")
    ratios = {"precision": tp / (tp + fp), "recall": tp / (tp + fn), "f1": 2 * tp / (2 * tp + fp + fn)}
    assert out == pytest.approx({"tp": tp, "fp": fp, "fn": fn, **ratios})


def locate_real(key, entry):
    """Return the files of an entry of expected.json."""
    folders = (REAL / "eval_vector/gt", REAL / "eval_vector/preds") if key.startswith("eval_vector") else (REAL, REAL)
    return str(folders[0] / entry["truth"]), str(folders[1] / entry["proposals"])


@pytest.mark.parametrize("key", [key for key, entry in EXPECTED.items() if "truth" in entry])
def test_real_footprints_give_the_counts_of_the_reference(key):
    truth, footprints = locate_real(key, EXPECTED[key])
    iou = float(key.partition("@")[2])
    score = match_files(truth, footprints, Comparison(iou, confidence="conf" if "gt_vs_pred" in key else "")).counts
    assert counts(score) == read_counts(EXPECTED[key])
    assert score.f1 == pytest.approx(EXPECTED[key]["F1Score"])


def pick_city(path, city, folder):
    """Write the rows of one city and return the file."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    picked = folder / path.name
    with picked.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *(row for row in rows if row[0].startswith(city))])
    return str(picked)


@pytest.mark.parametrize(
    ("key", "how"),
    [
        ("SN2_sample", Comparison(0.5, 20.0, "Confidence", "ImageId")),
        ("SN2_sample_min_area_0", Comparison(0.5, 0.0, "Confidence", "ImageId")),
        ("SN2_sample_miniou_0.75", Comparison(0.75, 20.0, "Confidence", "ImageId")),
    ],
)
def test_spacenets_own_sample_gives_the_counts_of_the_reference(key, how, tmp_path):
    for city in EXPECTED[key]["summary"]:
        paths = [pick_city(REAL / f"SN2_sample_{name}.csv", city["AOI"], tmp_path) for name in ("truth", "preds")]
        assert counts(match_files(*paths, how).counts) == read_counts(city)


def test_ten_thousand_against_ten_thousand(tmp_path):
    if not BENCH.exists():
        pytest.skip("the reference's workload (../shared/conformance/bench) is not here")
    subprocess.run([sys.executable, str(BENCH), str(tmp_path)], check=True, capture_output=True)
    pixels = [str(tmp_path / f"{name}_one.csv") for name in ("truth", "pred")]
    assert counts(match_files(*pixels, Comparison(0.5, 20.0, "Confidence", "ImageId")).counts) == (8673, 1327, 1327)
    metres = [str(tmp_path / f"{name}.geojson") for name in ("truth", "pred")]
    assert counts(match_files(*metres, Comparison(0.5, 20 * 0.09, "conf")).counts) == (8673, 1327, 1327)
