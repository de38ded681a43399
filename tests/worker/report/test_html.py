"""The page of a run: it holds all it shows, says what the report says, and survives a run that was moved."""

from __future__ import annotations

import base64
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import shapely
from rasterio.crs import CRS
from rasterio.io import MemoryFile

from plugin.core.counts import Counts
from plugin.core.errors import InputError
from plugin.core.folder import RunFolder
from plugin.core.report import Block
from plugin.worker.geodata.vector import append_layer
from plugin.worker.report.html.page import write_page
from plugin.worker.report.html.scores import choose_shown, read_curves
from plugin.worker.report.html.source import SCHEMAS, name_file, read_facts
from plugin.worker.report.html.svg import fit_scale

UTM = CRS.from_epsg(32645)
LEFT, TOP = 333000.0, 3066000.0
#: The blocks (tuned counts, colour of the ground): side by side, 32 m wide each. The third is the best.
BLOCKS = [
    ((8, 6, 2), (200, 40, 40)),
    ((2, 9, 8), (40, 60, 200)),
    ((9, 1, 1), (40, 180, 60)),
    ((5, 5, 5), (220, 220, 60)),
]
WITHOUT_CLOSE = {"meta", "br", "img", "col"}


class Reader(HTMLParser):
    """Reads a page as a browser does: ``problems`` tell of what is not balanced."""

    def __init__(self, text):
        super().__init__()
        self.problems, self.tags, self.attributes, self.rows = [], [], [], []
        self._open, self._texts = [], []
        self.feed(text)
        self.close()
        self.problems += [f"{name} stays open" for name in self._open]

    def handle_starttag(self, name, attributes):
        self.tags.append(name)
        self.attributes += [(name, key, value) for key, value in attributes]
        if name not in WITHOUT_CLOSE:
            self._open.append(name)
        if name == "tr":
            self.rows.append([])
        if name in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, name):
        if not self._open or self._open.pop() != name:
            self.problems.append(f"{name} is closed where it is not open")

    def handle_data(self, data):
        if "style" not in self._open:
            self._texts.append(data)
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data

    @property
    def text(self):
        return " ".join(" ".join(self._texts).split())

    def get(self, name):
        """Return the cells of the row of that name."""
        return next(row[1:] for row in self.rows if row and row[0] == name)


def frame(place):
    return (LEFT + 32 * place, TOP - 32, LEFT + 32 * place + 32, TOP)


def square(place, x, y, side=6.0):
    left, _, _, top = frame(place)
    return shapely.box(left + x, top - y - side, left + x + side, top - y)


def make_report(raster):
    """Return a report as a run writes it, with figures of its own for every field that a page shows."""
    before = {
        "building": {"tp": 11, "fp": 30, "fn": 29, "precision": 0.2683, "recall": 0.275, "f1": 0.2716},
        "pixel": {"tp": 1, "fp": 1, "fn": 1, "precision": 0.5, "recall": 0.5, "f1": 0.6123, "iou": 0.4412},
        "by_iou": [{"iou": 0.5, "f1": 0.2716}, {"iou": 0.55, "f1": 0.2}, {"iou": 0.95, "f1": 0.0}],
        "by_size": [{"from_m2": 0, "to_m2": 50, "tp": 4, "fp": 5, "fn": 6, "f1": 0.4211}],
        "mean_f1": 0.1571,
        "count_error_percent": 2.5,
        "area_error_percent": -12.25,
        "boundary_m": {"mean": 1.5, "median": 1.28, "pairs": 11},
    }
    after = json.loads(json.dumps(before))
    after["building"] = {"tp": 24, "fp": 21, "fn": 16, "precision": 0.5333, "recall": 0.6, "f1": 0.5647}
    before["building"]["interval"], after["building"]["interval"] = [0.2111, 0.3333], [0.4555, 0.6666]
    counts = [dict(zip(("tp", "fp", "fn"), numbers, strict=True)) for numbers, _ in BLOCKS]
    return {
        "schema": 2,
        "written": "2026-11-25T00:09:56+00:00",
        "before": before,
        "after": after,
        "difference": {"f1": 0.2931, "interval": [0.2012, 0.3855], "sentence": "Better by more than noise."},
        "interval": {"level": 0.95, "method": "Bootstrap over blocks.", "why_none": ""},
        "blocks": [{"id": i, "bounds": frame(i), "before": each, "after": each} for i, each in enumerate(counts)],
        "rule": "Building: IoU > 0.5.",
        "ground": {role: {"buildings": 40, "area_m2": 4096.0} for role in ("training", "validation", "held-out")},
        "buffer_m": 8.0,
        "raster": {"path": str(raster), "gsd_m": 0.5, "working_gsd_m": 0.25, "crs": "EPSG:32645", "bands": [1, 2, 3]},
        "labels": {"path": "/home/someone/secret/houses.gpkg", "used": 120, "notes": ["2 labels were mended"]},
        "base_model": {"name": "starter", "title": "Starter", "attribution": "Imagery: somebody, CC BY 4.0"},
        "settings": {"epochs": None, "seed": 7},
        "tuning": {
            "best_epoch": 2,
            "history": [
                {"epoch": 1, "epochs": 2, "train_loss": 0.5, "validation_loss": 0.6, "validation_f1": 0.4},
                {"epoch": 2, "epochs": 2, "train_loss": 0.3, "validation_loss": 0.5, "validation_f1": 0.5},
            ],
        },
        "seconds": {"base": 3.25, "tune": 130.0},
        "device": "CPU, 2 threads",
        "versions": {"torch": "9.9.9"},
    }


@pytest.fixture
def made(tmp_path, make_raster):
    """A finished run in a folder beside its raster, with four blocks, each of its own colour."""
    colours = np.repeat(np.array([colour for _, colour in BLOCKS]).T[:, None, :], 64, axis=2)
    raster = make_raster(np.repeat(colours, 64, axis=1), "town.tif")
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    boxes = [shapely.box(*frame(i)) for i in range(len(BLOCKS))]
    append_layer(folder.split, boxes, {"role": ["training", "held-out", "held-out", "validation"]}, UTM, "blocks")
    append_layer(folder.split, [square(2, 13, 13)], {"role": ["held-out"]}, UTM, "labels")
    for model in ("before", "after"):
        polygons, outcomes = [square(2, 13, 13), square(2, 22, 4), square(2, 4, 22)], ["TP", "FP", "FN"]
        append_layer(folder.path / "errors.gpkg", polygons, {"outcome": outcomes}, UTM, model)
    folder.report.write_text(json.dumps(make_report(raster)), encoding="utf-8")
    folder.job.write_text(json.dumps({"raster": str(raster), "labels": "labels.gpkg"}), encoding="utf-8")
    folder.card.write_text(json.dumps({"name": "town", "bands": ["red", "green", "blue"], "licence": "CC0"}), "utf-8")
    return folder


def read_page(folder):
    return Reader(write_page(folder).read_text(encoding="utf-8"))


def change(folder, **fields):
    content = json.loads(folder.report.read_text(encoding="utf-8"))
    folder.report.write_text(json.dumps({**content, **fields}), encoding="utf-8")


def list_pictures(folder):
    """Return the pictures' pixels (bands, height, width) in the page's order."""
    pictures = []
    for text in re.findall(r"data:image/jpeg;base64,([^\"]+)", folder.page.read_text(encoding="utf-8")):
        with MemoryFile(base64.b64decode(text)) as memory, memory.open() as dataset:
            pictures.append(dataset.read().astype(int))
    return pictures


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
class TestPictures:
    """What is seen is the ground that the figures are of."""

    def test_the_best_the_median_and_the_worst_block_are_shown_before_and_after(self, made):
        write_page(made)
        *blocks, overview = list_pictures(made)
        middles = [picture[:, picture.shape[1] // 2, picture.shape[2] // 2] for picture in blocks]
        expected = [BLOCKS[i][1] for i in (2, 2, 3, 3, 1, 1)]
        assert np.abs(np.array(middles) - expected).max() < 12
        assert overview.shape[2] > overview.shape[1]

    def test_what_was_found_wrong_and_missed_is_drawn_where_it_lies(self, made):
        write_page(made)
        first = re.search(r"<svg[^>]*aria-label=\"Best block.*?</svg>", made.page.read_text("utf-8"), re.DOTALL)[0]
        found = dict(re.findall(r"<path d=\"M([^\"]*)Z\" fill=\"none\" stroke=\"(#[^\"]+)\"", first))
        by_colour = {
            colour: np.array([pair.split(",") for pair in path.split("L")], float) for path, colour in found.items()
        }
        unit = 640 / (
            32 * 1.08
        )  # the picture is the block and a margin of 4 %, which the raster has left and right only
        for colour, (x, y) in {"#56b4e9": (16, 16), "#f0a000": (25, 7), "#ff7fc4": (7, 25)}.items():
            middle = (by_colour[colour].min(axis=0) + by_colour[colour].max(axis=0)) / 2
            assert middle == pytest.approx([(x + 1.28) * unit, y * unit], abs=unit)

    def test_a_missed_building_is_told_by_more_than_its_colour(self, made):
        write_page(made)
        assert re.search(r'stroke="#ff7fc4"[^>]*stroke-dasharray', made.page.read_text("utf-8"))

    def test_a_run_that_was_moved_with_its_raster_beside_it_has_its_pictures(self, made, tmp_path):
        place = tmp_path / "elsewhere"
        shutil.move(made.path, place / "runs" / "moved")
        shutil.move(tmp_path / "town.tif", place / "town.tif")
        moved = RunFolder(place / "runs" / "moved")
        write_page(moved)
        assert len(list_pictures(moved)) == 7

    def test_another_raster_of_the_same_name_is_not_shown_for_it(self, made, make_raster):
        make_raster(name="town.tif", crs="EPSG:32646")
        reader = read_page(made)
        assert "town.tif does not lie where the run's blocks are" in reader.text
        assert list_pictures(made) == []


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_page_is_whole_and_needs_nothing_but_itself(made, schema):
    change(made, schema=schema)
    reader = read_page(made)
    assert reader.problems == []
    assert {"script", "link", "iframe", "object", "embed"} & set(reader.tags) == set()
    assert [key for _, key, _ in reader.attributes if key.startswith("on")] == []
    links = [value for _, key, value in reader.attributes if key in ("src", "href", "xlink:href")]
    assert [value for value in links if not value.startswith("data:image/jpeg")] == []
    assert not re.search(r"url\(|@import", made.page.read_text("utf-8"))
    assert made.page.stat().st_size < 3_000_000


def test_every_picture_has_words_and_every_table_its_headers(made):
    reader = read_page(made)
    assert ("html", "lang", "en") in reader.attributes
    told = [key for name, key, _ in reader.attributes if name == "svg" and key in ("aria-label", "aria-hidden")]
    assert len(told) == reader.tags.count("svg")
    assert reader.tags.count("table") <= reader.tags.count("th")
    assert all(value in ("col", "row") for name, key, value in reader.attributes if (name, key) == ("th", "scope"))


def test_the_figures_are_those_of_the_report(made):
    reader = read_page(made)
    assert reader.get("F1 by building") == ["0.272", "0.565"]
    assert reader.get("Precision") == ["0.268", "0.533"]
    assert reader.get("Recall") == ["0.275", "0.600"]
    assert reader.get("Buildings found (TP)") == ["11", "24"]
    assert reader.get("Footprints that match no building (FP)") == ["30", "21"]
    assert reader.get("Buildings missed (FN)") == ["29", "16"]
    assert reader.get("F1, mean over IoU 0.5 to 0.95") == ["0.157", "0.157"]
    assert reader.get("IoU by pixel") == ["0.441", "0.441"]
    assert reader.get("Error of the built-up area") == ["\u221212.2 %", "\u221212.2 %"]
    assert reader.get("Distance of outlines from the labels', median") == ["1.28 m", "1.28 m"]
    assert reader.get("tune") == ["2 min 10 s"]
    assert reader.get("torch") == ["9.9.9"]
    assert "Better by more than noise." in reader.text
    assert "After: F1 0.900. 9 TP, 1 FP, 1 FN." in reader.text
    said = [value for name, key, value in reader.attributes if (name, key) == ("svg", "aria-label")]
    assert any("0.211 to 0.333" in text and "0.456 to 0.667" in text for text in said)
    assert any("+0.201 to +0.386" in text for text in said)


def test_nobodys_folders_are_told(made):
    text = read_page(made).text
    assert "houses.gpkg, 120 used. 2 labels were mended" in text
    assert "secret" not in text
    assert str(made.path.parent) not in text


def test_names_that_are_markup_stay_text(made):
    hostile = '<script>alert("1")</script><img src=x onerror=y>'
    change(
        made,
        raster={"path": hostile, "crs": hostile, "adapted": hostile},
        base_model={"title": hostile, "attribution": hostile},
        settings={hostile: hostile},
        versions={hostile: hostile},
        device=hostile,
        rule=hostile,
        difference={"sentence": hostile},
    )
    made.job.write_text(json.dumps({"raster": "town.tif", "name": hostile}), encoding="utf-8")
    reader = read_page(made)
    assert "script" not in reader.tags
    assert "img" not in reader.tags
    assert reader.text.count('<script>alert("1")') >= 8
    assert reader.problems == []


def test_without_the_raster_the_figures_stay_and_a_sentence_says_what_is_missing(made):
    Path(json.loads(made.job.read_text("utf-8"))["raster"]).unlink()
    reader = read_page(made)
    assert "The raster town.tif was not found" in reader.text
    assert reader.get("F1 by building") == ["0.272", "0.565"]
    assert "image" not in reader.tags


@pytest.mark.parametrize("gone", ["split.gpkg", "errors.gpkg", "job.json", "model.json"])
def test_a_half_deleted_run_still_has_its_page(made, gone):
    (made.path / gone).unlink()
    reader = read_page(made)
    assert reader.problems == []
    assert reader.get("F1 by building") == ["0.272", "0.565"]


def test_a_raster_that_breaks_off_costs_the_pictures_only(made, tmp_path):
    raster = tmp_path / "town.tif"
    raster.write_bytes(raster.read_bytes()[:2000])
    assert "could not be read" in read_page(made).text


def test_a_report_without_intervals_says_so_instead_of_giving_one(made):
    change(made, difference={"f1": 0.2931, "interval": None}, interval={"why_none": "Too few blocks."})
    text = read_page(made).text
    assert "cannot say whether that is more than noise" in text
    assert "Too few blocks." in text


def test_a_report_with_nothing_but_a_schema_is_a_page_of_dashes(made):
    made.report.write_text('{"schema": 2}', encoding="utf-8")
    reader = read_page(made)
    assert reader.problems == []
    assert "not both known" in reader.text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "holds no report.json"),
        ("[1, 2", "is no report"),
        ("[]", "is no report"),
        ('{"schema": 77}', "schema 77"),
    ],
)
def test_a_folder_without_a_report_that_can_be_read_is_refused_with_a_next_step(made, content, told):
    made.report.unlink()
    if content is not None:
        made.report.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=told) as caught:
        write_page(made)
    assert caught.value.hint
    assert not made.page.exists()


@pytest.mark.parametrize("field", ["before", "blocks", "settings", "tuning", "raster", "seconds", "ground", "interval"])
@pytest.mark.parametrize("value", [None, 3, "text", [1, "a"], {"a": [None]}])
def test_values_of_another_kind_are_passed_over(made, field, value):
    change(made, **{field: value})
    assert read_page(made).problems == []


def make_block(name, tp, fp, fn):
    counts = Counts(tp, fp, fn)
    return Block((0.0, 0.0, 1.0, 1.0), counts, counts, id=name)


def test_equal_blocks_are_told_apart_by_labels_and_then_by_their_order():
    blocks = [make_block("a", 5, 5, 5), make_block("b", 10, 10, 10), make_block("c", 5, 5, 5), make_block("d", 5, 5, 5)]
    assert [(name, block.id) for name, block in choose_shown(blocks)] == [
        ("Best", "b"),
        ("Median", "c"),
        ("Worst", "d"),
    ]


def test_a_block_with_hardly_a_building_is_neither_best_nor_worst():
    blocks = [make_block("a", 1, 0, 0), make_block("b", 9, 1, 1), make_block("c", 6, 5, 4), make_block("d", 2, 9, 8)]
    blocks.append(make_block("e", 0, 3, 1))
    assert [block.id for _, block in choose_shown(blocks)] == ["b", "c", "d"]


@pytest.mark.parametrize(("count", "names"), [(0, []), (1, ["Best"]), (2, ["Best", "Worst"])])
def test_fewer_blocks_than_three_are_shown_once_each(count, names):
    assert [name for name, _ in choose_shown([make_block(str(i), 5, i, i) for i in range(count)])] == names


def test_the_curves_hold_every_iou_of_the_report(made):
    assert read_curves(read_facts(made))["before"] == [(0.5, 0.2716), (0.55, 0.2), (0.95, 0.0)]


@pytest.mark.parametrize("path", ["/a/b/town.tif", "C:\\a\\b\\town.tif", "town.tif", "a/b\\town.tif"])
def test_a_files_name_is_found_in_the_path_of_any_system(path):
    assert name_file(path) == "town.tif"


@pytest.mark.parametrize(
    ("values", "ends"),
    [([0.0, 1.0], (0.0, 1.0)), ([0.397, 0.517], (0.35, 0.55)), ([-0.02, 0.1], (-0.05, 0.15)), ([0.5], (0.48, 0.52))],
)
def test_an_axis_ends_at_round_values_and_an_f1_is_never_drawn_beyond_one(values, ends):
    scale = fit_scale(values, 0.0, 100.0, 1.0)
    assert (scale.low, scale.high) == pytest.approx(ends)
    assert [scale(end) for end in ends] == pytest.approx([0.0, 100.0])
