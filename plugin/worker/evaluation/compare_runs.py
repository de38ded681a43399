"""Two runs against each other, on the same held-out ground."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...core.comparability import pair_blocks
from ...core.run_comparison import BlockVerdicts, ComparedRun, IouF1s, RunComparison, SizeF1s
from ...core.run_list import read_run_entry
from ...core.run_record import RunRecord
from ...core.score import Difference
from .bootstrap import bound_f1, compare_models
from .metrics import measure_f1


def compare_runs(first: RunRecord, second: RunRecord) -> RunComparison:
    """Return both runs' scores and their difference; raises InputError where they cannot be compared."""
    pairs = pair_blocks(first, second)
    counts = [np.array([getattr(pair, which) for pair in pairs], dtype=np.int64) for which in ("first", "second")]
    difference = compare_models(*counts)
    scores = [record.report.after for record in (first, second)]
    sizes = [{(each.from_m2, each.to_m2): each.f1 for each in score.by_size} for score in scores]
    ious = [{each.iou: each.f1 for each in score.by_iou} for score in scores]
    return RunComparison(
        (_describe_run(first, counts[0]), _describe_run(second, counts[1])),
        replace(difference, sentence=_tell(first.name, second.name, difference, len(pairs))),
        _count_blocks(*counts),
        tuple(SizeF1s(*size, (f1, sizes[1][size])) for size, f1 in sizes[0].items() if size in sizes[1]),
        tuple(IouF1s(iou, (f1, ious[1][iou])) for iou, f1 in ious[0].items() if iou in ious[1]),
    )


def _describe_run(record: RunRecord, counts: Any) -> ComparedRun:
    entry, building = read_run_entry(record.folder.path), record.report.after.building
    return ComparedRun(
        record.name,
        str(record.folder.path),
        entry.base_model,
        building.f1,
        building.precision,
        building.recall,
        bound_f1(counts),
        entry.seconds,
        entry.by_hand,
    )


def _tell(first: str, second: str, difference: Difference, blocks: int) -> str:
    change, interval = difference.f1 or 0.0, difference.interval
    if interval is None:
        return difference.sentence
    figures = f"F1 by building {change:+.3f} (95 % interval {interval[0]:+.3f} to {interval[1]:+.3f}, {blocks} blocks)"
    if not difference.is_more_than_noise:
        return f"The difference between {first} and {second} is no more than noise: {figures}."
    return f"{second} is {'better' if change > 0 else 'worse'} than {first} by more than noise: {figures}."


def _count_blocks(first: Any, second: Any) -> BlockVerdicts:
    change = measure_f1(second) - measure_f1(first)
    return BlockVerdicts(int((change > 0).sum()), int((change < 0).sum()), int((change == 0).sum()))
