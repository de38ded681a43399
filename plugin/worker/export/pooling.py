"""Adaptive average pooling in a form that ONNX knows."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class FixedPool(nn.Module):
    """Adaptive average pooling of maps of one size: each mean is a product with a matrix of shares."""

    def __init__(self, height: int, width: int, output_size: tuple[int, int]) -> None:
        """Make the shares of each row and column in each mean."""
        super().__init__()
        self.register_buffer("rows", functional.adaptive_avg_pool1d(torch.eye(height)[None], output_size[0])[0].T)
        self.register_buffer("columns", functional.adaptive_avg_pool1d(torch.eye(width)[None], output_size[1])[0])

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the means (n, channels, *output_size) of maps (n, channels, height, width)."""
        return self.rows @ values @ self.columns


def fix_pools(network: nn.Module, tiles: torch.Tensor) -> None:
    """Replace the network's adaptive pools to more than one mean, as they are met by ``tiles``.

    ONNX has none for means over windows that overlap, which pyramids of pools need.
    """
    sizes: dict[nn.Module, tuple[int, int]] = {}

    def remember(pool: nn.Module, inputs: tuple[torch.Tensor, ...], _: torch.Tensor) -> None:
        sizes[pool] = (inputs[0].shape[-2], inputs[0].shape[-1])

    pools = [module for module in network.modules() if isinstance(module, nn.AdaptiveAvgPool2d)]
    hooks = [pool.register_forward_hook(remember) for pool in pools if _read_size(pool) != (1, 1)]
    if not hooks:
        return
    with torch.inference_mode():
        network(tiles)
    for hook in hooks:
        hook.remove()
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if child in sizes:
                setattr(parent, name, FixedPool(*sizes[child], _read_size(child)))


def _read_size(pool: nn.Module) -> tuple[int, int]:
    size = pool.output_size
    rows, columns = size if isinstance(size, tuple) else (size, size)
    return int(rows), int(columns)
