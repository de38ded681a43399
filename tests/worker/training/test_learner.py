"""Learning: the schedule is applied, encoder and decoder have their rates, and the mean follows the weights."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from plugin.worker.runtime.precision import keep_depthwise_exact
from plugin.worker.training.learner import Learner, Plan, rate_at
from plugin.worker.training.sampler import Sample

PLAN = Plan(epochs=4, steps=3, batch_size=2, learning_rate=0.05, weight_decay=0.0, seed=3)
CPU = torch.device("cpu")


class Tiny(nn.Module):
    """An encoder and the rest, as every network of smp has them."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.encoder = nn.Conv2d(3, 4, 3, padding=1, groups=1)
        self.spread = nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.head = nn.Conv2d(4, 3, 1)

    def forward(self, values):
        return self.head(self.spread(self.encoder(values)))


def make_samples(count=2, channels=3):
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(count, 3, 16, 16, generator=generator)
    truth = (values[:, :1] > 0).float().expand(-1, channels, -1, -1)
    return [Sample(each, true, torch.ones(1, 16, 16)) for each, true in zip(values, truth, strict=True)]


def test_the_rate_warms_up_stays_below_one_and_falls_to_almost_nothing():
    rates = [rate_at(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.03


def test_the_schedule_is_applied_to_the_optimiser_and_the_encoder_has_its_share():
    learner = Learner(Tiny(), CPU, replace(PLAN, encoder_share=0.1))
    seen = []
    for _ in range(12):
        seen.append([group["lr"] for group in learner._optimiser.param_groups])
        learner.take_step(make_samples())
    expected = [PLAN.learning_rate * rate_at(step, 12) for step in range(12)]
    assert [rate for _, rate in seen] == pytest.approx(expected)
    assert [rate for rate, _ in seen] == pytest.approx([0.1 * rate for rate in expected])


@pytest.mark.parametrize(("epochs", "steps"), [(1, 1), (1, 4), (4, 3), (2, 10)])
def test_each_step_has_the_rate_of_the_closed_formula_also_after_it_was_taken_up(epochs, steps):
    plan = replace(PLAN, epochs=epochs, steps=steps, encoder_share=0.1)
    total = epochs * steps
    warm = max(1, round(total / 10))
    rise = [PLAN.learning_rate * (step + 1) / warm for step in range(warm)]
    turns = [math.pi * step / max(1, total - warm) for step in range(total - warm)]
    fall = [PLAN.learning_rate * (0.02 + 0.98 * (1 + math.cos(turn)) / 2) for turn in turns]
    learner, seen = Learner(Tiny(), CPU, plan), []
    for _ in range(total):
        seen.append([group["lr"] for group in learner._optimiser.param_groups])
        learner.take_step(make_samples())
        state, learner = learner.state_dict(), Learner(Tiny(), CPU, plan)
        learner.load_state_dict(state)
    assert [rate for _, rate in seen] == pytest.approx(rise + fall, rel=1e-12)
    assert [rate for rate, _ in seen] == pytest.approx([0.1 * rate for rate in rise + fall], rel=1e-12)


def test_every_layer_learns():
    learner = Learner(Tiny(), CPU, PLAN)
    before = {name: value.clone() for name, value in learner.network.state_dict().items()}
    learner.take_step(make_samples())
    assert all(not torch.equal(value, before[name]) for name, value in learner.network.state_dict().items())


def test_without_averaging_the_network_itself_is_judged():
    learner = Learner(Tiny(), CPU, PLAN)
    assert learner.averaged is learner.network


def test_the_mean_lags_behind_the_weights():
    learner = Learner(Tiny(), CPU, replace(PLAN, ema_decay=0.9))
    first = learner.network.head.weight.detach().clone()
    learner.take_step(make_samples())
    learner.take_step(make_samples())
    mean, now = learner.averaged.head.weight.detach(), learner.network.head.weight.detach()
    assert (mean - first).abs().sum() < (now - first).abs().sum()


def test_a_learner_that_is_taken_up_goes_on_as_if_it_had_not_been_put_down():
    plan = replace(PLAN, ema_decay=0.9)
    whole, first, second = (Learner(Tiny(), CPU, plan) for _ in range(3))
    for _ in range(4):
        whole.take_step(make_samples())
    for _ in range(2):
        first.take_step(make_samples())
    second.load_state_dict(first.state_dict())
    for _ in range(2):
        second.take_step(make_samples())
    one, other = whole.averaged.state_dict(), second.averaged.state_dict()
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_measuring_changes_nothing():
    learner = Learner(Tiny(), CPU, PLAN)
    before = {name: value.clone() for name, value in learner.network.state_dict().items()}
    assert learner.measure(make_samples()) == learner.measure(make_samples())
    assert all(torch.equal(value, before[name]) for name, value in learner.network.state_dict().items())


def test_a_network_with_one_output_learns_from_one_channel():
    network = nn.Conv2d(3, 1, 1)
    assert Learner(network, CPU, PLAN).take_step(make_samples(channels=1)) > 0


def test_depthwise_layers_learn_in_full_precision_on_the_cpu_and_stay_what_they_were():
    network = Tiny()
    plain = {name: value.clone() for name, value in network.state_dict().items()}
    keep_depthwise_exact(network, CPU)
    keep_depthwise_exact(network, CPU)
    with torch.autocast("cpu", torch.bfloat16):
        inner = network.encoder(torch.randn(1, 3, 8, 8))
        assert inner.dtype == torch.bfloat16
        assert network.spread(inner).dtype == torch.float32
        with torch.inference_mode():
            assert network.spread(inner).dtype == torch.bfloat16
    assert all(torch.equal(value, plain[name]) for name, value in network.state_dict().items())
