"""The models from the base to this run's, each tuned from the one before it, on the same held-out ground."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from ..evaluation.bootstrap import compare_models

BASE, TUNED, IMPROVED = "base", "tuned", "improved"
_NAMES = {BASE: "base model", TUNED: "tuned model", IMPROVED: "improved model"}
_KINDS = ("building", "pixel")
_NEAR = 1e-3  # of a block's side
_OTHER_GROUND = (
    "Only this run's two models are compared: the blocks of held-out ground in the earlier run's report are not this "
    "run's, and figures of other ground say nothing here."
)

Link = dict[str, Any]


def build_chain(
    report: Mapping[str, Any], run: str, title: str, parent: str = "", earlier: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return ``chain``, ``gain`` and ``chain_note`` of a report, from its scores.

    ``run`` and ``title`` are the run's name and the title of its model; ``parent`` is the name of the run whose model
    is improved and ``earlier`` its report (None: a base model is tuned). A link has its ``role``, ``run`` and
    ``title``, its score by ``building`` and ``pixel``, its counts by ``blocks`` (tp, fp, fn), ``by_hand`` where its
    threshold was set by hand, and its ``difference`` from the link before it (None: the first). ``gain`` is the last
    link's difference from the first. ``chain_note`` says in a sentence what is odd about the chain ("": nothing).
    """
    began = str((report.get("base_model") or {}).get("title", ""))
    if earlier is None:
        links, note = [_describe(BASE, "", began, report, "before")], ""
    else:
        links, note = _take_over(report, parent, began, earlier)
    links.append(_describe(TUNED if earlier is None else IMPROVED, run, title, report, "after"))
    return {"chain": _compare_neighbours(links), "gain": _compare(links[0], links[-1]), "chain_note": note}


def refresh_chain(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report whose chain ends as its ``after`` and ``by_hand`` now say: its model may be scored anew."""
    chain = report.get("chain")
    if not chain:
        return dict(report)
    last = chain[-1]
    links = [*chain[:-1], _describe(last["role"], last["run"], last["title"], report, "after")]
    return {**report, "chain": _compare_neighbours(links), "gain": _compare(links[0], links[-1])}


def name_models(earlier: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return what the sentence of a run's difference calls its two models, by the report of the earlier run."""
    if earlier is None:
        return _NAMES[BASE], _NAMES[TUNED]
    chain = earlier.get("chain") or [{"role": TUNED}]
    return _name_pair(chain[-1]["role"], IMPROVED)


def is_same_ground(report: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two reports speak of the same blocks of held-out ground, with as many labels in each."""
    ours, theirs = ([block["bounds"] for block in each["blocks"]] for each in (report, other))
    if len(ours) != len(theirs) or not ours:
        return len(ours) == len(theirs)
    left, right = np.array(ours, dtype=float), np.array(theirs, dtype=float)
    side = (left[:, 2:] - left[:, :2]).max()
    counts = [[each["after"]["tp"] + each["after"]["fn"] for each in one["blocks"]] for one in (report, other)]
    return bool(np.abs(left - right).max() <= _NEAR * side) and counts[0] == counts[1]


def _take_over(
    report: Mapping[str, Any], parent: str, began: str, earlier: Mapping[str, Any]
) -> tuple[list[Link], str]:
    """Return the links up to the model that this run began with, and what is odd about them."""
    if not is_same_ground(report, earlier):
        role = (earlier.get("chain") or [{"role": TUNED}])[-1]["role"]
        return [_describe(role, parent, began, report, "before")], _OTHER_GROUND
    known = refresh_chain(earlier).get("chain") or _begin(earlier, parent, began)
    last = known[-1]
    anew = _describe(last["role"], last["run"], last["title"], report, "before")
    if anew["blocks"] == last["blocks"]:
        return list(known), ""
    if "by_hand" in last:
        anew["by_hand"] = last["by_hand"]
    note = (
        f"The {_NAMES[last['role']]} was scored anew, with this run's settings: its F1 by building was "
        f"{last['building']['f1']:.3f} in its own run, and is {anew['building']['f1']:.3f} here."
    )
    return [*known[:-1], anew], note


def _begin(earlier: Mapping[str, Any], parent: str, title: str) -> list[Link]:
    """Return the first two links, from the report of a run that wrote no chain."""
    base = _describe(BASE, "", str((earlier.get("base_model") or {}).get("title", "")), earlier, "before")
    return [base, _describe(TUNED, parent, title, earlier, "after")]


def _describe(role: str, run: str, title: str, report: Mapping[str, Any], which: str) -> Link:
    link: Link = {"role": role, "run": run, "title": title}
    link |= {kind: report[which][kind] for kind in _KINDS}
    link["blocks"] = [[block[which][name] for name in ("tp", "fp", "fn")] for block in report["blocks"]]
    if which == "after" and report.get("by_hand"):
        link["by_hand"] = report["by_hand"]
    return link


def _compare_neighbours(links: list[Link]) -> list[Link]:
    differences = [None, *(_compare(first, second) for first, second in pairwise(links))]
    return [{**link, "difference": each} for link, each in zip(links, differences, strict=True)]


def _compare(first: Link, second: Link) -> dict[str, Any]:
    counts = [np.array(link["blocks"], dtype=np.int64).reshape(-1, 3) for link in (first, second)]
    return compare_models(counts[0], counts[1], *_name_pair(first["role"], second["role"]))


def _name_pair(first: str, second: str) -> tuple[str, str]:
    return f"earlier {_NAMES[first]}" if first == second else _NAMES[first], _NAMES[second]
