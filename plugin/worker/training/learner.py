"""One step of learning after another: AdamW, a rate that warms up and falls, and a running mean of the weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ...core.errors import RunError
from ..runtime.precision import autocast, keep_depthwise_exact
from .losses import measure_loss
from .sampler import Sample, stack_samples

_WARM_UP = 0.1


@dataclass(frozen=True)
class Plan:
    """How to learn: ``epochs`` of ``steps`` batches of ``batch_size`` crops, at most ``learning_rate``.

    The encoder's rate is ``encoder_share`` of it. ``ema_decay`` is what a step leaves of the weights' running mean,
    which is what is kept of the network (0: the weights themselves).
    """

    epochs: int
    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int
    encoder_share: float = 1.0
    ema_decay: float = 0.0


class Learner:
    """A network that learns from crops; ``averaged`` is what it is judged and kept by."""

    def __init__(self, network: nn.Module, device: torch.device, plan: Plan) -> None:
        """Set up the optimiser, the schedule and the running mean."""
        self.network, self.device, self.plan = network.to(device), device, plan
        keep_depthwise_exact(self.network, device)
        self._optimiser = AdamW(_group_parameters(network, plan), weight_decay=plan.weight_decay)
        total = plan.epochs * plan.steps
        self._schedule = LambdaLR(self._optimiser, lambda step: rate_at(step, total))
        self._scaler = torch.amp.GradScaler(device.type, enabled=device.type == "cuda")
        self._mean: AveragedModel | None = None
        if plan.ema_decay:
            average = get_ema_multi_avg_fn(plan.ema_decay)
            self._mean = AveragedModel(network, multi_avg_fn=average, use_buffers=True)

    @property
    def averaged(self) -> nn.Module:
        """The network with the running mean of its weights, or as it is where none is kept."""
        return self.network if self._mean is None else self._mean.module

    def take_step(self, samples: list[Sample]) -> float:
        """Learn from a batch and return its loss; raises RunError where the memory or the numbers run out."""
        try:
            values, truth, weight = (part.to(self.device, non_blocking=True) for part in stack_samples(samples))
            with autocast(self.device):
                logits = self.network(values)
            loss = measure_loss(logits[:, : truth.shape[1]], truth, weight)
            self._optimiser.zero_grad(set_to_none=True)
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            self._scaler.step(self._optimiser)
            self._scaler.update()
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise RunError(
                f"One crop of {values.shape[-1]} px a batch is too little to train this network.",
                "Choose a batch size of 2 or more, or a recipe with larger crops.",
            ) from error
        except torch.cuda.OutOfMemoryError as error:
            raise RunError(
                f"The GPU's memory is too small for batches of {self.plan.batch_size}.",
                "Choose a smaller batch size, or close other programs that use the GPU.",
            ) from error
        self._schedule.step()
        if self._mean is not None:
            self._mean.update_parameters(self.network)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise RunError("The loss is no longer a number.", "Choose a smaller learning rate and start again.")
        return value

    def measure(self, samples: list[Sample]) -> float:
        """Return the loss of a batch that is not learnt from."""
        self.averaged.eval()
        values, truth, weight = (part.to(self.device) for part in stack_samples(samples))
        with torch.inference_mode(), autocast(self.device):
            logits = self.averaged(values)
            return float(measure_loss(logits[:, : truth.shape[1]], truth, weight))

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on later."""
        return {
            "network": self.network.state_dict(),
            "mean": {} if self._mean is None else self._mean.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.last_epoch,
            "scaler": self._scaler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was taken."""
        self.network.load_state_dict(state["network"])
        if self._mean is not None:
            self._mean.load_state_dict(state["mean"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._scaler.load_state_dict(state["scaler"])
        self._schedule.last_epoch = state["schedule"]  # the rate itself came with the optimiser


def rate_at(step: int, total: int) -> float:
    """Return the share of the learning rate at a step: rising over the first tenth, then falling as a half cosine."""
    warm = max(1, round(_WARM_UP * total))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm))) * 0.98 + 0.02


def _group_parameters(network: nn.Module, plan: Plan) -> list[dict[str, Any]]:
    """Return the parameters with their rates: the encoder has learnt more than the rest."""
    encoder = {id(each) for each in network.encoder.parameters()} if hasattr(network, "encoder") else set()
    parts = [[each for each in network.parameters() if (id(each) in encoder) is inside] for inside in (True, False)]
    rates = (plan.learning_rate * plan.encoder_share, plan.learning_rate)
    return [{"params": part, "lr": rate} for part, rate in zip(parts, rates, strict=True) if part]
