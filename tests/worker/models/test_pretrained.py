"""Encoders' published weights: where they lie is known without a network, and files of them fit any number of bands."""

from __future__ import annotations

from dataclasses import replace

import pytest
import segmentation_models_pytorch as smp
import timm
import torch
from safetensors.torch import save_file

from plugin.core.card import Card, Recipe
from plugin.core.errors import InputError
from plugin.core.model_specs import fit_bands, make_start
from plugin.worker.models.networks import load_network
from plugin.worker.models.pretrained import adopt_statistics, locate_pretrained, pretrained_path

RECIPE = Recipe(learning_rate=1e-3, tile_px=64)
SMP = Card("unet:resnet18:imagenet", "", "", "resnet18", "pretrained:imagenet", RECIPE)
TIMM = replace(SMP, name="unet:tu-test_resnet:r160_in1k", encoder="tu-test_resnet", weights="pretrained:r160_in1k")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of its own, where nothing was fetched yet."""
    monkeypatch.setenv("FOOTPRINT_TUNER_HOME", str(tmp_path))
    return tmp_path


def publish(card, state):
    """Put a file where the card's would lie once it is fetched, and return its path."""
    path = pretrained_path(card)
    path.parent.mkdir(parents=True)
    save_file({name: value.contiguous() for name, value in state.items()}, path)
    return path


def name_bands(card, count):
    return replace(card, bands=tuple(f"band {number}" for number in range(count)))


def test_smps_own_encoders_lie_at_a_revision_that_is_written_down():
    address, name = locate_pretrained(SMP)
    settings = smp.encoders.encoders["resnet18"]["pretrained_settings"]["imagenet"]
    assert address == f"https://huggingface.co/smp-hub/resnet18.imagenet/resolve/{settings['revision']}/{name}"
    assert name == "model.safetensors"


def test_timms_lie_in_its_hub_under_their_tag():
    card = replace(SMP, encoder="tu-convnext_tiny", weights="pretrained:fb_in22k")
    address = "https://huggingface.co/timm/convnext_tiny.fb_in22k/resolve/main/model.safetensors"
    assert locate_pretrained(card) == (address, "model.safetensors")


def test_each_encoder_and_tag_has_a_folder_of_its_own(home):
    assert pretrained_path(SMP) == home / "models" / "encoders" / "resnet18.imagenet" / "model.safetensors"
    assert pretrained_path(TIMM).parent.name == "tu-test_resnet.r160_in1k"


@pytest.mark.parametrize("card", [replace(SMP, weights="pretrained:nope"), replace(TIMM, weights="pretrained:nope")])
def test_weights_that_nobody_published_are_refused(card):
    with pytest.raises(InputError, match='no published weights "nope"') as caught:
        locate_pretrained(card)
    assert "encoders" in caught.value.hint


@pytest.mark.parametrize("card", [SMP, TIMM])
def test_weights_that_are_not_fetched_yet_say_how_to_fetch_them(card):
    with pytest.raises(InputError, match="not fetched yet") as caught:
        load_network(card)
    assert f"fetch {card.name}" in caught.value.hint


@pytest.mark.parametrize("count", [1, 3, 4, 12])
def test_weights_of_smps_encoder_are_spread_over_any_number_of_bands(count):
    """Each band takes a kernel of red, green or blue in turn; their sum stays what it was."""
    donor = smp.encoders.get_encoder("resnet18", weights=None)
    classifier = {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    publish(SMP, {**donor.state_dict(), **classifier})
    encoder = load_network(name_bands(SMP, count)).encoder
    assert torch.equal(encoder.layer3[1].conv2.weight, donor.layer3[1].conv2.weight)
    if count == 1:
        expected = donor.conv1.weight.sum(dim=1, keepdim=True)
    else:
        expected = donor.conv1.weight[:, [index % 3 for index in range(count)]] * (3 / count)
    assert torch.allclose(encoder.conv1.weight, expected, atol=1e-6)


@pytest.mark.parametrize("count", [1, 3, 4, 12])
@pytest.mark.parametrize("decoder", ["unet", "deeplabv3plus"])
def test_weights_of_timms_encoder_are_spread_over_any_number_of_bands_and_its_classifier_is_left_out(count, decoder):
    donor = timm.create_model("test_resnet")
    assert any(name.startswith("fc.") for name in donor.state_dict())
    publish(TIMM, donor.state_dict())
    encoder = load_network(replace(name_bands(TIMM, count), architecture=decoder)).encoder
    assert torch.equal(encoder.model.layer3[0].conv2.weight, donor.layer3[0].conv2.weight)
    first = donor.conv1[0].weight
    taken = first.sum(dim=1, keepdim=True) if count == 1 else first[:, [index % 3 for index in range(count)]]
    scale = 1 if count == 1 else 3 / count
    assert torch.allclose(encoder.model.conv1[0].weight, taken * scale, atol=1e-6)


@pytest.mark.parametrize("encoder", ["tu-test_convnext", "tu-test_efficientnet", "tu-test_nfnet", "tu-test_byobnet"])
def test_weights_of_other_families_of_timm_are_taken_too(encoder):
    name = encoder.removeprefix("tu-")
    card = replace(TIMM, encoder=encoder, weights=f"pretrained:{timm.get_pretrained_cfg(name).tag}")
    donor = timm.create_model(name)
    publish(card, donor.state_dict())
    given = {value.detach().numpy().tobytes() for value in donor.parameters()}
    kernels = [value.detach().numpy() for value in load_network(card).encoder.parameters() if value.ndim > 1]
    assert sum(kernel.tobytes() in given for kernel in kernels) >= 0.9 * len(kernels)


@pytest.mark.parametrize(
    ("card", "other"), [(SMP, "test_resnet"), (TIMM, "test_efficientnet"), (TIMM, "test_convnext")]
)
def test_weights_of_another_encoder_are_refused_though_timm_would_pass_over_them(card, other):
    publish(card, timm.create_model(other).state_dict())
    with pytest.raises(InputError, match=r"not those of the encoder|belong to another network"):
        load_network(card)


@pytest.mark.parametrize("card", [SMP, TIMM])
@pytest.mark.parametrize("content", [b"", b"<html>Please log in</html>", b'\x10\0\0\0\0\0\0\0{"a"'])
def test_a_file_that_holds_no_weights_is_refused(card, content):
    path = pretrained_path(card)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be used") as caught:
        load_network(card)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "mean"),
    [
        ("unet:resnet34:imagenet", (0.485, 0.456, 0.406)),
        ("unet:tu-tf_efficientnet_lite0:in1k", (0.5, 0.5, 0.5)),
        ("unet:resnet34:none", (0.485, 0.456, 0.406)),
    ],
)
def test_a_start_reads_values_as_its_encoders_weights_were_trained_with(name, mean):
    assert adopt_statistics(make_start(name)).mean == pytest.approx(mean)


def test_further_bands_repeat_the_first_three():
    card = adopt_statistics(fit_bands(make_start("unet:resnet34:imagenet"), range(1, 6)))
    assert card.mean == pytest.approx((0.485, 0.456, 0.406, 0.485, 0.456))
