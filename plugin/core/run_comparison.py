"""What the comparison of two runs says; the command ``compare --json`` prints it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from .score import Difference, Interval


@dataclass(frozen=True)
class ComparedRun:
    """One of the two runs: its tuned model's score by building, and how it came about."""

    name: str
    folder: str
    base_model: str
    f1: Optional[float]
    precision: Optional[float]
    recall: Optional[float]
    interval: Optional[Interval]
    seconds: Optional[float]
    by_hand: str = ""


@dataclass(frozen=True)
class BlockVerdicts:
    """How many blocks have a better, a worse and the same F1 with the second run's model."""

    better: int
    worse: int
    same: int


@dataclass(frozen=True)
class SizeF1s:
    """The F1 of both runs for buildings from ``from_m2`` up to below ``to_m2`` (None: no end) square metres."""

    from_m2: Optional[float]
    to_m2: Optional[float]
    f1: tuple[Optional[float], Optional[float]]


@dataclass(frozen=True)
class IouF1s:
    """The F1 of both runs where a footprint is right above this IoU."""

    iou: Optional[float]
    f1: tuple[Optional[float], Optional[float]]


@dataclass(frozen=True)
class RunComparison:
    """Both runs' scores, and the second one's F1 minus the first one's, block by block of the same ground."""

    runs: tuple[ComparedRun, ComparedRun]
    difference: Difference
    blocks: BlockVerdicts
    by_size: tuple[SizeF1s, ...] = ()
    by_iou: tuple[IouF1s, ...] = ()
