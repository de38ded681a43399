"""Two runs against each other, on the same held-out ground."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.comparability import pair_blocks
from ...core.run_list import read_run_entry
from ...core.run_record import RunRecord
from .bootstrap import bound_f1, compare_models
from .metrics import measure_f1

_FIGURES = ("f1", "precision", "recall")


def compare_runs(first: RunRecord, second: RunRecord) -> dict[str, Any]:
    """Return both runs' scores and their difference (second minus first), each with its interval.

    ``runs`` tells of each its folder, base model, F1, precision and recall, interval, and whether its threshold was set
    by hand; ``difference`` is as in a report; ``blocks`` counts those where the second one is better, worse and the
    same by F1; ``by_size`` and ``by_iou`` hold the F1 of both. Raises InputError where they cannot be compared.
    """
    pairs = pair_blocks(first, second)
    counts = [np.array([getattr(pair, which) for pair in pairs], dtype=np.int64) for which in ("first", "second")]
    difference = compare_models(*counts)
    return {
        "runs": [_describe_run(record, own) for record, own in zip((first, second), counts, strict=True)],
        "difference": {**difference, "sentence": _tell(first.name, second.name, difference, len(pairs))},
        "blocks": _count_blocks(*counts),
        "by_size": _pair_up(first, second, "by_size", "from_m2", "to_m2"),
        "by_iou": _pair_up(first, second, "by_iou", "iou"),
    }


def _describe_run(record: RunRecord, counts: Any) -> dict[str, Any]:
    entry = read_run_entry(record.folder.path)
    building, interval = record.report["after"]["building"], bound_f1(counts)
    return {
        "name": record.name,
        "folder": str(record.folder.path),
        "base_model": entry.base_model,
        **{figure: building[figure] for figure in _FIGURES},
        "interval": None if interval is None else list(interval),
        "seconds": entry.seconds,
        "by_hand": entry.by_hand,
    }


def _tell(first: str, second: str, difference: dict[str, Any], blocks: int) -> str:
    change, interval = difference["f1"], difference["interval"]
    if interval is None:
        return str(difference["sentence"])
    figures = f"F1 by building {change:+.3f} (95 % interval {interval[0]:+.3f} to {interval[1]:+.3f}, {blocks} blocks)"
    if not difference["is_more_than_noise"]:
        return f"The difference between {first} and {second} is no more than noise: {figures}."
    return f"{second} is {'better' if change > 0 else 'worse'} than {first} by more than noise: {figures}."


def _count_blocks(first: Any, second: Any) -> dict[str, int]:
    change = measure_f1(second) - measure_f1(first)
    return {"better": int((change > 0).sum()), "worse": int((change < 0).sum()), "same": int((change == 0).sum())}


def _pair_up(first: RunRecord, second: RunRecord, name: str, *keys: str) -> list[dict[str, Any]]:
    """Return the F1 of both for each class that both reports tell of."""
    lists = [record.report["after"].get(name) for record in (first, second)]
    if not all(isinstance(each, list) for each in lists):
        return []
    others = {tuple(item[key] for key in keys): item["f1"] for item in lists[1]}
    own = {tuple(item[key] for key in keys): item["f1"] for item in lists[0]}
    return [
        {**dict(zip(keys, values, strict=True)), "f1": [f1, others[values]]}
        for values, f1 in own.items()
        if values in others
    ]
