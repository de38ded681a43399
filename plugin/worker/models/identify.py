"""Which network a file's tensors are of: found by building those that are known, without memory, and comparing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TypeAlias

import segmentation_models_pytorch as smp
import torch
from torch import nn

from ...core.errors import InputError, first_line
from ...core.model_specs import DECODERS, IdentifiedModel
from .build import MISFITS
from .spacenet4 import ARCHITECTURES, build_spacenet4
from .weights import list_aliases

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]

#: smp's further decoders: not offered as a start, but weights of theirs can be used.
_MORE_DECODERS = ("linknet", "manet", "pan", "pspnet", "deeplabv3", "dpt")
#: timm's encoders that are tried, by the first key that they have; others can be named.
_TIMM = {
    "model.conv_stem.weight": (
        *(f"tu-tf_efficientnet_lite{number}" for number in range(5)),
        *(f"tu-efficientnet_b{number}" for number in range(5)),
        *(f"tu-mobilenetv3_{size}_100" for size in ("large", "small")),
    ),
    "model.conv1.weight": tuple(f"tu-resnet{depth}" for depth in (18, 26, 34, 50, 101)),
    "model.stem_0.weight": tuple(f"tu-convnext_{size}" for size in ("tiny", "small", "base")),
    "model.stem.conv.weight": tuple(f"tu-regnety_{size}" for size in ("002", "004", "008", "016", "032")),
}
_FEW = 3


def guess_architecture(shapes: Shapes, architecture: str = "", encoder: str = "") -> IdentifiedModel:
    """Return the network whose tensors have these names and shapes; what is given already is not looked for.

    Raises InputError, with what the names look like, where it is none that is known, and for a network that does not
    exist.
    """
    for decoder in [architecture] if architecture else [*ARCHITECTURES, *DECODERS, *_MORE_DECODERS]:
        if decoder in ARCHITECTURES:
            for name in [encoder] if encoder else ARCHITECTURES[decoder]:
                if guess := _compare(decoder, name, shapes):
                    return guess
    found = encoder or _find_encoder(shapes)
    if found:
        for decoder in [architecture] if architecture else [*DECODERS, *_MORE_DECODERS]:
            if decoder not in ARCHITECTURES and (guess := _compare(decoder, found, shapes)):
                return guess
    if architecture and encoder:
        _build(architecture, encoder, 3, 1)  # says it where the two make no network
    raise _refuse(shapes, architecture, found)


def _compare(architecture: str, encoder: str, shapes: Shapes) -> IdentifiedModel | None:
    """Return how many bands and outputs a network must have to hold tensors of these shapes, None if it never does.

    Two networks of different numbers are built: what grows by one from the first to the second follows the bands, what
    grows by two the outputs.
    """
    try:
        first, aliases = _list_shapes(partial(_build, architecture, encoder, 3, 1))
        given = {aliases.get(name, name): shape for name, shape in shapes.items()}
        if _strip(first) != _strip(given):
            return None
        second, _ = _list_shapes(partial(_build, architecture, encoder, 4, 3))
    except InputError:
        return None  # smp does not make this pair
    bands, outputs = 3, 1
    for name in _strip(first):
        ours, theirs = first[name], given[name]
        if len(ours) != len(theirs):
            return None
        for a, b, c in zip(ours, second[name], theirs, strict=True):
            if b - a == 1:
                bands = 3 + c - a
            elif b - a == 2:
                outputs = 1 + c - a
            elif a != c:
                return None
    return IdentifiedModel(architecture, encoder, bands, outputs) if bands > 0 and outputs > 0 else None


def _find_encoder(shapes: Shapes) -> str:
    """Return the encoder of smp or timm whose tensors these are, "" for none that is tried."""
    given = {name.removeprefix("encoder."): shape for name, shape in shapes.items() if name.startswith("encoder.")}
    for names in _list_families(given):
        for name in names:
            with contextlib.suppress(InputError):
                known, _ = _list_shapes(partial(_build_encoder, name))
                if _strip(known) == _strip(given) and _count_differences(known, given) <= 1:
                    return name
    return ""


def _list_families(given: Shapes) -> Iterator[list[str]]:
    """Yield the encoders of each kind whose first key is among those given."""
    kinds: dict[type[nn.Module], list[str]] = {}
    for name, entry in smp.encoders.encoders.items():
        kinds.setdefault(entry["encoder"], []).append(name)
    for names in kinds.values():
        with contextlib.suppress(InputError):
            known, _ = _list_shapes(partial(_build_encoder, names[0]))
            if next(iter(known)) in given:
                yield names
    for key, found in _TIMM.items():
        if key in given:
            yield list(found)


def _count_differences(known: Shapes, given: Shapes) -> int:
    return sum(given[name] != shape for name, shape in known.items() if name in given)


def _list_shapes(build: Callable[[], nn.Module]) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    """Return the shapes of a network's tensors by name, and by which further name each of some goes.

    It takes no memory where the network can be built without.
    """
    try:
        with torch.device("meta"):
            network = build()
    except InputError:  # some count with values while they are built
        network = build()
    aliases = list_aliases(network)
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items() if name not in aliases}
    return shapes, aliases


def _strip(shapes: Shapes) -> set[str]:
    """Return the names without those of counters, which old files lack."""
    return {name for name in shapes if not name.endswith("num_batches_tracked")}


def _build(architecture: str, encoder: str, bands: int, outputs: int) -> nn.Module:
    """Return a network with random weights, not tried out; raises InputError where the two make none."""
    try:
        if architecture in ARCHITECTURES:
            return build_spacenet4(architecture, encoder, bands, outputs)
        return smp.create_model(architecture, encoder, None, in_channels=bands, classes=outputs)
    except MISFITS as error:
        raise _refuse_to_build(f"{architecture} over {encoder}", error) from error


def _build_encoder(name: str) -> nn.Module:
    try:
        return smp.encoders.get_encoder(name, in_channels=3, weights=None)
    except MISFITS as error:
        raise _refuse_to_build(f"The encoder {name}", error) from error


def _refuse_to_build(what: str, error: Exception) -> InputError:
    hint = "Name another one: the command `encoders` lists them."
    return InputError(f"{what} cannot be built: {first_line(error)}", hint)


def _refuse(shapes: Shapes, architecture: str, encoder: str) -> InputError:
    names = ", ".join([*list(shapes)[:_FEW], "..."])
    asked = " over ".join(filter(None, (architecture, encoder)))
    if architecture:
        return InputError(
            f"The weights are not those of {asked}: their keys are {names}.", "Leave both out to let them be found."
        )
    if encoder:
        return InputError(
            f"The weights have the encoder {encoder}, but a decoder that is not known. Their keys: {names}.",
            "Decoders of smp with other options than its own cannot be used.",
        )
    return InputError(
        f"The weights are of no network that is known: their keys are {names}.",
        "Known are the decoders of smp over its encoders and many of timm's (name one that is not found), and the"
        " networks of SpaceNet 4.",
    )
