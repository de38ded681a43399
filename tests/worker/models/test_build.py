"""Networks of any decoder over any encoder: what is built reads the card's bands and learns."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from plugin.core.card import OUTPUTS, Card, Recipe
from plugin.core.errors import InputError, RunError
from plugin.core.model_specs import DECODERS
from plugin.worker.models.build import build_network
from plugin.worker.training.learner import Learner, Plan
from plugin.worker.training.sampler import Sample

RECIPE = Recipe(learning_rate=1e-3, tile_px=64)
SMALL = Card("small", "Small", "", "tu-test_resnet", "none", RECIPE, bands=("red", "green", "blue"))
PLAN = Plan(epochs=1, steps=1, batch_size=2, learning_rate=1e-3, weight_decay=0.0, seed=0, ema_decay=0.9)
CPU = torch.device("cpu")


def name_bands(count):
    return tuple(f"band {number}" for number in range(1, count + 1))


def make_samples(card, count=2, side=64):
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(count, len(card.bands), side, side, generator=generator)
    truth = (values.mean(dim=1, keepdim=True) > 0).float().expand(-1, len(card.outputs), -1, -1)
    return [Sample(each, true, torch.ones(1, side, side)) for each, true in zip(values, truth, strict=True)]


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize(("bands", "outputs"), [(1, OUTPUTS), (3, OUTPUTS[:1]), (12, OUTPUTS)])
def test_every_decoder_gives_the_cards_outputs_for_the_cards_bands_at_the_size_of_the_input(decoder, bands, outputs):
    card = replace(SMALL, architecture=decoder, bands=name_bands(bands), outputs=outputs)
    with torch.inference_mode():
        logits = build_network(card).eval()(torch.zeros(1, bands, 64, 96))
    assert logits.shape == (1, len(outputs), 64, 96)


@pytest.mark.parametrize("decoder", [*DECODERS, "xdxd_unet"])
def test_one_step_of_learning_moves_encoder_and_rest(decoder):
    card = replace(SMALL, architecture=decoder, encoder="vgg16" if decoder == "xdxd_unet" else SMALL.encoder)
    learner = Learner(build_network(card), CPU, PLAN)
    before = {name: value.clone() for name, value in learner.network.named_parameters()}
    assert learner.take_step(make_samples(card)) > 0
    moved = {name for name, value in learner.network.named_parameters() if not torch.equal(value, before[name])}
    assert {"encoder", "decoder"} <= {name.partition(".")[0].replace("dec1", "decoder") for name in moved}
    assert all(torch.isfinite(value).all() for value in learner.network.parameters())


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_batch_of_one_can_be_learnt_from(decoder):
    """DeepLabV3+ and UPerNet bring a crop to one pixel, whose spread no norm can measure in a batch of one."""
    card = replace(SMALL, architecture=decoder)
    assert Learner(build_network(card), CPU, replace(PLAN, batch_size=1)).take_step(make_samples(card, 1)) > 0


def test_norms_that_are_steady_change_nothing_where_there_is_a_spread():
    network = build_network(replace(SMALL, architecture="upernet")).train()
    steady = next(module for module in network.decoder.modules() if type(module).__name__ == "_SteadyNorm")
    plain = nn.BatchNorm2d(steady.num_features)
    values = torch.randn(2, steady.num_features, 3, 3)
    assert torch.equal(steady(values), plain(values))
    assert torch.equal(steady.running_mean, plain.running_mean)


def test_a_single_crop_that_shrinks_to_one_pixel_in_the_encoder_is_refused_in_a_sentence():
    card = replace(SMALL, recipe=replace(RECIPE, tile_px=32))
    learner = Learner(build_network(card), CPU, replace(PLAN, batch_size=1))
    with pytest.raises(RunError, match="One crop of 32 px") as caught:
        learner.take_step(make_samples(card, 1, side=32))
    assert "batch size of 2" in caught.value.hint


def test_transformers_made_for_one_size_of_image_read_any():
    card = replace(SMALL, encoder="tu-swin_tiny_patch4_window7_224")
    with torch.inference_mode():
        assert build_network(card).eval()(torch.zeros(1, 3, 96, 64)).shape == (1, 1, 96, 64)


@pytest.mark.parametrize(("encoder", "near"), [("resnet43", "resnet34"), ("resnet18d", "resnet18")])
def test_an_encoder_that_does_not_exist_is_refused_with_near_names(encoder, near):
    with pytest.raises(InputError, match=f'no encoder "{encoder}"') as caught:
        build_network(replace(SMALL, encoder=encoder))
    assert near in caught.value.hint


def test_an_architecture_that_does_not_exist_is_refused_with_near_names():
    with pytest.raises(InputError, match='no architecture "unett"') as caught:
        build_network(replace(SMALL, architecture="unett"))
    assert '"unet"' in caught.value.hint


@pytest.mark.parametrize(
    ("architecture", "encoder"),
    [
        ("unetplusplus", "mit_b0"),  # smp says so itself
        ("deeplabv3plus", "vgg11"),  # smp cannot dilate it
        ("deeplabv3plus", "tu-swin_tiny_patch4_window7_224"),  # timm cannot
        ("unet", "tu-test_vit"),  # its stages do not halve the image
        ("xdxd_unet", "resnet34"),  # nobody published it
    ],
)
def test_a_decoder_and_an_encoder_that_do_not_go_together_are_refused(architecture, encoder):
    with pytest.raises(InputError, match="cannot be built") as caught:
        build_network(replace(SMALL, architecture=architecture, encoder=encoder))
    assert caught.value.hint


def test_an_encoder_for_one_size_of_image_only_is_refused_before_anything_is_learnt():
    with pytest.raises(InputError, match="cannot read 64 x 64 px"):
        build_network(replace(SMALL, encoder="tu-test_maxvit"))
