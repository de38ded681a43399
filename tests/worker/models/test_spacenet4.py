"""The SpaceNet-4 networks, as far as they can be told without the reference."""

from __future__ import annotations

import copy

import pytest
import torch

from plugin.worker.models.spacenet4 import ARCHITECTURES, build_spacenet4

PAIRS = [(architecture, encoder) for architecture, encoders in ARCHITECTURES.items() for encoder in encoders]
#: Parameters of the published networks: XD_XD's of 3 bands and 1 output, selim_sef's of 4 and 3.
PUBLISHED = {"vgg16": (3, 1, 29_306_465), "resnet34": (4, 3, 29_953_027)}
PUBLISHED |= {"densenet121": (4, 3, 15_547_971), "densenet161": (4, 3, 41_058_083)}


def build_bare(architecture, encoder, bands, outputs):
    """Return the network without memory for its weights."""
    with torch.device("meta"):
        return build_spacenet4(architecture, encoder, bands, outputs)


@pytest.mark.parametrize(("architecture", "encoder"), PAIRS)
def test_there_are_as_many_parameters_as_were_published(architecture, encoder):
    bands, outputs, count = PUBLISHED[encoder]
    network = build_bare(architecture, encoder, bands, outputs)
    assert sum(each.numel() for each in network.parameters()) == count


@pytest.mark.parametrize(("architecture", "encoder"), PAIRS)
@pytest.mark.parametrize(("bands", "outputs"), [(1, 3), (12, 1)])
def test_any_bands_and_outputs_at_any_multiple_of_32(architecture, encoder, bands, outputs):
    network = build_bare(architecture, encoder, bands, outputs)
    assert network(torch.empty(2, bands, 32, 96, device="meta")).shape == (2, outputs, 32, 96)


@pytest.mark.parametrize(("architecture", "encoder"), PAIRS)
def test_the_encoder_can_be_told_from_the_rest_and_adds_no_name(architecture, encoder):
    network = build_bare(architecture, encoder, 3, 1)
    inside = {id(each) for each in network.encoder.parameters()}
    names = [name for name, each in network.named_parameters(remove_duplicate=False) if id(each) in inside]
    assert {name.partition(".")[0] for name in names} == (
        {"encoder", "conv1", "conv2", "conv3", "conv4", "conv5"} if encoder == "vgg16" else {"encoder_stages"}
    )


def test_a_copy_of_xdxds_network_still_has_one_kernel_under_two_names():
    """What is averaged while tuning is a copy: were its names parted, one of them would never learn."""
    network = copy.deepcopy(build_bare("xdxd_unet", "vgg16", 3, 1))
    assert network.encoder[0].weight is network.conv1[0].weight


def test_an_encoder_that_nothing_was_published_with_is_refused():
    with pytest.raises(KeyError, match="densenet161"):
        build_spacenet4("selimsef_unet", "vgg16", 3, 1)
