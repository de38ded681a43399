"""The scores of a report, each absent where the report does not hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....core.report import Block, Report
from ....core.score import Interval
from .source import ReportSource

BEFORE, AFTER = "before", "after"
MODELS = (BEFORE, AFTER)


@dataclass(frozen=True)
class SizeClass:
    """Buildings of a size: how many are labelled, and the F1 before and after (None: not known)."""

    name: str
    labels: int
    before: float | None
    after: float | None


def read_classes(report: Report) -> list[SizeClass]:
    """Return the scores by size class."""
    pairs = zip(report.before.by_size, report.after.by_size, strict=False)
    return [
        SizeClass(_name_class(old.from_m2, old.to_m2), (old.tp or 0) + (old.fn or 0), old.f1, new.f1)
        for old, new in pairs
    ]


def _name_class(low: float | None, high: float | None) -> str:
    if high is None:
        return f"from {low or 0:g} m²"
    return f"{low:g} to {high:g} m²" if low else f"under {high:g} m²"


def read_curves(facts: ReportSource) -> dict[str, list[tuple[float, float]]]:
    """Return for each model the F1 by IoU; nothing for one of which the report says none."""
    curves = {}
    for model in MODELS:
        pairs = [(each.iou, each.f1) for each in facts.score(model).by_iou]
        points = [(iou, f1) for iou, f1 in pairs if iou is not None and f1 is not None]
        if points:
            curves[model] = points
    return curves


def read_difference(report: Report) -> tuple[float | None, Interval | None]:
    """Return by how much the F1 by building changed, and the change's interval; None for what is not known."""
    before, after, change = report.before.building.f1, report.after.building.f1, report.difference.f1
    if change is None and before is not None and after is not None:
        change = after - before
    return change, report.difference.interval


def choose_shown(blocks: Sequence[Block]) -> list[tuple[str, Block]]:
    """Return the best, the median and the worst block by the tuned model's F1; fewer where there are fewer.

    Blocks with less than half of the median count of labels are passed over: one house more or less makes them best or
    worst. Where several are alike, the one with more labels stands first, then the earlier one.
    """
    counts = sorted(block.after.labels for block in blocks)
    least = max(1.0, counts[len(counts) // 2] / 2) if counts else 0.0
    worthy = [(place, block) for place, block in enumerate(blocks) if block.after.labels >= least]
    worthy.sort(key=lambda item: (-item[1].after.f1, -item[1].after.labels, item[0]))
    ranked = [block for _, block in worthy]
    if len(ranked) < 3:
        return list(zip(("Best", "Worst"), ranked, strict=False))
    return [("Best", ranked[0]), ("Median", ranked[len(ranked) // 2]), ("Worst", ranked[-1])]
