"""Weights and inputs by a rule that anyone can repeat (the words are in ../shared/conformance/golden/README.md)."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import torch


def hash_uniform(key, count):
    """Return ``count`` numbers in [0, 1) of the tensor number ``key``."""
    with np.errstate(over="ignore"):
        x = np.arange(1, count + 1, dtype=np.uint32) * np.uint32(2654435761)
        x += np.uint32((key + 1) * 2246822519 % 2**32)
        x ^= x >> np.uint32(16)
        x *= np.uint32(2246822507)
        x ^= x >> np.uint32(13)
        x *= np.uint32(3266489909)
        x ^= x >> np.uint32(16)
    return x / 4294967296.0


def make_input(key, shape):
    """Return values from -2 to 2."""
    return torch.from_numpy((2 * _signed(key, shape)).astype(np.float32))


def fill_weights(shapes, aliases):
    """Return a state dict by the rule; ``shapes`` says each key's, ``aliases`` which key takes another's value."""
    numbers = {name: number for number, name in enumerate(sorted(shapes))}
    filled = {name: _fill(name, numbers[name], shapes[name]) for name in shapes if name not in aliases}
    return {name: filled[aliases.get(name, name)] for name in shapes}


def hash_weights(state):
    """Return the SHA-256 over the bytes of every tensor in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(state[name].numpy().tobytes())
    return digest.hexdigest()


def _signed(key, shape):
    return (2 * hash_uniform(key, math.prod(shape)) - 1).reshape(shape)


def _fill(name, key, shape):
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    if name.endswith("running_mean"):
        values = 0.1 * _signed(key, shape)
    elif name.endswith("running_var"):
        values = 1 + 0.5 * hash_uniform(key, math.prod(shape)).reshape(shape)
    elif len(shape) > 1:
        values = _signed(key, shape) * math.sqrt(6 / (math.prod(shape) // shape[0]))
    elif name.endswith(".weight"):
        values = 1 + 0.2 * _signed(key, shape)
    else:
        values = 0.1 * _signed(key, shape)
    return torch.from_numpy(values.astype(np.float32))
