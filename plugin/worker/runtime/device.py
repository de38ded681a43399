"""The device that computes: chosen, and named."""

from __future__ import annotations

import torch

from ...core.errors import InputError


def choose_device(request: str) -> torch.device:
    """Return the device for ``auto``, ``cpu`` or ``cuda``; raises InputError where CUDA is asked for and absent."""
    if request == "cuda" and not torch.cuda.is_available():
        raise InputError(
            "The device cuda was chosen, but no CUDA GPU can be used.",
            "Choose the device auto or cpu; the command doctor says what is missing.",
        )
    return torch.device("cuda" if request != "cpu" and torch.cuda.is_available() else "cpu")


def describe_device(device: torch.device) -> str:
    """Return the device's name as its maker calls it, or how many threads the CPU takes."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"
