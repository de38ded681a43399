"""How precisely to compute: half precision where the machine is made for it."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager
from typing import Any, cast

import torch
from torch import nn


def autocast(device: torch.device) -> AbstractContextManager[Any]:
    """Return the context in which a network computes: float16 on CUDA, bfloat16 on a CPU with matrix units for it.

    Elsewhere all is float32: a CPU that only imitates bfloat16 is slower with it.
    """
    if device.type == "cuda":
        return torch.autocast("cuda", torch.float16)
    return torch.autocast("cpu", torch.bfloat16, enabled=has_matrix_units())


@functools.cache
def has_matrix_units() -> bool:
    """Tell whether this CPU multiplies matrices of bfloat16 by itself (Intel's AMX)."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))


def keep_depthwise_exact(network: nn.Module, device: torch.device) -> None:
    """Let depthwise convolutions learn in float32 on the CPU: in bfloat16 their gradients take twice the time."""
    if device.type != "cpu":
        return
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            module.__class__ = _make_exact(type(module))  # type: ignore[arg-type]


@functools.cache
def _make_exact(kind: type[nn.Conv2d]) -> type[nn.Conv2d]:
    if getattr(kind, "is_exact", False):
        return kind

    class Exact(kind):  # type: ignore[valid-type, misc]
        is_exact = True

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            if not torch.is_grad_enabled():
                return cast(torch.Tensor, super().forward(values))
            with torch.autocast("cpu", enabled=False):
                return cast(torch.Tensor, super().forward(values.float()))

    return Exact
