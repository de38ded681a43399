"""Counts first, ratios after: true positives, false positives and false negatives, of buildings or of pixels."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """True positives, false positives and false negatives; a ratio without a denominator is 0."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    @property
    def labels(self) -> int:
        """How many are in the truth."""
        return self.tp + self.fn

    @property
    def precision(self) -> float:
        """The share of the proposals that are right."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 0.0

    @property
    def recall(self) -> float:
        """The share of the truth that was found."""
        return self.tp / self.labels if self.labels else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN)."""
        total = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / total if total else 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    def to_dict(self) -> dict[str, float]:
        """Return counts and ratios for a report."""
        ratios = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {"tp": self.tp, "fp": self.fp, "fn": self.fn, **ratios}
