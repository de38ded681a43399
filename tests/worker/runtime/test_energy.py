"""The energy of a run is the GPU's own count, or is not told."""

from __future__ import annotations

from types import SimpleNamespace

import pynvml
import pytest
import torch

from plugin.worker.runtime.energy import open_meter

CUDA = torch.device("cuda", 0)


def fail(number):
    """Return a function of NVML that ends with this error."""

    def function(*_arguments):
        raise pynvml.NVMLError(number)

    return function


@pytest.fixture
def plant(monkeypatch):
    """Put a GPU of that UUID in place, whose counter goes on by each reading, and NVML's functions given by name."""

    def plant(millijoules, uuid="1a2b", **functions):
        readings = iter(millijoules)
        handles = {"GPU-1a2b": "handle"}
        standard = {
            "nvmlInit": lambda: None,
            "nvmlDeviceGetHandleByUUID": lambda name: handles[name] if name in handles else fail(6)(),
            "nvmlDeviceGetTotalEnergyConsumption": lambda handle: next({"handle": readings}[handle]),
        }
        for name, function in {**standard, **functions}.items():
            monkeypatch.setattr(pynvml, name, function)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _device: SimpleNamespace(uuid=uuid))
        return open_meter(CUDA)

    return plant


def test_the_energy_is_the_difference_of_two_readings_in_joules(plant):
    meter = plant([2**40 + 1000, 2**40 + 7_654_321])
    began = meter.read_j()
    assert meter.tell_since(began) == {"energy_j": pytest.approx(7653.3, abs=0.05)}


@pytest.mark.parametrize(
    "gpu",
    [
        {"nvmlInit": fail(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)},
        {"nvmlInit": fail(pynvml.NVML_ERROR_DRIVER_NOT_LOADED)},
        {"uuid": "another"},
        {"nvmlDeviceGetTotalEnergyConsumption": fail(pynvml.NVML_ERROR_NOT_SUPPORTED)},
        {"nvmlDeviceGetHandleByUUID": fail(pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)},
    ],
)
def test_a_gpu_that_does_not_tell_leaves_the_energy_out(plant, gpu):
    meter = plant([1, 2, 3], **gpu)
    assert meter.read_j() is None
    assert meter.tell_since(5.0) == {}


def test_a_cpu_has_no_counter():
    meter = open_meter(torch.device("cpu"))
    assert meter.read_j() is None
    assert meter.tell_since(None) == {}
