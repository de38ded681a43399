"""Any legal name of a file works, or is refused with the reason: of rasters, vectors, jobs, outputs and folders."""

import contextlib
import json
import shutil
import sqlite3
from dataclasses import replace

import numpy as np
import pyogrio
import pytest
from torch import nn

from plugin.core.command_options import PredictOptions, ScoreOptions, SplitOptions
from plugin.core.errors import InputError, RunError
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


@pytest.fixture
def city(village, tmp_path):
    """A GeoPackage with layers of the user's: houses, roads, and those that predict and score would write."""
    path = tmp_path / "city.gpkg"
    for count, layer in enumerate(("houses", "city", "errors", "roads"), 1):
        write_vector(path, place(make_grid(count)), layer=layer)
    return path


def count_features(path):
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return {name: len(read_layer(str(path), name).geometries) for name in list_layers(path)}


@pytest.mark.usefixtures("no_network")
def test_of_a_geopackage_only_the_layer_that_is_written_is_replaced(village, city, ear, capsys):
    before = city.read_bytes()
    asked = PredictOptions(str(village[0]), "starter", city, device="cpu")
    told = ScoreOptions(str(village[1]), str(village[1]), errors=city)
    for command, options in ((predict, asked), (score, told)):
        with pytest.raises(InputError, match="is there already"):
            command(options, ear.channel)
    assert city.read_bytes() == before
    predict(replace(asked, overwrite=True), ear.channel)
    assert count_features(city) == {"houses": 1, "city": 1, "errors": 9, "roads": 16}
    score(replace(told, overwrite=True), ear.channel)
    assert count_features(city) == {"houses": 1, "city": 1, "errors": 4, "roads": 16}
    assert [path.name for path in city.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.usefixtures("no_network")
def test_a_geopackage_with_changes_in_its_journal_is_refused_before_any_work(village, city, ear, tmp_path):
    live = tmp_path / "live.gpkg"
    shutil.copy(city, live)
    with contextlib.closing(sqlite3.connect(live)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE more (fid INTEGER)")
        writer.commit()
        for ending in ("", "-wal", "-shm"):
            shutil.copy(f"{live}{ending}", f"{city}{ending}")
    before = city.read_bytes(), city.with_name("city.gpkg-wal").read_bytes()
    with pytest.raises(RunError, match="open in another program"):
        predict(PredictOptions(str(village[0]), "starter", city, device="cpu", overwrite=True), ear.channel)
    assert (city.read_bytes(), city.with_name("city.gpkg-wal").read_bytes()) == before


@pytest.mark.usefixtures("no_network")
def test_probabilities_are_replaced_only_where_it_is_asked_for_and_no_overviews_beside_them(village, ear, tmp_path):
    asked = PredictOptions(
        str(village[0]), "starter", tmp_path / "f.gpkg", probability=tmp_path / "p.tif", device="cpu"
    )
    for name in ("p.tif", "p.tif.ovr"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(InputError, match="is there already"):
            predict(asked, ear.channel)
        assert (tmp_path / name).read_text() == "mine"
        (tmp_path / name).unlink()
    (tmp_path / "town.vrt").write_text(
        '<VRTDataset><SourceFilename relativeToVRT="1">source.tif</SourceFilename></VRTDataset>'
    )
    shutil.copy(village[0], tmp_path / "source.tif")
    own = replace(asked, raster=str(tmp_path / "town.vrt"), probability=tmp_path / "source.tif", overwrite=True)
    with pytest.raises(InputError, match="is an input"):
        predict(own, ear.channel)


def test_errors_go_into_one_file(village, ear, tmp_path, capsys):
    asked = ScoreOptions(str(village[1]), str(village[1]), errors=tmp_path / "e.shp")
    with pytest.raises(InputError, match="one of several files"):
        score(asked, ear.channel)
    for _ in range(2):
        score(replace(asked, errors=tmp_path / "e.fgb", overwrite=True), ear.channel)
    assert len(read_layer(str(tmp_path / "e.fgb")).geometries) == 4
