"""Which encoders a decoder may stand on, and which weights are published for them: what the list of them is made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import segmentation_models_pytorch as smp
import timm
import torch
from timm.models import get_pretrained_cfg

from ...core.atomic_file import replacing
from ...core.card import NO_WEIGHTS, Card, Recipe
from ...core.errors import InputError
from ...core.model_specs import ENCODERS_FILE
from .build import TIMM, build_segmenter

_SMALLEST_PX = 96
_BANDS = ("red", "green", "blue", "nir")


def list_names() -> list[str]:
    """Return the names of all encoders that smp and timm (``tu-``) know, less those of timm's own tests."""
    own = [TIMM + name for name in timm.list_models() if not name.startswith("test_")]
    return sorted([*smp.encoders.encoders, *own])


def list_tags(encoder: str) -> list[str]:
    """Return the tags of an encoder's published weights, the usual one first."""
    if not encoder.startswith(TIMM):
        return list(smp.encoders.encoders[encoder]["pretrained_settings"])
    name = encoder.removeprefix(TIMM)
    usual = get_pretrained_cfg(name)
    tags = [model.partition(".")[2] for model in timm.list_pretrained(f"{name}.*")]
    tags.sort(key=lambda tag: (usual is None or tag != usual.tag, tag))
    return [tag for tag in tags if tag and _is_reachable(name, tag)]


def is_usable(encoder: str) -> bool:
    """Tell whether a U-Net can stand on an encoder and reads squares of any multiple of 32 px.

    Encoders that are made for one size of image (MaxViT, CoAtNet) cannot, nor can those whose stages do not halve the
    image (plain vision transformers).
    """
    recipe = Recipe(learning_rate=1e-3, tile_px=_SMALLEST_PX)
    card = Card("usable", "", "", encoder, NO_WEIGHTS, recipe, bands=_BANDS)
    try:
        with torch.device("meta"):
            build_segmenter(card)
    except InputError:
        return False
    return True


def survey_encoders(tell: Callable[[str], None], names: Iterable[str] = ()) -> dict[str, list[str]]:
    """Return the usable encoders with their tags; all that are known (a quarter of an hour) where none are named."""
    found = {}
    for name in names or list_names():
        if not name.startswith(TIMM) or is_usable(name):
            found[name] = list_tags(name)
        else:
            tell(f"{name} is left out.")
    return found


def write_encoders(encoders: dict[str, list[str]], path: Path = ENCODERS_FILE) -> None:
    """Write the list, an encoder a line, by a temporary name; raises RunError."""
    lines = [f"{json.dumps(name)}: {json.dumps(tags)}" for name, tags in sorted(encoders.items())]
    with replacing(path) as partial:
        partial.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _is_reachable(name: str, tag: str) -> bool:
    settings = get_pretrained_cfg(f"{name}.{tag}")
    return bool(settings.hf_hub_id or (settings.url or "").startswith("https://"))
