"""Tell whether this environment computes, on which device, and why on no better one."""

from __future__ import annotations

import importlib
import json
import platform
import time
from typing import Any

from ...core.errors import first_line
from .driver import Driver, ask_driver

_LIBRARIES = ("numpy", "torch", "segmentation_models_pytorch", "rasterio", "shapely", "pyogrio")
_ENCODER = "tu-tf_efficientnet_lite0"
_SIDE_PX = 64
_REPAIR = "Press Set up to repair the worker's environment."


def examine() -> dict[str, Any]:
    """Import every library, run a small U-Net forward and backward, and return what was found, ready for JSON.

    ``ok`` says whether the worker can compute at all, ``device`` (``cuda`` or ``cpu``) where it will; ``text`` and
    ``hint`` are the verdict for people. ``cuda["reason"]`` says why the GPU is not used, or is "". ``seconds`` holds
    the time of the imports and of a pass per device tried.
    """
    facts: dict[str, Any] = {
        "ok": False,
        "device": "cpu",
        "device_name": platform.processor() or platform.machine(),
        "text": "",
        "hint": "",
        "python": platform.python_version(),
        "versions": {},
        "cuda": {"usable": False, "reason": ""},
        "seconds": {},
    }
    try:
        facts["versions"], facts["seconds"]["import"] = _import_libraries()
    except (ImportError, OSError, RuntimeError) as error:
        facts.update(text=f"A library of the worker does not load: {first_line(error)}", hint=_REPAIR)
        return facts
    _try_cuda(facts)
    if facts["device"] == "cpu":
        _try_cpu(facts)
    return facts


def _import_libraries() -> tuple[dict[str, str], float]:
    begin = time.monotonic()
    versions = {name: str(importlib.import_module(name).__version__) for name in _LIBRARIES}
    versions["gdal"] = str(importlib.import_module("rasterio").__gdal_version__)
    return versions, _seconds_since(begin)


def _try_cuda(facts: dict[str, Any]) -> None:
    """Use the GPU if it computes; else note the reason."""
    torch = importlib.import_module("torch")
    cuda = facts["cuda"]
    driver = ask_driver()
    cuda.update(driver=driver.version if driver else "", built_for=torch.version.cuda or "")
    cuda["reason"] = explain_absence(torch.version.cuda, driver)
    if cuda["reason"]:
        return
    try:
        properties = torch.cuda.get_device_properties(0)
        cuda.update(
            name=properties.name,
            capability=f"{properties.major}.{properties.minor}",
            memory_bytes=properties.total_memory,
            free_bytes=torch.cuda.mem_get_info(0)[0],
        )
        facts["seconds"]["cuda"] = _pass_through_network("cuda")
    except (RuntimeError, AssertionError) as error:  # torch reports CUDA's errors as either
        cuda["reason"] = f"CUDA reports: {first_line(error)}"
        return
    cuda["usable"] = True
    text = f"Ready: runs on the GPU ({properties.name}, {properties.total_memory / 2**30:.0f} GiB)."
    facts.update(ok=True, device="cuda", device_name=properties.name, text=text)


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


def _try_cpu(facts: dict[str, Any]) -> None:
    try:
        facts["seconds"]["cpu"] = _pass_through_network("cpu")
    except (RuntimeError, ImportError) as error:
        facts.update(text=f"The worker cannot compute: {first_line(error)}", hint=_REPAIR)
        return
    reason = facts["cuda"]["reason"]
    facts.update(ok=True, text=f"Ready: runs on the CPU, because {reason}.", hint=_advise(reason))


def _advise(reason: str) -> str:
    if "too old" in reason:
        return "Update the NVIDIA driver to use the GPU."
    if "no CUDA" in reason or "no NVIDIA driver" in reason:
        return "Fine-tuning works, and is many times faster with an NVIDIA GPU and its driver."
    return "Fine-tuning works; mend the GPU as said and press Set up again to use it."


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


def format_text(facts: dict[str, Any]) -> str:
    """Return the facts as lines for people."""
    rows = [("Python", facts["python"]), *facts["versions"].items()]
    cuda = facts["cuda"]
    if cuda["usable"]:
        rows += [("GPU", cuda["name"]), ("capability", cuda["capability"])]
        rows.append(("memory", f"{cuda['free_bytes'] / 2**30:.1f} of {cuda['memory_bytes'] / 2**30:.1f} GiB free"))
        rows.append(("driver", cuda["driver"]))
    elif cuda["reason"]:
        rows.append(("no GPU", cuda["reason"]))
    rows += [(f"{name}, s", f"{value:.2f}") for name, value in facts["seconds"].items()]
    table = [f"{name:<28} {value}" for name, value in rows]
    return "\n".join([line for line in [facts["text"], facts["hint"], *table] if line])


def main(as_json: bool) -> int:
    """Print the facts, as one JSON object on one line or as text; return 0 if the worker can compute, else 1."""
    facts = examine()
    print(json.dumps(facts, ensure_ascii=True) if as_json else format_text(facts), flush=True)
    return 0 if facts["ok"] else 1
