"""The scores of a report, each absent where the report does not hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ....core.counts import Counts
from .source import ReportSource, pick, read_number

BEFORE, AFTER = "before", "after"
MODELS = (BEFORE, AFTER)


@dataclass(frozen=True)
class Block:
    """A piece of held-out ground with its counts: ``frame`` is (left, bottom, right, top) in the raster's CRS."""

    name: str
    frame: tuple[float, float, float, float]
    before: Counts
    after: Counts


def read_counts(content: Any) -> Counts | None:
    """Return the counts of a score, None where they are not whole."""
    values = [read_number(pick(content, name)) for name in ("tp", "fp", "fn")]
    known = [int(value) for value in values if value is not None and value >= 0]
    return Counts(*known) if len(known) == 3 else None


def read_interval(content: Any) -> tuple[float, float] | None:
    """Return (low, high), None where there is none."""
    low, high = (read_number(pick(content, place)) for place in (0, 1))
    return None if low is None or high is None or low > high else (low, high)


@dataclass(frozen=True)
class SizeClass:
    """Buildings of a size: how many are labelled, and the F1 before and after (None: not known)."""

    name: str
    labels: int
    before: float | None
    after: float | None


def read_f1_interval(facts: ReportSource, model: str) -> tuple[float, float] | None:
    """Return the interval of a model's F1 by building."""
    return read_interval(facts.pick(model, "building", "interval"))


def read_classes(facts: ReportSource) -> list[SizeClass]:
    """Return the scores by size class."""
    contents = [facts.pick_list(model, "by_size") for model in MODELS]
    classes = []
    for pair in zip(*contents, strict=False):
        counts, f1s = read_counts(pair[0]), [read_number(pick(content, "f1")) for content in pair]
        name = _name_class(read_number(pick(pair[0], "from_m2")), read_number(pick(pair[0], "to_m2")))
        classes.append(SizeClass(name, counts.labels if counts else 0, *f1s))
    return classes


def _name_class(low: float | None, high: float | None) -> str:
    if high is None:
        return f"from {low or 0:g} m²"
    return f"{low:g} to {high:g} m²" if low else f"under {high:g} m²"


def read_curves(facts: ReportSource) -> dict[str, list[tuple[float, float]]]:
    """Return for each model the F1 by IoU; nothing for one of which the report says none."""
    curves = {}
    for model in MODELS:
        content = facts.pick_list(model, "by_iou")
        pairs = [[read_number(pick(each, name)) for name in ("iou", "f1")] for each in content]
        points = [(iou, f1) for iou, f1 in pairs if iou is not None and f1 is not None]
        if points:
            curves[model] = points
    return curves


def read_difference(facts: ReportSource) -> tuple[float | None, tuple[float, float] | None]:
    """Return by how much the F1 by building changed, and the change's interval; None for what is not known."""
    before, after = (facts.pick_number(model, "building", "f1") for model in MODELS)
    change = facts.pick_number("difference", "f1")
    if change is None and before is not None and after is not None:
        change = after - before
    return change, read_interval(facts.pick("difference", "interval"))


def read_blocks(facts: ReportSource) -> list[Block]:
    """Return the held-out blocks whose counts and place are known, in the report's order."""
    blocks = []
    for place, content in enumerate(facts.pick_list("blocks")):
        before, after = (read_counts(pick(content, model)) for model in MODELS)
        frame = [read_number(pick(content, "bounds", side)) for side in range(4)]
        known = [value for value in frame if value is not None]
        if before and after and len(known) == 4:
            name = pick(content, "id")
            left, bottom, right, top = known
            blocks.append(Block(str(place + 1 if name is None else name), (left, bottom, right, top), before, after))
    return blocks


def choose_shown(blocks: list[Block]) -> list[tuple[str, Block]]:
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
