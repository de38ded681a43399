"""The commands about runs that are there: list, compare, send; what they print is a contract."""

from __future__ import annotations

import json
import zipfile
from dataclasses import astuple

import numpy as np
import pytest

from plugin.core.command_options import SendOptions
from plugin.core.errors import InputError
from plugin.core.run_comparison import BlockVerdicts, SizeF1s
from plugin.core.run_record import read_record
from plugin.worker.cli.runs import send_run
from plugin.worker.evaluation.bootstrap import bound_difference
from plugin.worker.evaluation.compare_runs import compare_runs
from tests.conftest import make_report
from tests.worker.cli.test_commands import run


@pytest.fixture
def rivals(make_run):
    """Two runs on the same ground; the second one finds more."""
    return make_run("first"), make_run("second", report=make_report(hits=8, wrong=2))


def test_the_difference_is_that_of_the_counts_block_by_block(rivals):
    answer = compare_runs(*map(read_record, rivals))
    counts = [np.array([astuple(block.after) for block in read_record(each).report.blocks]) for each in rivals]
    f1 = [2 * tp / (2 * tp + fp + fn) for tp, fp, fn in (each.sum(axis=0) for each in counts)]
    assert [each.f1 for each in answer.runs] == pytest.approx(f1)
    assert answer.difference.f1 == pytest.approx(f1[1] - f1[0])
    assert answer.difference.interval == pytest.approx(bound_difference(*counts))
    assert answer.difference.is_more_than_noise is True
    assert answer.blocks == BlockVerdicts(better=12, worse=0, same=0)
    assert answer.by_size[0] == SizeF1s(from_m2=0.0, to_m2=50.0, f1=(0.6, 0.8))


def test_the_sentence_says_which_is_better_and_turns_with_the_order(rivals):
    records = [read_record(each) for each in rivals]
    assert compare_runs(*records).difference.sentence.startswith("second is better than first by more than noise")
    turned = compare_runs(*reversed(records)).difference.sentence
    assert turned.startswith("first is worse than second by more than noise")


def test_two_runs_that_found_the_same_do_not_differ(make_run):
    answer = compare_runs(read_record(make_run("first")), read_record(make_run("second")))
    assert answer.difference.f1 == 0
    assert answer.difference.sentence.startswith("The difference between first and second is no more than noise")


def test_too_few_blocks_give_a_difference_without_an_interval(make_run):
    runs = [make_run(name, report=make_report(blocks=4, hits=hits)) for name, hits in (("first", 6), ("second", 8))]
    difference = compare_runs(*map(read_record, runs)).difference
    assert difference.interval is None
    assert "needed for an interval" in difference.sentence


def test_compare_prints_one_json_object_or_two_lines_and_a_verdict(rivals):
    answer = json.loads(run("compare", *rivals, "--json").stdout)
    assert [each["name"] for each in answer["runs"]] == ["first", "second"]
    lines = run("compare", *rivals).stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == ["first", "second", lines[2].split(":")[0]]
    assert "95 % interval" in lines[2]


def test_compare_says_why_two_runs_cannot_be_compared(make_run, rivals):
    done = run("compare", rivals[0], make_run("third", report=make_report(left=50.0)))
    assert done.returncode == 1
    assert "different areas" in done.stderr
    assert "the other's areas" in done.stderr


def test_compare_refuses_a_run_of_an_older_version(make_run, rivals):
    done = run("compare", rivals[0], make_run("third", report=make_report(schema=1)), "--json")
    assert done.returncode == 1
    assert "older version" in done.stderr
    assert done.stdout == ""


def test_runs_lists_the_newest_first_with_what_is_wrong_with_each(make_run, tmp_path):
    make_run("older", report=make_report(written="2025-01-01T00:00:00+00:00"))
    (make_run("newer") / "note.txt").write_text("the one\nwith the note", "utf-8")
    make_run("broken", without=["report.json"])
    lines = run("runs", tmp_path).stdout.splitlines()
    assert [line.split(":")[0].rpartition("/")[2] for line in lines] == ["broken", "newer", "older"]
    assert "broken off" in lines[0]
    assert "the one with the note" in lines[1]
    assert "0.250 -> 0.632 (0.500 to 0.700)" in lines[1]
    entries = json.loads(run("runs", tmp_path, "--json").stdout)
    assert [entry["name"] for entry in entries] == ["broken", "newer", "older"]
    assert entries[1]["interval"] == [0.5, 0.7]


def test_runs_of_a_folder_without_any_says_so_and_one_that_is_not_there_is_refused(tmp_path):
    assert run("runs", tmp_path).stdout.strip() == "No runs."
    assert json.loads(run("runs", tmp_path, "--json").stdout) == []
    done = run("runs", tmp_path / "nowhere")
    assert (done.returncode, "There is no folder" in done.stderr) == (1, True)


def test_send_writes_a_zip_and_overwrites_nothing(make_run, tmp_path):
    folder, target = make_run(), tmp_path / "town.zip"
    done = run("send", folder, "--out", target)
    assert done.returncode == 0, done.stderr
    assert f"{folder.name}/job.json" in zipfile.ZipFile(target).namelist()
    again = run("send", folder, "--out", target)
    assert (again.returncode, "is there already" in again.stderr) == (1, True)


def test_a_zip_is_sent_to_a_folder_that_is_there(tmp_path):
    with pytest.raises(InputError, match="is not there"):
        send_run(SendOptions(tmp_path, tmp_path / "none" / "run.zip"), None)
