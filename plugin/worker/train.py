"""Fine-tuning: all layers, AdamW, a rate that warms up and falls; the best epoch by validation building F1 is kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError  # nosec B403 # only the error is named, nothing is unpickled
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from ..core.errors import RunError
from ..core.events import EpochEnded
from ..core.replace import replacing
from .losses import measure_loss
from .tiles import Sample, Sampler, stack_samples
from .wire import Wire

_WARM_UP = 0.1
_VALIDATION_CROPS = 16
_VALIDATION_SEED = 7

#: Scores the network on validation ground: (building F1, the threshold that gives it).
Validate = Callable[[nn.Module], tuple[float, float]]


@dataclass(frozen=True)
class Plan:
    """How to tune: ``epochs`` of ``steps`` batches of ``batch_size`` crops, at most ``learning_rate``."""

    epochs: int
    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int


@dataclass(frozen=True)
class Outcome:
    """What tuning came to: the history of its epochs, the best one (from 1), and the threshold chosen for it."""

    history: tuple[EpochEnded, ...]
    best_epoch: int
    threshold: float


class Tuning:
    """A tuning that can be broken off and resumed: its state is on disk after every epoch."""

    def __init__(self, network: nn.Module, device: torch.device, plan: Plan, checkpoint: Path) -> None:
        """Set up the optimiser and the schedule, and take up the checkpoint where there is one."""
        self.network, self.device, self.plan = network.to(device), device, plan
        self._checkpoint = checkpoint
        self._optimiser = AdamW(network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
        total = plan.epochs * plan.steps
        self._schedule = LambdaLR(self._optimiser, lambda step: rate_at(step, total))
        self._scaler = torch.amp.GradScaler(device.type, enabled=device.type == "cuda")
        self._history: list[EpochEnded] = []
        self._best: dict[str, torch.Tensor] = {}
        self._threshold = 0.5
        if checkpoint.exists():
            self._take_up()

    def run(self, sampler: Sampler, held: list[Sample], validate: Validate, wire: Wire) -> Outcome:
        """Tune to the end, or until the follower asks to finish; leaves the best epoch's weights in the network.

        ``held`` are crops of validation ground for the validation loss. Raises CancelRequested and RunError.
        """
        while len(self._history) < self.plan.epochs and not (self._history and wire.finish_requested):
            epoch = len(self._history) + 1
            train_loss = self._train_epoch(epoch, sampler, wire)
            validation_loss = self._measure_validation_loss(held, wire)
            f1, threshold = validate(self.network)
            ended = EpochEnded(epoch, self.plan.epochs, train_loss, validation_loss, f1, self._is_best(f1))
            self._keep(ended, threshold)
            wire.emit(ended)
        self.network.load_state_dict(self._best)
        best = max(ended.epoch for ended in self._history if ended.is_best)
        return Outcome(tuple(self._history), best, self._threshold)

    def _train_epoch(self, epoch: int, sampler: Sampler, wire: Wire) -> float:
        """Take the epoch's steps and return their mean loss.

        Each epoch draws from its own seed, so that a resumed tuning goes on as if it had not been broken off.
        """
        rng = np.random.default_rng([self.plan.seed, epoch])
        torch.manual_seed(self.plan.seed * 100_003 + epoch)
        self.network.train()
        losses = []
        for step in range(self.plan.steps):
            done = (epoch - 1 + step / self.plan.steps) / self.plan.epochs
            wire.tell(done, f"Epoch {epoch} of {self.plan.epochs}")
            losses.append(self._take_step([sampler.draw(rng) for _ in range(self.plan.batch_size)]))
            if wire.finish_requested:
                break
        return float(np.mean(losses))

    def _take_step(self, samples: list[Sample]) -> float:
        try:
            values, truth, weight = (part.to(self.device, non_blocking=True) for part in stack_samples(samples))
            with torch.autocast(self.device.type, enabled=self.device.type == "cuda"):
                loss = measure_loss(self.network(values)[:, :1], truth, weight)
            self._optimiser.zero_grad(set_to_none=True)
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            self._scaler.step(self._optimiser)
            self._scaler.update()
        except torch.cuda.OutOfMemoryError as error:
            raise RunError(
                f"The GPU's memory is too small for batches of {self.plan.batch_size}.",
                "Choose a smaller batch size, or close other programs that use the GPU.",
            ) from error
        self._schedule.step()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise RunError("The loss is no longer a number.", "Choose a smaller learning rate and start again.")
        return value

    def _measure_validation_loss(self, held: list[Sample], wire: Wire) -> float:
        self.network.eval()
        losses = []
        with torch.inference_mode():
            for start in range(0, len(held), 4):
                wire.check()
                values, truth, weight = (part.to(self.device) for part in stack_samples(held[start : start + 4]))
                losses.append(float(measure_loss(self.network(values)[:, :1], truth, weight)))
        return float(np.mean(losses))

    def _is_best(self, f1: float) -> bool:
        return all(f1 > ended.validation_f1 for ended in self._history if ended.is_best)

    def _keep(self, ended: EpochEnded, threshold: float) -> None:
        self._history.append(ended)
        if ended.is_best:
            self._best = {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}
            self._threshold = threshold
        state = {
            "network": self.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "schedule": {"last_epoch": self._schedule.last_epoch},
            "scaler": self._scaler.state_dict(),
            "best": self._best,
            "threshold": self._threshold,
            "history": [vars(each) for each in self._history],
        }
        with replacing(self._checkpoint, RuntimeError) as partial:
            torch.save(state, partial)

    def _take_up(self) -> None:
        try:
            state: dict[str, Any] = torch.load(self._checkpoint, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
            raise RunError(
                f"The checkpoint cannot be read: {error}", "Delete checkpoint.pt and resume again."
            ) from error
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._scaler.load_state_dict(state["scaler"])
        self._schedule.last_epoch = state["schedule"]["last_epoch"]
        for group in self._optimiser.param_groups:
            group["lr"] = self.plan.learning_rate * rate_at(
                self._schedule.last_epoch, self.plan.epochs * self.plan.steps
            )
        self._best, self._threshold = state["best"], state["threshold"]
        self._history = [EpochEnded(**each) for each in state["history"]]


def rate_at(step: int, total: int) -> float:
    """Return the share of the learning rate at a step: rising over the first tenth, then falling as a half cosine."""
    warm = max(1, round(_WARM_UP * total))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm))) * 0.98 + 0.02


def draw_held_samples(sampler: Sampler) -> list[Sample]:
    """Return the same crops every time, not augmented: for comparing epochs by their loss."""
    rng = np.random.default_rng(_VALIDATION_SEED)
    return [sampler.draw(rng, is_augmented=False) for _ in range(_VALIDATION_CROPS)]
