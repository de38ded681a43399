"""The network that a card describes, with random weights: a decoder of smp over an encoder of smp or timm."""

from __future__ import annotations

import difflib
from itertools import chain
from typing import Any, cast

import segmentation_models_pytorch as smp
import timm
import torch
from torch import nn
from torch.func import functional_call

from ...core.card import Card
from ...core.errors import InputError, first_line
from ...core.model_specs import guess_encoder, load_encoders
from .spacenet4 import ARCHITECTURES, build_spacenet4

#: What smp and timm raise where an encoder and a decoder do not go together.
MISFITS = (AssertionError, AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)
TIMM = "tu-"
_PREDICTED_PX = 640
_CHOOSE = "Choose another encoder, or another decoder: U-Net goes with every encoder that the command `encoders` lists."


def build_network(card: Card) -> nn.Module:
    """Return the card's network with random weights; raises InputError for one that is not known or cannot be built.

    It takes values (n, bands, height, width), height and width multiples of 32, and returns logits
    (n, outputs, height, width).
    """
    if card.architecture in ARCHITECTURES:
        network = _build_spacenet4(card)
    else:
        check_names(card)
        network = build_segmenter(card)
    return cast(nn.Module, network.to(memory_format=torch.channels_last))


def check_names(card: Card) -> None:
    """Raise InputError, with near names, for an architecture or an encoder that does not exist."""
    known = [*smp.MODEL_ARCHITECTURES_MAPPING, *ARCHITECTURES]
    if card.architecture not in known:
        near = difflib.get_close_matches(card.architecture, known, n=1)
        guess = f'Did you mean "{near[0]}"? ' if near else ""
        raise InputError(f'There is no architecture "{card.architecture}".', f"{guess}Known ones: {', '.join(known)}.")
    name = card.encoder.removeprefix(TIMM)
    is_known = timm.is_model(name) if name != card.encoder else name in smp.encoders.encoders
    if not is_known:
        raise InputError(f'There is no encoder "{card.encoder}".', guess_encoder(card.encoder, load_encoders()))


def build_segmenter(card: Card, encoder: str = "", **options: Any) -> nn.Module:
    """Return smp's network for the card, tried out; raises InputError where decoder and encoder do not go together.

    ``encoder`` takes the place of the card's, ``options`` are smp's, such as where weights lie.
    """
    encoder = encoder or card.encoder
    options = {"encoder_weights": None, **options}
    if encoder.startswith(f"{TIMM}swin"):  # these are made for one size of image, but can be told to read any
        options["strict_img_size"] = False
    sizes = {"in_channels": len(card.bands), "classes": len(card.outputs)}
    try:
        network = smp.create_model(card.architecture, encoder, **sizes, **options)
    except MISFITS as error:
        raise InputError(f"{_name(card)} cannot be built: {first_line(error)}", _CHOOSE) from error
    _steady_norms(network.decoder)
    _try_out(network, card)
    return cast(nn.Module, network)


def _build_spacenet4(card: Card) -> nn.Module:
    try:
        return build_spacenet4(card.architecture, card.encoder, len(card.bands), len(card.outputs))
    except KeyError as error:
        raise InputError(f"{_name(card)} cannot be built: {error.args[0]}.", "Correct its card.") from error


class _SteadyNorm(nn.BatchNorm2d):
    """A norm that takes its running figures where a batch holds one value a channel, which has no spread.

    Decoders that look at the whole crop at once (DeepLabV3+, UPerNet) meet this in batches of one.
    """

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        if self.training and values.numel() == values.shape[1]:
            figures = (self.running_mean, self.running_var, self.weight, self.bias)
            return nn.functional.batch_norm(values, *figures, training=False, eps=self.eps)
        return super().forward(values)


def _steady_norms(decoder: nn.Module) -> None:
    for parent in list(decoder.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm2d:
                setattr(parent, name, _SteadyNorm(child.num_features, child.eps, child.momentum))


def _try_out(network: nn.Module, card: Card) -> None:
    """Let shapes alone go through the network, for crops to learn from and for windows to predict."""
    tensors = {name: value.to("meta") for name, value in chain(network.named_parameters(), network.named_buffers())}
    network.eval()
    for side in (card.recipe.tile_px, _PREDICTED_PX):
        values = torch.empty(1, len(card.bands), side, side, device="meta")
        try:
            with torch.no_grad():
                logits = functional_call(network, tensors, (values,))
        except MISFITS as error:
            raise InputError(f"{_name(card)} cannot read {side} x {side} px: {first_line(error)}", _CHOOSE) from error
        if logits.shape != (1, len(card.outputs), side, side):
            raise InputError(f"{_name(card)} gives {tuple(logits.shape[2:])} for {side} x {side} px.", _CHOOSE)
    network.train()


def _name(card: Card) -> str:
    return f'The network of the model "{card.name}" ({card.architecture} over {card.encoder})'
