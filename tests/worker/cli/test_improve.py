"""A tuned model is improved from the command line: on the same exam, from its folder alone, again and again."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.features import rasterize

from plugin.core.command_options import ImproveOptions
from plugin.core.correction_job import prepare_improvement
from plugin.core.errors import OUTSIDE_RASTER, InputError
from plugin.core.events import Failed, Finding, Finished, Notice, StageStarted
from plugin.core.folder import RunFolder
from plugin.core.job import load_job
from plugin.core.json_codec import decode, encode
from plugin.core.run_state import StageResult
from plugin.worker.cli import improve as command
from plugin.worker.dataset.corrections import copy_polygons
from plugin.worker.geodata.polygons import apply_affine
from plugin.worker.geodata.vector import append_layer, read_layer
from plugin.worker.pipeline.resume import State, forget
from plugin.worker.report.html.page import write_page
from tests.worker.conftest import ORIGIN, UTM, place, write_vector
from tests.worker.pipeline.test_run import read_events, run_worker


def read(path):
    return json.loads(path.read_text("utf-8"))


def list_held_out(folder):
    """Return the held-out ground of a run and the labels on it."""
    layers = [read_layer(str(folder.split), name) for name in ("blocks", "labels")]
    return [layer.geometries[layer.columns["role"] == "held-out"] for layer in layers]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory, make_town_job):
    """A run that tuned the base model a little."""
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "first")
    make_town_job(folder.path, epochs=2)
    done = run_worker("run", folder.job)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def checked(tuned, town, tmp_path_factory):
    """A file with layers ``footprints``, every building of the town, and ``checked``, the town's western half."""
    path = tmp_path_factory.mktemp("corrected") / "corrected.gpkg"
    append_layer(
        path,
        place(town.buildings),
        {"id": np.arange(len(town.buildings))},
        rasterio.crs.CRS.from_string(UTM),
        "footprints",
    )
    ground = place([shapely.box(0, 0, 256, 512)])
    append_layer(path, ground, {"by": ["me"]}, rasterio.crs.CRS.from_string(UTM), "checked")
    return path


def improve(parent, path, out, *more):
    return run_worker(
        "improve",
        parent.path,
        "--corrections",
        f"{path}|footprints",
        "--checked",
        f"{path}|layername=checked",
        "--out",
        out,
        "--epochs",
        "1",
        "--samples",
        "16",
        *more,
    )


@pytest.fixture(scope="module")
def improved(tuned, checked, tmp_path_factory):
    """The first improvement, and its events."""
    folder = RunFolder(tuned.path.parent / "second")
    done = improve(tuned, checked, folder.path)
    assert done.returncode == 0, done.stderr
    return folder, read_events(done.stdout)


def test_before_is_the_earlier_runs_after(tuned, improved):
    """Counts to the last building and pixel; lengths and areas as far as a millionth of a pixel allows."""
    earlier, report = read(tuned.report), read(improved[0].report)
    before, after = report["before"], earlier["after"]
    for name in ("building", "by_iou", "mean_f1", "by_size", "pixel", "right_angles", "parting"):
        assert before[name] == after[name], name
    assert before["boundary_m"] == pytest.approx(after["boundary_m"], rel=1e-6)
    assert before["area_error_percent"] == pytest.approx(after["area_error_percent"], rel=1e-5)
    bounds = [np.array([block["bounds"] for block in each["blocks"]]) for each in (report, earlier)]
    assert bounds[0] == pytest.approx(bounds[1], abs=1e-6)
    assert [block["before"] for block in report["blocks"]] == [block["after"] for block in earlier["blocks"]]
    assert report["buffer_m"] == earlier["buffer_m"]
    assert report["ground"]["held-out"] == earlier["ground"]["held-out"]
    assert report["ground"]["validation"] == earlier["ground"]["validation"]


def test_the_model_says_the_same_of_scored_ground_byte_for_byte(tuned, improved):
    ground, _ = list_held_out(tuned)
    with rasterio.open(tuned.probability) as whole, rasterio.open(improved[0].base_probability) as part:
        inside = rasterize(ground, whole.shape, transform=whole.transform) > 0
        assert inside.any()
        assert (whole.read()[:, inside] == part.read()[:, inside]).all()


def test_held_out_ground_and_its_labels_are_those_of_the_first_run(tuned, improved):
    for first, second in zip(list_held_out(tuned), list_held_out(improved[0]), strict=True):
        assert shapely.equals_exact(first, second, 1e-6).all()


def test_the_report_tells_the_chain_and_keeps_to_its_schema(tuned, improved, find_faults):
    folder, events = improved
    earlier, report = read(tuned.report), read(folder.report)
    assert find_faults(report) == find_faults(earlier) == []
    assert [link["role"] for link in report["chain"]] == ["base", "tuned", "improved"]
    assert [link["run"] for link in report["chain"]] == ["", "first", "second"]
    assert report["parent"] == "first"
    scores = (earlier["before"], earlier["after"], report["after"])
    assert [link["building"] for link in report["chain"]] == [score["building"] for score in scores]
    change = report["chain"][2]["building"]["f1"] - report["chain"][0]["building"]["f1"]
    assert report["gain"]["f1"] == pytest.approx(change)
    assert report["chain"][2]["difference"] == report["difference"] == encode(events[-1].difference)
    assert report["chain_note"] == ""


def test_a_second_improvement_takes_over_the_first_ones_ground_and_chain(
    improved, tuned, checked, tmp_path, find_faults
):
    folder = RunFolder(tmp_path / "third")
    done = improve(improved[0], checked, folder.path, "--replay-share", "0.25")
    assert done.returncode == 0, done.stderr
    report = read(folder.report)
    assert find_faults(report) == []
    assert report["before"] == read(improved[0].report)["after"]
    assert [link["role"] for link in report["chain"]] == ["base", "tuned", "improved", "improved"]
    assert report["chain"][:3] == read(improved[0].report)["chain"]
    for second, third in zip(list_held_out(improved[0]), list_held_out(folder), strict=True):
        assert shapely.equals_exact(second, third, 0).all()
    for first, third in zip(list_held_out(tuned), list_held_out(folder), strict=True):
        assert shapely.equals_exact(first, third, 1e-6).all()


def test_the_card_says_what_it_was_improved_from_and_with_what(improved, tuned):
    card, told = read(improved[0].card), [event.message for event in improved[1] if isinstance(event, Notice)]
    assert card["parent"] == read(tuned.card)["name"]
    count = int(next(text for text in told if "footprints in it" in text).split("with ")[1].split()[0])
    assert f"with {count} corrected footprints" in card["training"]
    assert card["title"] == "Improved on town"


def test_checked_ground_that_is_held_out_is_told_as_a_finding(improved):
    told = [event.message for event in improved[1] if isinstance(event, Finding)]
    assert any("held-out area" in message for message in told) or any(
        "not used for training" in message for message in told
    )


def test_the_page_shows_the_three_models(improved):
    page = write_page(improved[0]).read_text("utf-8")
    assert "From the base model to the improved one" in page
    for name in ("Base model", "Tuned model", "Improved model"):
        assert f'scope="row">{name}<' in page
    assert "those of the run first, unchanged" in page


def test_the_page_of_a_plain_run_has_no_chain(tuned):
    assert "From the base model" not in write_page(tuned).read_text("utf-8")


def test_a_broken_off_improvement_goes_on_though_the_parents_weights_are_gone(improved, tuned, tmp_path):
    shutil.copytree(tuned.path, tmp_path / "first")
    shutil.copytree(improved[0].path, tmp_path / "second")
    first, folder = RunFolder(tmp_path / "first"), RunFolder(tmp_path / "second")
    folder.job.write_text(folder.job.read_text("utf-8").replace(str(tuned.path), str(first.path)), "utf-8")
    state = read(folder.state)
    results = state["results"]
    folder.state.write_text(json.dumps({**state, "results": {}}), "utf-8")
    for path in (first.model, first.split, folder.report, folder.footprints, folder.probability):
        path.unlink()
    for stage in ("base", "tune"):
        State(folder, load_job(folder.job)).put(stage, decode(StageResult, results[stage]))
    done = run_worker("run", folder.job)
    assert done.returncode == 0, done.stderr
    assert read_events(done.stdout)[-1].after == improved[1][-1].after


def test_a_finished_improvement_says_the_same_when_it_is_run_again(improved):
    again = read_events(run_worker("run", improved[0].job).stdout)
    assert again[-1] == improved[1][-1]
    assert all(event.resumed for event in again if isinstance(event, StageStarted) and event.stage in ("base", "tune"))


def test_starting_afresh_keeps_what_was_taken_over(improved, tmp_path):
    shutil.copytree(improved[0].path, tmp_path / "copy")
    folder = RunFolder(tmp_path / "copy")
    folder.note.write_text("mine", "utf-8")
    forget(folder)
    left = {path.name for path in folder.path.iterdir()}
    assert {"job.json", "labels.gpkg", "areas.gpkg", "earlier.gpkg", "earlier.json", "note.txt"} <= left
    assert not {"split.gpkg", "report.json", "model.json", "state.json"} & left


def test_a_run_goes_on_where_its_folder_was_moved_to(improved, tmp_path):
    shutil.copytree(improved[0].path, tmp_path / "copy")
    folder = RunFolder(tmp_path / "copy")
    folder.state.unlink()
    State(folder, load_job(folder.job)).put("base", StageResult(seconds=1.0))
    moved = RunFolder(folder.path.rename(tmp_path / "moved"))
    assert State(moved, load_job(moved.job)).has("base")


@pytest.mark.parametrize("name", ["earlier", "earlier_report", "labels", "areas"])
def test_another_input_is_another_job(improved, tmp_path, name):
    shutil.copytree(improved[0].path, tmp_path / "copy")
    folder = RunFolder(tmp_path / "copy")
    job = load_job(folder.job)
    folder.state.unlink()
    State(folder, job).put("base", StageResult(seconds=1.0))
    path = getattr(folder, name)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(InputError, match="another job"):
        State(folder, job)


# -- what is refused before any work ----------------------------------------------------------------------------------


def test_a_folder_that_holds_anything_is_not_written_over(improved, tuned, checked):
    before = improved[0].job.read_bytes()
    done = improve(tuned, checked, improved[0].path)
    assert done.returncode == 1
    assert "is not empty" in done.stderr
    assert improved[0].job.read_bytes() == before


@pytest.mark.parametrize("is_there", [False, True])
def test_what_a_failed_improvement_wrote_goes_with_it(town, tmp_path, monkeypatch, is_there):
    folder = RunFolder(tmp_path / "second")
    if is_there:
        folder.path.mkdir()

    def prepare(*_, **__):
        folder.path.mkdir(exist_ok=True)
        folder.earlier.write_text("taken over")

    monkeypatch.setattr("plugin.worker.cli.improve.prepare_improvement", prepare)
    options = ImproveOptions(tmp_path / "first", folder.path, corrections=str(tmp_path / "none.gpkg"))
    with pytest.raises(InputError):
        command.improve(options, None)
    assert folder.path.exists() is is_there
    assert not is_there or list(folder.path.iterdir()) == []


def test_an_improvement_is_not_written_into_a_file(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file"):
        command.improve(ImproveOptions(tmp_path / "first", tmp_path / "file"), None)


def test_a_run_that_did_not_end_cannot_be_improved(make_town_job, checked, tmp_path):
    make_town_job(tmp_path / "begun")
    done = improve(RunFolder(tmp_path / "begun"), checked, tmp_path / "out")
    assert done.returncode == 1
    assert "is not finished" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_layer_of_lines_is_no_corrections(tuned, tmp_path):
    path = write_vector(tmp_path / "lines.gpkg", [shapely.LineString([(333000, 3066000), (333010, 3066000)])])
    done = improve(tuned, path, tmp_path / "out")
    assert done.returncode == 1
    with pytest.raises(InputError, match="holds no polygons"):
        copy_polygons(str(path), tmp_path / "copied.gpkg", "labels", is_ground=False)


def test_a_moved_raster_is_told_at_once(tuned, tmp_path):
    shutil.copytree(tuned.path, tmp_path / "first")
    folder = RunFolder(tmp_path / "first")
    for path in (folder.job, folder.report):
        path.write_text(path.read_text("utf-8").replace("town.tif", "gone.tif"), "utf-8")
    with pytest.raises(InputError, match="not where it was"):
        prepare_improvement(folder.path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_job_takes_over_what_is_asked_of_footprints_and_not_how_long_to_learn(tuned, tmp_path):
    shutil.copytree(tuned.path, tmp_path / "first")
    folder = RunFolder(tmp_path / "first")
    card = read(folder.card)
    folder.card.write_text(json.dumps({**card, "min_area_m2": 12.5}), "utf-8")
    job = prepare_improvement(folder.path, tmp_path / "out", replay_share=0.7)
    assert (job.settings.min_area_m2, job.settings.replay_share, job.settings.epochs) == (12.5, 0.7, None)
    assert (job.settings.shift_east_m, job.block_roles) == (0, ())
    job.save(RunFolder(tmp_path / "out").job)
    assert load_job(RunFolder(tmp_path / "out").job).earlier == str(RunFolder(tmp_path / "out").earlier)


def test_the_check_tells_bad_corrections_without_running(tuned, town, tmp_path):
    job = prepare_improvement(tuned.path, tmp_path / "out")
    folder = RunFolder(tmp_path / "out")
    far = apply_affine([shapely.box(9000, 0, 9010, 10)], ORIGIN)
    append_layer(folder.labels, far, {"id": [1]}, rasterio.crs.CRS.from_string(UTM), "labels")
    append_layer(folder.areas, far, {"role": ["training"]}, rasterio.crs.CRS.from_string(UTM), "areas")
    job.save(folder.job)
    events = read_events(run_worker("check", folder.job).stdout)
    assert isinstance(events[-1], Failed)
    assert events[-1].message == "The checked area lies outside the raster."
    assert events[-1].code == OUTSIDE_RASTER
    assert not folder.split.exists()
    assert not any(isinstance(event, Finished) for event in events)
