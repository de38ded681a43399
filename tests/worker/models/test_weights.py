"""Reading weights: whatever a file holds, nothing of it is run, and what does not fit is named."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from plugin.core.card import Card, Recipe
from plugin.core.errors import InputError
from plugin.worker.models.networks import build_network, load_network, save_network
from plugin.worker.models.spacenet4 import build_spacenet4
from plugin.worker.models.weights import fit_tensors, list_aliases, read_tensors

RECIPE = Recipe(learning_rate=1e-4, tile_px=64)
SMALL = Card("small", "Small", "", "tu-test_resnet", "none", RECIPE, bands=("red", "green", "blue"))


class Trap:
    """What is run where a pickle is opened without care."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.fixture(scope="module")
def network():
    return build_network(SMALL)


@pytest.fixture(scope="module")
def xdxd():
    """XD_XD's network and its card."""
    card = replace(SMALL, architecture="xdxd_unet", encoder="vgg16")
    return build_network(card), card


def load(card, path):
    return load_network(replace(card, weights=path.name, folder=str(path.parent)))


def save(content, path):
    torch.save(content, path)
    return path


def are_equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"epoch": 3, "state_dict": state, "optimizer": {"lr": 0.1}},
        lambda state: {"model_state_dict": {f"module.{name}": value for name, value in state.items()}},
        lambda state: {"model": {"state_dict": {f"_orig_mod.{name}": value for name, value in state.items()}}},
        lambda state: {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")},
    ],
    ids=["plain", "checkpoint", "in parallel", "nested and compiled", "of an old PyTorch"],
)
@pytest.mark.parametrize("is_zip", [True, False])
def test_a_state_dict_is_loaded_in_whatever_way_it_was_wrapped(network, tmp_path, wrap, is_zip):
    path = tmp_path / "model.pth"
    torch.save(wrap(dict(network.state_dict())), path, _use_new_zipfile_serialization=is_zip)
    assert are_equal(load(SMALL, path).state_dict(), network.state_dict())


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_pickled_module_is_not_opened_and_how_to_convert_it_is_said(network, tmp_path, is_zip):
    torch.save(network, tmp_path / "model.pth", _use_new_zipfile_serialization=is_zip)
    with pytest.raises(InputError, match=r"holds more than weights .*not opened") as caught:
        load(SMALL, tmp_path / "model.pth")
    assert "torch.save(model.state_dict()" in caught.value.hint


@pytest.mark.parametrize("write", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_code_in_a_file_is_never_run(tmp_path, write):
    write({"weight": torch.zeros(2), "trap": Trap(tmp_path / "sprung")}, tmp_path / "model.pth")
    with pytest.raises(InputError, match="cannot be used"):
        read_tensors(tmp_path / "model.pth")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is empty"),
        (b"\n<!DOCTYPE html><html>Sign in</html>", "it is a web page"),
        (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "it is a web page"),
        (b"\x80\x02pickle", "neither a safetensors file nor one of torch.save"),
        (b"Not found", "neither a safetensors file nor one of torch.save"),
    ],
)
@pytest.mark.parametrize("name", ["model.safetensors", "model.pth"])
def test_a_file_of_something_else_is_named_as_what_it_is(tmp_path, content, sentence, name):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=sentence) as caught:
        read_tensors(tmp_path / name)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["model.safetensors", "model.pth", "old.pth"])
@pytest.mark.parametrize("share", [0.3, 0.99])
def test_a_file_that_was_cut_off_is_refused(network, tmp_path, name, share):
    path = tmp_path / name
    if path.suffix == ".pth":
        torch.save(network.state_dict(), path, _use_new_zipfile_serialization=name != "old.pth")
    else:
        save_network(network, path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match="damaged, or only a part of it"):
        read_tensors(path)


@pytest.mark.parametrize("content", [[1, 2], 3, {"epoch": 1}, {"state_dict": {"epoch": 1}}])
def test_a_file_without_tensors_is_refused(tmp_path, content):
    with pytest.raises(InputError, match="holds no tensors"):
        read_tensors(save(content, tmp_path / "model.pt"))


def test_another_network_is_told_by_its_keys(network, tmp_path):
    state = dict(network.state_dict())
    first, second, *_ = state
    state["something.new"] = state.pop(first)
    state[second] = torch.zeros(3, 3)
    with pytest.raises(InputError) as caught:
        fit_tensors(network, state, tmp_path / "model.pth")
    assert f"1 key missing ({first})" in caught.value.message
    assert "1 key unexpected (something.new)" in caught.value.message
    assert f"1 key of another shape ({second} (3, 3) instead of" in caught.value.message


def test_long_lists_of_keys_are_counted_and_cut_short(network, tmp_path):
    count = sum(not name.endswith("num_batches_tracked") for name in network.state_dict())
    with pytest.raises(InputError, match=rf"{count} keys missing \(\S+, \S+, \S+, \.\.\.\)"):
        fit_tensors(network, {"weight": torch.zeros(1)}, tmp_path / "model.pth")


@pytest.mark.parametrize(
    ("architecture", "encoder"),
    [("xdxd_unet", "vgg16"), ("selimsef_unet", "resnet34"), ("selimsef_unet", "densenet121")],
)
def test_a_known_architectures_weights_are_recognised_whatever_their_bands(network, tmp_path, architecture, encoder):
    state = build_spacenet4(architecture, encoder, 4, 3).state_dict()
    with pytest.raises(InputError) as caught:
        fit_tensors(network, state, tmp_path / "model.pth")
    assert f"{architecture} with the encoder {encoder}" in caught.value.hint


@pytest.mark.parametrize(
    ("architecture", "encoder"),
    [("xdxd_unet", "vgg16"), ("selimsef_unet", "densenet121"), ("unet", "tu-test_resnet"), ("fpn", "tu-test_convnext")],
)
def test_weights_of_four_bands_for_a_card_of_three_are_named_so(tmp_path, architecture, encoder):
    card = replace(SMALL, architecture=architecture, encoder=encoder)
    four = build_network(replace(card, bands=("blue", "green", "red", "nir")))
    with pytest.raises(InputError, match="they read 4 bands, their card names 3") as caught:
        load(card, save(four.state_dict(), tmp_path / "model.pth"))
    assert "bands" in caught.value.hint


def test_weights_of_three_outputs_for_a_card_of_one_are_named_so(tmp_path):
    three = build_network(replace(SMALL, outputs=("footprint", "boundary", "contact")))
    with pytest.raises(InputError, match="they give 3 outputs, their card names 1"):
        load(SMALL, save(three.state_dict(), tmp_path / "model.pth"))


@pytest.mark.parametrize("left_out", ["", "encoder.", "conv"])
def test_xdxds_kernels_may_be_given_under_both_names_or_under_one(xdxd, tmp_path, left_out):
    network, card = xdxd
    aliases = list_aliases(network)
    twins = aliases.keys() | set(aliases.values())
    state = {
        name: value
        for name, value in network.state_dict().items()
        if not (left_out and name in twins and name.startswith(left_out))
    }
    assert len(state) == (50 if left_out else 76)
    loaded = load(card, save(state, tmp_path / "model.pth"))
    assert are_equal(loaded.state_dict(), network.state_dict())
    assert loaded.encoder[0].weight is loaded.conv1[0].weight


def test_xdxds_network_is_written_with_each_kernel_once_and_read_again(xdxd, tmp_path):
    network, card = xdxd
    save_network(network, tmp_path / "model.safetensors")
    assert len(load_file(tmp_path / "model.safetensors")) == 50
    assert are_equal(load(card, tmp_path / "model.safetensors").state_dict(), network.state_dict())


def test_what_a_file_is_decides_and_not_how_it_is_called(network, tmp_path):
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, tmp_path / "model.pth")
    assert are_equal(read_tensors(tmp_path / "model.pth"), dict(network.state_dict()))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read") as caught:
        read_tensors(tmp_path / "gone.pth")
    assert str(Path("gone.pth")) in caught.value.message
    assert caught.value.hint
