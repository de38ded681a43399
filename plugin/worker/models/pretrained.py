"""Encoders' published weights: where smp and timm say that they lie, and how they get into a network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import segmentation_models_pytorch as smp
import torch
from timm.models import get_pretrained_cfg
from torch import nn

from ...core.card import PRETRAINED, Card
from ...core.errors import InputError
from ...core.paths import locate_models
from .build import TIMM, build_segmenter, check_names
from .weights import Tensors, check_head, fit_tensors, read_tensors

_HUB = "https://huggingface.co"
_HUB_FILE = "model.safetensors"
_AGAIN = "Fetch them again, or choose other weights of this encoder."


def locate_pretrained(card: Card) -> tuple[str, str]:
    """Return the address and the file's name of the card's encoder weights; raises InputError for unknown ones.

    They are taken from what smp and timm have written down; nothing is asked of the network.
    """
    check_names(card)
    if card.encoder.startswith(TIMM):
        settings = _find_timm(card)
        if settings.hf_hub_id:
            repository, _, revision = settings.hf_hub_id.partition("@")
            file = settings.hf_hub_filename or _HUB_FILE
            return f"{_HUB}/{repository}/resolve/{revision or 'main'}/{file}", file
        return settings.url, settings.url.rpartition("/")[2]
    settings = smp.encoders.encoders[card.encoder]["pretrained_settings"].get(_tag(card))
    if settings is None:
        raise _refuse_tag(card)
    return f"{_HUB}/{settings['repo_id']}/resolve/{settings['revision']}/{_HUB_FILE}", _HUB_FILE


def pretrained_path(card: Card) -> Path:
    """Return where the card's encoder weights lie once they are fetched."""
    folder = f"{card.encoder}.{_tag(card)}"
    return locate_models(os.environ) / "encoders" / folder / locate_pretrained(card)[1]


def adopt_statistics(card: Card) -> Card:
    """Return a start's card with the mean and the spread that its encoder's weights were trained with.

    Any other card, and a start without published weights, is left alone. Further bands repeat those of the first three.
    """
    if not card.weights.startswith(PRETRAINED):
        return card
    if card.encoder.startswith(TIMM):
        settings = _find_timm(card)
        mean, std = settings.mean, settings.std
    else:
        settings = smp.encoders.encoders[card.encoder]["pretrained_settings"][_tag(card)]
        mean, std = settings.get("mean") or card.mean, settings.get("std") or card.std
    count = len(card.bands)
    return replace(card, mean=_spread(mean, count), std=_spread(std, count))


def _spread(values: Sequence[float], count: int) -> tuple[float, ...]:
    return tuple(float(values[index % len(values)]) for index in range(count))


def load_pretrained(card: Card, path: Path | None = None) -> nn.Module:
    """Return the card's network with its encoder's published weights; raises InputError where they are not there.

    The first layer's kernels are spread over as many bands as the card names, the way that smp and timm do it.
    """
    path = path or pretrained_path(card)
    if not path.exists():
        raise InputError(
            f"The weights {_tag(card)} of the encoder {card.encoder} are not fetched yet.",
            f"Run `python -m plugin.worker fetch {card.name}`, or start the run, which fetches them.",
        )
    return _load_timm(card, path) if card.encoder.startswith(TIMM) else _load_smp(card, path)


def _load_smp(card: Card, path: Path) -> nn.Module:
    """Let an encoder of three bands take the weights, then make it read the card's bands as smp does."""
    network, tensors = build_segmenter(card), read_tensors(path)
    encoder = cast(Any, network.encoder)
    donor = smp.encoders.get_encoder(card.encoder, depth=encoder._depth, weights=None)  # noqa: SLF001 - smp's own way
    try:
        donor.load_state_dict(tensors)
    except (RuntimeError, KeyError):
        fit_tensors(donor, tensors, path)
    donor.set_in_channels(len(card.bands), pretrained=True)
    nn.Module.load_state_dict(encoder, donor.state_dict())
    return network


def _load_timm(card: Card, path: Path) -> nn.Module:
    """Let timm take the weights from the file: it knows which layers to leave out and how to spread the first."""
    tensors = _read_timm(path)
    source = {"file": str(path), "custom_load": path.suffix == ".npz"}
    tagged = f"{card.encoder}.{_tag(card)}"
    others = InputError(f"The weights {path} are not those of the encoder {card.encoder}.", _AGAIN)
    try:
        network = build_segmenter(card, tagged, encoder_weights=True, pretrained_cfg_overlay=source)
    except (OSError, InputError) as error:
        build_segmenter(card)  # says so where the weights are not to blame
        raise others from error
    if tensors and not _are_taken(cast(nn.Module, network.encoder), tensors):
        raise others
    return network


def _read_timm(path: Path) -> Tensors:
    """Return the file's tensors, none for one of NumPy, which timm reads by itself."""
    if path.suffix != ".npz":
        return read_tensors(path)
    with path.open("rb") as file:
        check_head(path, file.read(256))
    return {}


def _are_taken(encoder: nn.Module, tensors: Tensors) -> bool:
    """Tell whether most kernels of the encoder are in the file: timm says nothing of those that it did not find."""
    given = {_fingerprint(value) for value in tensors.values() if value.ndim > 1}
    kernels = [value for value in encoder.parameters() if value.ndim > 1]
    return 2 * sum(_fingerprint(value) in given for value in kernels) >= len(kernels)


def _fingerprint(value: torch.Tensor) -> tuple[int, bytes]:
    flat = value.detach().contiguous().flatten()
    return flat.numel(), flat[:32].float().numpy().astype(np.float32).tobytes()


def _find_timm(card: Card) -> Any:
    name = card.encoder.removeprefix(TIMM)
    try:
        settings = get_pretrained_cfg(f"{name}.{_tag(card)}", allow_unregistered=False)
    except RuntimeError as error:
        raise _refuse_tag(card) from error
    if not (settings and settings.has_weights):
        raise _refuse_tag(card)
    return settings


def _refuse_tag(card: Card) -> InputError:
    return InputError(
        f'The encoder {card.encoder} has no published weights "{_tag(card)}".',
        "The command `encoders` lists what there is; the weights none begin at random.",
    )


def _tag(card: Card) -> str:
    return card.weights.removeprefix(PRETRAINED)
