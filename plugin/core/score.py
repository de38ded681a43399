"""What a model scored on held-out ground: counts first, ratios after. A report and the worker's events hold it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Optional

from .card import SeparationParams
from .counts import Counts
from .json_codec import described

_SHARE = {"default": None, "unit": "0 to 1", "least": 0, "most": 1}
_COUNT = {"default": None, "unit": "count", "least": 0}
Interval = tuple[float, float]


@dataclass(frozen=True)
class Rates:
    """Counts with their ratios, as a file holds them (None: not known)."""

    tp: Optional[int] = described("right footprints", **_COUNT)
    fp: Optional[int] = described("wrong footprints", **_COUNT)
    fn: Optional[int] = described("missed labels", **_COUNT)
    precision: Optional[float] = described("the share of the footprints that are right", **_SHARE)
    recall: Optional[float] = described("the share of the labels that were found", **_SHARE)
    f1: Optional[float] = described("the harmonic mean of precision and recall", **_SHARE)


@dataclass(frozen=True)
class BuildingScore(Rates):
    """At an IoU above 0.5."""

    interval: Optional[Interval] = described(
        "the 95 % interval of `f1`", default=None, null="none can be given", least=0, most=1
    )


@dataclass(frozen=True)
class PixelScore(Rates):
    """By pixel of the model's grid."""

    iou: Optional[float] = described("intersection over union", **_SHARE)


@dataclass(frozen=True)
class IouScore(Rates):
    """By building, at another IoU."""

    iou: Optional[float] = described("above which a footprint is right", **_SHARE)


@dataclass(frozen=True)
class SizeScore(Rates):
    """By building of a size: `tp` and `fn` by the label's area, `fp` by the footprint's."""

    from_m2: Optional[float] = described("from this area on", default=None, unit="square metres")
    to_m2: Optional[float] = described("below this area", default=None, unit="square metres", null="no upper limit")


@dataclass(frozen=True)
class BoundaryDistance:
    """The distance between the outlines of footprints and of the labels that they match (PoLiS)."""

    mean: Optional[float] = described("their mean", default=None, unit="metres", null="no pair")
    median: Optional[float] = described("their median", default=None, unit="metres", null="no pair")
    pairs: Optional[int] = described("how many pairs", **_COUNT)


@dataclass(frozen=True)
class RightAngles:
    """Footprints whose label has right angles only."""

    of: Optional[int] = described("how many such footprints", **_COUNT)
    share: Optional[float] = described("the share of them that has right angles only, too", **_SHARE)


@dataclass(frozen=True)
class Score:
    """A model's score on the held-out area."""

    building: BuildingScore = described("by building, at an IoU above 0.5", default=BuildingScore())
    by_iou: tuple[IouScore, ...] = described(
        "the same for each `iou` from 0.50 to 0.95", default=(), unit="list of ten", length=(10, 10)
    )
    mean_f1: Optional[float] = described("the mean of these ten F1", **_SHARE)
    by_size: tuple[SizeScore, ...] = described(
        "the same by size: `tp` and `fn` by the label's area, `fp` by the footprint's",
        default=(),
        unit="list of four",
        length=(4, 4),
    )
    count_error_percent: Optional[float] = described(
        "(footprints - labels) / labels", default=None, unit="%", null="no labels"
    )
    area_error_percent: Optional[float] = described(
        "(built-up area of the footprints - of the labels) / of the labels, within the held-out area",
        default=None,
        unit="%",
        null="no labels",
    )
    boundary_m: BoundaryDistance = described(
        "the distance between the outlines of a footprint and of the label that it matches. It is the PoLiS distance "
        "(Avbelj, Mueller, Bamler 2015): the mean distance of the corners of either outline to the other outline",
        default=BoundaryDistance(),
    )
    pixel: PixelScore = described("by pixel of the model's grid", default=PixelScore())
    right_angles: RightAngles = described("footprints whose label has right angles only", default=RightAngles())
    parting: SeparationParams = described(
        "how probabilities became buildings, chosen on the validation area (for `after`: unless there is a `by_hand`)",
        default=SeparationParams(),
    )

    @property
    def is_known(self) -> bool:
        """Whether the F1 by building is known, without which a score says nothing."""
        return self.building.f1 is not None


@dataclass(frozen=True)
class BlockScore(Score):
    """A score with the counts (tp, fp, fn) of each block of the ground, which a report keeps elsewhere."""

    blocks: tuple[tuple[int, int, int], ...] = ()

    @property
    def counts(self) -> Counts:
        """The counts of all blocks together."""
        return sum((Counts(*each) for each in self.blocks), Counts(0, 0, 0))

    def without_blocks(self) -> Score:
        """Return the score alone."""
        return Score(**{item.name: getattr(self, item.name) for item in fields(Score)})


@dataclass(frozen=True)
class Difference:
    """The F1 by building of one model minus that of another, on the same blocks."""

    f1: Optional[float] = described("the difference", default=None, unit="-1 to 1")
    interval: Optional[Interval] = described("its 95 % interval", default=None, null="none can be given")
    is_more_than_noise: Optional[bool] = described("whether the interval excludes 0", default=None, null="no interval")
    sentence: str = described("the same, for people", default="")

    @property
    def is_known(self) -> bool:
        """Whether it says anything."""
        return self != Difference()
