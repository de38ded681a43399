"""A threshold or least area that was set by hand after the run: what a report, a card and a resumed run say of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from ...core.counts import Counts
from ...core.errors import InputError
from ...core.report import ManualThreshold, Report, ThresholdChange
from ...core.score import BlockScore
from ..evaluation.bootstrap import compare_models


def read_chosen(report: Report) -> ManualThreshold:
    """Return what the run itself had come to, as its report says; raises InputError where it does not."""
    least = report.settings.get("min_area_m2")
    if report.tuning.best_epoch is None or not isinstance(least, (int, float)):
        raise InputError("The run's report.json does not say what the run chose.", "Run the job again.")
    return ManualThreshold(report.tuning.parting.threshold, float(least))


def describe_by_hand(cut: ManualThreshold, chosen: ManualThreshold) -> ThresholdChange | None:
    """Return the report's ``by_hand``; None where what applies is what the run itself had come to."""
    if cut.is_like(chosen):
        return None
    changes = []
    if cut.threshold != chosen.threshold:
        changes.append(
            f"the threshold was set manually to {cut.threshold:g} (chosen on the validation area: {chosen.threshold:g})"
        )
    if cut.min_area_m2 != chosen.min_area_m2:
        changes.append(
            f"the minimum area was set manually to {cut.min_area_m2:g} m² (the run had {chosen.min_area_m2:g} m²)"
        )
    said = " and ".join(changes)
    sentence = (
        f"{said[0].upper()}{said[1:]} after the held-out score could be seen: the tuned model's figures may flatter it."
    )
    return ThresholdChange(cut.threshold, cut.min_area_m2, chosen.threshold, chosen.min_area_m2, sentence)


def amend_report(report: Report, score: BlockScore, by_hand: ThresholdChange | None) -> Report:
    """Return the report with another score of the tuned model on the same ground, and the mark of its threshold."""
    before = [(block.before.tp, block.before.fp, block.before.fn) for block in report.blocks]
    counts = [np.array(each, dtype=np.int64) for each in (before, score.blocks)]
    blocks = [replace(block, after=Counts(*own)) for block, own in zip(report.blocks, score.blocks, strict=True)]
    return replace(
        report,
        written=datetime.now(UTC).isoformat(timespec="seconds"),
        after=score.without_blocks(),
        difference=compare_models(*counts),
        blocks=tuple(blocks),
        held_out_errors=replace(report.held_out_errors, after=score.counts),
        by_hand=by_hand,
    )
