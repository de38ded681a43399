"""Counts first, ratios after: true positives, false positives and false negatives, of buildings or of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, TypeVar

from .json_codec import described

_R = TypeVar("_R")


@dataclass(frozen=True)
class Counts:
    """True positives, false positives and false negatives; a ratio without a denominator is 0."""

    tp: int = described("footprints that are right", unit="count", least=0)
    fp: int = described("footprints that are wrong", unit="count", least=0)
    fn: int = described("labels that were missed", unit="count", least=0)

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

    def rate(self, kind: Callable[..., _R], **more: Any) -> _R:
        """Return these counts with their ratios as ``kind``, and ``more`` of what it holds."""
        return kind(self.tp, self.fp, self.fn, self.precision, self.recall, self.f1, **more)
