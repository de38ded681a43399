"""Whether the same job gives the same figures twice, and what stands against it."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence

import torch

from ...core.report import Repeatability

_UNSURE = re.compile(r"(\w+) does not have a deterministic implementation")
_LOGGER = logging.getLogger("py.warnings")

CPU = (
    "Computed on the CPU: the same job with the same versions, number of threads and kind of processor gives the same "
    "figures."
)
CUDA = (
    "Computed on CUDA, with the deterministic algorithms of PyTorch and cuDNN wherever they have one. Sums in float16 "
    "still depend on the kind of GPU, its driver and the versions of CUDA and cuDNN."
)


class Determinism:
    """Asks torch for the same figures twice, and hears which operations cannot give them."""

    def __init__(self, device: torch.device) -> None:
        """Choose deterministic algorithms on CUDA (before its first use); on the CPU they are so by themselves."""
        self._device = device
        self._ear = _Ear()
        if device.type == "cuda":
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.backends.cudnn.benchmark = False
            torch.backends.cudnn.deterministic = True
            torch.utils.deterministic.fill_uninitialized_memory = False
            torch.use_deterministic_algorithms(True, warn_only=True)
            self.listen()

    def listen(self) -> None:
        """Hear torch's warnings, which go to the log from here on."""
        logging.captureWarnings(True)
        _LOGGER.addHandler(self._ear)

    @property
    def unsure(self) -> tuple[str, ...]:
        """The operations heard so far that may give other figures the next time, in torch's names."""
        return tuple(sorted(self._ear.heard))


def describe_repeatability(device: str, unsure: Sequence[str]) -> Repeatability:
    """Return whether a torch device's type repeats its figures; ``unsure`` are the operations that may not."""
    is_cuda = device == "cuda"
    sentence = CUDA if is_cuda else CPU
    if is_cuda:
        sentence += (
            f" Not deterministic in this run: {', '.join(unsure)}; its figures may differ a little the next time."
            if unsure
            else " In this run PyTorch named no operation that is not."
        )
    return Repeatability(not unsure, tuple(unsure), sentence)


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.update(_UNSURE.findall(record.getMessage()))
