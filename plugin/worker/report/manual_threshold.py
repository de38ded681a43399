"""A threshold or least area that was set by hand after the run: what a report, a card and a resumed run say of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ...core.card import Card
from ...core.errors import InputError
from ..evaluation.bootstrap import compare_models

ERRORS = ("tp", "fp", "fn")


@dataclass(frozen=True)
class ManualThreshold:
    """From which probability on a pixel is building, and from how many square metres on a building is kept."""

    threshold: float
    min_area_m2: float

    def is_like(self, other: ManualThreshold) -> bool:
        """Tell whether both are the same but for rounding."""
        pairs = ((self.threshold, other.threshold), (self.min_area_m2, other.min_area_m2))
        return all(math.isclose(one, two, rel_tol=0, abs_tol=1e-9) for one, two in pairs)

    def put_on(self, card: Card) -> Card:
        """Return the card with this cut."""
        return replace(card, threshold=self.threshold, min_area_m2=self.min_area_m2)


def read_cut(content: Any) -> ManualThreshold:
    """Return the cut that stands in JSON; raises InputError."""
    try:
        return ManualThreshold(float(content["threshold"]), float(content["min_area_m2"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"No threshold stands where one should: {content!r}", "Run the job again.") from error


def read_chosen(report: Mapping[str, Any]) -> ManualThreshold:
    """Return what the run itself had come to, as its report says; raises InputError where it does not."""
    try:
        return ManualThreshold(
            float(report["tuning"]["parting"]["threshold"]), float(report["settings"]["min_area_m2"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("The run's report.json does not say what the run chose.", "Run the job again.") from error


def describe_by_hand(cut: ManualThreshold, chosen: ManualThreshold) -> dict[str, Any] | None:
    """Return the report's ``by_hand``; None where what applies is what the run itself had come to."""
    if cut.is_like(chosen):
        return None
    changes = []
    if cut.threshold != chosen.threshold:
        changes.append(
            f"the threshold was set by hand to {cut.threshold:g} (validation ground had chosen {chosen.threshold:g})"
        )
    if cut.min_area_m2 != chosen.min_area_m2:
        changes.append(
            f"the minimum area was set by hand to {cut.min_area_m2:g} m² (the run had {chosen.min_area_m2:g} m²)"
        )
    said = " and ".join(changes)
    return {
        "threshold": cut.threshold,
        "min_area_m2": cut.min_area_m2,
        "chosen_threshold": chosen.threshold,
        "chosen_min_area_m2": chosen.min_area_m2,
        "sentence": f"{said[0].upper()}{said[1:]} after the score on held-out ground could be seen: the tuned model's "
        "figures may flatter it.",
    }


def leave_out_blocks(score: Mapping[str, Any]) -> dict[str, Any]:
    """Return a score as it stands in a report, where the counts by block have a place of their own."""
    return {name: value for name, value in score.items() if name != "blocks"}


def amend_report(report: Mapping[str, Any], score: Mapping[str, Any], by_hand: dict[str, Any] | None) -> dict[str, Any]:
    """Return the report with another score of the tuned model on the same ground, and the mark of its threshold."""
    before = [[block["before"][name] for name in ERRORS] for block in report["blocks"]]
    counts = [np.array(each, dtype=np.int64) for each in (before, score["blocks"])]
    blocks = [
        {**block, "after": dict(zip(ERRORS, own, strict=True))}
        for block, own in zip(report["blocks"], score["blocks"], strict=True)
    ]
    errors = {**report["held_out_errors"], "after": {name: score["building"][name] for name in ERRORS}}
    return {
        **report,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "after": leave_out_blocks(score),
        "difference": compare_models(*counts),
        "blocks": blocks,
        "held_out_errors": errors,
        "by_hand": by_hand,
    }
