"""What lies in a run's folder and is not the run's is neither written over nor deleted."""

import contextlib
import hashlib
import json
import os
import sqlite3

import pytest

from plugin.core.errors import InputError
from plugin.core.events import Started, format_event
from plugin.core.folder import RunFolder
from plugin.core.job import load_job
from plugin.core.run_guard import refuse_foreign, set_aside
from plugin.core.run_state import digest_file, is_changed, read_made


@pytest.fixture
def guard(tmp_path):
    """Return a function that writes a job into the folder ``run`` and lets the guard look at it; returns the folder."""

    def look(job_name="job.json", **fields):
        folder = tmp_path / "run"
        folder.mkdir(exist_ok=True)
        path = folder / job_name
        path.write_text(json.dumps({"raster": "town.tif", "labels": "houses.gpkg", **fields}), "utf-8")
        refuse_foreign(RunFolder(folder), load_job(path), path)
        return RunFolder(folder)

    return look


def refusal(guard, **fields):
    before = None
    with pytest.raises(InputError) as caught:
        guard(**fields)
    assert caught.value.hint.startswith("Put job.json into a folder of its own"), before
    return caught.value.message


@pytest.mark.parametrize(
    "fields",
    [
        {"raster": "probability.tif"},
        {"raster": "base_probability.tif"},
        {"raster": "Probability.TIF"},
        {"raster": "model.safetensors"},
        {"labels": "footprints.gpkg"},
        {"labels": "footprints.gpkg|layername=houses"},
        {"labels": "../run/split.gpkg"},
        {"labels": "errors.gpkg"},
        {"areas": "base_footprints.gpkg"},
        {"raster": "GPKG:footprints.gpkg:ortho"},
        {"base_model": "model.json"},
        {"base_model": "model.safetensors"},
        {"raster": "spacenet"},
        {"job_name": "report.json"},
        {"job_name": "state.json"},
    ],
)
def test_an_input_under_the_name_of_one_of_the_runs_files_is_refused(guard, fields):
    assert "over its input" in refusal(guard, **fields)


def test_links_to_and_from_an_input_are_seen_through(guard, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "footprints.gpkg").touch()
    (tmp_path / "link.gpkg").symlink_to(tmp_path / "run" / "footprints.gpkg")
    os.link(tmp_path / "run" / "footprints.gpkg", tmp_path / "hard.gpkg")
    for name in ("link.gpkg", "hard.gpkg"):
        assert "over its input" in refusal(guard, labels=str(tmp_path / name))


def test_the_sources_of_a_virtual_raster_are_inputs(guard, tmp_path):
    (tmp_path / "town.vrt").write_text(
        '<VRTDataset><SourceFilename relativeToVRT="1">run/probability.tif</SourceFilename></VRTDataset>'
    )
    assert "probability.tif" in refusal(guard, raster=str(tmp_path / "town.vrt"))


@pytest.mark.parametrize("name", ["report.html", "model.json", "state.json", "events.jsonl", "log.txt", "split.gpkg"])
def test_a_folder_with_foreign_files_of_these_names_and_no_state_is_refused(guard, tmp_path, name):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).write_text("mine")
    assert name in refusal(guard)
    assert (tmp_path / "run" / name).read_text() == "mine"


def test_what_a_run_does_not_write_may_lie_there(guard, tmp_path):
    (tmp_path / "run").mkdir()
    for name in ("validation.tif", "labels.gpkg", "areas.gpkg", "note.txt", "corrections.gpkg", "x.part.gpkg"):
        (tmp_path / "run" / name).write_text("mine")
    (tmp_path / "run" / "spacenet").mkdir()
    guard()


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_a_link_a_folder_or_a_pipe_under_a_runs_name_is_refused_even_with_a_state(guard, tmp_path, kind):
    folder = guard()
    write_state(folder, files={"events.jsonl": ""})
    if kind == "link":
        folder.events.symlink_to(tmp_path / "start-up file")
    elif kind == "folder":
        folder.events.mkdir()
    else:
        os.mkfifo(folder.events)
    assert "events.jsonl" in refusal(guard)
    assert not (tmp_path / "start-up file").exists()


def write_state(folder, results=(), **fields):
    content = {"job": "", "results": {stage: {} for stage in results}, **fields}
    folder.state.write_text(json.dumps(content), "utf-8")


def test_what_the_state_names_is_the_runs_and_nothing_else(guard):
    folder = guard()
    folder.footprints.write_text("made")
    write_state(folder, files={"footprints.gpkg": ""})
    guard()
    folder.page.write_text("mine")
    assert "report.html" in refusal(guard)


def test_a_state_of_an_earlier_version_tells_by_its_stages_what_was_made(guard):
    folder = guard()
    for path in (folder.base_probability, folder.split, folder.model, folder.card, folder.probability):
        path.write_text("made")
    write_state(folder, results=("base", "tune"))
    guard()
    folder.footprints.write_text("mine")
    assert "footprints.gpkg" in refusal(guard)
    write_state(folder, results=("base", "tune", "predict"))
    guard()


def test_a_run_of_an_earlier_version_that_came_to_no_state_is_known_by_its_events(guard):
    folder = guard()
    folder.log.write_text("log")
    folder.split.write_text("made")
    folder.events.write_text(format_event(Started(str(folder.path))) + "\n")
    guard()
    folder.report.write_text("mine")
    assert "report.json" in refusal(guard)


def test_a_state_that_cannot_be_read_but_is_one_claims_itself_alone(guard):
    folder = guard()
    folder.state.write_text('{"job": 7, "results": []}')
    assert folder.state.name in read_made(folder)
    guard()


def test_a_file_that_was_changed_since_it_was_made_is_kept(tmp_path):
    path = tmp_path / "model.json"
    path.write_text("made")
    made = {"model.json": digest_file(path)}
    assert set_aside(path, made) == ""
    path.write_text("changed")
    assert set_aside(path, made) == "model_edited.json"
    assert (tmp_path / "model_edited.json").read_text() == "changed"
    assert set_aside(path, {"model.json": ""}) == ""


def test_what_is_newer_than_the_state_of_an_earlier_version_was_changed_since(guard):
    folder = guard()
    write_state(folder, results=("base", "tune", "predict", "trace", "score", "write"))
    for path in (folder.footprints, folder.page, folder.model, folder.events):
        path.write_text("something")
    now = folder.state.stat().st_mtime
    for path, seconds in ((folder.footprints, 60), (folder.page, 60), (folder.model, 1), (folder.events, 60)):
        os.utime(path, (now + seconds, now + seconds))
    made = read_made(folder)
    kept = [set_aside(path, made) for path in (folder.footprints, folder.page, folder.model, folder.events)]
    assert kept == ["footprints_edited.gpkg", "report_edited.html", "", ""]
    write_state(folder, results=("base", "tune", "predict"))
    os.utime(folder.state, (now, now))
    assert set_aside(folder.footprints, read_made(folder)) == "", "the stage that has not ended wrote it"


def test_a_table_that_was_added_to_a_geopackage_is_a_change(tmp_path):
    path = tmp_path / "footprints.gpkg"
    with contextlib.closing(sqlite3.connect(path)) as database:
        columns = "table_name, last_change, min_x, min_y, max_x, max_y"
        database.execute(f"CREATE TABLE gpkg_contents ({columns})")
        database.execute("INSERT INTO gpkg_contents VALUES ('houses', '2024', 0, 0, 1, 1)")
        database.commit()
        digest = digest_file(path)
        rows = database.execute(f"SELECT {columns} FROM gpkg_contents").fetchall()
        early = hashlib.sha256(repr(rows).encode()).hexdigest()[:16]
        assert [is_changed(path, each) for each in (digest, early, "")] == [False] * 3
        database.execute("CREATE TABLE mynotes (note TEXT)")
        database.commit()
    assert [is_changed(path, each) for each in (digest, early, "")] == [True, False, False]
