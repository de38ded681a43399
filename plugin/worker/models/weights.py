"""Weights in files: read without running anything that a file may hold, and put into a network only where they fit."""

from __future__ import annotations

import pickle  # nosec B403 # for the name of its error: nothing is unpickled by it
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from ...core.errors import InputError, first_line
from .spacenet4 import ARCHITECTURES, build_spacenet4

Tensors = dict[str, torch.Tensor]

#: Under which names programs that train put a network's weights beside their own state.
_NESTS = ("state_dict", "model_state_dict", "model")
#: What wrappers of networks put before every key.
_WRAPPERS = ("module.", "_orig_mod.", "model.")
_COUNTER = "num_batches_tracked"
_FEW = 3
_AGAIN = "Fetch or copy it again, or choose another file."


def read_tensors(path: Path) -> Tensors:
    """Return the tensors of a safetensors file or of a PyTorch state dict, by name; raises InputError.

    A state dict may lie in a checkpoint under its usual names, and its keys may bear the prefix of a wrapper.
    """
    try:
        with path.open("rb") as file:
            head = file.read(256)
    except OSError as error:
        raise InputError(f"The weights {path} cannot be read: {error.strerror}.", "Choose another file.") from error
    check_head(path, head)
    try:
        content: Any = load_file(path) if head[8:9] == b"{" else _load_pickled(path)
    except (OSError, SafetensorError, RuntimeError, EOFError) as error:
        raise _refuse(path, f"it is damaged, or only a part of it is there ({first_line(error)}).", _AGAIN) from error
    tensors = _find_tensors(content)
    if not tensors:
        hint = 'In the program that made it: torch.save(model.state_dict(), "weights.pth").'
        raise _refuse(path, "it holds no tensors by name.", hint)
    return _strip_wrappers(tensors)


def check_head(path: Path, head: bytes) -> None:
    """Raise InputError where the first bytes of a file tell that it holds no weights."""
    if not head:
        raise _refuse(path, "it is empty.", _AGAIN)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        hint = "Open its address in a browser to see what the server says, then fetch it again."
        raise _refuse(path, "it is a web page, not a file of weights.", hint)


def fit_tensors(network: nn.Module, tensors: Tensors, path: Path) -> None:
    """Load the tensors into the network; raises InputError that says which keys do not fit.

    A parameter that has two names in the network may be given by one of them. Counters of batches, which old files
    lack, may be missing.
    """
    expected = network.state_dict()
    given = {**tensors, **_name_twins(network, tensors)}
    given |= {name: expected[name] for name in expected.keys() - given.keys() if name.endswith(_COUNTER)}
    wrong = [name for name in expected if name in given and expected[name].shape != given[name].shape]
    if expected.keys() == given.keys() and not wrong:
        network.load_state_dict(given)
        return
    raise _refuse(path, *(_describe_ends(network, given, wrong) or _describe_difference(network, tensors, wrong)))


def list_aliases(network: nn.Module) -> dict[str, str]:
    """Return each further name of a parameter that has more than one, with its first name."""
    first = {id(each): name for name, each in network.named_parameters()}
    every = network.named_parameters(remove_duplicate=False)
    return {name: first[id(each)] for name, each in every if first[id(each)] != name}


def _load_pickled(path: Path) -> Any:
    """Open a file of torch.save that holds nothing but data; one that holds code is refused unopened."""
    try:
        with path.open("rb") as file:
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        code = re.search(r"GLOBAL ([\w.]+)", str(error))
        if code is None:
            raise _refuse(path, "it is neither a safetensors file nor one of torch.save.", _AGAIN) from error
        raise _refuse(
            path,
            f"it holds more than weights ({code[1]}), and such a file may run any code. It was not opened.",
            'In the program that made it, save the weights alone: torch.save(model.state_dict(), "weights.pth").',
        ) from error


def _find_tensors(content: Any, depth: int = 2) -> Tensors:
    if not isinstance(content, Mapping):
        return {}
    found = {name: value for name, value in content.items() if isinstance(value, torch.Tensor)}
    if found or not depth:
        return {str(name): value for name, value in found.items()}
    return next((nest for name in _NESTS if (nest := _find_tensors(content.get(name), depth - 1))), {})


def _strip_wrappers(tensors: Tensors) -> Tensors:
    for prefix in _WRAPPERS:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors


def _name_twins(network: nn.Module, tensors: Tensors) -> Tensors:
    """Return what the file gives by one name of a parameter only, by its other name."""
    aliases = list_aliases(network)
    pairs = [*aliases.items(), *((first, alias) for alias, first in aliases.items())]
    return {name: tensors[twin] for name, twin in pairs if name not in tensors and twin in tensors}


def _describe_ends(network: nn.Module, given: Tensors, wrong: list[str]) -> tuple[str, str] | None:
    """Return what is wrong where the network is the right one but for how many bands it reads, or outputs it gives."""
    expected = network.state_dict()
    pairs = [(given[name].shape, expected[name].shape) for name in wrong]
    if given.keys() != expected.keys() or any(len(theirs) != len(ours) for theirs, ours in pairs):
        return None
    changes = {
        tuple((axis, *sides) for axis, sides in enumerate(zip(*pair, strict=True)) if len(set(sides)) > 1)
        for pair in pairs
    }
    if len(changes) != 1 or len(change := changes.pop()) != 1 or change[0][0] > 1:
        return None
    axis, theirs, ours = change[0]
    if axis == 1:
        return (
            f"they read {_count(theirs, 'band')}, their card names {ours}.",
            f"Correct bands, mean and std in the card, or choose weights that read {_count(ours, 'band')}.",
        )
    return f"they give {_count(theirs, 'output')}, their card names {ours}.", "Correct the outputs in the card."


def _describe_difference(network: nn.Module, given: Tensors, wrong: list[str]) -> tuple[str, str]:
    expected, named = network.state_dict(), {*given, *_name_twins(network, given)}
    missing = [name for name in expected if name not in named and not name.endswith(_COUNTER)]
    unexpected = [name for name in given if name not in expected]
    shapes = [f"{name} {tuple(given[name].shape)} instead of {tuple(expected[name].shape)}" for name in wrong]
    kinds = (("missing", missing), ("unexpected", unexpected), ("of another shape", shapes))
    counts = "; ".join(f"{_count(len(names), 'key')} {kind} ({_few(names)})" for kind, names in kinds if names)
    known = _recognise(given)
    hint = f"{known} Name that in its card." if known else "Name the architecture in its card that they were made with."
    return f"they belong to another network: {counts}.", hint


def _recognise(given: Tensors) -> str:
    """Return a sentence where the keys are those of a network that is known by name."""
    for architecture, encoder in [(name, each) for name, encoders in ARCHITECTURES.items() for each in encoders]:
        with torch.device("meta"):
            network = build_spacenet4(architecture, encoder, 3, 1)
        differing = set(network.state_dict()) ^ {*given, *_name_twins(network, given)}
        if all(name.endswith(_COUNTER) for name in differing):
            return f"The keys are those of {architecture} with the encoder {encoder}."
    return ""


def _few(names: list[str]) -> str:
    return ", ".join([*names[:_FEW], *(["..."] if len(names) > _FEW else [])])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _refuse(path: Path, why: str, hint: str) -> InputError:
    return InputError(f"The weights {path} cannot be used: {why}", hint)
