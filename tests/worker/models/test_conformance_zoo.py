"""The four SpaceNet-4 networks of Solaris against its key lists and its outputs, on weights filled by the golden rule.

The reference lies beside the project, in ../shared/conformance; where it is absent these tests are skipped, and
test_spacenet4.py holds what can be said without it. Nothing was recorded for DenseNet-161's outputs.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from plugin.worker.models.spacenet4 import build_spacenet4
from tests.conftest import ROOT
from tests.worker.golden_weights import fill_weights, hash_weights, make_input

REFERENCE = ROOT.parent / "shared" / "conformance"
pytestmark = pytest.mark.skipif(
    not (REFERENCE / "zoo").exists(), reason="the reference (../shared/conformance/zoo) is not here"
)
MODELS = {
    "xdxd_spacenet4": ("xdxd_unet", "vgg16"),
    "selimsef_spacenet4_resnet34unet": ("selimsef_unet", "resnet34"),
    "selimsef_spacenet4_densenet121unet": ("selimsef_unet", "densenet121"),
    "selimsef_spacenet4_densenet161unet": ("selimsef_unet", "densenet161"),
}
INPUTS = {"y_1x64x64": (1_000_003, 1, 64, 64), "y_2x64x128": (1_000_033, 2, 64, 128)}
TOLERANCE = 1e-4


def read(*names):
    return json.loads(REFERENCE.joinpath(*names).read_text("utf-8"))


def read_keys(model):
    return read("zoo", f"{model}.state_dict.json")


def build(model):
    keys = read_keys(model)
    return build_spacenet4(*MODELS[model], bands=keys["in_channels"], outputs=keys["out_channels"]).eval()


def load(model):
    """Return the network with weights by the rule, which are those that the reference was filled with."""
    keys, network = read_keys(model), build(model)
    state = fill_weights({name: shape for name, (shape, _) in keys["keys"].items()}, keys["alias_of"])
    assert hash_weights(state) == read("golden", "checksums.json")[model]["weights_sha256"]
    network.load_state_dict(state)
    return network


@pytest.mark.parametrize("model", MODELS)
def test_keys_their_order_their_shapes_and_their_kinds_are_those_of_the_list(model):
    ours = [(name, list(value.shape), str(value.dtype)) for name, value in build(model).state_dict().items()]
    assert ours == [(name, shape, f"torch.{kind}") for name, (shape, kind) in read_keys(model)["keys"].items()]


@pytest.mark.parametrize("model", MODELS)
def test_two_names_of_one_kernel_are_the_very_same_tensor_and_no_others_are(model):
    owners = {}
    found = {}
    for name, value in sorted(build(model).state_dict().items()):
        if owners.setdefault(value.data_ptr(), name) != name:
            found[name] = owners[value.data_ptr()]
    assert found == read_keys(model)["alias_of"]


@pytest.mark.parametrize("model", [model for model in MODELS if "densenet161" not in model])
def test_outputs_are_those_of_solaris(model, record_property):
    network = load(model)
    expected = np.load(REFERENCE / "golden" / f"{model}.npz")
    worst = 0.0
    for name, (key, count, height, width) in INPUTS.items():
        values = make_input(key, (count, read_keys(model)["in_channels"], height, width))
        with torch.inference_mode():
            found = network(values).numpy()
        assert found.shape == expected[name].shape
        worst = max(worst, float(np.abs(found - expected[name]).max() / np.abs(expected[name]).max()))
    record_property("worst_relative_difference", worst)
    print(f"{model}: worst relative difference {worst:.1e}")
    assert worst < TOLERANCE


def test_densenet161_filled_by_the_rule_gives_finite_logits_of_the_inputs_size():
    network = load("selimsef_spacenet4_densenet161unet")
    with torch.inference_mode():
        found = network(make_input(1_000_033, (2, 4, 64, 128)))
    assert found.shape == (2, 3, 64, 128)
    assert torch.isfinite(found).all()
