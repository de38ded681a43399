"""The runs that there are, read from their folders and nowhere else: whole, half, moved, of any version."""

import json
import shutil
import subprocess
import sys

import pytest

from plugin.core import run_list
from plugin.core.events import Cancelled, Failed, StageStarted, format_event
from plugin.core.run_list import BROKEN_OFF, FINISHED, RUNNING, UNREADABLE, find_runs, read_run_entry
from tests.conftest import make_report
from tests.core.test_lock import HOLDER


def test_a_finished_run_tells_what_it_was_made_of_and_what_came_of_it(make_run):
    entry = read_run_entry(make_run())
    assert (entry.status, entry.problem) == (FINISHED, "")
    assert (entry.name, entry.raster_name, entry.base_model) == ("town_2026-01-02_03-04-05", "town.tif", "Starter")
    assert entry.before == 0.25
    assert entry.after == pytest.approx(2 * 72 / (2 * 72 + 36 + 48))
    assert entry.interval == (0.5, 0.7)
    assert entry.seconds == 660.5
    assert entry.when == 1767323045.0
    assert (entry.note, entry.parent, entry.by_hand) == ("", "", "")


def test_a_run_that_improves_another_names_it_and_says_whether_it_is_there(make_run):
    parent = make_run("first")
    child = make_run("second", job={"parent": str(parent)})
    assert (read_run_entry(child).parent_name, read_run_entry(child).is_parent_there) == ("first", True)
    shutil.rmtree(parent)
    assert (read_run_entry(child).parent_name, read_run_entry(child).is_parent_there) == ("first", False)


def test_a_parent_named_on_another_system_keeps_its_name(make_run):
    entry = read_run_entry(make_run(job={"parent": "C:\\Users\\a\\footprint_tuner_runs\\first"}))
    assert (entry.parent_name, entry.is_parent_there) == ("first", False)


def test_a_threshold_set_by_hand_is_told(make_run):
    report = make_report(by_hand={"sentence": "Threshold set by hand."})
    assert read_run_entry(make_run(report=report)).by_hand == "Threshold set by hand."


@pytest.mark.parametrize(
    ("spoil", "status", "said"),
    [
        (lambda run: (run / "report.json").unlink(), BROKEN_OFF, "is not finished"),
        (lambda run: (run / "job.json").unlink(), UNREADABLE, "no job.json"),
        (lambda run: (run / "job.json").write_text("{"), UNREADABLE, "no job.json"),
        (lambda run: (run / "report.json").write_text("{"), UNREADABLE, "is not finished"),
        (lambda run: (run / "errors.gpkg").unlink(), UNREADABLE, "errors.gpkg is missing"),
        (shutil.rmtree, UNREADABLE, "There is no run folder"),
        (lambda run: write_report(run, schema=1), UNREADABLE, "older version"),
        (lambda run: write_report(run, schema=3), UNREADABLE, "newer version"),
        (lambda run: write_report(run, schema="x"), UNREADABLE, "older version"),
    ],
)
def test_whatever_is_wrong_with_a_run_is_said_and_nothing_is_raised(make_run, spoil, status, said):
    run = make_run()
    spoil(run)
    entry = read_run_entry(run)
    assert entry.status == status
    assert said in entry.problem
    assert entry.hint


def write_report(run, **fields):
    (run / "report.json").write_text(json.dumps(make_report(**fields)), "utf-8")


def test_a_report_of_odd_values_tells_what_can_be_told(make_run):
    odd = {"after": 5, "before": {"building": []}, "seconds": "long", "written": 7, "difference": None, "parent": 3}
    entry = read_run_entry(make_run(report={**make_report(), **odd}))
    assert (entry.before, entry.after, entry.interval, entry.seconds) == (None, None, None, None)
    assert entry.difference == ""
    assert entry.when > 0


def test_a_run_in_which_a_worker_is_at_work_is_running(make_run, root):
    run = make_run(without=["report.json"])
    assert read_run_entry(run).status == BROKEN_OFF
    command = [sys.executable, "-c", HOLDER, str(run / "run.lock")]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        assert read_run_entry(run).status == RUNNING
        holder.kill()
    assert read_run_entry(run).status == BROKEN_OFF


def test_runs_are_found_in_their_folder_beside_it_and_alone(make_run, tmp_path):
    runs = [make_run("one"), make_run("two")]
    here = tmp_path / "footprint_tuner_runs"
    for places in ([here], [tmp_path], runs, [here, tmp_path, *runs]):
        assert sorted(find_runs(places)) == runs


def test_a_half_deleted_run_is_found_and_what_is_none_is_not(make_run, tmp_path):
    run = make_run("half", without=["job.json", "report.json"])
    here = tmp_path / "footprint_tuner_runs"
    for name, file in ((".footprint_tuner_deleted_x", "job.json"), ("being_prepared", "labels.gpkg")):
        (here / name).mkdir()
        (here / name / file).touch()
    for name, file in (("footprint_tuner_check_abc", "job.json"), ("pictures", "model.json")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).touch()
    (here / "empty").mkdir()
    (here / "a file").touch()
    assert list(find_runs([tmp_path, tmp_path / "nowhere", here / "a file"])) == [run]


def test_in_a_folder_of_the_users_own_a_file_of_another_program_makes_no_run(tmp_path):
    for name, file, text in (
        ("web", "report.json", '{"tests": 3}'),
        ("hook", "job.json", '{"cron": "* * * * *"}'),
        ("app", "state.json", "{}"),
        ("list", "report.json", "[1]"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text)
    assert list(find_runs([tmp_path])) == []
    (tmp_path / "hook" / "job.json").write_bytes(b'\xef\xbb\xbf{"raster": "town.tif"}')  # Windows writes such a mark
    assert list(find_runs([tmp_path])) == [tmp_path / "hook"]
    assert read_run_entry(tmp_path / "hook").raster_name == "town.tif"


def test_the_search_for_runs_can_be_stopped(make_run, tmp_path):
    make_run("one")
    assert list(find_runs([tmp_path], lambda: True)) == []


def test_a_thousand_runs_are_read_within_seconds(make_run, tmp_path):
    first = make_run("run_0")
    for number in range(1, 1000):
        shutil.copytree(first, first.with_name(f"run_{number}"))
    entries = [read_run_entry(path) for path in find_runs([tmp_path])]
    assert len(entries) == 1000
    assert {entry.status for entry in entries} == {FINISHED}


def test_the_folders_name_is_the_one_that_runs_are_made_in():
    assert run_list.RUNS == "footprint_tuner_runs"


@pytest.mark.parametrize(
    ("last", "ending"),
    [
        (Cancelled("tune"), "cancelled"),
        (Cancelled("tune", is_left=True), "left"),
        (Failed("The disk is full."), "failed"),
        (StageStarted("tune"), "died"),
        (None, "died"),
    ],
)
def test_how_a_run_was_broken_off_is_read_from_its_last_event(make_run, last, ending):
    run = make_run(without=["report.json"])
    events = [StageStarted("check")] * 3 + ([last] if last else [])
    (run / "events.jsonl").write_text("".join(format_event(event) + "\n" for event in events), "utf-8")
    assert read_run_entry(run).ending == ending


def test_a_run_that_is_finished_or_never_spoke_has_no_strange_ending(make_run):
    assert read_run_entry(make_run("one")).ending == ""
    assert read_run_entry(make_run("two", without=["report.json"])).ending == "died"
