"""Predicting elsewhere: a part of a raster gives what the whole would give there, and costs what the part costs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import rasterio
import shapely

from plugin.core.errors import InputError
from plugin.core.events import Notice, StageStarted
from plugin.core.imagery import Imagery
from plugin.core.models import find_card
from plugin.worker.geodata.raster import describe_raster
from plugin.worker.geodata.statistics import measure_imagery
from plugin.worker.geodata.vector import read_layer
from plugin.worker.inference.aoi import AreaOfInterest
from plugin.worker.inference.request import PredictRequest
from plugin.worker.pipeline.predict_raster import predict_footprints
from plugin.worker.runtime.channel import Channel
from tests.worker.conftest import ORIGIN, place, write_raster
from tests.worker.spawn import BOUND_S, environ

#: The starter without its zoom and its mirrors, which would take eight times as long.
QUICK = replace(find_card("starter"), working_gsd_m=None, uses_tta=False)
PATCH_PX = shapely.box(400, 300, 700, 620)


@pytest.fixture(scope="module")
def city(town, tmp_path_factory):
    """A raster of nine towns, 1,536 pixels a side: the network looks at it in nine windows."""
    with rasterio.open(town.raster) as dataset:
        values = np.tile(dataset.read(), (1, 3, 3))
    path = tmp_path_factory.mktemp("city") / "city.tif"
    return write_raster(path, values, colours=["red", "green", "blue"], tiled=True)


@pytest.fixture(scope="module")
def whole(city, tmp_path_factory, module_wire):
    """The footprints of the whole city, in its pixels."""
    out = tmp_path_factory.mktemp("whole") / "whole.gpkg"
    assert predict_footprints(QUICK, PredictRequest(str(city)), out, module_wire, device="cpu") > 100
    return read_pixels(out)


@pytest.fixture(scope="module")
def module_wire():
    return Channel(is_spoken=False, listens=False)


def read_pixels(path):
    return shapely.transform(read_layer(str(path)).geometries, lambda xy: np.column_stack(~ORIGIN @ xy.T))


def box_of(polygon):
    return AreaOfInterest(tuple(place([polygon])[0].bounds))


def test_a_part_gives_the_footprints_that_the_whole_has_there(city, whole, ear, tmp_path):
    out, kept = tmp_path / "part.gpkg", tmp_path / "p.tif"
    order = PredictRequest(str(city), area=box_of(PATCH_PX))
    count = predict_footprints(QUICK, order, out, ear.channel, probability=kept, device="cpu")
    found = read_pixels(out)
    shares = shapely.area(shapely.intersection(whole, PATCH_PX)) / shapely.area(whole)
    expected = whole[shares >= 0.5]
    assert 5 < count == len(found) == len(expected)
    distances = shapely.hausdorff_distance(
        *(
            parts[np.lexsort(np.round(shapely.get_coordinates(shapely.centroid(parts)), 2).T)]
            for parts in (found, expected)
        )
    )
    assert distances.max() < 0.01
    assert (shares[shares >= 0.5] < 1).any(), "no building crosses the border: the test shows nothing of it"
    with rasterio.open(kept) as dataset:
        assert (dataset.read(1)[300:620, 400:700] != 255).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["heard.jsonl", "p.tif", "part.gpkg"]


def test_a_small_part_of_a_huge_raster_takes_seconds(tmp_path, town, ear):
    path, side = tmp_path / "huge.tif", 20_000
    with rasterio.open(town.raster) as dataset:
        values = dataset.read()
    options = {"tiled": True, "sparse_ok": True, "compress": "deflate", "photometric": "rgb"}
    with rasterio.open(
        path, "w", driver="GTiff", width=side, height=side, count=3, dtype="uint8", crs="EPSG:32645",
        transform=ORIGIN, **options,
    ) as target:  # fmt: skip
        target.write(values, window=((9000, 9512), (15000, 15512)))
    began = time.process_time()
    order = PredictRequest(str(path), area=box_of(shapely.box(15100, 9100, 15300, 9300)))
    assert predict_footprints(QUICK, order, tmp_path / "f.gpkg", ear.channel, device="cpu") > 3
    assert time.process_time() - began < 30  # the whole takes over half an hour


def test_differences_are_told_before_the_network_works(town, ear, tmp_path):
    with rasterio.open(town.raster) as dataset:
        dark = write_raster(tmp_path / "dark.tif", dataset.read() * 0.5, colours=["red", "green", "blue"])
    raster = describe_raster(str(town.raster), QUICK)
    tuned = replace(QUICK, parent="starter", stretch=raster.stretch, gsd_m=(0.5,), imagery=measure_imagery(raster))
    predict_footprints(tuned, PredictRequest(str(dark)), tmp_path / "f.gpkg", ear.channel, device="cpu")
    told = [
        e.stage if isinstance(e, StageStarted) else e.level for e in ear.events if isinstance(e, (StageStarted, Notice))
    ]
    assert told.index("warning") < told.index("predict")


def test_no_footprints_come_with_the_reason_on_standard_error(town, ear, tmp_path, capfd):
    order = PredictRequest(str(town.raster), area=box_of(shapely.box(100, 100, 300, 300)))
    assert predict_footprints(replace(QUICK, min_area_m2=1e6), order, tmp_path / "f.gpkg", ear.channel) == 0
    (line,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("No footprints: ")]
    assert "is as large as 1e+06 m2, or lies at least half in the area. Choose a smaller" in line
    assert ear.notices[-1] in line


def test_a_raster_without_a_band_that_the_model_was_tuned_with_is_refused(make_raster, ear, tmp_path):
    names, four = (*QUICK.bands, "nir"), (0.5,) * 4
    nothing = ((0.0,) * 4,) * 4
    imagery = Imagery("uint8", (1, 2, 3, 4), four, nothing, ((0.0, 0.0),) * 4)
    card = replace(QUICK, bands=names, mean=four, std=four, parent="starter", imagery=imagery)
    order = PredictRequest(str(make_raster(colours=["red", "green", "blue"])))
    with pytest.raises(InputError, match="no nir band"):
        predict_footprints(card, order, tmp_path / "f.gpkg", ear.channel)
    raster, _ = replace(order, bands=(1, 2, 3, 0)).open(card)
    assert raster.bands == (1, 2, 3, 0)


@pytest.mark.parametrize(
    ("out", "kept", "said"), [("f.docx", None, "not a GeoPackage"), ("f.gpkg", "p.png", "not a GeoTIFF")]
)
def test_files_with_a_wrong_ending_are_refused(town, ear, tmp_path, out, kept, said):
    with pytest.raises(InputError, match=said):
        predict_footprints(
            QUICK, PredictRequest(str(town.raster)), tmp_path / out, ear.channel, probability=kept and tmp_path / kept
        )


def test_the_raster_is_never_written_over(town, ear, tmp_path):
    before = town.raster.read_bytes()
    with pytest.raises(InputError, match="is an input"):
        predict_footprints(
            QUICK, PredictRequest(str(town.raster)), tmp_path / "f.gpkg", ear.channel, probability=town.raster
        )
    assert town.raster.read_bytes() == before


def test_ground_outside_the_raster_is_refused_before_any_work(town, ear, tmp_path):
    order = PredictRequest(str(town.raster), area=AreaOfInterest((0.0, 0.0, 1.0, 1.0), "EPSG:4326"))
    with pytest.raises(InputError, match="outside the raster"):
        predict_footprints(QUICK, order, tmp_path / "f.gpkg", ear.channel)
    assert [event.stage for event in ear.events if isinstance(event, StageStarted)] == ["check"]
    assert not (tmp_path / "f.gpkg").exists()


def test_weights_that_are_gone_are_told(town, ear, tmp_path):
    QUICK.save(tmp_path / "model.json")
    card = find_card(str(tmp_path / "model.json"))
    with pytest.raises(InputError, match="there is no such file"):
        predict_footprints(card, PredictRequest(str(town.raster)), tmp_path / "f.gpkg", ear.channel)


def test_the_command_likens_without_loading_the_network(town, tmp_path):
    code = (
        "import sys; from plugin.worker.__main__ import main; "
        f"main(['liken', '--raster', {str(town.raster)!r}, '--model', 'starter', '--json']); "
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environ(), capture_output=True, text=True, timeout=BOUND_S)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"differences": []}
