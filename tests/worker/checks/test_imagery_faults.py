"""What of a raster's values is not as its file says is told by every command that reads it, with its remedy."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import rasterio
import shapely

from plugin.core.events import WARNING
from plugin.core.job import Job, Settings
from plugin.core.models import find_card
from plugin.worker.__main__ import main
from plugin.worker.checks.domain_shift import find_differences, find_foreign_values
from plugin.worker.checks.findings import find_in_inputs
from plugin.worker.dataset.inputs import check_inputs
from plugin.worker.geodata.raster import describe_raster
from plugin.worker.geodata.statistics import measure_imagery
from plugin.worker.geodata.vector import read_layer
from plugin.worker.inference.request import PredictRequest
from plugin.worker.pipeline.predict_raster import predict_footprints
from tests.worker.conftest import write_raster

RGB = ["red", "green", "blue"]
STARTER = replace(find_card("starter"), working_gsd_m=None)


@pytest.fixture(scope="module")
def colours(town):
    """The town's values (bands, height, width)."""
    with rasterio.open(town.raster) as dataset:
        return dataset.read()


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a raster of the town and returns its path."""

    def write(values, **options):
        return str(write_raster(tmp_path / "raster.tif", values, **{"colours": RGB, **options}))

    return write


@pytest.fixture
def check(town, tmp_path, ear):
    """Return a function that gives what is found in the town's labels on another raster: kind -> finding."""

    def check(path, model="imagenet_lite0"):
        job = Job(path, str(town.labels), base_model=model, settings=Settings())
        inputs = check_inputs(job, tmp_path / "run", ear.channel)
        return {finding.kind: finding for finding in find_in_inputs(inputs, ear.channel)}

    return check


def darken_roofs(values, town, share):
    """Return the values with a share of the roofs' pixels, here and there, black."""
    roofs = rasterio.features.rasterize(town.buildings, values.shape[1:]) > 0
    values = values.copy()
    values[:, roofs & (np.random.default_rng(1).random(roofs.shape) < share)] = 0
    return values


def test_specks_of_nodata_under_labels_are_told_with_their_share(check, write, colours, town):
    found = check(write(darken_roofs(np.maximum(colours, 1), town, 0.15), nodata=0))["specks"]
    assert found.level == WARNING
    assert 0.13 < float(found.message.partition("%")[0]) / 100 < 0.17
    assert "(nodata 0)" in found.message
    assert "unset it" in found.hint


@pytest.mark.parametrize("nodata", [None, 0])
def test_a_collar_that_is_declared_or_none_at_all_is_not_told(check, write, colours, nodata):
    values = np.maximum(colours, 1)
    if nodata is not None:
        values[:, :20] = 0
    assert not {"specks", "undeclared_nodata", "no_transparency"} & set(check(write(values, nodata=nodata)))


def test_an_undeclared_collar_is_told_in_a_run_and_where_footprints_are_mapped(check, write, colours):
    values = colours.astype("float32") / 255
    values[:, :30] = -9999
    path = write(values, dtype="float32")
    found = check(path)["undeclared_nodata"]
    assert "5.9% of the values in bands 1, 2, 3 are -9999" in found.message
    told = find_differences(describe_raster(path, STARTER), STARTER)
    assert [(notice.message, notice.hint) for notice in told] == [(found.message, found.hint)]


def test_near_infrared_that_is_called_alpha_is_told_by_check_and_by_liken(check, write, colours, capfd):
    path = write(colours, alpha=np.clip(colours[0] * 0.7, 0, 250))
    assert "Band 4 is called alpha" in check(path)["no_transparency"].message
    capfd.readouterr()
    assert main(["liken", "--raster", path, "--model", "starter", "--json"]) == 0
    (told,) = json.loads(capfd.readouterr().out)["differences"]
    assert "nothing is masked by it" in told["message"]


def tune(path, card=STARTER):
    raster = describe_raster(path, card)
    return replace(card, parent=card.name, stretch=raster.stretch, gsd_m=(0.5,), imagery=measure_imagery(raster))


@pytest.mark.parametrize(
    ("dtype", "scale", "kinds"),
    [
        ("uint16", 40.0, ["values", "clipped"]),
        ("float32", 1 / 255, ["values", "differs"]),
        ("float32", 1.0, ["values"]),
        ("uint8", 1.0, []),
    ],
)
def test_values_of_another_kind_than_a_tuned_model_knows_are_told_before_a_run(write, colours, dtype, scale, kinds):
    tuned = tune(write(colours))
    raster = describe_raster(write(colours * scale, dtype=dtype), tuned)
    found = find_foreign_values(raster, tuned)
    assert [finding.kind for finding in found] == kinds
    told = {notice.message for notice in find_differences(raster, tuned)}
    assert {finding.message for finding in found if finding.kind != "clipped"} <= told
    assert all("Raster > Conversion > Translate" in finding.hint for finding in found)


def test_labels_on_values_that_the_base_models_stretch_clips_do_not_lack_imagery(
    write, colours, town, ear, tmp_path, monkeypatch
):
    tuned = tune(write(colours))
    monkeypatch.setattr("plugin.worker.dataset.inputs.find_card", lambda *_: tuned)
    path = write(colours * 37.0 + 300, dtype="uint16")
    inputs = check_inputs(Job(path, str(town.labels), base_model="starter"), tmp_path / "run", ear.channel)
    found = {finding.kind: finding for finding in find_in_inputs(inputs, ear.channel)}
    assert {"values", "clipped"} <= set(found)
    assert not {"blank", "extremes"} & set(found)


def test_labels_without_imagery_may_lie_on_a_nodata_value_that_is_a_colour(check, write, colours, town):
    roofs = rasterio.features.rasterize(town.buildings[::3], colours.shape[1:]) > 0
    values = np.minimum(colours, 254)
    values[:, roofs] = 255
    values[:, :, :6] = 255
    found = check(write(values, nodata=255))["blank"]
    assert "nodata value 255, unset it (Raster > Conversion > Translate, -a_nodata none)" in found.hint
    assert "Else: delete them" in found.hint


def test_eight_bits_in_a_container_of_sixteen_do_not_fit_a_model_tuned_on_sixteen(write, colours):
    tuned = tune(write(colours.astype("float64") * 40 + 300, dtype="uint16"))
    raster = describe_raster(write(colours, dtype="uint16"), tuned)
    assert [finding.kind for finding in find_foreign_values(raster, tuned)] == ["clipped"]


def test_footprints_have_no_holes_where_specks_of_nodata_were(write, colours, town, ear, tmp_path):
    path = write(darken_roofs(np.maximum(colours, 1), town, 0.15), nodata=0)
    card = replace(STARTER, uses_tta=False)
    assert predict_footprints(card, PredictRequest(path), tmp_path / "f.gpkg", ear.channel, device="cpu") > 10
    footprints = read_layer(str(tmp_path / "f.gpkg")).geometries
    assert shapely.get_num_interior_rings(footprints).sum() == 0
    assert any("are filled from around" in sentence for sentence in ear.notices)
