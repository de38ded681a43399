"""The network that a card describes, with its weights."""

from __future__ import annotations

import hashlib
import importlib.resources
from pathlib import Path
from typing import Any, cast

import numpy as np
import segmentation_models_pytorch as smp
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ..core.card import Card
from ..core.errors import InputError
from ..core.replace import replacing


def choose_device(wish: str) -> torch.device:
    """Return the device for ``auto``, ``cpu`` or ``cuda``; raises InputError where CUDA is asked for and absent."""
    if wish == "cuda" and not torch.cuda.is_available():
        raise InputError(
            "A CUDA GPU is asked for, but none can be used.",
            "Choose the device auto or cpu; the command doctor says what is missing.",
        )
    return torch.device("cuda" if wish != "cpu" and torch.cuda.is_available() else "cpu")


def build_network(card: Card) -> nn.Module:
    """Return the card's network with random weights; raises InputError for one that smp does not know."""
    try:
        network = smp.create_model(
            card.architecture, card.encoder, None, in_channels=len(card.bands), classes=len(card.outputs)
        )
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(
            f'The network of the model "{card.name}" cannot be built: {error}', "Correct its card."
        ) from error
    return cast(nn.Module, network.to(memory_format=torch.channels_last))


def load_network(card: Card) -> nn.Module:
    """Return the card's network with the card's weights; raises InputError where they are missing or do not fit."""
    network = build_network(card)
    if card.weights.startswith("imagenet:"):
        _load_imagenet(network, card.weights.removeprefix("imagenet:"))
        return network
    try:
        if card.sha256 and hash_file(card.weights_path) != card.sha256:
            raise InputError(f"The weights {card.weights_path} are not those of their card.", "Copy both files anew.")
        network.load_state_dict(load_file(card.weights_path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise InputError(
            f"The weights {card.weights_path} cannot be used: {error}", "Choose another model, or copy its files anew."
        ) from error
    return network


def save_network(network: nn.Module, path: Path, *, is_half: bool = False) -> str:
    """Write the weights as safetensors, by a temporary name, and return their SHA-256; raises RunError.

    ``is_half`` writes the kernels in half precision, half the size; the few numbers of the norms stay whole.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    if is_half:
        tensors = {name: value.half() if value.ndim > 1 else value for name, value in tensors.items()}
    with replacing(path, SafetensorError) as partial:
        save_file(tensors, partial, metadata={"format": "pt"})
    return hash_file(path)


def hash_file(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def normalise(values: NDArray[np.float32] | torch.Tensor, card: Card) -> torch.Tensor:
    """Return values (..., bands, height, width) from 0..1 as the network takes them: minus mean, by std."""
    mean, std = (torch.tensor(part, dtype=torch.float32)[:, None, None] for part in (card.mean, card.std))
    return (torch.as_tensor(values) - mean) / std


def _load_imagenet(network: nn.Module, package: str) -> None:
    """Fill the encoder from a package of the registry whose tensors stand in timm's order, under other names."""
    try:
        folder = importlib.resources.files(package) / "models"
        source = next(item for item in folder.iterdir() if item.name.endswith(".pth"))
        with importlib.resources.as_file(source) as path:
            weights: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (ModuleNotFoundError, StopIteration, OSError) as error:
        raise InputError(
            f"The ImageNet weights ({package}) are not installed.", "Press Set up to repair it."
        ) from error
    encoder = cast(nn.Module, network.encoder)
    target = encoder.state_dict()
    pairs = list(zip(target, weights.values(), strict=False))
    if len(pairs) < len(target) or any(target[name].shape != value.shape for name, value in pairs):
        raise InputError(f"The ImageNet weights ({package}) do not fit the encoder.", "Press Set up to repair it.")
    encoder.load_state_dict(dict(pairs))
