"""Everything that can be said against a job is said before long work starts, each with a next step."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from plugin.core.errors import InputError
from plugin.core.job import Job, Settings, load_job
from plugin.worker.dataset import inputs
from plugin.worker.dataset.inputs import check_inputs, check_space, split_inputs
from plugin.worker.runtime.disk import check_writable
from plugin.worker.runtime.progress import CancelRequested


@dataclass
class Usage:
    """What a disk has left."""

    free: int


@pytest.fixture
def inspect(town, tmp_path, ear):
    """Return a function that checks the town's job with other fields than its own."""

    def inspect(**fields):
        plain = {"raster": str(town.raster), "labels": str(town.labels), "base_model": "imagenet_lite0"}
        job = Job(**{**plain, **fields})
        return check_inputs(job, tmp_path / "run", ear.channel)

    return inspect


def refusal_of(do, *arguments, **fields):
    with pytest.raises(InputError) as caught:
        do(*arguments, **fields)
    assert caught.value.hint
    return caught.value


def test_a_sound_job_is_taken_and_its_inputs_are_returned(inspect, town, card):
    inputs = inspect()
    assert (inputs.raster.width, inputs.raster.gsd_m) == (512, 0.5)
    assert len(inputs.labels.polygons) == len(town.buildings)
    assert inputs.card == card


def test_at_which_scale_the_imagery_is_worked_is_told(inspect, ear, monkeypatch, card):
    monkeypatch.setattr(inputs, "find_card", lambda name: replace(card, working_gsd_m=0.25))
    raster = inspect().raster
    assert ear.notices[0].startswith(
        "0.50 m imagery, resampled to 0.25 m for the model (1024 x 1024 pixels); band 1 as red"
    )
    assert (raster.width, raster.gsd_m, raster.native_gsd_m) == (1024, 0.25, 0.5)


def test_what_will_be_read_is_told(inspect, ear):
    inspect()
    assert ear.notices == ["0.50 m imagery; band 1 as red, band 2 as green, band 3 as blue."]


def test_a_stretch_is_told(inspect, make_raster, make_labels, ear, grid):
    labels = make_labels(grid(3))
    inspect(raster=str(make_raster(dtype="uint16", size=(128, 128))), labels=str(labels))
    assert "Values are stretched from" in ear.notices[0]


def test_progress_is_told(inspect, ear):
    inspect()
    done = [event.done for event in ear.events if hasattr(event, "done")]
    assert done == sorted(done)
    assert done[-1] == 1.0


# -- what is refused --------------------------------------------------------------------------------------------------


def test_a_job_without_raster_and_labels_is_refused_with_both(inspect):
    message = refusal_of(inspect, raster="", labels="").message
    assert "No raster is chosen. No labels are chosen." in message


def test_an_unknown_base_model_is_refused(inspect):
    assert "There is no model named" in refusal_of(inspect, base_model="zzz").message


def test_bands_that_do_not_fit_the_model_are_refused(inspect):
    assert "do not fit" in refusal_of(inspect, bands=(1, 2)).message


def test_a_layer_that_the_labels_file_does_not_have_is_refused(inspect):
    assert "roofs" in refusal_of(inspect, labels_layer="roofs").message


def test_a_raster_given_as_labels_is_refused(inspect, town):
    assert "cannot be read" in refusal_of(inspect, labels=str(town.raster)).message


def test_labels_given_as_a_raster_are_refused(inspect, town):
    assert "raster" in refusal_of(inspect, raster=str(town.labels)).message


def test_a_folder_that_cannot_be_written_is_refused_with_a_next_step(tmp_path):
    """A file stands in the folder's place: root, as whom tests may run, is not stopped by permissions."""
    (tmp_path / "file").write_text("in the way", "utf-8")
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        assert "cannot be written" in refusal_of(check_writable, folder).message


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system that nobody can write, such as /proc")
def test_a_read_only_folder_is_refused_with_a_next_step():
    """Not even root can write in /proc."""
    assert "cannot be written" in refusal_of(check_writable, Path("/proc/self")).message


def test_a_folder_that_is_missing_is_made_and_left_clean(tmp_path):
    check_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_disk_that_is_nearly_full_is_refused_with_a_next_step(inspect, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**8))
    message = refusal_of(inspect).message
    assert "0.1 GB free" in message
    assert "needs about 0.2 GB" in message


def test_a_large_raster_needs_more_room_than_a_small_one(inspect, monkeypatch, tmp_path):
    large = replace(inspect().raster, width=100_000, height=100_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**10))
    assert "20.2 GB" in refusal_of(check_space, tmp_path, large, 1).message
    assert "60.2 GB" in refusal_of(check_space, tmp_path, large, 3).message


def test_a_cancel_is_heard_while_the_inputs_are_checked(inspect, ear):
    ear.channel._cancelled.set()
    with pytest.raises(CancelRequested):
        inspect()


def test_too_few_buildings_to_split_are_refused_with_a_next_step(inspect, make_labels, grid, ear):
    inputs = inspect(labels=str(make_labels(grid(2))))
    message = refusal_of(split_inputs, inputs, ear.channel).message
    assert message == "Only 4 buildings are labelled on the raster; at least 9 are needed."


def test_the_counts_by_ground_are_told(inspect, ear):
    split = split_inputs(inspect(), ear.channel)
    training, validation, held_out = (
        int((split.label_roles == role).sum()) for role in ("training", "validation", "held-out")
    )
    assert ear.notices[-1] == f"Labels by area: {training} training, {validation} validation, {held_out} held-out."


# -- the whole way from a job's file ----------------------------------------------------------------------------------


def test_a_job_on_a_path_with_blanks_and_letters_beyond_ascii_is_taken(town, tmp_path, ear):
    folder = tmp_path / "Läufe in नेपाल"
    folder.mkdir()
    shutil.copy(town.raster, folder / "Bild 1.tif")
    shutil.copy(town.labels, folder / "Häuser.gpkg")
    (folder / "job.json").write_text(json.dumps({"raster": "Bild 1.tif", "labels": "Häuser.gpkg"}), "utf-8")
    inputs = check_inputs(load_job(folder / "job.json"), folder, ear.channel)
    assert len(inputs.labels.polygons) == 60


@pytest.mark.parametrize(
    ("count", "dtype"),
    [(1, "uint8"), (2, "uint8"), (4, "uint8"), (8, "uint8"), (3, "uint16"), (3, "int16"), (4, "float32")],
)
def test_rasters_of_many_kinds_are_taken(inspect, make_raster, make_labels, grid, count, dtype):
    values = np.random.default_rng(3).integers(1, 120, (count, 128, 128))
    inputs = inspect(raster=str(make_raster(values, dtype=dtype)), labels=str(make_labels(grid(3))))
    assert len(inputs.raster.bands) == 3
    assert inputs.job.settings == Settings()
