"""A model's card for people, and what is handed out together."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from plugin.core.errors import InputError, RunError
from plugin.core.models import find_card
from plugin.worker.export.bundle import write_bundle
from plugin.worker.export.model_card import write_model_card
from plugin.worker.export.onnx_file import CARD_KEY

SCORE = {"f1": 0.5, "precision": 0.4, "recall": 0.6, "tp": 1200, "fp": 1800, "fn": 800}
REPORT = {
    "before": {"building": SCORE, "pixel": SCORE},
    "after": {"building": {**SCORE, "f1": 0.75}, "pixel": SCORE},
    "rule": "IoU above 0.5.",
    "ground": {"held-out": {"buildings": 2720, "area_m2": 5.0}},
    "base_model": {"title": "Starter"},
    "versions": {"torch": "9.9"},
}


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """The folder with what was handed out of the starter."""
    folder = tmp_path_factory.mktemp("given")
    write_bundle(find_card("starter"), folder, "both", 64, Silent())
    return folder


class Silent:
    """Progress that nobody watches; it keeps the notices."""

    def __init__(self):
        self.notices = []

    def send_notice(self, message, hint="", level="info"):
        self.notices.append((level, message))

    def report(self, done, text=""):
        """Nobody hears it."""


def read_sections(path):
    """Return the text of each section by its title."""
    parts = re.split(r"^## (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_card_tells_what_the_model_takes_and_where_it_comes_from(given):
    card, told = find_card("starter"), read_sections(given / "starter.md")
    assert "| 1 | red | 0 | 255 | 0.5 | 0.5 |" in told["The imagery it takes"]
    assert "0.25 m a pixel" in told["The imagery it takes"]
    assert card.sha256 in told["What it is"]
    assert card.training in told["What it learnt from"]
    assert card.scores in told["How good it is"]
    assert card.limits in told["Limits"]
    assert "watershed" in told["Limits"]
    assert card.licence in told["Licence, attribution, citation"]
    assert card.attribution in told["Licence, attribution, citation"]
    assert "torch" in told["Versions"]
    assert {"What it is for", "How to use it"} <= set(told)


def test_the_cards_own_lines_of_python_find_the_same_buildings(given, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", (given / "starter.md").read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(given)
    names = {}
    exec(code, names)
    tile = np.zeros((3, 64, 64), "uint8")
    tile[:, 20:40, 20:40] = 220
    found = names["find_buildings"](tile)
    assert found.shape == (64, 64)
    assert found.dtype == bool
    assert json.loads(names["told"][CARD_KEY])["name"] == "starter"


def test_the_scores_of_the_run_beside_the_card_are_told(tmp_path):
    (tmp_path / "report.json").write_text(json.dumps(REPORT), encoding="utf-8")
    card = replace(find_card("starter"), folder=str(tmp_path), scores="", parent="starter", limits="")
    write_model_card(card, tmp_path / "card.md")
    told = read_sections(tmp_path / "card.md")
    assert "2,720 buildings" in told["How good it is"]
    assert "| f1 by building | 0.500 | 0.750 |" in told["How good it is"]
    assert "| tp by building | 1,200 | 1,200 |" in told["How good it is"]
    assert "IoU above 0.5." in told["How good it is"]
    assert "torch 9.9" in told["Versions"]
    assert "one place" in told["Limits"]


def test_that_a_threshold_was_set_by_hand_stands_beside_the_scores(tmp_path):
    sentence = "The threshold was set by hand: the figures may flatter it."
    (tmp_path / "report.json").write_text(json.dumps({**REPORT, "by_hand": {"sentence": sentence}}), encoding="utf-8")
    card = replace(find_card("starter"), folder=str(tmp_path), scores="", parent="starter", limits="")
    write_model_card(card, tmp_path / "card.md")
    assert sentence in read_sections(tmp_path / "card.md")["How good it is"]


@pytest.mark.parametrize("content", ["{", "[]", '{"after": null, "ground": null}', '{"after": {"pixel": {}}}'])
def test_a_report_that_says_nothing_is_passed_over(tmp_path, content):
    (tmp_path / "report.json").write_text(content, encoding="utf-8")
    write_model_card(replace(find_card("starter"), folder=str(tmp_path)), tmp_path / "card.md")
    assert "How good it is" in read_sections(tmp_path / "card.md")


def test_a_model_of_sixteen_bits_says_that_it_is_not_for_bytes(tmp_path):
    card = replace(find_card("starter"), adaptation="moments", value_range=(0.0, 65535.0), citation="Weir (2019)")
    write_model_card(card, tmp_path / "card.md")
    told = read_sections(tmp_path / "card.md")
    assert "mean and spread" in told["The imagery it takes"]
    assert "65535" in told["The imagery it takes"]
    assert "Cite: Weir (2019)" in told["Licence, attribution, citation"]


def test_a_start_is_handed_out_with_a_warning(tmp_path):
    progress = Silent()
    bundle = write_bundle(find_card("imagenet_lite0"), tmp_path / "start.md", "card", None, progress)
    assert progress.notices == [("warning", 'The model "imagenet_lite0" has not been trained on buildings.')]
    assert bundle.files == {"model_card": str(tmp_path / "start.md")}
    assert "not trained on buildings" in (tmp_path / "start.md").read_text(encoding="utf-8")


def test_files_are_named_after_the_model_or_as_asked_and_the_folder_is_made(tmp_path):
    card = replace(find_card("starter"), name="unet:resnet34:none")
    assert (
        write_bundle(card, tmp_path / "new", "card", None, Silent()).card == tmp_path / "new" / "unet_resnet34_none.md"
    )
    bundle = write_bundle(find_card("starter"), tmp_path / "v1.2.onnx", "onnx", 64, Silent())
    assert bundle.files == {"onnx": str(tmp_path / "v1.2.onnx")}
    assert bundle.figures["difference"] < 1e-4
    assert any("seg_thresh = 0.4" in line for line in bundle.describe())


def test_a_folder_that_cannot_be_made_and_tiles_that_do_not_fit_leave_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be made"):
        write_bundle(find_card("starter"), tmp_path / "file" / "under", "both", None, Silent())
    with pytest.raises(InputError):
        write_bundle(find_card("starter"), tmp_path / "x", "both", 100, Silent())
    assert list((tmp_path / "x").iterdir()) == []
