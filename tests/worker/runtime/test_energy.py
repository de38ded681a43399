"""The energy of a run is the GPU's own count, or is not told."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import pytest
import torch

from plugin.worker.runtime.energy import EnergyMeter, open_meter

UUID = "GPU-1a2b"


def make_library(millijoules, *, init=0, known=UUID, lacks=()):
    """Return functions with the calling convention of NVML, whose counter goes on by each reading."""
    readings = iter(millijoules)

    def look_up(uuid, device):
        device[0] = 77
        return 0 if uuid.decode() == known else 6

    def read(device, counter):
        assert device == 77
        counter[0] = next(readings)
        return 0

    handle = ctypes.POINTER(ctypes.c_void_p)
    functions = {
        "nvmlInit_v2": ctypes.CFUNCTYPE(ctypes.c_int)(lambda: init),
        "nvmlDeviceGetHandleByUUID": ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, handle)(look_up),
        "nvmlDeviceGetTotalEnergyConsumption": ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_ulonglong)
        )(read),
    }
    return SimpleNamespace(**{name: function for name, function in functions.items() if name not in lacks})


def test_the_energy_is_the_difference_of_two_readings_in_joules():
    meter = EnergyMeter(make_library([2**40 + 1000, 2**40 + 7_654_321]), UUID)
    began = meter.read_j()
    assert meter.tell_since(began) == {"energy_j": pytest.approx(7653.3, abs=0.05)}


@pytest.mark.parametrize(
    "library",
    [
        None,
        make_library([1, 2, 3], init=9),
        make_library([1, 2, 3], known="GPU-another"),
        make_library([1, 2, 3], lacks=("nvmlDeviceGetTotalEnergyConsumption",)),
        make_library([1, 2, 3], lacks=("nvmlDeviceGetHandleByUUID",)),
    ],
)
def test_a_gpu_that_does_not_tell_leaves_the_energy_out(library):
    meter = EnergyMeter(library, UUID)
    assert meter.tell_since(5.0) == {}


def test_a_cpu_has_no_counter():
    meter = open_meter(torch.device("cpu"))
    assert meter.read_j() is None
    assert meter.tell_since(None) == {}
