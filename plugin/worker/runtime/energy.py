"""What the GPU's own counter tells of the energy it used; a GPU or driver without one tells nothing."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import torch

_LIBRARY = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"


class EnergyMeter:
    """Reads the energy counter of one CUDA device (NVML, on GPUs since Volta)."""

    def __init__(self, library: Any, uuid: str) -> None:
        """Look up the device by its UUID, such as ``GPU-1a2b``; without a library there is nothing to read."""
        self._library, self._device = library, ctypes.c_void_p()
        look_up = (uuid.encode(), ctypes.byref(self._device))
        self._is_there = self._ask("nvmlInit_v2") and self._ask("nvmlDeviceGetHandleByUUID", *look_up)

    def read_j(self) -> float | None:
        """Return the joules that the device used since its driver was loaded, None where it does not tell."""
        counter = ctypes.c_ulonglong()
        question = ("nvmlDeviceGetTotalEnergyConsumption", self._device, ctypes.byref(counter))
        return counter.value / 1000 if self._is_there and self._ask(*question) else None

    def tell_since(self, began_j: float | None) -> dict[str, float]:
        """Return ``{"energy_j": ...}`` since an earlier reading, {} where the device does not tell."""
        now_j = self.read_j()
        return {} if began_j is None or now_j is None else {"energy_j": round(now_j - began_j, 1)}

    def _ask(self, name: str, *arguments: Any) -> bool:
        """Call a function of the library, and return whether it succeeded; an old library lacks some."""
        function = getattr(self._library, name, None)
        return function is not None and function(*arguments) == 0


def open_meter(device: torch.device) -> EnergyMeter:
    """Return the meter of a device; one that never tells anything for a CPU."""
    if device.type != "cuda":
        return EnergyMeter(None, "")
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return EnergyMeter(None, "")
    return EnergyMeter(library, f"GPU-{torch.cuda.get_device_properties(device).uuid}")
