"""The registry of models: every card is whole, and one that is not is refused by name."""

import json
import re
from dataclasses import asdict

import pytest

from plugin.core.card import OUTPUTS, Card, Recipe, Seeds, SeparationParams
from plugin.core.errors import InputError, RunError
from plugin.core.json_codec import decode
from plugin.core.models import MODELS_FOLDER, find_card, list_cards, load_card

SOUND = {
    "name": "mine",
    "title": "Mine",
    "description": "A model of mine.",
    "encoder": "resnet18",
    "weights": "mine.safetensors",
    "recipe": {"learning_rate": 0.0001},
}
NAMES = [card.name for card in list_cards()]


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a card with other values than a sound one's and returns its path."""

    def write(text=None, **fields):
        path = tmp_path / "mine.json"
        path.write_text(text if text is not None else json.dumps({**SOUND, **fields}), encoding="utf-8")
        return path

    return write


def refusal_of(path):
    with pytest.raises(InputError) as caught:
        load_card(path)
    assert caught.value.hint
    return caught.value


def test_there_is_a_base_model():
    assert "imagenet_lite0" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_card_of_the_plugins_is_found_by_its_name(name):
    card = find_card(name)
    assert card.name == name
    assert (MODELS_FOLDER / f"{name}.json").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_a_card_of_the_plugins_says_what_users_and_lawyers_ask(name):
    card = find_card(name)
    assert all((card.title, card.description, card.licence, card.attribution))
    assert card.description.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_weights_have_their_hash_or_come_from_the_registry_or_have_a_size_where_no_hash_is_published(name):
    card = find_card(name)
    is_known = card.weights.startswith("imagenet:") or re.fullmatch("[0-9a-f]{64}", card.sha256)
    assert is_known or (card.source.startswith("https://") and card.size_bytes > 0)


def test_the_imagenet_start_says_that_it_has_never_seen_a_roof():
    card = find_card("imagenet_lite0")
    assert not card.is_finetuned
    assert "not on buildings" in card.description
    assert card.recipe.tune_epochs > 3


def test_a_recipe_is_tuned_with_a_tenth_of_its_rate_for_three_epochs_unless_it_says_otherwise():
    assert Recipe(1e-4).tuning_rate == pytest.approx(1e-5)
    assert Recipe(1e-4).tune_epochs == 3
    assert Recipe(1e-4, tune_learning_rate=3e-4).tuning_rate == 3e-4


def test_a_card_is_read_back_as_it_was_saved(tmp_path):
    card = Card(
        "mine",
        "Meins",
        "Über Dächer.",
        "resnet18",
        "mine.safetensors",
        Recipe(1e-4),
        stretch=((1, 9),) * 3,
        gsd_m=(0.3,),
        outputs=OUTPUTS,
        working_gsd_m=0.25,
        seeds=Seeds(0.2, 0.5, 0.0, 2.0),
    )
    card.save(tmp_path / "mine.json")
    again = load_card(tmp_path / "mine.json")
    assert again == card
    assert again.weights_path == tmp_path / "mine.safetensors"
    assert [item.name for item in tmp_path.iterdir()] == ["mine.json"]


def test_a_cards_parting_can_be_taken_and_given(tmp_path):
    separation = SeparationParams(0.3, Seeds(0.2))
    card = Card("m", "M", "M.", "resnet18", "m.safetensors", Recipe(1e-4), outputs=OUTPUTS).with_separation(separation)
    assert card.separation == separation
    assert decode(SeparationParams, json.loads(json.dumps(asdict(separation)))) == separation
    assert decode(SeparationParams, asdict(SeparationParams(0.7))) == SeparationParams(0.7)


def test_the_recipe_of_the_solaris_tutorial_is_three_epochs_at_a_tenth_and_nothing_else():
    own = Recipe(1e-3, tune_epochs=9, tune_learning_rate=5e-4, encoder_share=0.3, ema_decay=0.99)
    plain = own.as_solaris()
    assert (plain.tune_epochs, plain.tuning_rate) == (3, pytest.approx(1e-4))
    assert (plain.encoder_share, plain.ema_decay) == (1.0, 0.0)
    assert plain.tile_px == own.tile_px


def test_a_saved_card_tells_nothing_of_the_machine(tmp_path):
    Card("mine", "M", "M.", "resnet18", "mine.safetensors", Recipe(1e-4), folder="/home/me").save(
        tmp_path / "mine.json"
    )
    assert "/home/me" not in (tmp_path / "mine.json").read_text("utf-8")


def test_a_card_that_cannot_be_saved_says_so_with_a_next_step(tmp_path):
    (tmp_path / "file").write_text("in the way", "utf-8")
    with pytest.raises(RunError, match="could not be written") as caught:
        find_card("imagenet_lite0").save(tmp_path / "file" / "model.json")
    assert caught.value.hint


def test_a_tuned_model_is_named_by_its_card_or_by_its_weights(write):
    path = write()
    assert find_card(str(path)).name == "mine"
    assert find_card(str(path.with_suffix(".safetensors"))).name == "mine"


def test_fields_of_a_newer_plugin_are_passed_over(write):
    path = write(mood="good", folder="/elsewhere", recipe={"learning_rate": 0.1, "dropout": 0.5})
    card = load_card(path)
    assert card.recipe == Recipe(0.1)
    assert card.folder == str(path.parent)


def test_an_unknown_model_is_refused_with_the_names_that_are_known():
    with pytest.raises(InputError, match='There is no model named "zzz"') as caught:
        find_card("zzz")
    assert all(name in caught.value.hint for name in NAMES)
    assert "Did you mean" not in caught.value.hint


def test_a_misspelt_model_is_refused_with_the_nearest_name():
    with pytest.raises(InputError) as caught:
        find_card("imagenet_light0")
    assert 'Did you mean "imagenet_lite0"?' in caught.value.hint


@pytest.mark.parametrize("name", ["", "../models/imagenet_lite0", "a/b", "x" * 5000])
def test_a_name_is_no_path(name):
    with pytest.raises(InputError, match="There is no model named"):
        find_card(name)


def test_a_missing_card_is_refused(tmp_path):
    assert "There is no model card" in refusal_of(tmp_path / "none.json").message


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '"card"'])
def test_a_card_that_is_no_json_object_is_refused(write, text):
    assert "cannot be used" in refusal_of(write(text)).message


def test_a_card_without_its_recipe_is_refused_by_what_it_lacks(write):
    content = {name: value for name, value in SOUND.items() if name != "recipe"}
    assert "has no 'recipe'" in refusal_of(write(json.dumps(content))).message


def test_a_card_without_its_encoder_is_refused_by_what_it_lacks(write):
    content = {name: value for name, value in SOUND.items() if name != "encoder"}
    assert "encoder" in refusal_of(write(json.dumps(content))).message


@pytest.mark.parametrize(
    "fields",
    [
        {"mean": [0.5, 0.5]},
        {"std": [0.2, 0.2, 0]},
        {"bands": []},
        {"bands": ["red", "green", "blue", "near-infrared"]},
        {"stretch": [[0, 255]]},
        {"stretch": [[0, 255], [0, 255], [9, 9]]},
        {"stretch": [[0, 255], [0, 255], [0, float("inf")]]},
        {"mean": [0.5, 0.5, float("nan")]},
        {"threshold": 0},
        {"threshold": 1},
        {"gsd_m": [0]},
        {"min_area_m2": -1},
        {"outputs": ["edge", "footprint"]},
        {"outputs": []},
        {"outputs": ["footprint", "contact", "boundary"]},
        {"working_gsd_m": 0},
        {"boundary_m": -0.5},
        {"seeds": {"threshold": 0.5}},
        {"outputs": OUTPUTS, "seeds": {"threshold": 1.0}},
        {"outputs": OUTPUTS, "seeds": {"boundary_share": -1}},
        {"recipe": {"learning_rate": 0.1, "encoder_share": 1.5}},
        {"recipe": {"learning_rate": 0.1, "averaging": 1.0}},
        {"encoder": ""},
        {"name": ""},
        {"recipe": {"learning_rate": 0}},
        {"recipe": {"learning_rate": 0.1, "tile_px": 250}},
        {"recipe": {"learning_rate": 0.1, "batch_size": 0}},
        {"recipe": {"learning_rate": 0.1, "tune_epochs": 0}},
        {"recipe": {"learning_rate": 0.1, "samples_per_epoch": 0}},
        {"recipe": {"learning_rate": 0.1, "tune_learning_rate": -1}},
    ],
    ids=str,
)
def test_a_card_that_contradicts_itself_is_refused(write, fields):
    assert "contradicts itself" in refusal_of(write(**fields)).message


@pytest.mark.parametrize(
    "fields",
    [
        {"mean": 0.5},
        {"mean": ["a", "b", "c"]},
        {"bands": "rgb"},
        {"stretch": [[1, 2, 3]] * 3},
        {"threshold": "half"},
        {"encoder": 18},
        {"recipe": 5},
        {"seeds": 5},
        {"working_gsd_m": "fine"},
        {"recipe": {"learning_rate": "fast"}},
    ],
    ids=str,
)
def test_a_card_with_a_value_of_the_wrong_kind_is_refused(write, fields):
    assert refusal_of(write(**fields)).message.startswith("The ")


def test_the_spacenet_4_models_read_blue_first_and_say_in_which_range_their_constants_are():
    cards = [find_card(name) for name in NAMES if "spacenet4" in name]
    assert len(cards) == 4
    assert {card.bands[:3] for card in cards} == {("blue", "green", "red")}
    assert {card.adaptation for card in cards} == {"moments"}
    assert {card.value_range for card in cards} == {(0.0, 65535.0)}


def test_weights_with_a_source_lie_in_a_folder_of_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("FOOTPRINT_TUNER_HOME", str(tmp_path))
    path = find_card("xdxd_spacenet4").weights_path
    assert path == tmp_path / "models" / "xdxd_spacenet4" / "xdxd_spacenet4_solaris_weights.pth"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"source": "http://example.org/weights.pth"}, "source"),
        ({"source": "https://example.org/w.pth", "weights": "../w.pth"}, "weights"),
        ({"source": "https://example.org/w.pth", "weights": ".."}, "weights"),
        ({"source": "https://example.org/w.pth", "weights": "w.pth", "name": ".."}, "name"),
        ({"source": "https://example.org/w.pth", "weights": "w.pth", "name": "a\nb"}, "name"),
        ({"adaptation": "guess"}, "adaptation"),
        ({"value_range": [5, 5]}, "value_range"),
        ({"sha256": "abc"}, "sha256"),
        ({"size_bytes": -1}, "size_bytes"),
        ({"bands": ["b"] * 13, "mean": [0.5] * 13, "std": [0.5] * 13}, "bands"),
    ],
)
def test_the_field_that_is_absurd_is_named(write, fields, named):
    assert f'"{named}"' in refusal_of(write(**fields)).message


def test_a_card_keeps_the_keys_of_its_files_and_reads_the_fields_names_too(tmp_path):
    card = find_card("starter")
    content = card.to_json()
    old = {"looks_mirrored": card.uses_tta, "has_seen_roofs": card.is_finetuned}
    old_recipe = {"averaging": card.recipe.ema_decay, "samples_per_epoch": card.recipe.crops_per_epoch}
    assert content.items() >= old.items()
    assert content["recipe"].items() >= old_recipe.items()
    recipe = {name: value for name, value in content["recipe"].items() if name not in old_recipe}
    recipe |= {"ema_decay": card.recipe.ema_decay, "crops_per_epoch": card.recipe.crops_per_epoch}
    new = {name: value for name, value in content.items() if name not in old}
    new |= {"uses_tta": card.uses_tta, "is_finetuned": card.is_finetuned, "recipe": recipe}
    (tmp_path / "card.json").write_text(json.dumps(new), "utf-8")
    assert load_card(tmp_path / "card.json") == card
