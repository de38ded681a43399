"""Networks and their weights: what is loaded is what the card says, or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from plugin.core.errors import InputError
from plugin.core.models import find_card
from plugin.worker.models.networks import build_network, hash_file, load_network, normalise, save_network
from plugin.worker.runtime.device import choose_device


@pytest.fixture(scope="module")
def card():
    return find_card("imagenet_lite0")


def test_the_encoder_carries_imagenets_weights(card):
    """Two networks differ in what is random; the encoder is the same in both, and is not what it began with."""
    first, second, blank = load_network(card), load_network(card), build_network(card)
    key = "encoder.model.conv_stem.weight"
    assert torch.equal(first.state_dict()[key], second.state_dict()[key])
    assert not torch.equal(first.state_dict()[key], blank.state_dict()[key])


def test_weights_survive_being_saved_and_loaded(card, tmp_path):
    network = build_network(card)
    sha256 = save_network(network, tmp_path / "model.safetensors")
    again = load_network(replace(card, weights="model.safetensors", folder=str(tmp_path), sha256=sha256))
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in network.state_dict().items())
    assert sha256 == hash_file(tmp_path / "model.safetensors")


def test_weights_that_are_not_those_of_their_card_are_refused(card, tmp_path):
    save_network(build_network(card), tmp_path / "model.safetensors")
    other = replace(card, weights="model.safetensors", folder=str(tmp_path), sha256="0" * 64)
    with pytest.raises(InputError, match="not those of their card"):
        load_network(other)


@pytest.mark.parametrize("content", [b"", b"<html>Please log in</html>", b"\x80\x02pickle"])
def test_a_file_that_holds_no_weights_is_refused(card, tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(InputError, match="cannot be used") as caught:
        load_network(replace(card, weights="model.safetensors", folder=str(tmp_path)))
    assert caught.value.hint


def test_weights_of_another_network_are_refused(card, tmp_path):
    save_network(torch.nn.Linear(2, 2), tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="cannot be used"):
        load_network(replace(card, weights="model.safetensors", folder=str(tmp_path)))


def test_missing_weights_are_refused(card, tmp_path):
    with pytest.raises(InputError, match="cannot be used"):
        load_network(replace(card, weights="gone.safetensors", folder=str(tmp_path)))


def test_missing_imagenet_weights_name_the_remedy(card):
    with pytest.raises(InputError, match="not installed") as caught:
        load_network(replace(card, weights="imagenet:no_such_package"))
    assert "Set up" in caught.value.hint


def test_normalising_takes_the_mean_away_and_divides_by_the_spread(card):
    values = torch.ones(3, 2, 2)
    expected = (1 - 0.25) / 0.5
    assert torch.allclose(normalise(values, replace(card, mean=(0.25,) * 3, std=(0.5,) * 3)), torch.tensor(expected))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_asking_for_a_gpu_that_is_not_there_is_refused_and_auto_takes_the_cpu():
    assert choose_device("auto").type == "cpu"
    with pytest.raises(InputError, match="CUDA"):
        choose_device("cuda")
