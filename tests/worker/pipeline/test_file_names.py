"""Any legal name of a file works, or is refused with the reason: of rasters, vectors, jobs, outputs and folders."""

import json
import shutil

import numpy as np
import pyogrio
import pytest
from torch import nn

from plugin.core.command_options import PredictOptions, ScoreOptions, SplitOptions
from plugin.core.errors import InputError
from plugin.worker.cli.commands import predict, score, split
from plugin.worker.geodata.vector import list_layers, read_layer
from plugin.worker.pipeline import predict_raster
from tests.worker.conftest import make_grid, place, write_raster, write_vector

NASTY = (
    *("a!b", "a;b", "a|b", "a?b", "a?b=c", 'a"b', "a'b", "a\nb", "a\tb", "-a", "#a", "a%20b", "a&b", "a<b", "a=b"),
    *("Häuser", "建物", "a b ", " a", "a:b", "a.zip!b", "..a", "$HOME", "*", "[a]", "~", "x" * 240, "GPKG:a:b", "a\\b"),
)


@pytest.fixture
def nasty(tmp_path):
    """Return a function that yields each name with a folder that is called so."""

    def walk(names=NASTY):
        for name in names:
            folder = tmp_path / name
            folder.mkdir()
            yield name, folder

    return walk


@pytest.fixture
def village(tmp_path_factory):
    """A small raster, and labels on it."""
    folder = tmp_path_factory.mktemp("village")
    return write_raster(folder / "r.tif", size=(96, 96)), write_vector(folder / "v.gpkg", place(make_grid(2)))


@pytest.fixture
def no_network(monkeypatch):
    """What a network would say is there already: four buildings."""

    def write(_, raster, path, *arguments, **options):
        del arguments, options
        values = np.zeros((3, raster.height, raster.width), dtype="uint8")
        values[:, 10:40, 10:40] = 250
        write_raster(path, values, transform=raster.transform)

    monkeypatch.setattr(predict_raster, "write_probability", write)
    monkeypatch.setattr(predict_raster, "load_network", lambda _: nn.Identity())


@pytest.mark.usefixtures("no_network")
def test_predict_reads_and_writes_files_of_any_name(nasty, village, tmp_path, ear, capsys):
    for name, folder in nasty():
        raster, ground = folder / f"{name}.tif", folder / f"{name}.gpkg"
        shutil.copy(village[0], raster)
        shutil.copy(village[1], ground)
        out = folder / f"{name}_out.gpkg"
        options = PredictOptions(str(raster), "starter", out, ground=f"{ground}|v", device="cpu")
        predict(options, ear.channel)
        assert len(list_layers(out)) == 1, name
        assert {path.name for path in folder.iterdir()} == {raster.name, ground.name, out.name}, name


def test_score_reads_and_writes_files_of_any_name(nasty, village, ear, capsys):
    for name, folder in nasty():
        truth, errors = folder / f"{name}.gpkg", folder / f"{name}_errors.gpkg"
        shutil.copy(village[1], truth)
        score(ScoreOptions(str(truth), str(village[1]), errors=errors), ear.channel)
        assert len(read_layer(str(errors), "errors").geometries) == 4, name
        assert {path.name for path in folder.iterdir()} == {truth.name, errors.name}, name
        with pytest.raises(InputError, match="is an input"):
            score(ScoreOptions(str(truth), str(village[1]), errors=truth, overwrite=True), ear.channel)


def test_a_job_takes_inputs_and_folders_of_any_name(nasty, town, small_model, ear, capsys):
    for name, folder in nasty(NASTY[::2]):
        raster, labels = folder / f"{name}.tif", folder / f"{name}.gpkg"
        raster.symlink_to(town.raster)
        labels.symlink_to(town.labels)
        job = {"raster": raster.name, "labels": labels.name, "base_model": str(small_model)}
        (folder / "job.json").write_text(json.dumps(job), "utf-8")
        split(SplitOptions(folder / "job.json"), ear.channel)
        assert set(list_layers(folder / "split.gpkg")) == {"blocks", "labels"}, name
        assert pyogrio.list_layers(labels)[0][0] == "buildings"
