"""The chain of models: figures are those of the same ground, or a sentence says why they are not there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plugin.core.counts import Counts
from plugin.core.report import Report, ThresholdChange, parse_report
from plugin.core.score import Difference
from plugin.worker.report.lineage import add_chain, is_same_ground, name_models, refresh_chain

SIDE_M = 30.0


def score(counts):
    tp, fp, fn = (sum(each) for each in zip(*counts, strict=True))
    return {"building": {"tp": tp, "fp": fp, "fn": fn, "f1": 2 * tp / (2 * tp + fp + fn)}, "pixel": {"f1": 0.5}}


def make_report(before, after, title="Starter", left=0.0):
    """Return a report with as many blocks as counts (tp, fp, fn), one beside the other."""
    names = ("tp", "fp", "fn")
    blocks = [
        {
            "bounds": [left + SIDE_M * i, 0, left + SIDE_M * (i + 1), SIDE_M],
            "before": dict(zip(names, first, strict=True)),
            "after": dict(zip(names, second, strict=True)),
        }
        for i, (first, second) in enumerate(zip(before, after, strict=True))
    ]
    content = {"before": score(before), "after": score(after), "blocks": blocks, "base_model": {"title": title}}
    return parse_report(content, [])


def spread(found, blocks=12, labels=10):
    """Return counts of blocks in which so many of the labels are found, a little more in every other one."""
    return [(found + i % 2, 3 - i % 2, labels - found - i % 2) for i in range(blocks)]


def score_again(report, before, after, by_hand):
    """Return a report with the scores of other counts, and what was set manually."""
    other = make_report(before, after)
    return replace(report, before=other.before, after=other.after, blocks=other.blocks, by_hand=by_hand)


@pytest.fixture
def first():
    report = make_report(spread(3), spread(6))
    return add_chain(replace(report, run="first"), "Tuned on town")


@pytest.fixture
def second(first):
    report = make_report(spread(6), spread(8), "Tuned on town")
    return add_chain(replace(report, run="second", parent="first"), "Improved on town", first)


def test_a_tuned_model_stands_behind_its_base_model(first):
    assert [(link.role, link.run, link.title) for link in first.chain] == [
        ("base", "", "Starter"),
        ("tuned", "first", "Tuned on town"),
    ]
    assert first.chain[0].difference is None
    assert first.chain[1].difference == first.gain


def test_each_model_is_compared_with_the_one_before_it_and_the_last_with_the_first(second):
    f1s = [link.building.f1 for link in second.chain]
    changes = [link.difference.f1 for link in second.chain[1:]]
    assert changes == pytest.approx([f1s[1] - f1s[0], f1s[2] - f1s[1]])
    assert second.gain.f1 == pytest.approx(f1s[2] - f1s[0])
    assert "improved model is better than the tuned model" in second.chain[2].difference.sentence
    assert "improved model is better than the base model" in second.gain.sentence


def test_a_second_improvement_is_told_apart_from_the_first(second):
    report = make_report(spread(8), spread(9), "Improved on town")
    chain = add_chain(replace(report, run="third", parent="second"), "Improved on town", second).chain
    assert [link.run for link in chain] == ["", "first", "second", "third"]
    assert "better than the earlier improved model" in chain[3].difference.sentence
    assert name_models(second) == ("earlier improved model", "improved model")
    assert name_models(None) == ("base model", "tuned model")


def test_a_report_that_wrote_no_chain_gives_one(first, second):
    bare = replace(first, chain=(), gain=Difference())
    report = make_report(spread(6), spread(8), "Tuned on town")
    assert add_chain(replace(report, run="second", parent="first"), "Improved on town", bare).chain == second.chain


@pytest.mark.parametrize("change", ["elsewhere", "fewer", "other labels"])
def test_figures_of_other_ground_are_left_out_with_a_sentence(first, change):
    blocks = list(first.blocks)
    if change == "elsewhere":
        left, *others = blocks[4].bounds
        blocks[4] = replace(blocks[4], bounds=(left + 1.0, *others))
    elif change == "fewer":
        blocks.pop()
    else:
        blocks[4] = replace(blocks[4], after=blocks[4].after + Counts(0, 0, 1))
    other = replace(first, blocks=tuple(blocks))
    report = make_report(spread(6), spread(8), "Tuned on town")
    made = add_chain(replace(report, run="second", parent="first"), "Improved on town", other)
    assert not is_same_ground(report, other)
    assert [link.role for link in made.chain] == ["tuned", "improved"]
    assert "not this run's" in made.chain_note
    assert made.gain == made.chain[1].difference


def test_a_model_that_scores_otherwise_here_is_told_with_both_figures(first):
    report = make_report(spread(5), spread(8), "Tuned on town")
    made = add_chain(replace(report, run="second", parent="first"), "Improved on town", first)
    assert made.chain[1].building == report.before.building
    own, here = first.after.building.f1, report.before.building.f1
    assert f"was {own:.3f} in its own run, and is {here:.3f} here" in made.chain_note


def test_a_threshold_set_by_hand_in_the_earlier_run_goes_on_in_the_chain(first):
    by_hand = ThresholdChange(sentence="The threshold was set by hand.")
    amended = score_again(first, spread(3), spread(7), by_hand)
    report = make_report(spread(7), spread(8), "Tuned on town")
    chain = add_chain(replace(report, run="second", parent="first"), "Improved on town", amended).chain
    assert chain[1].by_hand == by_hand
    assert chain[1].building == amended.after.building
    assert chain[0].by_hand is None
    assert chain[2].by_hand is None


def test_a_chain_is_brought_up_to_a_report_that_was_scored_anew(second):
    amended = refresh_chain(score_again(second, spread(6), spread(9), ThresholdChange(sentence="By hand.")))
    assert amended.chain[:2] == second.chain[:2]
    assert amended.chain[2].building == amended.after.building
    assert amended.gain.f1 > second.gain.f1
    assert refresh_chain(Report()) == Report()
