"""The loss, against the formula worked out by hand."""

from __future__ import annotations

import pytest
import torch

from plugin.worker.training.losses import measure_loss


def make(values):
    return torch.tensor(values, dtype=torch.float32).reshape(1, 1, 1, -1)


def test_the_loss_is_ten_times_entropy_plus_two_and_a_half_times_what_lacks_of_the_jaccard_index():
    logits, truth = make([0.0, 2.0, -1.0]), make([1, 1, 0])
    p = [0.5, 0.880797, 0.268941]
    entropy = -(torch.log(torch.tensor(p[0])) + torch.log(torch.tensor(p[1])) + torch.log(torch.tensor(1 - p[2]))) / 3
    shared, union = p[0] + p[1], 2 + p[2]
    expected = 10 * float(entropy) + 2.5 * (1 - (shared + 1) / (union + 1))
    assert float(measure_loss(logits, truth, torch.ones_like(truth))) == pytest.approx(expected, rel=1e-4)


def test_pixels_of_weight_zero_count_nowhere():
    weight = make([1, 1, 0])
    first = measure_loss(make([0.3, -2.0, 9.0]), make([1, 0, 0]), weight)
    second = measure_loss(make([0.3, -2.0, -9.0]), make([1, 0, 1]), weight)
    assert float(first) == pytest.approx(float(second))


def test_without_any_weight_the_loss_is_zero_and_has_no_gradient():
    logits = make([3.0, -3.0]).requires_grad_()
    loss = measure_loss(logits, make([0, 1]), make([0, 0]))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad.abs().sum() == 0


def test_a_sure_and_right_answer_costs_almost_nothing():
    assert float(measure_loss(make([30.0, -30.0]), make([1, 0]), make([1, 1]))) < 1e-3
