"""The models from the base to this run's, each tuned from the one before it, on the same held-out ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ...core.report import Link, Report
from ...core.score import Difference
from ..evaluation.bootstrap import compare_models

BASE, TUNED, IMPROVED = "base", "tuned", "improved"
_NAMES = {BASE: "base model", TUNED: "tuned model", IMPROVED: "improved model"}
_NEAR = 1e-3  # of a block's side
_OTHER_GROUND = (
    "Only this run's two models are compared: the held-out blocks in the earlier run's report are not this "
    "run's, and scores of different areas cannot be compared."
)


def add_chain(report: Report, title: str, earlier: Report | None = None) -> Report:
    """Return a report with its ``chain``, ``gain`` and ``chain_note``, from its scores.

    ``title`` is the title of the run's model, ``earlier`` the report of the run whose model is improved (None: a base
    model is tuned). ``gain`` is the last link's difference from the first.
    """
    if earlier is None:
        links, note = [_describe(BASE, "", report.base_model.title, report, "before")], ""
    else:
        links, note = _take_over(report, earlier)
    links.append(_describe(TUNED if earlier is None else IMPROVED, report.run, title, report, "after"))
    return _put_chain(replace(report, chain_note=note), links)


def refresh_chain(report: Report) -> Report:
    """Return a report whose chain ends as its ``after`` and ``by_hand`` now say: its model may be scored anew."""
    if not report.chain:
        return report
    last = report.chain[-1]
    return _put_chain(report, [*report.chain[:-1], _describe(last.role, last.run, last.title, report, "after")])


def name_models(earlier: Report | None) -> tuple[str, str]:
    """Return what the sentence of a run's difference calls its two models, by the report of the earlier run."""
    if earlier is None:
        return _NAMES[BASE], _NAMES[TUNED]
    return _name_pair(_find_role(earlier), IMPROVED)


def is_same_ground(report: Report, other: Report) -> bool:
    """Tell whether two reports speak of the same blocks of held-out ground, with as many labels in each."""
    ours, theirs = ([block.bounds for block in each.blocks] for each in (report, other))
    if len(ours) != len(theirs) or not ours:
        return len(ours) == len(theirs)
    left, right = np.array(ours, dtype=float), np.array(theirs, dtype=float)
    side = (left[:, 2:] - left[:, :2]).max()
    labels = [[block.after.labels for block in each.blocks] for each in (report, other)]
    return bool(np.abs(left - right).max() <= _NEAR * side) and labels[0] == labels[1]


def _find_role(report: Report) -> str:
    return report.chain[-1].role if report.chain else TUNED


def _take_over(report: Report, earlier: Report) -> tuple[list[Link], str]:
    """Return the links up to the model that this run began with, and what is odd about them."""
    parent = report.parent or ""
    if not is_same_ground(report, earlier):
        return [_describe(_find_role(earlier), parent, report.base_model.title, report, "before")], _OTHER_GROUND
    known = refresh_chain(earlier).chain or _begin(earlier, parent, report.base_model.title)
    last = known[-1]
    again = replace(_describe(last.role, last.run, last.title, report, "before"), by_hand=last.by_hand)
    if again.blocks == last.blocks:
        return list(known), ""
    note = (
        f"The {_NAMES[last.role]} was scored again, with this run's settings: its F1 by building was "
        f"{last.building.f1:.3f} in its own run, and is {again.building.f1:.3f} here."
    )
    return [*known[:-1], again], note


def _begin(earlier: Report, parent: str, title: str) -> tuple[Link, ...]:
    """Return the first two links, from the report of a run that wrote no chain."""
    base = _describe(BASE, "", earlier.base_model.title, earlier, "before")
    return base, _describe(TUNED, parent, title, earlier, "after")


def _describe(role: str, run: str, title: str, report: Report, which: str) -> Link:
    score = report.after if which == "after" else report.before
    counts = [block.after if which == "after" else block.before for block in report.blocks]
    by_hand = report.by_hand if which == "after" else None
    blocks = tuple((each.tp, each.fp, each.fn) for each in counts)
    return Link(role, run, title, score.building, score.pixel, blocks, by_hand)


def _put_chain(report: Report, links: Sequence[Link]) -> Report:
    differences = [None, *(_compare(first, second) for first, second in pairwise(links))]
    chain = tuple(replace(link, difference=each) for link, each in zip(links, differences, strict=True))
    return replace(report, chain=chain, gain=_compare(links[0], links[-1]))


def _compare(first: Link, second: Link) -> Difference:
    counts = [np.array(link.blocks, dtype=np.int64).reshape(-1, 3) for link in (first, second)]
    return compare_models(counts[0], counts[1], *_name_pair(first.role, second.role))


def _name_pair(first: str, second: str) -> tuple[str, str]:
    return f"earlier {_NAMES[first]}" if first == second else _NAMES[first], _NAMES[second]
