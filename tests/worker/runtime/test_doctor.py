"""The smoke test: does the worker compute, on which device, and why on no better one."""

import ctypes
import json
from types import SimpleNamespace

import pynvml
import pytest
import torch

from plugin.core.environment import check_environment, locate_environment
from plugin.core.json_codec import encode
from plugin.worker.runtime import doctor, driver
from plugin.worker.runtime.driver import Driver, ask_driver

TOO_OLD = "the NVIDIA driver 535.1 is too old: it runs CUDA up to 12.2, and torch needs 13.2"
GOOD = Driver("580.65.06", (13, 0), "")


def plant_driver(monkeypatch, *, code=0, cuda=13000, version="580.65.06"):
    """Put an NVIDIA driver's CUDA library where it is looked for, and NVML's answer (None: it gives none)."""

    def tell_cuda(number):
        number._obj.value = cuda
        return 0

    def tell_version():
        if version is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_UNKNOWN)
        return version

    cuda_library = SimpleNamespace(cuDriverGetVersion=tell_cuda, cuInit=lambda _flags: code)
    monkeypatch.setattr(ctypes, "CDLL", {driver._CUDA_LIBRARY: cuda_library}.__getitem__)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlSystemGetDriverVersion", tell_version)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: None)


def test_this_machine_computes_and_the_facts_tell_where():
    facts = doctor.examine()
    assert facts.ok, facts.text
    assert facts.device == ("cuda" if torch.cuda.is_available() else "cpu")
    assert facts.seconds[facts.device] > 0
    assert facts.versions["torch"] == torch.__version__
    assert set(facts.versions) >= {"numpy", "rasterio", "gdal", "shapely", "segmentation_models_pytorch"}
    assert facts.cuda.usable or facts.cuda.reason in facts.text


def test_the_plugin_gets_the_same_verdict_from_the_workers_command_line():
    verdict = check_environment(locate_environment())
    assert verdict.ok, verdict.text
    assert verdict.facts["versions"]["torch"] == torch.__version__


def test_the_json_is_one_object_on_one_line_and_the_text_is_for_people(capsys, monkeypatch):
    facts = doctor.examine()
    monkeypatch.setattr(doctor, "examine", lambda: facts)
    assert doctor.main(as_json=True) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [encode(facts)]
    assert doctor.main(as_json=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == facts.text
    assert any(line.startswith("torch ") and line.endswith(torch.__version__) for line in lines)


def test_a_library_that_does_not_load_is_named_with_a_next_step(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "_LIBRARIES", ("numpy", "a_library_that_is_not_there"))
    facts = doctor.examine()
    assert not facts.ok
    assert "a_library_that_is_not_there" in facts.text
    assert "Set up" in facts.hint
    assert doctor.main(as_json=False) == 1
    assert "a_library_that_is_not_there" in capsys.readouterr().out


def test_a_gpu_that_fails_leaves_the_cpu_and_its_reason(monkeypatch):
    def fail(device):
        if device == "cuda":
            raise RuntimeError("CUDA error: no kernel image is available for execution on the device\nmore")
        return 0.5

    properties = SimpleNamespace(name="An old GPU", major=3, minor=5, total_memory=2 << 30)
    monkeypatch.setattr(doctor, "ask_driver", lambda: GOOD)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _number: properties)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _number: (1 << 30, 2 << 30))
    monkeypatch.setattr(doctor, "_pass_through_network", fail)
    facts = doctor.examine()
    assert (facts.ok, facts.device) == (True, "cpu")
    assert "no kernel image" in facts.text
    assert "more" not in facts.text
    assert (facts.cuda.name, facts.cuda.capability, facts.cuda.driver) == (
        "An old GPU", "3.5", "580.65.06",
    )  # fmt: skip
    assert "Set up again" in facts.hint


def test_a_gpu_that_computes_is_used_and_named(monkeypatch):
    properties = SimpleNamespace(name="A GPU", major=9, minor=0, total_memory=80 << 30)
    monkeypatch.setattr(doctor, "ask_driver", lambda: GOOD)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _number: properties)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _number: (70 << 30, 80 << 30))
    monkeypatch.setattr(doctor, "_pass_through_network", lambda device: {"cuda": 0.1}[device])
    facts = doctor.examine()
    assert (facts.ok, facts.device, facts.device_name) == (True, "cuda", "A GPU")
    assert facts.text == "Ready: runs on the GPU (A GPU, 80 GiB)."
    assert "70.0 of 80.0 GiB free" in doctor.format_text(facts)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a usable GPU")
def test_a_driver_that_promises_a_gpu_that_torch_cannot_reach_leaves_the_cpu(monkeypatch):
    monkeypatch.setattr(doctor, "ask_driver", lambda: GOOD)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    facts = doctor.examine()
    assert (facts.ok, facts.device) == (True, "cpu")
    assert facts.cuda.reason.startswith("CUDA reports: ")


def test_a_worker_that_cannot_compute_at_all_says_so(monkeypatch):
    def fail(_device):
        raise RuntimeError("illegal instruction")

    monkeypatch.setattr(doctor, "ask_driver", lambda: None)
    monkeypatch.setattr(doctor, "_pass_through_network", fail)
    facts = doctor.examine()
    assert not facts.ok
    assert "illegal instruction" in facts.text
    assert facts.hint


@pytest.mark.parametrize(
    ("built_for", "found", "expected"),
    [
        ("13.2", None, "no NVIDIA driver is installed"),
        (None, GOOD, "this build of torch has no CUDA"),
        ("13.2", Driver("535.1", (12, 2), ""), TOO_OLD),
        ("13.2", GOOD, ""),
        ("12.8", GOOD, ""),
        ("13.2", Driver("580.65.06", (13, 0), "the driver sees no GPU"), "the driver sees no GPU"),
    ],
)  # fmt: skip
def test_why_there_is_no_gpu(built_for, found, expected):
    assert doctor.explain_absence(built_for, found) == expected


def test_an_old_driver_is_advised_to_be_updated(monkeypatch):
    monkeypatch.setattr(doctor, "ask_driver", lambda: Driver("470.1", (11, 4), ""))
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    facts = doctor.examine()
    assert (facts.ok, facts.device) == (True, "cpu")
    assert facts.hint == "Update the NVIDIA driver to use the GPU."


def test_the_driver_tells_its_version_and_its_cuda(monkeypatch):
    plant_driver(monkeypatch, cuda=12080)
    assert ask_driver() == Driver("580.65.06", (12, 8), "")


def test_a_driver_without_nvml_has_no_version_of_its_own_but_its_cuda(monkeypatch):
    plant_driver(monkeypatch, version=None)
    assert ask_driver() == Driver("", (13, 0), "")


@pytest.mark.parametrize(("code", "word"), [(100, "sees no GPU"), (803, "restart"), (12345, "error 12345")])
def test_a_driver_that_does_not_start_tells_why(monkeypatch, code, word):
    plant_driver(monkeypatch, code=code)
    assert word in ask_driver().problem


def test_a_machine_without_a_driver_has_none(monkeypatch):
    monkeypatch.setattr(driver, "_CUDA_LIBRARY", "a-library-that-is-not-there.so")
    assert ask_driver() is None
