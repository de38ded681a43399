"""What lies where in a run's folder: bug reports, the bridge and the worker all rely on it."""

from dataclasses import fields
from pathlib import Path

from plugin.core.folder import RunFolder
from plugin.core.job import Job, Settings

FOLDER = RunFolder(Path("/runs/town"))


def test_the_names_in_a_runs_folder_are_those_of_its_description():
    names = {
        name: getattr(FOLDER, name).name
        for name, item in vars(RunFolder).items()
        if isinstance(item, property) and name not in ("files", "written", "is_resumable")
    }
    assert {path.name for path in FOLDER.files} == set(names.values())
    assert names == {
        "job": "job.json",
        "labels": "labels.gpkg",
        "areas": "areas.gpkg",
        "events": "events.jsonl",
        "earlier": "earlier.gpkg",
        "earlier_report": "earlier.json",
        "corrections": "corrections.gpkg",
        "note": "note.txt",
        "log": "log.txt",
        "lock": "run.lock",
        "state": "state.json",
        "split": "split.gpkg",
        "checkpoint": "checkpoint.pt",
        "model": "model.safetensors",
        "card": "model.json",
        "base_probability": "base_probability.tif",
        "probability": "probability.tif",
        "base_footprints": "base_footprints.gpkg",
        "footprints": "footprints.gpkg",
        "errors": "errors.gpkg",
        "report": "report.json",
        "page": "report.html",
    }


def test_everything_lies_in_the_folder_itself():
    properties = [name for name, item in vars(RunFolder).items() if isinstance(item, property)]
    paths = [value for value in (getattr(FOLDER, name) for name in properties) if isinstance(value, Path)]
    assert {path.parent for path in paths} == {FOLDER.path}


def test_a_folder_without_a_job_cannot_be_resumed(tmp_path):
    assert not RunFolder(tmp_path).is_resumable


def test_a_run_can_be_resumed_in_whatever_stage_it_was_killed(tmp_path):
    """Before its first stage has ended there is no state yet, and in its last moment there is a report already."""
    folder = RunFolder(tmp_path)
    for path in (folder.job, folder.state, folder.report):
        path.write_text("{}", "utf-8")
        assert folder.is_resumable


def test_the_help_describes_every_file_of_a_run_and_every_field_of_a_job(root):
    text = "".join((root / "resources" / "help" / name).read_text("utf-8") for name in ("files.md", "commands.md"))
    names = [path.name for path in FOLDER.files] + [item.name for kind in (Job, Settings) for item in fields(kind)]
    assert [name for name in names if f"`{name}`" not in text] == []
