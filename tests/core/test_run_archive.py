"""A run that is sent holds no imagery and no path of the sender, and can be opened where it arrives."""

import html
import json
import zipfile
from pathlib import Path

import pytest

from plugin.core.errors import InputError, RunError
from plugin.core.folder import RunFolder
from plugin.core.job import load_job
from plugin.core.run_archive import PackingCancelled, pack_run, plan_archive
from plugin.core.run_list import FINISHED, read_run_entry
from tests.conftest import make_report

PAGE = (
    '<figure><svg xmlns="http://www.w3.org/2000/svg"><image x="0" xlink:href="data:image/jpeg;base64,/9j/4A/"></image>'
    '<path d="M0,0"></path></svg></figure><p>{run}/labels.gpkg of /mnt/client x/secret/town.tif, 5 m/s and/or 1/2</p>'
)


@pytest.fixture
def run(make_run, tmp_path):
    """A run whose every text names the sender's folders."""
    notes = [f"Read from {Path.home()}/maps/houses.shp.", "Taken from C:\\Users\\annabel\\maps\\houses.shp"]
    report = make_report(labels={"path": str(tmp_path / "labels.gpkg"), "notes": notes})
    job = {
        "raster": "/data/of somebody/town.tif",
        "parent": str(tmp_path / "footprint_tuner_runs" / "first"),
        "base_model": str(tmp_path / "footprint_tuner_runs" / "first" / "model.json"),
        "areas": "areas.gpkg",
        "earlier": "earlier.gpkg",
    }
    folder = make_run(job=job, report=report)
    (folder / "report.html").write_text(PAGE.format(run=folder), "utf-8")
    (folder / "labels.gpkg").write_bytes(b"labels" * 1000)
    for name in ("areas.gpkg", "earlier.gpkg"):
        (folder / name).write_text(name)
    for name in ("model.safetensors", "note.txt", "events.jsonl", "log.txt", "probability.tif", "base_probability.tif"):
        (folder / name).write_text(f"{name} {tmp_path}" if name in ("events.jsonl", "log.txt") else name)
    return RunFolder(folder)


def send(run, target, **how):
    return zipfile.ZipFile(pack_run(plan_archive(run), target, **how))


def test_the_zip_holds_the_run_without_imagery_probabilities_and_logs(run, tmp_path):
    archive = send(run, tmp_path / "out.zip")
    names = {Path(name).name for name in archive.namelist()}
    assert {Path(name).parent.name for name in archive.namelist()} == {run.path.name}
    layers = {"labels.gpkg", "split.gpkg", "errors.gpkg", "footprints.gpkg", "base_footprints.gpkg"}
    assert names == {
        *layers,
        "areas.gpkg",
        "earlier.gpkg",
        "job.json",
        "report.json",
        "report.html",
        "model.json",
        "model.safetensors",
        "note.txt",
    }
    assert archive.testzip() is None


def test_no_path_of_the_sender_is_in_it(run, tmp_path):
    archive = send(run, tmp_path / "out.zip")
    everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
    for secret in (str(tmp_path), str(Path.home()), "somebody", "client x", "secret", "annabel"):
        assert secret not in everything, secret
    assert "5 m/s and/or 1/2" in everything
    assert "http://www.w3.org/2000/svg" in everything


def test_the_page_keeps_its_drawings_and_loses_its_imagery(run, tmp_path):
    archive = send(run, tmp_path / "out.zip")
    page = archive.read(f"{run.path.name}/report.html").decode()
    assert "image" not in page
    assert '<path d="M0,0">' in page


def test_what_arrives_is_a_run_that_can_be_opened(run, tmp_path):
    send(run, tmp_path / "out.zip").extractall(tmp_path / "elsewhere")
    arrived = tmp_path / "elsewhere" / run.path.name
    entry = read_run_entry(arrived)
    assert (entry.status, entry.after) == (FINISHED, read_run_entry(run.path).after)
    assert (entry.raster_name, entry.parent_name) == ("town.tif", "first")
    job = load_job(arrived / "job.json")
    assert Path(job.labels).resolve() == arrived.resolve() / "labels.gpkg"
    assert Path(job.base_model).parts[-2:] == ("first", "model.json")


def test_labels_that_lie_elsewhere_stay_there_for_they_may_hold_what_nobody_should_see(make_run, tmp_path):
    (tmp_path / "city.gpkg").write_text("owners of every house")
    run = RunFolder(make_run(job={"labels": str(tmp_path / "city.gpkg")}, without=["labels.gpkg"]))
    archive = send(run, tmp_path / "out.zip")
    assert json.loads(archive.read(f"{run.path.name}/job.json"))["labels"] == "city.gpkg"
    assert not any("labels" in name or "city" in name for name in archive.namelist())


@pytest.mark.parametrize("place", ["Mine & Yours", "Acme v1.2 stuff", "Bob's stuff"])
def test_a_folder_of_an_odd_name_is_not_told_on_the_page_and_in_the_report(make_run, tmp_path, place):
    raster = f"/data/{place}/town.tif"
    report = make_report(raster={"path": raster, "crs": "EPSG:32645"}, notes=[f"/data/{place}/other.tif is beside it"])
    run = RunFolder(make_run(job={"raster": raster}, report=report))
    run.page.write_text(f"<p>{html.escape(raster)}</p><p>{raster}</p>", "utf-8")
    archive = send(run, tmp_path / "out.zip")
    for name in ("report.html", "report.json", "job.json"):
        text = archive.read(f"{run.path.name}/{name}").decode()
        assert "town.tif" in text
        assert not any(word in html.unescape(text) for word in place.split() if len(word) > 1)


def test_a_note_of_any_script_and_a_broken_off_run_travel_too(make_run, tmp_path):
    run = RunFolder(make_run(without=["report.json", "model.json"]))
    run.note.write_text("建物 🏠", "utf-8")
    archive = send(run, tmp_path / "out.zip")
    assert archive.read(f"{run.path.name}/note.txt").decode() == "建物 🏠"


def test_the_size_is_known_before_and_the_share_is_told(run, tmp_path):
    told = []
    plan = plan_archive(run)
    assert plan.size >= sum(path.stat().st_size for path, _ in plan.files)
    pack_run(plan, tmp_path / "out.zip", told.append)
    assert told == sorted(told)
    assert 0 < told[-1] <= 1


def test_a_cancelled_zip_leaves_nothing(run, tmp_path):
    with pytest.raises(PackingCancelled):
        send(run, tmp_path / "zips.zip", is_cancelled=lambda: True)
    assert list(tmp_path.glob("zips*")) == []


def test_a_zip_in_the_run_itself_is_refused(run):
    with pytest.raises(InputError, match="into the run's own folder"):
        send(run, run.path / "out.zip")
    assert not list(run.path.glob("*.zip"))


def test_a_folder_that_cannot_be_written_is_told(run, tmp_path):
    with pytest.raises(RunError, match="could not be written"):
        send(run, tmp_path / "nowhere" / "out.zip")


def test_there_is_nothing_to_send_without_a_job(make_run):
    with pytest.raises(InputError, match=r"no job\.json"):
        plan_archive(RunFolder(make_run(without=["job.json"])))


def test_a_job_that_cannot_be_read_is_told(make_run):
    run = make_run()
    (run / "job.json").write_text("{")
    with pytest.raises(RunError, match="cannot be read"):
        plan_archive(RunFolder(run))
