"""The ways to base models that are not in the list, by real clicks and keys."""

from dataclasses import replace

import pytest
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QDialogButtonBox

from footprint_tuner.plugin.core.job import DEFAULT_BASE_MODEL
from footprint_tuner.plugin.core.json_codec import decode
from footprint_tuner.plugin.core.model_specs import DECODERS, IdentifiedModel, load_encoders
from footprint_tuner.plugin.core.models import find_card
from footprint_tuner.plugin.core.paths import locate_models
from footprint_tuner.ui.fields.choices import ImportedModel
from footprint_tuner.ui.model.architecture import ArchitectureDialog
from footprint_tuner.ui.model.card_text import describe_card, tell_sources
from footprint_tuner.ui.model.encoders import EncoderSearch
from footprint_tuner.ui.model.import_weights import ImportWeightsDialog
from footprint_tuner.ui.model.scaling import SCALINGS, scale_bands

XDXD = "xdxd_spacenet4"
MANY = {
    **{f"resnet{number}": ["imagenet"] for number in range(700)},
    **{f"tu-vit_{number}": [] for number in range(800)},
    "tu-convnext_small": ["fb_in22k"],
    "tu-convnext_tiny": ["fb_in22k", "in12k"],
}


@pytest.fixture
def picker(dock):
    return dock.formPage.modelPicker


@pytest.fixture
def network(make_dialog):
    return make_dialog(ArchitectureDialog, MANY)


@pytest.fixture
def own(make_dialog, tmp_path):
    return make_dialog(ImportWeightsDialog, str(tmp_path / "my roofs.pth"), MANY)


@pytest.fixture
def make_dialog(project):
    """Return a function that shows a dialog of a class."""
    made = []

    def make(kind, *arguments):
        made.append(kind(*arguments))
        made[-1].open()
        return made[-1]

    yield make
    for dialog in made:
        dialog.close()
        dialog.deleteLater()


def press(buttons, button=QDialogButtonBox.StandardButton.Ok):
    QTest.mouseClick(buttons.button(button), Qt.MouseButton.LeftButton)


# -- what is said of a model ------------------------------------------------------------------------------------------


def test_a_card_says_what_it_reads_its_scale_its_licence_and_what_will_be_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("FOOTPRINT_TUNER_HOME", str(tmp_path))
    card = replace(find_card(XDXD), size_bytes=116_900_000, working_gsd_m=0.5, licence="Apache-2.0")
    text = describe_card(card)
    assert "Reads blue, green and red. Works at 0.50 m." in text
    assert text.endswith("Licence: Apache-2.0\n117 MB, fetched at the first run")
    card.weights_path.parent.mkdir(parents=True)
    card.weights_path.write_bytes(b"")
    assert "fetched" not in describe_card(card)


def test_a_start_says_that_it_takes_any_bands():
    assert "Reads 1 to 12 bands; without a choice red, green and blue." in describe_card(find_card("unet:resnet34"))


def test_who_made_a_model_and_how_to_cite_it_stands_in_the_tool_tip(picker, find):
    picker.choose(XDXD)
    card = find_card(XDXD)
    assert find("modelLine").toolTip() == find("modelCombo").toolTip() == tell_sources(card)
    assert card.attribution in tell_sources(card)
    assert card.citation in tell_sources(card)


# -- the menu ---------------------------------------------------------------------------------------------------------


def test_the_menu_offers_to_take_weights_from_a_file_for_models_that_are_fetched_alone(picker, find):
    texts = [find(name).text().replace("&", "") for name in ("tunedAction", "ownAction", "networkAction")]
    assert texts == ["Tuned model of an earlier run…", "Own weights…", "Another network…"]
    assert not find("weightsAction").isVisible()
    picker.choose(XDXD)
    assert find("weightsAction").isVisible()


def test_the_menu_opens_by_keyboard(find):
    button, seen = find("modelButton"), []

    def look():
        seen.append(button.menu().isVisible())
        button.menu().close()

    QTimer.singleShot(100, look)
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert seen == [True]
    assert find("tunedAction") in button.menu().actions()


def test_a_file_of_weights_is_asked_for_and_handed_on_with_the_models_name(picker, find, find_dialog, listen, tmp_path):
    given = listen(picker.weights_given)
    picker.choose(XDXD)
    find("weightsAction").trigger()
    dialog = find_dialog("QFileDialog")
    assert find_card(XDXD).weights in dialog.windowTitle()
    dialog.fileSelected.emit(str(tmp_path / "w.pth"))
    dialog.close()
    assert given == [(XDXD, str(tmp_path / "w.pth"))]


def test_own_weights_with_a_card_beside_them_are_opened_without_a_question(picker, find, find_dialog, tuned_card):
    find("ownAction").trigger()
    dialog = find_dialog("QFileDialog")
    dialog.fileSelected.emit(str(tuned_card.with_name("model.safetensors")))
    dialog.close()
    assert picker.base_model == str(tuned_card)


def test_own_weights_without_a_card_are_asked_about_while_the_worker_looks_into_them(
    picker, find, find_dialog, listen, tmp_path
):
    guesses, asked = listen(picker.guess_requested), listen(picker.own_model_requested)
    path = str(tmp_path / "w.pth")
    find("ownAction").trigger()
    file_dialog = find_dialog("QFileDialog")
    file_dialog.fileSelected.emit(path)
    file_dialog.close()
    assert guesses == [path]
    dialog = find_dialog("ImportWeightsDialog")
    picker.show_guess(str(tmp_path / "another.pth"), IdentifiedModel(encoder="resnet34"))
    picker.show_guess(path, IdentifiedModel("fpn", "resnet34", 4, 3))
    press(dialog.ownButtons)
    (answers,) = asked
    assert (answers.architecture, answers.encoder, len(answers.bands), len(answers.outputs)) == (
        "fpn",
        "resnet34",
        4,
        3,
    )
    # the dialog is gone: an answer that comes late is passed over
    picker.show_guess(path, IdentifiedModel(encoder="resnet18"))


def test_what_is_under_way_with_weights_is_said_and_the_card_is_told_anew(picker, find, tmp_path, monkeypatch):
    monkeypatch.setenv("FOOTPRINT_TUNER_HOME", str(tmp_path))
    picker.choose(XDXD)
    picker.show_work("Checking w.pth")
    assert find("modelWorkLine").isVisible()
    assert find("modelWorkLine").text() == "Checking w.pth"
    assert "fetched at the first run" in find("modelLine").text()
    path = locate_models({"FOOTPRINT_TUNER_HOME": str(tmp_path)}) / XDXD / find_card(XDXD).weights
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    picker.show_work("")
    assert not find("modelWorkLine").isVisible()
    assert "fetched" not in find("modelLine").text()


# -- another network --------------------------------------------------------------------------------------------------


def test_a_network_is_put_together_and_chosen(picker, find, find_dialog):
    find("networkAction").trigger()
    dialog = find_dialog("ArchitectureDialog")
    dialog.decoderCombo.setCurrentIndex(dialog.decoderCombo.findData("fpn"))
    QTest.keyClicks(dialog.encoderSearch.encoderEdit, "resnet34")
    press(dialog.networkButtons)
    assert picker.base_model == "fpn:resnet34:imagenet"
    assert find("modelCombo").currentText() == "FPN over resnet34 (imagenet)"
    assert "learns what a building is from your labels alone" in find("modelLine").text()


def test_a_network_stays_in_the_list_and_comes_back_in_the_next_session(dock, picker, make_dock, project):
    picker.open_model("fpn:resnet34")
    dock.show_models([find_card(DEFAULT_BASE_MODEL)])
    assert picker.base_model == "fpn:resnet34:imagenet"
    dock.store_settings()
    later = make_dock()
    later.restore_settings()
    assert later.read_choices().base_model == "fpn:resnet34:imagenet"


def test_a_network_that_does_not_exist_is_refused_with_near_names(dock, picker, find):
    picker.open_model("unet:resnet35")
    assert find("messageLabel").text().replace("\u200b", "") == 'There is no encoder "resnet35".'
    assert "resnet34" in find("hintLabel").text()
    assert picker.base_model == DEFAULT_BASE_MODEL


def test_an_encoder_is_found_by_parts_of_its_name(network):
    QTest.keyClicks(network.encoderSearch.encoderEdit, "convnext tiny")
    assert network.encoderSearch.found == ["tu-convnext_tiny"]
    assert network.start == "unet:tu-convnext_tiny:fb_in22k"
    tags = [network.tagCombo.itemText(index) for index in range(network.tagCombo.count())]
    assert tags == ["fb_in22k", "in12k", "none: random weights"]
    network.tagCombo.setCurrentIndex(2)
    assert network.start == "unet:tu-convnext_tiny:none"


@pytest.mark.parametrize("text", ["TINY next", "  convnext_t ", "tiny"])
def test_words_are_found_in_any_order_and_in_any_case(network, text):
    network.encoderSearch.encoderEdit.setText(text)
    assert network.encoderSearch.encoder == "tu-convnext_tiny"


def test_signs_that_mean_something_in_patterns_stand_for_themselves(network):
    network.encoderSearch.encoderEdit.setText("conv.*tiny (")
    assert network.encoderSearch.found == []


def test_what_is_not_found_cannot_be_chosen(network):
    ok = network.networkButtons.button(QDialogButtonBox.StandardButton.Ok)
    network.encoderSearch.encoderEdit.setText("no such encoder")
    assert (network.start, ok.isEnabled()) == ("", False)
    network.encoderSearch.encoderEdit.clear()
    assert (network.start, ok.isEnabled()) == ("unet:resnet0:imagenet", True)


def test_the_arrow_keys_move_in_the_list_while_one_types_and_enter_takes_the_network(network, listen):
    chosen = listen(network.start_chosen)
    edit = network.encoderSearch.encoderEdit
    QTest.keyClicks(edit, "convnext")
    assert network.encoderSearch.encoder == "tu-convnext_small"
    QTest.keyClick(edit, Qt.Key.Key_Down)
    QTest.keyClicks(edit, "_")
    assert edit.text() == "convnext_"
    QTest.keyClick(edit, Qt.Key.Key_Down)
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert chosen == ["unet:tu-convnext_tiny:fb_in22k"]
    assert not network.isVisible()


def test_an_encoder_without_published_weights_begins_at_random(network):
    network.encoderSearch.encoderEdit.setText("vit_7")
    assert network.start == "unet:tu-vit_7:none"


def test_every_decoder_is_offered_with_a_sentence(network):
    combo = network.decoderCombo
    assert [combo.itemData(index) for index in range(combo.count())] == list(DECODERS)
    sentences = set()
    for index in range(combo.count()):
        combo.setCurrentIndex(index)
        sentences.add(network.decoderLine.text())
    assert len(sentences) == len(DECODERS)


def test_fifteen_hundred_encoders_are_searched(make_dialog):
    """How long it takes is measured by `make times`."""
    dialog = make_dialog(ArchitectureDialog, MANY)
    assert dialog.encoderSearch.found == list(MANY)
    dialog.encoderSearch.encoderEdit.setText("convnext tiny")
    assert dialog.encoderSearch.found == ["tu-convnext_tiny"]


def test_the_list_that_comes_with_the_plugin_opens_the_dialog(make_dialog):
    names = load_encoders()
    assert make_dialog(ArchitectureDialog, names).encoderSearch.found == list(names)


def test_a_choice_in_the_search_outlives_an_emptied_line(project):
    search = EncoderSearch()
    search.show_encoders(list(MANY))
    search.choose("tu-convnext_tiny")
    assert search.encoder == "tu-convnext_tiny"
    search.choose("not_listed")
    assert search.encoder == "not_listed"
    assert search.found[:2] == ["not_listed", "resnet0"]


# -- own weights ------------------------------------------------------------------------------------------------------


def test_a_few_answers_make_an_own_model(own, listen, tmp_path):
    asked = listen(own.own_model_requested)
    own.titleEdit.setText("My roofs")
    own.architectureCombo.setCurrentIndex(own.architectureCombo.findData("upernet"))
    QTest.keyClicks(own.ownEncoderSearch.encoderEdit, "convnext small")
    own.outputsCombo.setCurrentIndex(1)
    own.ownBandsCombo.setCurrentText("blue, green, red, near-infrared")
    own.scalingCombo.setCurrentIndex(own.scalingCombo.findData("spacenet4"))
    own.gsdSpin.setValue(0.5)
    own.licenceEdit.setText("CC BY 4.0, Town of X")
    press(own.ownButtons)
    assert asked == [
        ImportedModel(
            path=str(tmp_path / "my roofs.pth"),
            title="My roofs",
            architecture="upernet",
            encoder="tu-convnext_small",
            outputs=("footprint", "boundary", "contact"),
            bands=("blue", "green", "red", "near-infrared"),
            mean=(0.006479, 0.009328, 0.01123, 0.02082),
            std=(0.004986, 0.004964, 0.00495, 0.004878),
            value_range=(0.0, 65535.0),
            gsd_m=0.5,
            licence="CC BY 4.0, Town of X",
        )
    ]


def test_the_statistics_follow_the_order_of_the_bands(own):
    assert own.meanEdit.text() == "0.485, 0.456, 0.406"
    own.ownBandsCombo.setCurrentText("blue, green, red")
    assert own.meanEdit.text() == "0.406, 0.456, 0.485"
    assert own.stdEdit.text() == "0.225, 0.224, 0.229"
    own.scalingCombo.setCurrentIndex(own.scalingCombo.findData("unit"))
    assert (own.meanEdit.text(), own.stdEdit.text(), own.rangeEdit.text()) == ("0, 0, 0", "1, 1, 1", "0, 255")


def test_numbers_of_ones_own_take_the_place_of_the_presets_and_are_kept(own):
    own.meanEdit.selectAll()
    QTest.keyClicks(own.meanEdit, "0.3,0.2,0.1")
    assert own.scalingCombo.currentData() == ""
    own.ownBandsCombo.setCurrentText("blue, green, red")
    assert own.read_answers().mean == (0.3, 0.2, 0.1)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("meanEdit", "0.3, 0.2", "Mean and deviation take 3 numbers each"),
        ("meanEdit", "a, b, c", "Mean and deviation take 3 numbers each"),
        ("meanEdit", "nan, 0, 0", "Mean and deviation take 3 numbers each"),
        ("stdEdit", "0.2, 0.2, 0", "Deviations are above 0"),
        ("rangeEdit", "255, 0", "from a lower to a higher number"),
        ("rangeEdit", "255", "the range of values two"),
    ],
)
def test_numbers_that_cannot_be_used_are_said_at_once_and_hold_ok_back(own, name, text, said):
    edit = getattr(own, name)
    edit.selectAll()
    QTest.keyClicks(edit, text)
    assert said in own.problemLine.text()
    assert not own.ownButtons.button(QDialogButtonBox.StandardButton.Ok).isEnabled()


@pytest.mark.parametrize("bands", ["", ", ,", ", ".join("abcdefghijklm")])
def test_a_model_reads_one_band_to_twelve(own, bands):
    own.ownBandsCombo.setCurrentText(bands)
    assert own.problemLine.text() == "Name 1 to 12 bands, with commas between."
    assert not own.ownButtons.button(QDialogButtonBox.StandardButton.Ok).isEnabled()


def test_what_the_worker_found_is_filled_in_and_said(own):
    own.show_guess(IdentifiedModel("xdxd_unet", "vgg16", 6, 1))
    answers = own.read_answers()
    assert (answers.architecture, answers.encoder, answers.outputs) == ("xdxd_unet", "vgg16", ("footprint",))
    assert answers.bands == tuple(f"band {number}" for number in range(1, 7))
    assert "please check" in own.guessLine.text()


def test_weights_of_a_published_network_are_answered_for_as_its_card_does(own):
    card = find_card(XDXD)
    own.show_guess(IdentifiedModel(card.architecture, card.encoder, 3, 1))
    answers = own.read_answers()
    assert (answers.bands, answers.mean, answers.std) == (card.bands, card.mean, card.std)
    assert (answers.value_range, answers.gsd_m) == (card.value_range, card.working_gsd_m)
    assert own.scalingCombo.currentData() == "spacenet4"


def test_a_worker_that_found_nothing_leaves_the_questions_open(own):
    before = own.read_answers()
    odd = {"architecture": None, "encoder": "", "bands": 0, "outputs": "many"}
    own.show_guess(decode(IdentifiedModel, odd, []))
    assert own.read_answers() == before
    assert not own.guessLine.isVisible()
    own.show_no_guess("This is a pickled module. Convert it.")
    assert own.guessLine.text() == "This is a pickled module. Convert it."


def test_the_statistics_of_spacenet_4_are_those_of_its_models():
    card = find_card("selimsef_spacenet4_resnet34unet")
    assert scale_bands(SCALINGS["spacenet4"], card.bands) == (card.mean, card.std)
    assert SCALINGS["spacenet4"].value_range == card.value_range
