"""Models named in one line: a decoder of segmentation-models-pytorch over any encoder of smp or timm.

``unet:resnet34:imagenet`` is a U-Net over a ResNet-34 with ImageNet weights, ``fpn:tu-convnext_tiny:fb_in22k`` an FPN
over timm's ConvNeXt, ``unet:resnet34:none`` one that begins at random.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, replace
from typing import Iterable, Sequence

from .card import NO_WEIGHTS, OUTPUTS, PRETRAINED, Card, Recipe, Seeds
from .errors import InputError
from .paths import RESOURCES

#: The decoders that are offered, as smp names them, with their names for people.
DECODERS = {
    "unet": "U-Net",
    "unetplusplus": "U-Net++",
    "fpn": "FPN",
    "deeplabv3plus": "DeepLabV3+",
    "segformer": "SegFormer",
    "upernet": "UPerNet",
}
#: Encoder -> the tags of its published weights, the usual one first. Made by ``python -m plugin.worker encoders``.
ENCODERS_FILE = RESOURCES / "models" / "encoders" / "encoders.json"
_RGB = ("red", "green", "blue")
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class IdentifiedModel:
    """The network that a file of weights holds, as far as it was found: "" and 0 stand for what was not."""

    architecture: str = ""
    encoder: str = ""
    bands: int = 0
    outputs: int = 0


def load_encoders() -> dict[str, list[str]]:
    """Return the encoders that can be chosen, each with the tags of its published weights (none: at random only)."""
    encoders: dict[str, list[str]] = json.loads(ENCODERS_FILE.read_text(encoding="utf-8"))
    return encoders


def guess_encoder(name: str, known: Iterable[str]) -> str:
    """Return a sentence with those known encoders that are named nearly like one that does not exist."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=4) or difflib.get_close_matches(f"tu-{name}", names, n=4)
    return f"Did you mean {' or '.join(near)}?" if near else "The command `encoders` lists them."


def is_start(name: str) -> bool:
    """Tell whether a base model's name names a start."""
    return name.partition(":")[0] in DECODERS and ":" in name


def make_start(name: str) -> Card:
    """Return the card of ``DECODER:ENCODER[:TAG]``; raises InputError for what does not exist, with near names."""
    decoder, _, rest = name.partition(":")
    encoder, _, tag = rest.partition(":")
    encoders = load_encoders()
    if encoder not in encoders:
        raise InputError(f'There is no encoder "{encoder}".', guess_encoder(encoder, encoders))
    tags = encoders[encoder]
    tag = tag or (tags[0] if tags else NO_WEIGHTS)
    if tag not in (*tags, NO_WEIGHTS):
        raise InputError(f'The encoder {encoder} has no weights "{tag}".', f"It has: {', '.join([*tags, NO_WEIGHTS])}.")
    knows = f"weights {tag}" if tag != NO_WEIGHTS else "no weights"
    return Card(
        name=f"{decoder}:{encoder}:{tag}",
        title=f"{DECODERS[decoder]} over {encoder.removeprefix('tu-')} ({tag})",
        description=f"Starts from {knows} of its encoder; not trained on buildings.",
        architecture=decoder,
        encoder=encoder,
        weights=NO_WEIGHTS if tag == NO_WEIGHTS else PRETRAINED + tag,
        recipe=Recipe(learning_rate=1e-3, crops_per_epoch=320, tune_epochs=12, tune_learning_rate=3e-4, ema_decay=0.99),
        bands=_RGB,
        mean=_MEAN,
        std=_STD,
        outputs=OUTPUTS,
        seeds=Seeds(),
        is_finetuned=False,
        attribution=f"Encoder: {encoder}, weights {tag}, as published through segmentation-models-pytorch or timm.",
    )


def fit_bands(card: Card, bands: Sequence[int]) -> Card:
    """Return a start's card for these bands of a raster (none: as it is); any other card is left alone.

    Other than three bands are named by their numbers, so that the tuned model finds them again in a like raster.
    """
    count = len(bands)
    if not card.is_start or count in (0, len(card.bands)):
        return card
    names = tuple(f"band {band}" for band in bands)
    return replace(card, bands=names, mean=_repeat(card.mean, count), std=_repeat(card.std, count))


def _repeat(values: tuple[float, ...], count: int) -> tuple[float, ...]:
    return tuple(values[index % len(values)] for index in range(count))
