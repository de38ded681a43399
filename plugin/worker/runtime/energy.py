"""What the GPU's own counter tells of the energy it used; a GPU or driver without one tells nothing."""

from __future__ import annotations

from typing import Any

import pynvml
import torch


class EnergyMeter:
    """Reads the energy counter of one CUDA device (NVML, on GPUs since Volta)."""

    def __init__(self, handle: Any) -> None:
        """Take NVML's handle of the device, None where there is none."""
        self._handle = handle

    def read_j(self) -> float | None:
        """Return the joules that the device used since its driver was loaded, None where it does not tell."""
        if self._handle is None:
            return None
        try:
            return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)) / 1000
        except pynvml.NVMLError:
            return None

    def tell_since(self, began_j: float | None) -> dict[str, float]:
        """Return ``{"energy_j": ...}`` since an earlier reading, {} where the device does not tell."""
        now_j = self.read_j()
        return {} if began_j is None or now_j is None else {"energy_j": round(now_j - began_j, 1)}


def open_meter(device: torch.device) -> EnergyMeter:
    """Return the meter of a device; one that never tells anything for a CPU, and where the driver has no NVML."""
    if device.type != "cuda":
        return EnergyMeter(None)
    try:
        pynvml.nvmlInit()
        return EnergyMeter(pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}"))
    except pynvml.NVMLError:
        return EnergyMeter(None)
