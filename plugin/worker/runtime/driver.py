"""What the machine's NVIDIA driver says, asked directly, so that "no GPU" comes with its reason."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass

_CUDA_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_CODES = {
    100: "the driver sees no GPU (it may be switched off, or hidden from this session)",
    802: "the GPU is not initialised yet (on a server, its fabric manager may not run)",
    803: "the driver's kernel module and its library are of different versions: restart the computer",
    804: "the driver's library does not fit this GPU",
    999: "the driver does not answer: restart the computer",
}


@dataclass(frozen=True)
class Driver:
    """The NVIDIA driver: its own ``version`` and the newest CUDA ``(major, minor)`` that it runs; ``problem`` or ""."""

    version: str
    cuda: tuple[int, int]
    problem: str


def ask_driver() -> Driver | None:
    """Return what the driver says, None where none is installed."""
    try:
        library = ctypes.CDLL(_CUDA_LIBRARY)
    except OSError:
        return None
    number = ctypes.c_int()
    library.cuDriverGetVersion(ctypes.byref(number))
    code = library.cuInit(0)
    problem = "" if code == 0 else _CODES.get(code, f"the driver answers with error {code}")
    return Driver(_ask_version(), (number.value // 1000, number.value % 1000 // 10), problem)


def _ask_version() -> str:
    import pynvml  # noqa: PLC0415 - an environment without it can still be examined

    try:
        pynvml.nvmlInit()
        version = str(pynvml.nvmlSystemGetDriverVersion())
        pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return ""
    return version
