"""A run takes, replaces and deletes only what it has made itself."""

import json

import pytest

from plugin.core.command_options import RunOptions
from plugin.core.errors import InputError, RunError
from plugin.core.folder import RunFolder
from plugin.core.job import load_job
from plugin.core.run_state import StageResult, read_made, read_state
from plugin.worker.cli.commands import run
from plugin.worker.pipeline.resume import State, forget


@pytest.fixture
def begun(tmp_path):
    """A run that has come to the end of its stage ``base``, as (folder, state); its files are stand-ins."""
    folder = RunFolder(tmp_path)
    folder.job.write_text(json.dumps({"raster": "town.tif", "labels": "houses.gpkg"}), "utf-8")
    state = State(folder, load_job(folder.job))
    state.begin("check")
    for stage, paths in (("split", [folder.split]), ("base", [folder.base_probability, folder.errors])):
        state.begin(stage)
        for path in paths:
            path.write_text(f"made {path.name}")
        state.settle(stage) if stage == "split" else state.put(stage, StageResult())
    return folder, state


def names(folder):
    return {path.name for path in folder.path.iterdir()}


def test_what_was_made_is_forgotten_and_everything_else_stays(begun):
    folder, _ = begun
    mine = ("footprints.gpkg", "validation.tif", "report.html", "note.txt", "probability.tif.ovr", "labels.gpkg")
    for name in mine:
        (folder.path / name).write_text("mine")
    assert forget(folder) == []
    assert names(folder) == {"job.json", *mine}


def test_what_was_changed_since_is_kept_under_another_name(begun):
    folder, _ = begun
    folder.base_probability.write_text("the user's own imagery")
    assert forget(folder) == ["base_probability_edited.tif"]
    assert (folder.path / "base_probability_edited.tif").read_text() == "the user's own imagery"
    assert not folder.base_probability.exists()


def test_nothing_is_forgotten_where_a_file_is_open_elsewhere(begun):
    folder, _ = begun
    (folder.path / "split.gpkg-wal").write_text("a change")
    before = names(folder)
    with pytest.raises(RunError, match="open in another program"):
        forget(folder)
    assert names(folder) == before


def test_a_stage_does_not_write_over_what_was_put_there_meanwhile(begun):
    folder, state = begun
    folder.footprints.write_text("mine")
    state.begin("tune")
    with pytest.raises(InputError, match=r"footprints\.gpkg"):
        state.begin("trace")
    assert folder.footprints.read_text() == "mine"
    assert "footprints.gpkg" not in read_made(folder)


def test_a_run_of_an_earlier_version_is_taken_up(begun):
    folder, _ = begun
    content = json.loads(folder.state.read_text("utf-8"))
    del content["files"]
    folder.state.write_text(json.dumps(content), "utf-8")
    state = State(folder, load_job(folder.job))
    state.begin("tune")
    assert {"split.gpkg", "base_probability.tif", "checkpoint.pt"} <= set(read_state(folder).files)
    folder.footprints.write_text("mine")
    forget(folder)
    assert names(folder) == {"job.json", "footprints.gpkg"}


def test_a_job_may_be_changed_until_a_stage_has_ended(tmp_path):
    folder = RunFolder(tmp_path)
    folder.job.write_text(json.dumps({"raster": "town.tif", "labels": "houses.gpkg"}), "utf-8")
    State(folder, load_job(folder.job)).begin("check")
    folder.job.write_text(json.dumps({"raster": "town.tif", "labels": "roofs.gpkg"}), "utf-8")
    State(folder, load_job(folder.job)).put("base", StageResult())
    folder.job.write_text(json.dumps({"raster": "town.tif", "labels": "houses.gpkg"}), "utf-8")
    with pytest.raises(InputError, match="another job"):
        State(folder, load_job(folder.job))


@pytest.mark.parametrize("fresh", [False, True])
def test_a_run_beside_its_own_inputs_is_refused_before_anything_is_touched(town, tmp_path, ear, fresh):
    labels = tmp_path / "footprints.gpkg"
    labels.write_bytes(town.labels.read_bytes())
    job = town.write_job(tmp_path)
    job.write_text(job.read_text("utf-8").replace(str(town.labels), "footprints.gpkg"), "utf-8")
    with pytest.raises(InputError, match="over its input") as caught:
        run(RunOptions(job, fresh), ear.channel)
    assert "Put job.json into a folder of its own" in caught.value.hint
    assert labels.read_bytes() == town.labels.read_bytes()
    assert names(RunFolder(tmp_path)) == {"job.json", "footprints.gpkg", "heard.jsonl"}
