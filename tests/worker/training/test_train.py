"""Tuning: the schedule is applied, the best epoch is kept, and what was broken off goes on as if it had not been."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from plugin.core.card import Seeds, SeparationParams
from plugin.core.errors import RunError
from plugin.core.events import EpochEnded
from plugin.worker.runtime.progress import CancelRequested
from plugin.worker.training.learner import Learner, Plan
from plugin.worker.training.sampler import Sample
from plugin.worker.training.train import Tuning

START = SeparationParams(0.5)
CHOSEN = SeparationParams(0.4, Seeds(0.2))
PLAN = Plan(epochs=4, steps=3, batch_size=2, learning_rate=0.05, weight_decay=0.0, seed=3)


class Listener:
    """Progress that keeps what it hears; ``orders`` are given once so many events were heard."""

    def __init__(self, finish_after=None, cancel_after=None):
        self.heard = []
        self._finish_after, self._cancel_after = finish_after, cancel_after

    @property
    def finish_requested(self):
        return self._finish_after is not None and len(self.heard) >= self._finish_after

    def raise_if_cancelled(self):
        if self._cancel_after is not None and len(self.heard) >= self._cancel_after:
            raise CancelRequested

    def report(self, *_):
        self.raise_if_cancelled()

    def emit(self, event):
        self.heard.append(event)


class BrightIsBuilding:
    """Draws crops whose bright pixels are building."""

    def draw(self, rng, is_augmented=True):
        values = torch.from_numpy(rng.normal(size=(3, 32, 32)).astype("float32"))
        return Sample(values, (values[:1] > 0).float(), torch.ones(1, 32, 32))


def make_network():
    torch.manual_seed(0)
    return nn.Conv2d(3, 1, 1)


def tune(path, scores, progress=None, plan=PLAN):
    """Tune with the validation F1 of each epoch given."""
    remaining = iter(scores)
    tuning = Tuning(Learner(make_network(), torch.device("cpu"), plan), START, path)
    held = [BrightIsBuilding().draw(np.random.default_rng(9)) for _ in range(2)]
    outcome = tuning.run(BrightIsBuilding(), held, lambda *_: (next(remaining), CHOSEN), progress or Listener())
    return tuning.network, outcome


def weights(network):
    return [value.clone() for value in network.state_dict().values()]


def test_the_loss_falls(tmp_path):
    _, outcome = tune(tmp_path / "c.pt", [0.1, 0.2, 0.3, 0.4])
    assert outcome.history[-1].train_loss < outcome.history[0].train_loss
    assert outcome.history[-1].validation_loss < outcome.history[0].validation_loss


def test_the_best_epoch_by_validation_f1_is_kept_not_the_last(tmp_path):
    kept, outcome = tune(tmp_path / "a.pt", [0.1, 0.5, 0.3, 0.2])
    stopped, _ = tune(tmp_path / "b.pt", [0.1, 0.5], Listener(finish_after=2))
    assert outcome.best_epoch == 2
    assert outcome.separation == CHOSEN
    assert all(torch.equal(one, other) for one, other in zip(weights(kept), weights(stopped), strict=True))


def test_a_tuning_that_was_broken_off_ends_with_the_same_weights(tmp_path):
    whole, _ = tune(tmp_path / "whole.pt", [0.1, 0.2, 0.3, 0.4])
    with pytest.raises(CancelRequested):
        tune(tmp_path / "parts.pt", [0.1, 0.2], Listener(cancel_after=2))
    resumed, outcome = tune(tmp_path / "parts.pt", [0.3, 0.4])
    assert [ended.epoch for ended in outcome.history] == [1, 2, 3, 4]
    assert all(torch.equal(one, other) for one, other in zip(weights(whole), weights(resumed), strict=True))


def test_finish_ends_with_the_epochs_so_far(tmp_path):
    _, outcome = tune(tmp_path / "c.pt", [0.3, 0.2], Listener(finish_after=2))
    assert len(outcome.history) == 2
    assert outcome.best_epoch == 1


def test_finish_before_the_first_epoch_has_ended_closes_that_epoch_early(tmp_path):
    _, outcome = tune(tmp_path / "c.pt", [0.3], Listener(finish_after=0))
    assert [ended.epoch for ended in outcome.history] == [1]


def test_every_epoch_is_told_and_marked_where_it_is_the_best(tmp_path):
    progress = Listener()
    tune(tmp_path / "c.pt", [0.2, 0.1, 0.3, 0.3], progress)
    assert all(isinstance(event, EpochEnded) for event in progress.heard)
    assert [event.is_best for event in progress.heard] == [True, False, True, False]


def test_the_first_epoch_counts_as_best_even_where_it_finds_no_building(tmp_path):
    _, outcome = tune(tmp_path / "c.pt", [0.0, 0.0, 0.0, 0.0])
    assert outcome.best_epoch == 1


def test_a_loss_that_is_no_number_stops_with_a_next_step(tmp_path):
    with pytest.raises(RunError, match="no longer a number") as caught:
        tune(tmp_path / "c.pt", [0.1], plan=replace(PLAN, learning_rate=float("1e38"), steps=20))
    assert "learning rate" in caught.value.hint


def test_a_checkpoint_that_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "c.pt").write_bytes(b"garbage")
    with pytest.raises(RunError, match="checkpoint") as caught:
        tune(tmp_path / "c.pt", [0.1])
    assert "resume" in caught.value.hint


def test_validation_goes_on_from_the_parting_of_the_best_epoch_so_far(tmp_path):
    begun = []

    def validate(_, start):
        begun.append(start)
        return (0.5, CHOSEN) if len(begun) == 1 else (0.1, SeparationParams(0.9))

    tuning = Tuning(Learner(make_network(), torch.device("cpu"), PLAN), START, tmp_path / "c.pt")
    tuning.run(BrightIsBuilding(), [BrightIsBuilding().draw(np.random.default_rng(9))], validate, Listener())
    assert begun == [START, CHOSEN, CHOSEN, CHOSEN]


def test_what_is_judged_and_kept_is_the_running_mean_of_the_weights(tmp_path):
    kept, _ = tune(tmp_path / "c.pt", [0.1, 0.2, 0.3, 0.4], plan=replace(PLAN, ema_decay=0.9))
    plain, _ = tune(tmp_path / "d.pt", [0.1, 0.2, 0.3, 0.4])
    assert not torch.equal(weights(kept)[0], weights(plain)[0])


def test_a_broken_off_tuning_with_a_running_mean_ends_with_the_same_weights(tmp_path):
    plan = replace(PLAN, ema_decay=0.9)
    whole, _ = tune(tmp_path / "whole.pt", [0.1, 0.2, 0.3, 0.4], plan=plan)
    with pytest.raises(CancelRequested):
        tune(tmp_path / "parts.pt", [0.1, 0.2], Listener(cancel_after=2), plan)
    resumed, _ = tune(tmp_path / "parts.pt", [0.3, 0.4], plan=plan)
    assert all(torch.equal(one, other) for one, other in zip(weights(whole), weights(resumed), strict=True))
