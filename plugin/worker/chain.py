"""The models from the base to this run's, one tuned from the other, on the same held-out ground."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import InputError
from ..core.folder import RunFolder
from .interval import compare_models

BASE, TUNED, IMPROVED = "base", "tuned", "improved"
_KINDS = ("building", "pixel")
_NEAR = 1e-3  # of a block's side
_OTHER_GROUND = "The earlier run's blocks of held-out ground are not this run's: they cannot be compared."


def read_earlier_report(folder: RunFolder) -> dict[str, Any]:
    """Return the report of the run whose model is improved; raises InputError where it cannot be read."""
    try:
        report = json.loads(folder.earlier_report.read_text(encoding="utf-8"))
        if isinstance(report, dict) and {"before", "after", "blocks"} <= set(report):
            return report
    except (OSError, ValueError):
        pass
    raise InputError(
        f"{folder.earlier_report.name}, the report of the earlier run, cannot be read.",
        "Improve the earlier run's model anew, from a run that came to its end.",
    )


def build_chain(report: dict[str, Any], run: str, title: str, earlier: dict[str, Any] | None) -> dict[str, Any]:
    """Return ``chain`` and ``gain`` of a report, from its scores and, of an improving run, the earlier run's report.

    An entry has its ``role``, the ``run`` and the ``title`` of the model, its score by ``building`` and ``pixel``, its
    counts by ``block`` (tp, fp, fn), ``by_hand`` where the threshold was set by hand, and the ``difference`` from the
    entry before it (None: the first). ``gain`` is the last entry's difference from the first.
    """
    if earlier is None:
        first = _describe(BASE, "", str(report["base_model"]["title"]), report, "before")
        links = [first, _describe(TUNED, run, title, report, "after")]
    else:
        earlier_links = earlier.get("chain") or _begin(earlier)
        links = [*earlier_links, _describe(IMPROVED, run, title, report, "after")]
    is_same = earlier is None or is_same_ground(report, earlier)
    for link, following in pairwise(links):
        following["difference"] = following["difference"] or _compare(link, following, is_same)
    gain = _compare(links[0], links[-1], is_same)
    return {"chain": links, "gain": gain}


def is_same_ground(report: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether two reports speak of the same blocks of held-out ground, with as many labels in each."""
    ours, theirs = ([block["bounds"] for block in each["blocks"]] for each in (report, other))
    if len(ours) != len(theirs) or not ours:
        return len(ours) == len(theirs)
    left, right = np.array(ours, dtype=float), np.array(theirs, dtype=float)
    side = (left[:, 2:] - left[:, :2]).max()
    counts = [[each["after"]["tp"] + each["after"]["fn"] for each in one["blocks"]] for one in (report, other)]
    return bool(np.abs(left - right).max() <= _NEAR * side) and counts[0] == counts[1]


def _begin(earlier: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the first two entries, from the report of a run that wrote no chain."""
    run = Path(str(earlier.get("run", ""))).name
    base = _describe(BASE, "", str((earlier.get("base_model") or {}).get("title", "")), earlier, "before")
    return [base, _describe(TUNED, run, run, earlier, "after")]


def _describe(role: str, run: str, title: str, report: dict[str, Any], which: str) -> dict[str, Any]:
    link: dict[str, Any] = {"role": role, "run": run, "title": title}
    link |= {kind: report[which][kind] for kind in _KINDS}
    link["blocks"] = [[block[which][name] for name in ("tp", "fp", "fn")] for block in report["blocks"]]
    if which == "after" and report.get("by_hand"):
        link["by_hand"] = report["by_hand"]
    return {**link, "difference": None}


def _compare(first: dict[str, Any], second: dict[str, Any], is_same: bool) -> dict[str, Any]:
    if not is_same:
        return {"f1": None, "interval": None, "is_more_than_noise": None, "sentence": _OTHER_GROUND}
    names = {BASE: "base model", TUNED: "tuned model", IMPROVED: "improved model"}
    counts = [np.array(link["blocks"], dtype=np.int64).reshape(-1, 3) for link in (first, second)]
    return compare_models(counts[0], counts[1], names[first["role"]], names[second["role"]])
