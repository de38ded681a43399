"""A folder in SpaceNet's layout goes all the way: by its own command, and as the raster of a job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely

from plugin.core.events import Finished, parse_event
from plugin.core.job import Job, load_job
from plugin.worker.dataset.inputs import check_inputs, split_inputs
from plugin.worker.spacenet.convert import take_in
from tests.conftest import ROOT
from tests.worker.spawn import BOUND_S

RIO = ROOT.parent / "shared" / "data" / "formats" / "spacenet1_rio_layout"
ROLES = {"training", "validation", "held-out"}


def run(*arguments):
    command = [sys.executable, "-m", "plugin.worker", *map(str, arguments)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BOUND_S
    )


def test_the_command_tells_what_came_of_the_folder_and_a_job_takes_its_files(vegas, tmp_path, ear):
    done = run("spacenet", vegas.folder, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "12 tiles of RGB-PanSharpen, 12 of them labelled, with 51 buildings." in done.stdout
    files = {"raster": "out/raster.vrt", "labels": "out/labels.gpkg", "areas": "out/areas.gpkg"}
    (tmp_path / "job.json").write_text(json.dumps({**files, "base_model": "imagenet_lite0"}), encoding="utf-8")
    inputs = check_inputs(load_job(tmp_path / "job.json"), tmp_path, ear.channel)
    assert len(inputs.labels.polygons) == 51
    assert inputs.raster.bands == (1, 2, 3)
    assert set(split_inputs(inputs, ear.channel).roles) == ROLES


@pytest.mark.parametrize(
    ("name", "product", "rgb", "four"),
    [
        ("vegas", "RGB-PanSharpen", (1, 2, 3), (3, 2, 1, 0)),
        ("vegas", "MUL-PanSharpen", (5, 3, 2), (2, 3, 5, 7)),
        ("atlanta", "", (3, 2, 1), (1, 2, 3, 4)),
    ],
)
def test_a_model_finds_its_bands_in_every_product(request, convert, tmp_path, ear, name, product, rgb, four):
    files = convert(request.getfixturevalue(name).folder, product).files
    for model, bands in (("imagenet_lite0", rgb), ("selimsef_spacenet4_resnet34unet", four)):
        job = Job(files["raster"], files["labels"], base_model=model)
        assert check_inputs(job, tmp_path, ear.channel).raster.bands == bands


def test_a_refusal_of_the_command_offers_what_there_is(vegas, tmp_path):
    done = run("spacenet", vegas.folder, "--out", tmp_path / "out", "--product", "RGB")
    assert done.returncode == 1
    assert done.stderr.strip().endswith("It offers: RGB-PanSharpen, MUL-PanSharpen, MUL, PAN.")


def test_check_takes_a_folder_as_the_raster_and_leaves_nothing_behind(vegas, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "job.json").write_text(json.dumps({"raster": "../AOI_2_Vegas_Train", "base_model": "imagenet_lite0"}))
    done = run("check", folder / "job.json")
    assert done.returncode == 0, done.stderr
    assert isinstance(parse_event(done.stdout.splitlines()[-1]), Finished)
    assert [path.name for path in folder.iterdir()] == ["job.json"]


def test_split_takes_a_folder_as_the_raster_and_leaves_the_split_alone(vegas, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "job.json").write_text(json.dumps({"raster": "../AOI_2_Vegas_Train", "base_model": "imagenet_lite0"}))
    done = run("split", folder / "job.json")
    assert done.returncode == 0, done.stderr
    assert (folder / "split.gpkg").exists()
    assert not (folder / "spacenet").exists()


def test_labels_may_be_left_out_of_a_job_only_for_a_folder(vegas, refusal_of):
    Job(str(vegas.folder), "").check()
    for raster in (str(next(vegas.folder.rglob("*.tif"))), ""):
        assert "No labels are chosen." in refusal_of(Job(raster, "").check).message


def test_the_labels_and_areas_of_a_job_go_before_those_of_the_folder(vegas, tmp_path, ear):
    job = take_in(Job(str(vegas.folder), "mine.gpkg", labels_layer="roofs"), tmp_path, ear.channel)
    assert (job.labels, job.labels_layer, job.areas) == ("mine.gpkg", "roofs", "")
    job = take_in(Job(str(vegas.folder), "", areas="mine.gpkg", areas_layer="ground"), tmp_path, ear.channel)
    assert (Path(job.labels).name, job.areas, job.areas_layer) == ("labels.gpkg", "mine.gpkg", "ground")
    assert Path(job.raster) == tmp_path / "spacenet" / "AOI_2_Vegas_Train.vrt"  # a tuned model is named after it


def test_a_job_whose_raster_is_a_file_is_left_alone(town, tmp_path, ear):
    job = Job(str(town.raster), str(town.labels))
    assert take_in(job, tmp_path, ear.channel) is job


@pytest.mark.skipif(not RIO.is_dir(), reason="the released tiles (../shared/data/formats) are not here")
@pytest.mark.parametrize("product", ["3band", "8band"])
def test_real_tiles_of_rio_become_a_raster_and_labels_and_pass_the_check(
    convert, product, tmp_path, ear, read_polygons
):
    """They overlap by two metres, and lie between each other's pixels: none is moved by as much as a pixel."""
    done = convert(RIO, product)
    assert (done.tiles, done.labelled) == (10, 10)
    polygons, _, _ = read_polygons(done.files["labels"])
    sources = [shapely.from_geojson(path.read_text()) for path in sorted((RIO / "vectorData" / "geoJson").iterdir())]
    parts = shapely.get_parts(shapely.get_parts(sources))
    assert len(polygons) == len(parts) == 120
    assert shapely.area(polygons).sum() == pytest.approx(shapely.area(shapely.make_valid(parts)).sum(), rel=1e-6)
    with rasterio.open(done.files["raster"]) as raster:
        for path in sorted((RIO / product).glob("*.tif")):
            with rasterio.open(path) as tile:
                values = tile.read()
                rows, cols = (grid.ravel() for grid in np.mgrid[8 : tile.height - 8 : 5, 8 : tile.width - 8 : 5])
                xs, ys = tile.transform @ np.array([cols + 0.5, rows + 0.5])
            seen = np.array(list(raster.sample(zip(xs, ys, strict=True))))
            near = [seen == values[:, rows + down, cols + right].T for down in (-1, 0, 1) for right in (-1, 0, 1)]
            assert np.any([part.all(axis=1) for part in near], axis=0).all()
    job = take_in(Job(str(RIO), "", base_model="imagenet_lite0"), tmp_path, ear.channel)
    assert set(split_inputs(check_inputs(job, tmp_path, ear.channel), ear.channel).roles) == ROLES
