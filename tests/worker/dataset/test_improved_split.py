"""An improving run's ground: held-out ground stays what it is, checked ground is learnt from, bad input is told."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import shapely
from rasterio.windows import Window

from plugin.core.block_roles import HELD_OUT, TRAINING, VALIDATION
from plugin.core.errors import InputError
from plugin.core.job import Settings
from plugin.core.models import find_card
from plugin.worker.dataset.improved_split import renew_split
from plugin.worker.dataset.labels import read_labels
from plugin.worker.dataset.split import split_ground
from plugin.worker.geodata.raster import describe_raster, open_grid
from plugin.worker.geodata.vector import append_layer, read_layer
from plugin.worker.training.sampler import Sampler
from tests.worker.earlier_run import KEPT, are_alike, pick_ground, pick_labels, renew, write_earlier, write_improving

CARD = find_card("imagenet_lite0")


@pytest.fixture(scope="module")
def parent(town):
    """The town's raster, labels and split, before anything is improved."""
    raster = describe_raster(str(town.raster), CARD)
    labels = read_labels(str(town.labels), "", raster)
    return raster, labels, split_ground(raster, labels, Settings())


@pytest.fixture
def folder(parent, tmp_path):
    """A run's folder with the earlier split in it."""
    return write_earlier(tmp_path / "improved", *parent)


def frame(polygon, margin=3.0):
    """Return a box around a polygon."""
    left, top, right, bottom = polygon.bounds
    return shapely.box(left - margin, top - margin, right + margin, bottom + margin)


def pick(parent, role):
    """Return the labels of a role that lie well inside of its ground, each alone in its frame."""
    _, labels, split = parent
    shapely.prepare(ground := split.ground(role))
    return [each for each in labels.polygons[split.label_roles == role] if shapely.covers(ground, frame(each))]


def crop(parent, improved_split, window=None):
    """Return truth and weight (side, side) of what is learnt from in the whole raster."""
    raster = parent[0]
    with open_grid(raster) as dataset:
        sampler = Sampler(dataset, raster, CARD, improved_split.labels, improved_split.split)
        sample = sampler.read(window or Window(0, 0, raster.width, raster.height))
    return sample.truth[0].numpy() > 0, sample.weight[0].numpy() > 0


def draw(raster, polygon):
    left, top, right, bottom = (round(side) for side in polygon.bounds)
    inside = np.zeros((raster.height, raster.width), dtype=bool)
    inside[top:bottom, left:right] = True
    return inside


# -- what is learnt ---------------------------------------------------------------------------------------------------


def test_a_correction_takes_the_place_of_the_earlier_label_and_is_learnt(parent, folder):
    """A house is redrawn twice as large: on the checked ground the network hears of the new outline alone."""
    house = pick(parent, TRAINING)[0]
    redrawn = shapely.affinity.scale(house, 1.5, 1.5)
    improved_split = renew(folder, parent[0], [redrawn], [frame(redrawn)])
    truth, weight = crop(parent, improved_split)
    assert improved_split.count == 1
    assert not any(shapely.equals_exact(house, each, 1e-3) for each in improved_split.labels.polygons)
    inside = draw(parent[0], redrawn.centroid.buffer(4))
    assert truth[inside].all()
    assert weight[inside].all()
    assert len(improved_split.labels.polygons) == len(parent[1].polygons)


def test_a_building_that_was_not_labelled_on_any_ground_is_learnt_once_it_is_checked(parent, town, tmp_path):
    """Labels beyond the first run's areas lie in its split without a role: corrections take their place, too."""
    raster, labels, split = parent
    roles = split.label_roles.copy()
    house = pick(parent, TRAINING)[0]
    number = int(np.flatnonzero(shapely.equals(labels.polygons, house))[0])
    roles[number] = ""
    folder = write_earlier(tmp_path, raster, labels, split.with_labels(roles))
    improved_split = renew(folder, raster, [house], [frame(house)])
    truth, weight = crop(parent, improved_split)
    inside = draw(raster, house.centroid.buffer(2))
    assert truth[inside].all()
    assert weight[inside].all()


def test_where_a_house_is_deleted_on_checked_ground_there_is_none(parent, folder):
    house = pick(parent, TRAINING)[0]
    improved_split = renew(folder, parent[0], [], [frame(house)])
    truth, weight = crop(parent, improved_split)
    inside = draw(parent[0], house)
    assert not truth[inside].any()
    assert weight[inside].all()
    assert improved_split.count == 0
    assert "there is no building in them" in improved_split.notices[0]


def test_corrections_off_the_checked_ground_change_nothing(parent, folder):
    first, second = pick(parent, TRAINING)[:2]
    moved = shapely.affinity.translate(second, 2, 2)
    improved_split = renew(folder, parent[0], [first, moved], [frame(first)])
    assert improved_split.count == 1
    assert any(are_alike([second], [each], 1e-3) for each in improved_split.labels.polygons)
    assert not any(are_alike([moved], [each], 1e-3) for each in improved_split.labels.polygons)


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_house_on_the_border_of_checked_ground_is_never_said_to_be_ground(parent, folder, share):
    """It is on the checked ground with a part of it: either it counts whole, or that part is not learnt from."""
    house = max(pick(parent, TRAINING), key=shapely.area)
    left, top, _, bottom = frame(house).bounds
    checked = shapely.box(left, top, house.bounds[0] + share * (house.bounds[2] - house.bounds[0]), bottom)
    truth, weight = crop(parent, renew(folder, parent[0], [house], [checked]))
    inside = draw(parent[0], shapely.affinity.scale(shapely.box(*house.bounds), 0.3, 0.3))
    assert not (inside & weight & ~truth).any()
    assert (inside & weight & truth).any()


# -- what is held out -------------------------------------------------------------------------------------------------


def test_checking_all_ground_moves_nothing_of_held_out_and_validation_ground_through_two_improvements(parent, folder):
    """Even the buffer is the same, so that blocks and intervals are paired; the second takes over the first's split."""
    raster, labels, split = parent
    everywhere, moved = (
        shapely.box(-20, -20, 600, 600),
        [shapely.affinity.translate(each, 3, 0) for each in labels.polygons],
    )
    kept, buffers = [(pick_ground(split, *KEPT), pick_labels(labels, split))], []
    for generation in ("first", "second"):
        improved_split = renew(folder, raster, moved, [everywhere])
        kept.append(
            (pick_ground(improved_split.split, *KEPT), pick_labels(improved_split.labels, improved_split.split))
        )
        buffers.append(improved_split.split.buffer_px)
        folder = write_earlier(folder.path.parent / generation, raster, improved_split.labels, improved_split.split)
    for own, first, second in zip(*kept, strict=True):
        assert are_alike(own, first, 1e-5)
        assert shapely.equals_exact(first, second, 0).all()
    assert buffers == [split.buffer_px] * 2


def test_the_written_held_out_ground_is_the_same_to_the_last_bit_after_a_second_improvement(parent, folder):
    raster, labels, _ = parent
    files = []
    for generation in ("first", "second"):
        improved_split = renew(folder, raster, list(labels.polygons), [shapely.box(0, 0, 512, 512)])
        folder = write_earlier(folder.path.parent / generation, raster, improved_split.labels, improved_split.split)
        blocks = read_layer(str(folder.earlier), "blocks")
        files.append(sorted(shapely.to_wkb(blocks.geometries[blocks.columns["role"] == HELD_OUT]).tolist()))
    assert files[0] == files[1]


def test_an_older_split_without_its_buffer_gives_the_same_by_the_same_rule(parent, folder):
    blocks = read_layer(str(folder.earlier), "blocks")
    labels = read_layer(str(folder.earlier), "labels")
    columns = {name: values for name, values in blocks.columns.items() if name not in ("buffer_px", "origin")}
    folder.earlier.unlink()
    append_layer(folder.earlier, blocks.geometries, columns, blocks.crs, "blocks")
    append_layer(folder.earlier, labels.geometries, labels.columns, labels.crs, "labels")
    house = pick(parent, TRAINING)[0]
    assert renew(folder, parent[0], [house], [frame(house)]).split.buffer_px == pytest.approx(
        parent[2].buffer_px, abs=1e-5
    )


@pytest.mark.parametrize(("role", "word"), [(HELD_OUT, "held-out area"), (VALIDATION, "validation area")])
def test_checked_ground_that_is_not_learnt_from_is_told_with_its_area(parent, folder, role, word):
    own, other = pick(parent, TRAINING)[0], pick(parent, role)[0]
    improved_split = renew(folder, parent[0], [own, other], [frame(own), frame(other)])
    told = next(finding for finding in improved_split.findings if word in finding.message)
    area = frame(other).area * 0.25
    assert f"{area:,.0f} m²" in told.message
    assert len(told.places) == 1
    assert improved_split.count == 1


def test_the_written_split_tells_which_ground_was_checked(parent, folder):
    house = pick(parent, TRAINING)[0]
    improved_split = renew(folder, parent[0], [house], [frame(house)])
    out = write_earlier(folder.path.parent / "child", parent[0], improved_split.labels, improved_split.split)
    blocks = read_layer(str(out.earlier), "blocks")
    checked = blocks.columns["origin"] == "checked"
    assert shapely.area(blocks.geometries[checked]).sum() == pytest.approx(frame(house).area * 0.25)
    assert set(blocks.columns["role"][checked]) == {TRAINING}
    assert blocks.columns["buildings"][checked].sum() == 1
    assert blocks.columns["buildings"].sum() == (improved_split.split.label_roles != "").sum()


# -- sampling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.25, 0.9])
def test_the_wished_share_of_crops_lies_on_earlier_ground(parent, folder, share):
    raster, house = parent[0], pick(parent, TRAINING)[0]
    improved_split = renew(folder, raster, [house], [frame(house)])
    with open_grid(raster) as dataset:
        sampler = Sampler(dataset, raster, CARD, improved_split.labels, improved_split.split, replay_share=share)
    is_fresh = improved_split.split.is_fresh[improved_split.split.roles == TRAINING]
    assert sampler.chances[~is_fresh].sum() == pytest.approx(share)
    assert sampler.chances.sum() == pytest.approx(1)


def test_where_all_earlier_ground_was_checked_anew_all_crops_lie_there(parent, folder):
    raster, labels, _ = parent
    improved_split = renew(folder, raster, list(labels.polygons), [shapely.box(0, 0, 512, 512)])
    assert improved_split.split.is_fresh[improved_split.split.roles == TRAINING].all()
    with open_grid(raster) as dataset:
        assert Sampler(
            dataset, raster, CARD, improved_split.labels, improved_split.split
        ).chances.sum() == pytest.approx(1)


# -- bad input --------------------------------------------------------------------------------------------------------


def refuse(folder, raster, corrections, checked, prepare=None):
    job = write_improving(folder, raster, corrections, checked)
    if prepare:
        prepare()
    with pytest.raises(InputError) as refused:
        renew_split(job, raster)
    assert refused.value.hint
    return refused.value.message


def test_an_earlier_split_that_is_gone_or_none_is_refused(parent, folder):
    raster, house = parent[0], pick(parent, TRAINING)[0]
    assert "cannot be read" in refuse(folder, raster, [house], [frame(house)], folder.earlier.unlink)
    shutil.copy(folder.labels, folder.earlier)
    assert "earlier.gpkg" in refuse(folder, raster, [house], [frame(house)])
    folder.earlier.write_bytes(b"no GeoPackage")
    assert "cannot be read" in refuse(folder, raster, [house], [frame(house)])


@pytest.mark.parametrize("content", [None, "[]", '{"schema": 2}', "{"])
def test_an_earlier_report_that_is_gone_or_none_is_refused(parent, folder, content):
    house = pick(parent, TRAINING)[0]
    prepare = folder.earlier_report.unlink if content is None else lambda: folder.earlier_report.write_text(content)
    assert "earlier.json" in refuse(folder, parent[0], [house], [frame(house)], prepare)


def test_a_report_of_another_version_is_refused(parent, folder):
    report = json.loads(folder.earlier_report.read_text("utf-8"))
    folder.earlier_report.write_text(json.dumps({**report, "schema": 1}), "utf-8")
    assert "schema 1" in refuse(folder, parent[0], [], [shapely.box(0, 0, 9, 9)])


@pytest.mark.parametrize(
    "changes",
    [{"width": 500}, {"height": 800}, {"transform": None}],
    ids=["narrower", "higher", "a pixel further east"],
)
def test_another_raster_than_the_earlier_runs_is_refused(parent, folder, changes):
    raster = parent[0]
    if "transform" in changes:
        changes = {"transform": raster.transform @ raster.transform.translation(1, 0)}
    assert "another raster" in refuse(folder, replace(raster, **changes), [], [shapely.box(0, 0, 99, 99)])


def test_an_older_report_tells_another_place_by_where_its_ground_lies(parent, folder):
    report = json.loads(folder.earlier_report.read_text("utf-8"))
    del report["raster"]["transform"]
    folder.earlier_report.write_text(json.dumps(report), "utf-8")
    raster = parent[0]
    far = replace(raster, transform=raster.transform @ raster.transform.translation(100, 0))
    assert "another raster" in refuse(folder, far, [], [shapely.box(0, 0, 99, 99)])


def test_checked_ground_off_the_raster_or_none_is_refused(parent, folder):
    raster, house = parent[0], pick(parent, TRAINING)[0]
    assert "outside the raster" in refuse(folder, raster, [house], [shapely.box(9000, 0, 9100, 100)])
    assert refuse(folder, raster, [house], []) == "No area is marked as checked."


def test_checked_ground_that_is_all_held_out_is_refused_with_a_next_step(parent, folder):
    house = pick(parent, HELD_OUT)[0]
    assert "No checked area is left" in refuse(folder, parent[0], [house], [frame(house)])


def test_held_out_areas_of_an_improving_run_are_refused(parent, folder):
    house = pick(parent, TRAINING)[0]

    def spoil():
        content = read_layer(str(folder.areas))
        folder.areas.unlink()
        append_layer(folder.areas, content.geometries, {"role": ["held-out"]}, content.crs, "areas")

    assert "must have the role training" in refuse(folder, parent[0], [house], [frame(house)], spoil)


def test_corrections_far_off_the_raster_are_refused(parent, folder):
    message = refuse(folder, parent[0], [shapely.box(9000, 0, 9010, 10)], [frame(pick(parent, TRAINING)[0])])
    assert "No label touches the raster" in message


def test_no_ground_with_buildings_to_learn_from_is_refused(parent, folder):
    assert "in the training area" in refuse(folder, parent[0], [], [shapely.box(0, 0, 512, 512)])


def test_few_corrections_are_told(parent, folder):
    house = pick(parent, TRAINING)[0]
    told = [finding.message for finding in renew(folder, parent[0], [house], [frame(house)]).findings]
    assert told == ["Only one footprint lies in the checked area."]


def test_overlapping_and_invalid_corrections_are_mended_and_told(parent, folder):
    house = max(pick(parent, TRAINING), key=shapely.area)
    left, top, right, bottom = house.bounds
    bow = shapely.Polygon([(left, top), (right, bottom), (right, top), (left, bottom)])
    improved_split = renew(folder, parent[0], [house, house, bow], [frame(house)])
    assert (improved_split.corrected.twins, improved_split.corrected.repaired) == (1, 1)
    assert shapely.is_valid(improved_split.corrected.polygons).all()


def test_the_users_files_are_left_alone(parent, folder):
    job = write_improving(folder, parent[0], [], [frame(pick(parent, TRAINING)[0])])
    paths = (folder.earlier, folder.earlier_report, folder.labels, folder.areas)
    before = [path.read_bytes() for path in paths]
    renew_split(job, parent[0])
    assert [path.read_bytes() for path in paths] == before
