"""Whether a job gives the same figures twice: what is asked of torch, and what the report says of it."""

from __future__ import annotations

import logging

import pytest
import torch

from plugin.core.report import Repeatability
from plugin.worker.runtime.determinism import CPU, CUDA, Determinism, describe_repeatability


@pytest.fixture
def deterministic_torch():
    """Ask torch for deterministic algorithms, as a run on CUDA does, and set everything back."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)
    logging.captureWarnings(False)


def test_an_operation_that_is_not_deterministic_is_heard_by_torchs_own_name(deterministic_torch):
    determinism = Determinism(torch.device("cpu"))
    determinism.listen()
    values = torch.zeros(4)
    values.put_(torch.tensor([1, 1]), torch.tensor([1.0, 2.0]))  # which of the two is last is not said
    assert determinism.unsure == ("put_",)


def test_on_the_cpu_nothing_is_asked_of_torch():
    determinism = Determinism(torch.device("cpu"))
    assert not torch.are_deterministic_algorithms_enabled()
    assert determinism.unsure == ()


def test_cuda_is_asked_for_deterministic_algorithms(monkeypatch):
    """Asking needs no GPU."""
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    try:
        Determinism(torch.device("cuda"))
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert torch.backends.cudnn.deterministic
        assert not torch.backends.cudnn.benchmark
    finally:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.deterministic = False
        logging.captureWarnings(False)


def test_the_report_names_what_is_not_deterministic_on_cuda():
    told = describe_repeatability("cuda", ["upsample_bilinear2d_backward_out_cuda"])
    assert not told.is_deterministic
    assert told.sentence.startswith(CUDA)
    assert "upsample_bilinear2d_backward_out_cuda; its figures may differ a little" in told.sentence


def test_a_run_on_cuda_without_such_an_operation_says_so():
    told = describe_repeatability("cuda", [])
    assert told.is_deterministic
    assert told.sentence.endswith("In this run PyTorch named no operation that is not.")


def test_the_cpu_is_deterministic():
    assert describe_repeatability("cpu", []) == Repeatability(is_deterministic=True, sentence=CPU)
