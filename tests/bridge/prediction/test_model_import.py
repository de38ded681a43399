"""The list of base models and the worker together: guesses, own weights, files taken by hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QDialog, QDialogButtonBox, QLabel

from footprint_tuner.plugin.bridge.prediction.model_import import ModelImporter, list_answers, locate_card
from footprint_tuner.plugin.core.models import find_card
from footprint_tuner.plugin.core.paths import locate_environment, locate_models
from footprint_tuner.ui.dock import TunerDock
from footprint_tuner.ui.fields.choices import ImportedModel

XDXD = "xdxd_spacenet4"


@pytest.fixture
def open_dock(window):
    """Return a function that opens a dock whose list of models is wired to the worker."""
    shelves = []

    def make():
        dock = TunerDock(window.mainWindow())
        shelves.append(ModelImporter(locate_environment(), dock.formPage.modelPicker, dock))
        dock.show_models([find_card(XDXD)])
        window.mainWindow().addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        window.mainWindow().show()
        return dock, shelves[-1]

    yield make
    for importer in shelves:
        importer.stop()


@pytest.fixture
def dock(environment, open_dock):
    """The dock on a machine whose environment is ready."""
    return open_dock()[0]


@pytest.fixture
def picker(dock):
    return dock.formPage.modelPicker


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "my roofs.pth"
    path.write_bytes(b"weights")
    return path


def make_model(path, **changes):
    given = {
        "path": str(path),
        "title": "My roofs",
        "architecture": "fpn",
        "encoder": "resnet34",
        "outputs": ("footprint",),
        "bands": ("blue", "green", "red"),
        "mean": (0.1, 0.2, -0.3),
        "std": (0.1, 0.1, 0.1),
        "value_range": (0.0, 255.0),
    }
    return ImportedModel(**{**given, **changes})


def read(dock, name):
    return dock.findChild(QLabel, name).text().replace("\u200b", "")


def find_own(dock):
    return next(d for d in dock.window().findChildren(QDialog) if type(d).__name__ == "ImportWeightsDialog")


def test_own_weights_become_a_base_model_by_a_few_clicks(dock, picker, weights, wait_until):
    picker._menu._take_own(str(weights))
    dialog = find_own(dock)
    wait_until(lambda: dialog.ownEncoderSearch.encoder == "resnet34")
    assert (dialog.architectureCombo.currentData(), dialog.outputsCombo.currentData()) == ("fpn", 3)
    assert dialog.ownBandsCombo.currentText() == "blue, green, red, near-infrared"
    QTest.mouseClick(dialog.ownButtons.button(QDialogButtonBox.StandardButton.Ok), Qt.MouseButton.LeftButton)
    assert read(dock, "modelWorkLine") == "Making a card for my roofs.pth"
    wait_until(lambda: picker.base_model == str(weights.with_suffix(".json")))
    assert picker.card.bands == ("blue", "green", "red", "near-infrared")
    assert read(dock, "modelWorkLine") == ""


def test_every_answer_reaches_the_worker(picker, weights, wait_until):
    picker.own_model_requested.emit(make_model(weights, gsd_m=0.5, licence="CC BY 4.0, X = Y", title="A=B, C"))
    wait_until(lambda: picker.base_model == str(weights.with_suffix(".json")))
    assert json.loads(picker.card.training) == {
        "out": str(weights.with_suffix(".json")),
        "title": "A=B, C",
        "architecture": "fpn",
        "encoder": "resnet34",
        "outputs": "footprint",
        "bands": "blue,green,red",
        "mean": "0.1,0.2,-0.3",
        "std": "0.1,0.1,0.1",
        "value-range": "0,255",
        "gsd-m": "0.5",
        "licence": "CC BY 4.0, X = Y",
    }


def test_what_is_not_known_is_not_said_to_the_worker(weights):
    command = list_answers(make_model(weights), weights.with_suffix(".json"))
    assert command[:2] == ["adopt", str(weights)]
    assert not [option for option in command if option.startswith(("--gsd-m", "--licence"))]


def test_weights_that_the_worker_refuses_are_told_with_its_own_words(dock, picker, weights, wait_until, monkeypatch):
    monkeypatch.setenv("STAND_IN", "fails")
    before = picker.base_model
    picker._menu._take_own(str(weights))
    dialog = find_own(dock)
    refusal = "This is a pickled module. Save its state_dict instead."
    wait_until(lambda: dialog.guessLine.text() == refusal)
    picker.own_model_requested.emit(make_model(weights))
    wait_until(lambda: read(dock, "messageLabel") == refusal)
    assert picker.base_model == before
    assert read(dock, "modelWorkLine") == ""


def test_a_file_that_was_fetched_by_hand_is_taken(dock, picker, weights, wait_until):
    picker.weights_given.emit(XDXD, str(weights))
    assert read(dock, "modelWorkLine") == "Checking my roofs.pth"
    wait_until(lambda: read(dock, "modelWorkLine") == "")
    assert (Path(os.environ["FOOTPRINT_TUNER_HOME"]) / f"fetched {XDXD}").read_bytes() == b"weights"
    assert not dock.messageFrame.isVisible()


def test_a_file_that_is_not_the_published_one_is_refused_with_a_next_step(
    dock, picker, weights, wait_until, monkeypatch
):
    monkeypatch.setenv("STAND_IN", "fails")
    picker.weights_given.emit(XDXD, str(weights))
    wait_until(dock.messageFrame.isVisible)
    assert read(dock, "messageLabel") == "The file is not the one that is published."
    assert read(dock, "hintLabel") == "Fetch it anew."


def test_without_an_environment_the_set_up_is_named(no_environment, open_dock, weights, wait_until):
    dock, _ = open_dock()
    dock.formPage.modelPicker.weights_given.emit(XDXD, str(weights))
    wait_until(dock.messageFrame.isVisible)
    assert "not set up" in read(dock, "messageLabel")


def test_stopping_ends_a_worker_that_is_still_busy_and_nothing_is_shown(
    environment, open_dock, weights, wait_until, monkeypatch, count_workers
):
    dock, importer = open_dock()
    monkeypatch.setenv("STAND_IN", "deaf in fetch")
    dock.formPage.modelPicker.weights_given.emit(XDXD, str(weights))
    wait_until(lambda: count_workers() == 1)
    importer.stop()
    assert count_workers() == 0
    assert not dock.messageFrame.isVisible()


def test_a_card_lies_beside_its_weights_or_among_the_models_where_nobody_may_write_and_overwrites_nothing(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("FOOTPRINT_TUNER_HOME", str(tmp_path / "home"))
    assert locate_card(tmp_path / "a.b.pth") == tmp_path / "a.b.json"
    (tmp_path / "a.b.safetensors").write_bytes(b"")
    assert locate_card(tmp_path / "a.b.pth") == locate_card(tmp_path / "a.b.safetensors") == tmp_path / "a.b_2.json"
    (tmp_path / "a.b_2.json").write_text("{}")
    assert locate_card(tmp_path / "a.b.pth") == tmp_path / "a.b_3.json"
    monkeypatch.setattr(os, "access", lambda *_: False)
    card = locate_card(tmp_path / "a.b.pth")
    assert card == locate_models(os.environ) / "own" / "a.b.json"
    assert card.parent.is_dir()
