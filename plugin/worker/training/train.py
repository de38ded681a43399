"""Fine-tuning: all layers, epoch by epoch; the best epoch by validation building F1 is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError  # nosec B403 # only the error is named, nothing is unpickled
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from ...core.atomic_file import replacing
from ...core.card import SeparationParams
from ...core.errors import RunError
from ...core.events import EpochEnded
from ...core.json_codec import decode
from ..runtime.progress import Progress
from .learner import Learner
from .sampler import Sample, Sampler

_VALIDATION_CROPS = 16
_VALIDATION_SEED = 7

#: Scores a network on validation ground, from an earlier parting on: (building F1, the parting that gives it).
Validate = Callable[[nn.Module, SeparationParams], tuple[float, SeparationParams]]


@dataclass(frozen=True)
class TuningResult:
    """What tuning came to: the history of its epochs, the best one (from 1), and the separation chosen for it."""

    history: tuple[EpochEnded, ...]
    best_epoch: int
    separation: SeparationParams


class TuningProgress(Progress, Protocol):
    """Progress of a tuning, which also receives every epoch and may be asked to finish early."""

    @property
    def finish_requested(self) -> bool:
        """Whether to stop tuning and keep the best epoch."""

    def emit(self, event: EpochEnded) -> None:
        """Receive an epoch that has ended."""


class Tuning:
    """A tuning that can be broken off and resumed: its state is on disk after every epoch."""

    def __init__(self, learner: Learner, separation: SeparationParams, checkpoint: Path) -> None:
        """Begin with the base model's separation, or take up the checkpoint where there is one."""
        self._learner, self._plan = learner, learner.plan
        self._checkpoint = checkpoint
        self._history: list[EpochEnded] = []
        self._best: dict[str, torch.Tensor] = {}
        self._parting = separation
        if checkpoint.exists():
            self._take_up()

    @property
    def network(self) -> nn.Module:
        """The network that is judged and kept."""
        return self._learner.averaged

    def run(self, sampler: Sampler, held: list[Sample], validate: Validate, progress: TuningProgress) -> TuningResult:
        """Tune to the end, or until the follower asks to finish; leaves the best epoch's weights in the network.

        ``held`` are crops of validation ground for the validation loss. Raises CancelRequested and RunError.
        """
        while len(self._history) < self._plan.epochs and not (self._history and progress.finish_requested):
            epoch = len(self._history) + 1
            train_loss = self._train_epoch(epoch, sampler, progress)
            validation_loss = self._measure_validation_loss(held, progress)
            f1, separation = validate(self.network, self._parting)
            ended = EpochEnded(epoch, self._plan.epochs, train_loss, validation_loss, f1, self._is_best(f1))
            self._keep(ended, separation)
            progress.emit(ended)
        self.network.load_state_dict(self._best)
        best = max(ended.epoch for ended in self._history if ended.is_best)
        return TuningResult(tuple(self._history), best, self._parting)

    def _train_epoch(self, epoch: int, sampler: Sampler, progress: TuningProgress) -> float:
        """Take the epoch's steps and return their mean loss.

        Each epoch draws from its own seed, so that a resumed tuning goes on as if it had not been broken off.
        """
        rng = np.random.default_rng([self._plan.seed, epoch])
        torch.manual_seed(self._plan.seed * 100_003 + epoch)
        self._learner.network.train()
        losses = []
        for step in range(self._plan.steps):
            done = (epoch - 1 + step / self._plan.steps) / self._plan.epochs
            progress.report(done, f"Epoch {epoch} of {self._plan.epochs}")
            losses.append(self._learner.take_step([sampler.draw(rng) for _ in range(self._plan.batch_size)]))
            if progress.finish_requested:
                break
        return float(np.mean(losses))

    def _measure_validation_loss(self, held: list[Sample], progress: Progress) -> float:
        losses = []
        for start in range(0, len(held), 4):
            progress.raise_if_cancelled()
            losses.append(self._learner.measure(held[start : start + 4]))
        return float(np.mean(losses))

    def _is_best(self, f1: float) -> bool:
        return all(f1 > ended.validation_f1 for ended in self._history if ended.is_best)

    def _keep(self, ended: EpochEnded, separation: SeparationParams) -> None:
        self._history.append(ended)
        if ended.is_best:
            self._best = {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}
            self._parting = separation
        state = {
            "learner": self._learner.state_dict(),
            "best": self._best,
            "parting": asdict(self._parting),
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
        self._learner.load_state_dict(state["learner"])
        self._best, self._parting = state["best"], decode(SeparationParams, state["parting"])
        self._history = [EpochEnded(**each) for each in state["history"]]


def draw_held_samples(sampler: Sampler) -> list[Sample]:
    """Return the same crops every time, not augmented: for comparing epochs by their loss."""
    rng = np.random.default_rng(_VALIDATION_SEED)
    return [sampler.draw(rng, is_augmented=False) for _ in range(_VALIDATION_CROPS)]
