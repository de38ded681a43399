"""Tell whether this environment computes, on which device, and why on no better one."""

from __future__ import annotations

import importlib
import json
import platform
import time
from dataclasses import replace

from ...core.doctor_report import CudaReport, DoctorReport
from ...core.errors import first_line
from ...core.json_codec import encode
from .driver import Driver, ask_driver

_LIBRARIES = ("numpy", "torch", "segmentation_models_pytorch", "rasterio", "shapely", "pyogrio")
_ENCODER = "tu-tf_efficientnet_lite0"
_SIDE_PX = 64
_REPAIR = "Press Set up to repair the worker's environment."


def examine() -> DoctorReport:
    """Import every library, run a small U-Net forward and backward, and return what was found."""
    found = DoctorReport(device_name=platform.processor() or platform.machine(), python=platform.python_version())
    try:
        versions, seconds = _import_libraries()
    except (ImportError, OSError, RuntimeError) as error:
        return replace(found, text=f"A library of the worker does not load: {first_line(error)}", hint=_REPAIR)
    found = _try_cuda(replace(found, versions=versions, seconds={"import": seconds}))
    return found if found.ok else _try_cpu(found)


def _import_libraries() -> tuple[dict[str, str], float]:
    begin = time.monotonic()
    versions = {name: str(importlib.import_module(name).__version__) for name in _LIBRARIES}
    versions["gdal"] = str(importlib.import_module("rasterio").__gdal_version__)
    return versions, _seconds_since(begin)


def _try_cuda(found: DoctorReport) -> DoctorReport:
    """Use the GPU if it computes; else note the reason."""
    torch = importlib.import_module("torch")
    driver = ask_driver()
    reason = explain_absence(torch.version.cuda, driver)
    cuda = CudaReport(False, reason, driver.version if driver else "", torch.version.cuda or "")
    if reason:
        return replace(found, cuda=cuda)
    try:
        properties = torch.cuda.get_device_properties(0)
        cuda = replace(
            cuda,
            name=properties.name,
            capability=f"{properties.major}.{properties.minor}",
            memory_bytes=properties.total_memory,
            free_bytes=torch.cuda.mem_get_info(0)[0],
        )
        seconds = {**found.seconds, "cuda": _pass_through_network("cuda")}
    except (RuntimeError, AssertionError) as error:  # torch reports CUDA's errors as either
        return replace(found, cuda=replace(cuda, reason=f"CUDA reports: {first_line(error)}"))
    text = f"Ready: runs on the GPU ({properties.name}, {properties.total_memory / 2**30:.0f} GiB)."
    cuda = replace(cuda, usable=True)
    return replace(found, ok=True, device="cuda", device_name=properties.name, text=text, cuda=cuda, seconds=seconds)


def explain_absence(built_for: str | None, driver: Driver | None) -> str:
    """Return why a torch built for CUDA ``built_for`` (None: built without) cannot use the driver's GPU, or ""."""
    if driver is None:
        return "no NVIDIA driver is installed"
    if built_for is None:
        return "this build of torch has no CUDA"
    if driver.cuda[0] < int(built_for.split(".")[0]):
        ours = ".".join(str(part) for part in driver.cuda)
        version = f" {driver.version}" if driver.version else ""
        return f"the NVIDIA driver{version} is too old: it runs CUDA up to {ours}, and torch needs {built_for}"
    return driver.problem


def _try_cpu(found: DoctorReport) -> DoctorReport:
    try:
        seconds = {**found.seconds, "cpu": _pass_through_network("cpu")}
    except (RuntimeError, ImportError) as error:
        return replace(found, text=f"The worker cannot compute: {first_line(error)}", hint=_REPAIR)
    reason = found.cuda.reason
    text = f"Ready: runs on the CPU, because {reason}."
    return replace(found, ok=True, text=text, hint=_advise(reason), seconds=seconds)


def _advise(reason: str) -> str:
    if "too old" in reason:
        return "Update the NVIDIA driver to use the GPU."
    if "no CUDA" in reason or "no NVIDIA driver" in reason:
        return "Fine-tuning works, and is many times faster with an NVIDIA GPU and its driver."
    return "Fine-tuning works; to use the GPU, fix the problem named above and press Set up again."


def _pass_through_network(device: str) -> float:
    """Run the network once forward and once backward on random values; return the seconds. Raises RuntimeError."""
    torch = importlib.import_module("torch")
    networks = importlib.import_module("segmentation_models_pytorch")
    begin = time.monotonic()
    network = networks.Unet(_ENCODER, encoder_weights=None, in_channels=3, classes=1).to(device).train()
    raster = torch.rand(2, 3, _SIDE_PX, _SIDE_PX, device=device)
    with torch.autocast(device, enabled=device == "cuda"):
        loss = network(raster).float().square().mean()
    loss.backward()
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    if not gradients or not all(bool(torch.isfinite(gradient).all()) for gradient in gradients):
        raise RuntimeError("the gradients of a small network are not finite")
    return _seconds_since(begin)


def _seconds_since(begin: float) -> float:
    return round(time.monotonic() - begin, 3)


def format_text(found: DoctorReport) -> str:
    """Return what was found as lines for people."""
    rows, cuda = [("Python", found.python), *found.versions.items()], found.cuda
    if cuda.usable:
        free, whole = ((size or 0) / 2**30 for size in (cuda.free_bytes, cuda.memory_bytes))
        rows += [("GPU", cuda.name or ""), ("capability", cuda.capability or "")]
        rows += [("memory", f"{free:.1f} of {whole:.1f} GiB free"), ("driver", cuda.driver or "")]
    elif cuda.reason:
        rows.append(("no GPU", cuda.reason))
    rows += [(f"{name}, s", f"{value:.2f}") for name, value in found.seconds.items()]
    table = [f"{name:<28} {value}" for name, value in rows]
    return "\n".join([line for line in [found.text, found.hint, *table] if line])


def main(as_json: bool) -> int:
    """Print what was found, as one JSON object on one line or as text; return 0 if the worker can compute, else 1."""
    found = examine()
    print(json.dumps(encode(found), ensure_ascii=True) if as_json else format_text(found), flush=True)
    return 0 if found.ok else 1
