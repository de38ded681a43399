"""A file of weights without a card becomes a base model; what is wrong with it is said in a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import load_file, save_file

from plugin.core.card import Seeds
from plugin.core.errors import InputError
from plugin.core.models import find_card, load_card
from plugin.worker.models.identify import IdentifiedModel, guess_architecture
from plugin.worker.models.import_weights import ImportAnswers, adopt_model, guess_model
from plugin.worker.models.networks import load_network
from plugin.worker.models.spacenet4 import build_spacenet4
from plugin.worker.runtime.hashing import hash_file
from tests.conftest import ROOT
from tests.worker.spawn import BOUND_S


def make_network(architecture, encoder, bands, outputs):
    torch.manual_seed(4)
    if architecture in ("xdxd_unet", "selimsef_unet"):
        return build_spacenet4(architecture, encoder, bands, outputs).eval()
    return smp.create_model(architecture, encoder, None, in_channels=bands, classes=outputs).eval()


@pytest.fixture
def write_weights(tmp_path):
    """Return a function that writes a network's state dict as torch.save does, and returns its path."""

    def write(network, name="mine.pth", wrap=lambda tensors: tensors):
        path = tmp_path / name
        tensors = wrap(network.state_dict())
        if path.suffix == ".safetensors":
            save_file(tensors, path)
        else:
            torch.save(tensors, path)
        return path

    return write


@pytest.fixture(scope="module")
def unet():
    """A U-Net over ResNet-18 with three bands and one output, its weights at random."""
    return make_network("unet", "resnet18", 3, 1)


def shapes_of(network):
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


def refusal_of(do, *arguments, **fields):
    with pytest.raises(InputError) as caught:
        do(*arguments, **fields)
    assert caught.value.hint
    return caught.value


# -- which network it is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "network",
    [
        ("unet", "resnet18", 3, 1),
        ("fpn", "mobilenet_v2", 4, 3),
        ("unetplusplus", "resnet34", 8, 1),
        ("deeplabv3plus", "efficientnet-b0", 3, 2),
        ("segformer", "mit_b0", 1, 3),
        ("unet", "tu-tf_efficientnet_lite0", 5, 3),
        ("linknet", "resnet18", 3, 1),
        ("xdxd_unet", "vgg16", 3, 1),
        ("xdxd_unet", "vgg16", 4, 3),
        ("selimsef_unet", "resnet34", 4, 3),
        ("selimsef_unet", "densenet121", 8, 1),
    ],
)
def test_a_network_is_found_by_its_tensors_alone(network):
    assert guess_architecture(shapes_of(make_network(*network))) == IdentifiedModel(*network)


def test_counters_that_old_files_lack_are_not_missed(unet):
    shapes = {name: shape for name, shape in shapes_of(unet).items() if not name.endswith("num_batches_tracked")}
    assert guess_architecture(shapes) == IdentifiedModel("unet", "resnet18", 3, 1)


def test_what_is_known_already_is_not_looked_for():
    shapes = shapes_of(make_network("unet", "tu-ghostnet_050", 3, 1))
    assert "no network that is known" in refusal_of(guess_architecture, shapes).message
    assert guess_architecture(shapes, encoder="tu-ghostnet_050") == IdentifiedModel("unet", "tu-ghostnet_050", 3, 1)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("fpn", "resnet18"), "not those of fpn over resnet18"),
        (("unet", "resnet34"), "not those of unet over resnet34"),
        (("fpn", ""), "not those of fpn over resnet18"),
        (("unet", "no-such-encoder"), "cannot be built"),
    ],
)
def test_weights_of_another_network_than_the_one_that_is_named_are_refused(unet, asked, said):
    assert said in refusal_of(guess_architecture, shapes_of(unet), *asked).message


def test_a_decoder_with_options_of_its_own_is_refused_by_its_encoders_name():
    network = smp.Unet("resnet18", encoder_weights=None, decoder_attention_type="scse")
    error = refusal_of(guess_architecture, shapes_of(network))
    assert "have the encoder resnet18, but a decoder that is not known" in error.message


def test_tensors_of_something_else_are_refused_with_their_names():
    error = refusal_of(guess_architecture, {"backbone.0.weight": (8, 3, 3, 3), "head.bias": (1,)})
    assert "backbone.0.weight, head.bias" in error.message


# -- its card ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mine.pth", "mine.pt", "mine.safetensors"])
def test_a_file_becomes_a_base_model_that_says_what_the_network_said(unet, write_weights, tmp_path, name):
    path = write_weights(unet, name)
    before = hash_file(path)
    adopt_model(path, tmp_path / "adopted.json", ImportAnswers())
    assert hash_file(path) == before
    card = load_card(tmp_path / "adopted.json")
    assert (card.name, card.architecture, card.encoder) == ("adopted", "unet", "resnet18")
    assert (card.bands, card.outputs, card.seeds) == (("red", "green", "blue"), ("footprint",), None)
    assert card.sha256 == hash_file(tmp_path / "adopted.safetensors")
    values = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(load_network(card).eval()(values), unet(values), atol=1e-4)
    assert {path.name for path in tmp_path.iterdir()} == {name, "adopted.json", "adopted.safetensors"}


def test_a_checkpoint_of_a_wrapped_network_is_unwrapped(unet, write_weights, tmp_path):
    path = write_weights(unet, wrap=lambda tensors: {"state_dict": {f"module.{n}": t for n, t in tensors.items()}})
    adopt_model(path, tmp_path / "adopted.json", ImportAnswers())
    assert load_file(tmp_path / "adopted.safetensors").keys() == unet.state_dict().keys()


def test_what_was_answered_stands_in_the_card(write_weights, tmp_path):
    path = write_weights(make_network("unet", "resnet18", 4, 3))
    answers = ImportAnswers(
        bands=("blue", "green", "red", "nir"),
        mean=(400, 600, 700, 1300),
        std=(300, 300, 300, 300),
        value_range=(0, 2000),
        gsd_m=(0.3,),
        licence="CC BY 4.0",
        title="Mine",
    )
    adopt_model(path, tmp_path / "adopted.json", answers)
    card = load_card(tmp_path / "adopted.json")
    assert (card.bands, card.licence, card.title) == (answers.bands, "CC BY 4.0", "Mine")
    assert card.mean == pytest.approx((0.2, 0.3, 0.35, 0.65))
    assert card.std == pytest.approx((0.15,) * 4)
    assert (card.adaptation, card.value_range) == ("moments", (0, 2000))
    assert (card.gsd_m, card.working_gsd_m) == ((0.3,), 0.3)
    assert (len(card.outputs), card.seeds) == (3, Seeds())


def test_statistics_in_bytes_become_shares_of_eight_bits(unet, write_weights, tmp_path):
    answers = ImportAnswers(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), value_range=(0, 255))
    card = adopt_model(write_weights(unet), tmp_path / "adopted.json", answers)
    assert card.mean == pytest.approx((0.485, 0.456, 0.406))
    assert card.std == pytest.approx((0.229, 0.224, 0.225))
    assert card.adaptation == "stretch"


def test_one_stretch_serves_every_band_and_two_scales_are_a_range(unet, write_weights, tmp_path):
    answers = ImportAnswers(stretch=((0, 2000),), gsd_m=(0.3, 0.6))
    card = adopt_model(write_weights(unet), tmp_path / "adopted.json", answers)
    assert card.stretch == ((0, 2000),) * 3
    assert (card.gsd_m, card.working_gsd_m) == ((0.3, 0.6), None)


def test_what_was_not_told_is_said(unet, write_weights, tmp_path):
    card = adopt_model(write_weights(unet), tmp_path / "adopted.json", ImportAnswers())
    assert "were not given" in card.limits
    assert card.licence == "Not given."


@pytest.mark.parametrize("order", [(), ("red", "green", "blue")])
def test_weights_of_a_spacenet_4_network_take_what_its_published_card_knows(write_weights, tmp_path, order):
    path = write_weights(make_network("xdxd_unet", "vgg16", 3, 1))
    card, known = adopt_model(path, tmp_path / "adopted.json", ImportAnswers(bands=order)), find_card("xdxd_spacenet4")
    assert card.bands == (order or known.bands)
    assert dict(zip(card.bands, card.mean, strict=True)) == dict(zip(known.bands, known.mean, strict=True))
    assert (card.value_range, card.adaptation, card.recipe) == (known.value_range, known.adaptation, known.recipe)
    assert (card.source, card.size_bytes) == ("", 0)
    load_network(load_card(tmp_path / "adopted.json"))


# -- what is refused --------------------------------------------------------------------------------------------------


def test_a_wrong_number_of_bands_is_said_in_a_sentence(write_weights, tmp_path):
    path = write_weights(make_network("unet", "resnet18", 4, 1))
    error = refusal_of(adopt_model, path, tmp_path / "a.json", ImportAnswers(bands=("red", "green", "blue")))
    assert error.message == "The weights read 4 bands, 3 are named (red, green, blue)."


def test_bands_that_nobody_can_guess_are_asked_for(write_weights, tmp_path):
    path = write_weights(make_network("unet", "resnet18", 8, 1))
    error = refusal_of(adopt_model, path, tmp_path / "a.json", ImportAnswers())
    assert error.message == "The weights read 8 bands."
    assert "--bands" in error.hint


@pytest.mark.parametrize(
    ("outputs", "named", "said"),
    [(2, (), "give 2 outputs."), (3, ("footprint",), "give 3 outputs, 1 are named."), (1, ("roof",), "1 are named")],
)
def test_outputs_that_are_no_footprints_are_refused(write_weights, tmp_path, outputs, named, said):
    path = write_weights(make_network("unet", "resnet18", 3, outputs))
    error = refusal_of(adopt_model, path, tmp_path / "a.json", ImportAnswers(outputs=named))
    assert said in error.message
    assert "footprint, boundary, contact" in error.hint


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (ImportAnswers(mean=(0.5,), std=(0.2,)), "1 numbers are given as mean; the weights read 3 bands."),
        (ImportAnswers(mean=(120, 110, 100), std=(50, 50, 50)), "A mean of 120 is not between 0 and 1"),
        (ImportAnswers(std=(0.2, 0.0, 0.2)), '"std" must hold numbers above 0.'),
        (ImportAnswers(stretch=((0, 1), (0, 1))), '"stretch" must be empty or hold 3 pairs'),
        (ImportAnswers(gsd_m=(-1.0,)), '"gsd_m" must hold numbers above 0.'),
        (ImportAnswers(architecture="fpn"), "not those of fpn over resnet18"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_and_nothing_is_written(unet, write_weights, tmp_path, answers, said):
    path = write_weights(unet)
    assert said in refusal_of(adopt_model, path, tmp_path / "a.json", answers).message
    assert [path.name for path in tmp_path.iterdir()] == ["mine.pth"]


def test_nothing_is_overwritten(unet, write_weights, tmp_path):
    path = write_weights(unet, "mine.safetensors")
    before = hash_file(path)
    assert "is an input" in refusal_of(adopt_model, path, tmp_path / "mine.json", ImportAnswers()).message
    (tmp_path / "other.json").write_text("{}")
    assert "is there already" in refusal_of(adopt_model, path, tmp_path / "other.json", ImportAnswers()).message
    assert hash_file(path) == before


def test_a_card_is_called_json_and_has_a_folder(unet, write_weights, tmp_path):
    path = write_weights(unet)
    for name in ("mine.safetensors", "model.v2", "model"):
        error = refusal_of(adopt_model, path, tmp_path / name, ImportAnswers())
        assert ".json" in error.hint
        assert not (tmp_path / name).exists()
    error = refusal_of(adopt_model, path, tmp_path / "none" / "a.json", ImportAnswers())
    assert (error.message.endswith("is not there."), error.hint) == (True, "Make it first.")


def test_weights_that_nobody_named_are_replaced_only_with_their_own_card(unet, write_weights, tmp_path):
    path, weights = write_weights(unet), tmp_path / "model.safetensors"
    weights.write_bytes(b"somebody else's")

    def adopt():
        return adopt_model(path, tmp_path / "model.json", ImportAnswers(), may_replace=True)

    assert "model.safetensors is there" in refusal_of(adopt).message
    assert weights.read_bytes() == b"somebody else's"
    weights.unlink()
    adopt()
    assert adopt().sha256


def test_weights_that_went_astray_in_training_are_refused(unet, write_weights, tmp_path):
    def spoil(tensors):
        return {**tensors, "segmentation_head.0.bias": torch.tensor([float("nan")])}

    path = write_weights(unet, wrap=spoil)
    assert "segmentation_head.0.bias" in refusal_of(adopt_model, path, tmp_path / "a.json", ImportAnswers()).message


def test_a_whole_pickled_module_is_refused_unopened(unet, tmp_path):
    torch.save(unet, tmp_path / "module.pth")
    error = refusal_of(guess_model, tmp_path / "module.pth")
    assert "state_dict" in error.hint


# -- the command ------------------------------------------------------------------------------------------------------


def run(*arguments):
    command = [sys.executable, "-m", "plugin.worker", "adopt", *map(str, arguments)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BOUND_S
    )


def test_the_command_guesses_as_json(unet, write_weights):
    done = run(write_weights(unet), "--guess")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"architecture": "unet", "encoder": "resnet18", "bands": 3, "outputs": 1}


def test_the_command_writes_a_card_with_every_answer(unet, write_weights, tmp_path):
    told = ["--bands", "blue,green,red", "--mean", "0.1,0.2,0.3", "--std", "0.1,0.1,0.1", "--value-range", "0,2047"]
    told += ["--stretch", "0,2000;0,2100;0,1900", "--gsd-m", "0.5", "--licence", "ours", "--title", "Ours"]
    told += ["--architecture", "unet", "--encoder", "resnet18", "--outputs", "footprint"]
    done = run(write_weights(unet), "--out", tmp_path / "ours.json", *told)
    assert done.returncode == 0, done.stderr
    card = load_card(tmp_path / "ours.json")
    assert (card.bands, card.mean, card.std) == (("blue", "green", "red"), (0.1, 0.2, 0.3), (0.1, 0.1, 0.1))
    assert (card.value_range, card.stretch) == ((0, 2047), ((0, 2000), (0, 2100), (0, 1900)))
    assert (card.working_gsd_m, card.licence, card.title) == (0.5, "ours", "Ours")


@pytest.mark.parametrize("arguments", [(), ("--value-range", "5,5"), ("--mean", "a,b"), ("--guess",)])
def test_wrong_usage_exits_with_two(arguments):
    done = run("mine.pth", *arguments, "--out", "a.json") if arguments else run("mine.pth")
    assert done.returncode == 2
    assert "usage:" in done.stderr
