"""What is found before a run: each fault alone, with its count, its places on the map, and a next step."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import rasterio
import shapely
import torch
from affine import Affine

from plugin.core.errors import InputError
from plugin.core.events import ADVICE, STOP, WARNING, Finding
from plugin.core.folder import RunFolder
from plugin.core.job import Job, Settings
from plugin.worker.__main__ import main
from plugin.worker.checks.findings import find_in_inputs, find_in_split
from plugin.worker.checks.label_faults import find_overlapping_pairs
from plugin.worker.checks.sample_size import find_shortage, measure_width
from plugin.worker.dataset.inputs import check_inputs, split_inputs
from plugin.worker.dataset.locate import locate_finding
from plugin.worker.dataset.split import Split
from plugin.worker.geodata.polygons import apply_affine
from plugin.worker.geodata.raster import describe_raster
from plugin.worker.inference.predict import Predictor
from plugin.worker.pipeline.findings import refusal_found, send_findings
from plugin.worker.pipeline.missing_labels import MissingLabels, describe_gaps, find_gaps
from plugin.worker.pipeline.run import run_job

ORIGIN = Affine(0.5, 0, 333000, 0, -0.5, 3066000)
BOWTIE = shapely.Polygon([(100, 10), (120, 30), (120, 10), (100, 30)])


@pytest.fixture
def crop(town, tmp_path, ear, make_labels):
    """Return a function that tells the findings of the town's raster with labels (pixels), by kind."""

    def crop(polygons=None, settings=None, **fields):
        labels = town.labels if polygons is None else make_labels(polygons)
        plain = {"raster": str(town.raster), "labels": str(labels), "base_model": "imagenet_lite0"}
        job = Job(**{**plain, **fields}, settings=settings or Settings())
        send_findings(find_in_inputs(check_inputs(job, tmp_path / "run", ear.channel), ear.channel), ear.channel)
        return {finding.kind: finding for finding in ear.channel.findings}

    return crop


def test_sound_labels_give_no_finding(crop):
    assert crop() == {}


def test_every_finding_is_an_event_with_a_sentence_and_a_next_step(crop, town, ear):
    crop([*town.buildings, BOWTIE, town.buildings[0]])
    told = [event for event in ear.events if isinstance(event, Finding)]
    assert told == ear.channel.findings
    assert {finding.kind for finding in told} == {"repaired", "twins"}
    assert all(finding.message.endswith(".") and finding.hint.endswith(".") for finding in told)


def test_an_invalid_label_is_found_with_its_place(crop, town):
    found = crop([*town.buildings, BOWTIE])["repaired"]
    assert (found.level, found.count) == (WARNING, 1)
    boxes = shapely.union_all(shapely.box(*np.array(found.places).T))
    assert boxes.bounds == pytest.approx((333050, 3065985, 333060, 3065995))
    assert found.crs == "EPSG:32645"


def test_labels_drawn_twice_are_found_and_count_once(crop, town, tmp_path, ear):
    twice = [*town.buildings, *town.buildings[:3], shapely.reverse(town.buildings[4])]
    found = crop(twice)
    assert (found["twins"].level, found["twins"].count, len(found["twins"].places)) == (WARNING, 4, 4)
    assert "overlaps" not in found


def test_labels_that_overlap_are_found_where_they_do(crop, town):
    left, top, right, bottom = town.buildings[0].bounds
    half = shapely.box((left + right) / 2, top, right + (right - left) / 2, bottom)
    found = crop([*town.buildings, half])["overlaps"]
    assert (found.level, found.count) == (WARNING, 1)
    xmin, _, xmax, ymax = found.places[0]
    assert xmin >= 333000 + left / 2
    assert xmax <= 333000 + right / 2 + 1e-6
    assert ymax <= 3066000 - top / 2 + 1e-6


def test_neighbours_that_share_a_wall_or_a_strip_do_not_overlap():
    houses = shapely.box([0, 10, 19], [0, 0, 0], [10, 20, 29], [10, 10, 10])
    assert find_overlapping_pairs(np.array(houses)).tolist() == []
    assert find_overlapping_pairs(np.array([houses[0], shapely.box(7, 0, 17, 10)])).tolist() == [[0, 1]]


def test_overlapping_pairs_are_those_of_a_plain_search():
    rng = np.random.default_rng(7)
    corners = rng.uniform(0, 60, (2, 80))
    boxes = shapely.box(*corners, *(corners + rng.uniform(2, 12, (2, 80))))
    plain = [
        [i, j]
        for i in range(80)
        for j in range(i + 1, 80)
        if (boxes[i] & boxes[j]).area > 0.2 * min(boxes[i].area, boxes[j].area)
    ]
    assert plain
    assert sorted(find_overlapping_pairs(boxes).tolist()) == plain


def test_labels_beyond_the_raster_are_advice_until_they_are_most(crop, town):
    away = [shapely.box(900 + 30 * i, 10, 915 + 30 * i, 25) for i in range(70)]
    assert crop([*town.buildings, *away[:2]])["outside"].level == ADVICE
    assert crop([*town.buildings, *away])["outside"].level == WARNING


def test_a_label_below_the_minimum_area_is_found(crop, town):
    found = crop([*town.buildings, shapely.box(5, 5, 9, 9)])["tiny"]
    assert (found.level, found.count) == (ADVICE, 1)
    assert "5 m\u00b2" in found.message
    assert crop([*town.buildings, shapely.box(5, 5, 9, 9)], Settings(min_area_m2=0))["tiny"] == found


def test_labels_of_a_few_pixels_are_found(crop, grid):
    found = crop(grid(3, side=4))["small"]
    assert "smaller than 4 x 4 pixels of 0.50 m" in found.message


def test_a_raster_of_another_scale_than_the_models_is_found(crop, tmp_path, card):
    replace(card, gsd_m=(0.05, 0.1)).save(tmp_path / "fine.json")
    found = crop(base_model=str(tmp_path / "fine.json"))["scale"]
    assert "trained at 0.05 to 0.1 m a pixel, this raster has 0.50 m" in found.message


# -- the imagery around the labels ------------------------------------------------------------------------------------


@pytest.fixture
def dark(town, make_raster):
    """Return a function that writes the town with nothing in its columns up to one, by a nodata value or black."""

    def dark(until, nodata=None):
        values = read_values(town.raster)
        values[:, :, :until] = 0
        return make_raster(values, "dark.tif", nodata=nodata, colours=["red", "green", "blue"])

    return dark


def read_values(path):
    with rasterio.open(path) as source:
        return source.read()


@pytest.mark.parametrize("nodata", [0, None])
def test_labels_without_imagery_are_found(crop, town, dark, nodata):
    found = crop(town.buildings, raster=str(dark(256, nodata)))["blank"]
    lefts, _, rights, _ = shapely.bounds(town.buildings).T
    wholly = int((rights <= 256).sum())
    assert found.level == WARNING
    assert wholly <= found.count <= int(((lefts + rights) / 2 <= 256).sum()) + 1


def test_labels_that_all_lie_on_nothing_stop_the_run(crop, town, dark, ear):
    with pytest.raises(InputError, match="lie where the raster has no imagery") as caught:
        crop(town.buildings, raster=str(dark(500)))
    assert caught.value.hint
    assert [finding.kind for finding in ear.channel.findings if finding.level == STOP] == ["blank"]


def test_imagery_that_is_blown_out_is_found(crop, town, make_raster):
    values = np.where(read_values(town.raster) > 60, 255, 1)
    found = crop(town.buildings, raster=str(make_raster(values, colours=["red", "green", "blue"])))["extremes"]
    assert (found.level, found.hint[:6]) == (ADVICE, "Export")


def test_a_shift_is_found_with_what_takes_it_back(crop, town):
    found = crop(apply_affine(town.buildings, Affine.translation(4, -3)))["shift"]
    assert found.level == WARNING
    assert found.message.startswith("The labels lie 2.5 m north-east of the buildings in the imagery")
    assert (found.east_m, found.north_m) == pytest.approx((-2.0, -1.5), abs=0.3)
    assert "m west and" in found.hint


def test_the_jobs_shift_moves_the_runs_labels_alone_and_is_told(crop, town, ear, make_labels):
    moved = apply_affine(town.buildings, Affine.translation(4, -3))
    found = crop(moved, Settings(shift_east_m=-2.0, shift_north_m=-1.5))
    assert found == {}
    assert "Labels are moved by 2.0 m west and 1.5 m south for this run (your layer is unchanged)." in ear.notices


def test_what_is_left_of_a_shift_adds_to_the_jobs_own(crop, town):
    found = crop(apply_affine(town.buildings, Affine.translation(8, 0)), Settings(shift_east_m=-1.0))["shift"]
    assert (found.east_m, found.north_m) == pytest.approx((-4.0, 0.0), abs=0.3)


# -- areas ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def look_at_areas(crop, make_vector):
    def look_at_areas(*areas):
        roles = ["training", "held-out", "training", "held-out"][: len(areas)]
        columns = {"role": roles}
        path = make_vector(apply_affine(list(areas), ORIGIN), "areas.gpkg", columns=columns)
        return crop(areas=str(path))

    return look_at_areas


def test_sound_areas_give_no_finding(look_at_areas):
    assert look_at_areas(shapely.box(0, 0, 250, 512), shapely.box(270, 0, 512, 512)) == {}


def test_areas_that_overlap_are_found_where_they_do(look_at_areas):
    found = look_at_areas(shapely.box(0, 0, 300, 512), shapely.box(260, 0, 512, 512))["areas_overlap"]
    assert (found.level, found.count) == (WARNING, 1)
    assert found.places[0] == pytest.approx([333130, 3065744, 333150, 3066000])


def test_areas_beyond_the_raster_and_areas_without_labels_are_found(look_at_areas):
    found = look_at_areas(shapely.box(0, 0, 250, 512), shapely.box(270, 0, 600, 512), shapely.box(700, 0, 800, 100))
    assert (found["areas_outside"].level, found["areas_outside"].count) == (ADVICE, 2)
    assert (found["areas_empty"].level, found["areas_empty"].count) == (WARNING, 1)


# -- enough -----------------------------------------------------------------------------------------------------------


def make_split(held_out, training):
    roles = np.array(["held-out"] * held_out + ["training"] * training, dtype=object)
    return Split(np.array([], dtype=object), np.array([], dtype=object), 16.0, roles)


def test_many_buildings_are_enough():
    assert find_shortage(make_split(97, 300), has_areas=False) == []


def test_how_many_more_labels_would_help_is_told():
    few, *rest = find_shortage(make_split(49, 147), has_areas=False)
    assert rest == []
    assert (few.kind, few.level, few.count) == ("few_held_out", ADVICE, 49)
    assert few.message == "Only 49 buildings are held out: their F1 is known to about \u00b1 0.14."
    assert few.hint == "About 192 more labels in all, of which 48 will be held out, would bring that to \u00b1 0.10."


def test_with_areas_the_labels_that_help_are_those_in_held_out_areas():
    few, less = find_shortage(make_split(10, 20), has_areas=True)
    assert few.level == WARNING
    assert few.hint.startswith("About 87 more in the held-out areas")
    assert (less.kind, less.level) == ("few_to_learn", WARNING)


def test_the_stated_width_is_that_of_a_share_of_independent_buildings():
    """The oracle: half of what lies between the 2.5th and the 97.5th percentile of shares drawn at one half."""
    shares = np.random.default_rng(3).binomial(60, 0.5, 200_000) / 60
    low, high = np.quantile(shares, (0.025, 0.975))
    assert measure_width(60) == pytest.approx((high - low) / 2, abs=0.01)


def test_the_towns_shortage_is_told_after_its_split(town, tmp_path, ear):
    job = Job(str(town.raster), str(town.labels), base_model="imagenet_lite0")
    inputs = check_inputs(job, tmp_path / "run", ear.channel)
    send_findings(find_in_split(inputs, split_inputs(inputs, ear.channel)), ear.channel)
    assert {finding.kind for finding in ear.channel.findings} == {"few_held_out", "few_to_learn"}


# -- ground that is labelled only in part -----------------------------------------------------------------------------


class Bright(torch.nn.Module):
    """Takes what is bright for a building: the town's roofs."""

    def forward(self, values):
        return (values.mean(dim=1, keepdim=True) - 0.6) * 100


@pytest.fixture
def seer(card):
    plain = replace(card, mean=(0.0,) * 3, std=(1.0,) * 3)
    return Predictor(Bright(), plain, torch.device("cpu"))


def test_buildings_without_a_label_are_found_each_once(town, card, seer):
    raster = describe_raster(str(town.raster), card)
    areas = shapely.area(town.buildings) * 0.25
    is_labelled = np.arange(60) % 3 > 0
    found = find_gaps(seer, raster, town.buildings[is_labelled], shapely.box(0, 0, 512, 512), 1, lambda _: None)
    expected = town.buildings[~is_labelled & (areas >= 24)]
    boxes = shapely.box(*found.boxes.T)
    assert all(shapely.intersects(boxes, shapely.centroid(each)).sum() == 1 for each in expected)
    assert int((~is_labelled & (areas >= 16)).sum()) >= len(boxes) >= len(expected)
    assert (found.windows, found.all_windows) == (1, 1)
    assert found.labelled >= int((is_labelled & (areas >= 24)).sum())


def test_where_all_is_labelled_nothing_is_found(town, card, seer):
    raster = describe_raster(str(town.raster), card)
    found = find_gaps(seer, raster, town.buildings, shapely.box(0, 0, 512, 512), 1, lambda _: None)
    assert len(found.boxes) == 0
    assert describe_gaps(found, raster) == []


def test_off_the_labelled_ground_nothing_is_looked_for(town, card, seer):
    raster = describe_raster(str(town.raster), card)
    found = find_gaps(seer, raster, town.buildings[:0], shapely.box(0, 0, 512, 200), 1, lambda _: None)
    assert len(found.boxes) > 5
    assert (found.boxes[:, 1] < 200).all()


def test_a_few_doubtful_buildings_are_no_finding(town, card):
    raster = describe_raster(str(town.raster), card)

    def describe(count, labelled):
        return [each.level for each in describe_gaps(MissingLabels(np.zeros((count, 4)), labelled, 1, 2), raster)]

    assert describe(4, 2) == []
    assert describe(5, 200) == []
    assert describe(5, 60) == [ADVICE]
    assert describe(30, 60) == [WARNING]


# -- the list ---------------------------------------------------------------------------------------------------------


def test_no_more_than_two_hundred_places_are_told(town, card):
    raster = describe_raster(str(town.raster), card)
    bounds = np.tile([10.0, 20.0, 30.0, 40.0], (500, 1))
    found = locate_finding(Finding("tiny", ADVICE, "Many.", count=500), bounds, raster)
    assert (found.count, len(found.places)) == (500, 200)
    assert found.places[0] == pytest.approx([333005, 3065980, 333015, 3065990])


def test_an_input_that_cannot_be_used_is_a_finding_that_stops(ear):
    with pytest.raises(InputError), refusal_found(ear.channel):
        raise InputError("No label touches the raster.", "Choose others.")
    assert ear.channel.findings == [Finding("refused", STOP, "No label touches the raster.", "Choose others.")]


def check(job, capfd):
    code = main(["check", str(job), "--json"])
    return code, json.loads(capfd.readouterr().out)


def test_check_prints_its_findings_as_one_json_object(town, tmp_path, capfd):
    code, said = check(town.write_job(tmp_path, base_model="imagenet_lite0"), capfd)
    assert (code, said["can_run"]) == (0, True)
    assert [finding["kind"] for finding in said["findings"]] == ["few_held_out", "few_to_learn"]
    assert "0.50 m imagery" in said["notices"][0]["message"]


def test_check_prints_what_stops_a_run_as_json_too(town, tmp_path, capfd):
    code, said = check(town.write_job(tmp_path, base_model="nobody"), capfd)
    assert (code, said["can_run"]) == (1, False)
    assert [(finding["kind"], finding["level"]) for finding in said["findings"]] == [("refused", STOP)]


def test_a_run_stops_with_what_stops_it(town, tmp_path, dark, ear):
    job = Job(str(dark(500)), str(town.labels), base_model="imagenet_lite0")
    (tmp_path / "run").mkdir()
    with pytest.raises(InputError, match="lie where the raster has no imagery"):
        run_job(job, RunFolder(tmp_path / "run"), ear.channel)
    assert not (tmp_path / "run" / "split.gpkg").exists()
