"""The network that a card describes, with its weights."""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn

from ...core.atomic_file import replacing
from ...core.card import NO_WEIGHTS, PRETRAINED, Card
from ...core.errors import InputError
from ..runtime.hashing import hash_file
from .build import build_network
from .pretrained import load_pretrained
from .weights import fit_tensors, list_aliases, read_tensors


def load_network(card: Card) -> nn.Module:
    """Return the card's network with the card's weights; raises InputError where they are missing or do not fit."""
    if card.weights.startswith(PRETRAINED):
        return load_pretrained(card).to(memory_format=torch.channels_last)
    network = build_network(card)
    if card.weights.startswith("imagenet:"):
        _load_imagenet(network, card.weights.removeprefix("imagenet:"))
    elif card.weights != NO_WEIGHTS:
        _check_file(card)
        fit_tensors(network, read_tensors(card.weights_path), card.weights_path)
    return network


def _check_file(card: Card) -> None:
    """Raise InputError where the card's weights are not there, or not those that it names."""
    path = card.weights_path
    if card.source and not path.exists():
        raise InputError(
            f'The weights of the model "{card.name}" are not fetched yet.',
            f"Run `python -m plugin.worker fetch {card.name}`, or start the run, which fetches them.",
        )
    if not path.is_file():
        raise InputError(f"The weights {path} cannot be used: there is no such file.", "Choose another model.")
    if card.sha256 and hash_file(path) != card.sha256:
        raise InputError(f"The weights {path} are not those of their card.", "Copy both files again.")


def save_network(network: nn.Module, path: Path, *, is_half: bool = False) -> str:
    """Write the weights as safetensors, by a temporary name, and return their SHA-256; raises RunError.

    ``is_half`` writes the kernels in half precision, half the size; the few numbers of the norms stay whole.
    """
    further = list_aliases(network)  # a safetensors file holds a tensor under one name
    state = {name: value for name, value in network.state_dict().items() if name not in further}
    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    if is_half:
        tensors = {name: value.half() if value.ndim > 1 else value for name, value in tensors.items()}
    with replacing(path, SafetensorError) as partial:
        save_file(tensors, partial, metadata={"format": "pt"})
    return hash_file(path)


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
            weights: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
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
