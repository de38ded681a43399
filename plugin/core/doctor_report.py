"""What the worker's smoke test found; the command ``doctor --json`` prints it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

from .json_codec import described


@dataclass(frozen=True)
class CudaReport:
    """Whether the GPU computes, else the reason ("": it does), and what is known of it (None: nothing)."""

    usable: bool = False
    reason: str = ""
    driver: Optional[str] = described("the driver's version", default=None, is_omitted=True)
    built_for: Optional[str] = described("the CUDA of torch's build", default=None, is_omitted=True)
    name: Optional[str] = described("the GPU's name", default=None, is_omitted=True)
    capability: Optional[str] = described("its compute capability", default=None, is_omitted=True)
    memory_bytes: Optional[int] = described("its memory", default=None, is_omitted=True)
    free_bytes: Optional[int] = described("of which is free", default=None, is_omitted=True)


@dataclass(frozen=True)
class DoctorReport:
    """Whether the worker can compute at all, and where: on ``cuda`` or on the ``cpu``.

    ``text`` and ``hint`` are the verdict for people. ``seconds`` holds the time of the imports and of a pass per device
    tried.
    """

    ok: bool = False
    device: str = "cpu"
    device_name: str = ""
    text: str = ""
    hint: str = ""
    python: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    cuda: CudaReport = CudaReport()
    seconds: dict[str, float] = field(default_factory=dict)
