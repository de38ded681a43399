"""A run once more: with the same job, with changes, or from where it broke off."""

from __future__ import annotations

from pathlib import Path

import pytest

from footprint_tuner.plugin.bridge.tuning.run_folders import keep_added
from footprint_tuner.plugin.core.job import load_job
from footprint_tuner.plugin.core.models import MODELS_FOLDER
from footprint_tuner.ui.dock import DockState


@pytest.fixture
def dock(runs_controller):
    return runs_controller.dock


@pytest.fixture
def town(shown_town):
    return shown_town


def improve(parent):
    """Return what the job of a run holds that improved another's model."""
    card = next(MODELS_FOLDER.glob("*.json"))
    return {"parent": str(parent), "earlier": "earlier.gpkg", "areas": "areas.gpkg", "base_model": str(card)}


def test_a_run_is_repeated_with_the_same_job_and_copies_of_its_inputs(
    look, dock, town, make_real, wait_until, tmp_path
):
    job = {"settings": {"epochs": 7, "seed": 5}, "bands": [3, 2, 1]}
    folder = make_real(job={**job, **improve(tmp_path / "gone")})
    copies = ("labels.gpkg", "areas.gpkg", "earlier.gpkg", "earlier.json")
    for name in copies[1:]:
        (folder / name).write_bytes(name.encode())
    look(1, folder).do("repeat")
    assert dock.state is DockState.RUNNING
    wait_until(lambda: dock.state is DockState.ENDED)
    (again,) = (path for path in folder.parent.iterdir() if path != folder)
    old, new = load_job(folder / "job.json"), load_job(again / "job.json")
    assert (new.settings, new.bands, new.parent, new.raster) == (old.settings, old.bands, old.parent, old.raster)
    assert Path(new.labels) == again / "labels.gpkg"
    assert Path(new.earlier) == again / "earlier.gpkg"
    assert new.name == again.name
    for name in copies:
        assert (again / name).read_bytes() == (folder / name).read_bytes()
    look(2)


@pytest.mark.parametrize("gone", ["raster", "labels"])
def test_a_run_whose_inputs_are_gone_is_not_repeated_and_says_so(look, dock, town, make_real, tmp_path, gone):
    folder = make_real(job={"raster": str(tmp_path / "moved.tif")} if gone == "raster" else {})
    if gone == "labels":
        (folder / "labels.gpkg").unlink()
    page = look(1, folder)
    page.do("repeat")
    assert dock.state is DockState.IDLE
    assert f"The {gone} of" in page.runsLine.text()
    assert "Repeat with changes" in page.runsLine.text()


def test_repeat_with_changes_fills_the_form_with_what_the_run_was_made_of(look, dock, town, make_real, project):
    settings = {"epochs": 7, "seed": 5, "min_area_m2": 12.0, "shift_east_m": 1.5}
    folder = make_real(job={"settings": settings, "base_model": "imagenet_lite0", "bands": [3, 2, 1]})
    look(1, folder).do("change")
    choices = dock.read_choices()
    assert dock.tabs.currentWidget() is dock.tuneTab
    assert choices.raster_layer == town
    assert choices.label_layer.source() == f"{folder.as_posix()}/labels.gpkg|layername=labels"
    assert choices.label_layer.readOnly()
    assert choices.areas_layer is None
    assert (choices.base_model, choices.bands) == ("imagenet_lite0", (3, 2, 1))
    assert (choices.settings.epochs, choices.settings.seed, choices.settings.shift_east_m) == (7, 5, 1.5)
    before = len(project.mapLayers())
    look(1, folder).do("change")
    assert len(project.mapLayers()) == before


def test_what_the_form_cannot_take_over_is_said(look, dock, make_real, window, tmp_path):
    keep_added([str(tmp_path)])
    folder = make_real(job={"raster": "/gone/town.tif", "block_roles": ["3=held-out"]})
    look(1, folder).do("change")
    (said,) = (message for message in window.read_messages() if "filled with the choices" in message)
    assert "/gone/town.tif cannot be read" in said
    assert "Changed roles of blocks" in said
    assert dock.read_choices().raster_layer is None


def test_that_a_run_improved_a_model_cannot_be_taken_over_into_the_form_and_is_said(
    look, town, make_real, window, tmp_path
):
    look(1, make_real(job=improve(tmp_path / "first"))).do("change")
    assert any("It improved the model of first" in message for message in window.read_messages())


def test_a_broken_off_run_is_resumed(look, dock, town, make_real, wait_until):
    folder = make_real(without=["report.json"])
    look(1, folder).do("resume")
    wait_until(lambda: dock.state is DockState.ENDED)
    assert (folder / "report.json").exists()
    assert look(1).entries[0].path == folder
