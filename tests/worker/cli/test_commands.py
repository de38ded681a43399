"""The command line is a contract: what it prints, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.core.command_options import ScoreOptions
from plugin.core.errors import InputError
from plugin.core.events import Failed, Finished, parse_event
from plugin.worker.cli.commands import score
from plugin.worker.geodata.vector import read_layer
from tests.conftest import ROOT
from tests.worker.spawn import BOUND_S


def run(*arguments):
    command = [sys.executable, "-m", "plugin.worker", *map(str, arguments)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BOUND_S
    )


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("no-such-command",),
        ("run",),
        ("split",),
        ("score", "--truth", "only.gpkg"),
        ("predict", "--raster", "r.tif"),
        ("predict", "--raster", "r.tif", "--model", "m", "--out", "o.gpkg", "--threshold", "2"),
        ("predict", "--raster", "r.tif", "--model", "m", "--out", "o.gpkg", "--bands", "0"),
        ("export", "--model", "m"),
        ("export", "--model", "m", "--out", "m.onnx", "--format", "pdf"),
    ],
)
def test_wrong_usage_exits_with_two_and_says_what_is_possible(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage:" in done.stderr


def test_a_failure_exits_with_one_sentence_and_a_hint():
    done = run("run", "no-such-job.json")
    assert done.returncode == 1
    assert done.stderr.strip() == "There is no job file no-such-job.json. Give the path of a job.json."


def test_a_failure_is_an_event_too(tmp_path):
    (tmp_path / "job.json").write_text('{"raster": "gone.tif", "labels": "gone.gpkg"}')
    event = parse_event(run("check", tmp_path / "job.json").stdout.splitlines()[-1])
    assert isinstance(event, Failed)
    assert "gone.tif" in event.message
    assert event.hint


def test_split_writes_the_blocks_and_runs_nothing(make_town_job, tmp_path):
    job = make_town_job(tmp_path)
    done = run("split", job)
    assert done.returncode == 0, done.stderr
    events = [parse_event(line) for line in done.stdout.splitlines()]
    assert events[-1] == Finished({"split": str(tmp_path / "split.gpkg")})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job.json", "split.gpkg"]
    blocks, labels = (read_layer(str(tmp_path / "split.gpkg"), layer) for layer in ("blocks", "labels"))
    for role in ("training", "validation", "held-out"):
        counted = blocks.columns["buildings"][blocks.columns["role"] == role].sum()
        assert counted == (labels.columns["role"] == role).sum() >= 3
    assert set(blocks.columns["id"]) == set(range(1, max(blocks.columns["id"]) + 1))


def test_split_takes_the_changed_blocks_of_the_job(make_town_job, tmp_path):
    job = make_town_job(tmp_path)
    content = json.loads(job.read_text("utf-8"))
    job.write_text(json.dumps({**content, "block_roles": ["1=left-out", "2=held-out"]}), "utf-8")
    assert run("split", job).returncode == 0
    blocks = read_layer(str(tmp_path / "split.gpkg"), "blocks").columns
    assert set(blocks["role"][blocks["id"] == 1]) == {"left-out"}
    assert set(blocks["role"][blocks["id"] == 2]) == {"held-out"}
    job.write_text(json.dumps({**content, "block_roles": ["999=left-out"]}), "utf-8")
    done = run("split", job)
    assert done.returncode == 1
    assert "There is no block 999" in done.stderr
    assert "Show the split again" in parse_event(done.stdout.splitlines()[-1]).hint


def test_check_says_what_a_run_would_use_and_changes_nothing(make_town_job, tmp_path):
    job = make_town_job(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    done = run("check", job)
    assert done.returncode == 0, done.stderr
    assert isinstance(parse_event(done.stdout.splitlines()[-1]), Finished)
    assert "0.50 m" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_models_lists_the_cards_as_json():
    cards = json.loads(run("models", "--json").stdout)
    assert "imagenet_lite0" in [card["name"] for card in cards]
    assert all(card["description"] and card["bands"] and card["recipe"] for card in cards)


def test_doctor_prints_one_json_object():
    facts = json.loads(run("doctor", "--json").stdout)
    assert facts["ok"] is True
    assert facts["device"] in ("cpu", "cuda")


def test_score_prints_one_json_object_and_nothing_else(town):
    done = run("score", "--truth", town.labels, "--footprints", town.labels, "--json")
    score = json.loads(done.stdout)
    assert set(score) == {"tp", "fp", "fn", "precision", "recall", "f1"}
    assert score["f1"] == 1.0


def test_predict_refuses_an_output_that_is_no_geopackage(town, tmp_path):
    done = run("predict", "--raster", town.raster, "--model", "imagenet_lite0", "--out", tmp_path / "f.docx")
    assert done.returncode == 1
    assert ".gpkg" in done.stderr


def test_predict_refuses_a_model_that_nobody_knows(town, tmp_path):
    done = run("predict", "--raster", town.raster, "--model", "nobody", "--out", tmp_path / "f.gpkg")
    assert done.returncode == 1
    assert "imagenet_lite0" in done.stderr


def test_export_prints_the_largest_difference_and_the_metadata(tmp_path):
    done = run("export", "--model", "starter", "--out", tmp_path / "starter.onnx", "--tile-px", "64")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["starter.md", "starter.onnx"]
    (difference,) = [line for line in done.stdout.splitlines() if line.startswith("largest difference")]
    assert float(difference.rpartition(" ")[2]) <= 1e-4
    assert '  model_type = "Segmentor"' in done.stdout
    assert "  resolution = 25.0" in done.stdout


def test_exports_events_name_the_files_and_the_difference(tmp_path):
    done = run("export", "--model", "starter", "--out", tmp_path, "--tile-px", "64", "--events")
    finished = parse_event(done.stdout.splitlines()[-1])
    assert finished.files == {"onnx": str(tmp_path / "starter.onnx"), "model_card": str(tmp_path / "starter.md")}
    assert 0 <= finished.figures["difference"] <= 1e-4


@pytest.mark.parametrize("name", ["", "x.csv", "x.txt", "x.tif", "x.gpkg.zip", "none", "none/x.gpkg"])
def test_the_name_of_the_layer_of_errors_is_looked_at_first(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        score(ScoreOptions("no truth", "no footprints", errors=Path(name)), None)
    assert caught.value.hint in ("Give it a name that ends in .gpkg.", "Make it first.")
