"""The report of a run, ``report.json``: what was scored, before and after, and how it came about."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional

from .block_roles import ROLES
from .card import Card, SeparationParams
from .counts import Counts
from .errors import InputError
from .events import EpochEnded
from .job import Settings
from .json_codec import decode, described, read_object
from .score import BuildingScore, Difference, PixelScore, Score

#: The newest schema of report.json that this plugin reads.
REPORT_SCHEMA = 2
_AGAIN = "Run the job again, or choose another run."
_SHARE = {"default": 0.0, "unit": "0 to 1", "least": 0, "most": 1}
_AREA = {"default": 0.0, "unit": "square metres", "least": 0}


@dataclass(frozen=True)
class IntervalMethod:
    """Of all intervals of a report."""

    level: Optional[float] = described("the confidence level (0.95)", default=None, unit="0 to 1", least=0, most=1)
    method: str = described("how they were found", default="")
    why_none: str = described('a sentence if no interval could be given, otherwise ""', default="")


@dataclass(frozen=True)
class Block:
    """A block of the held-out area."""

    bounds: tuple[float, float, float, float] = described(
        "left, bottom, right and top in the raster's coordinate system", length=(4, 4)
    )
    after: Counts = described("the tuned model's counts")
    before: Counts = described("the base model's counts", default=Counts(0, 0, 0))
    id: Optional[int] = described("its number, from 0", default=None, least=0)
    area_m2: Optional[float] = described("the held-out area in it", default=None, unit="square metres")


@dataclass(frozen=True)
class HeldOutErrors:
    """The layer of every building's outcome."""

    file: str = described("the name of the file in the run's folder", default="")
    before: Counts = described("the counts of its layer `before`", default=Counts(0, 0, 0))
    after: Counts = described("the counts of its layer `after`", default=Counts(0, 0, 0))


@dataclass(frozen=True)
class ManualThreshold:
    """From which probability on a pixel is building, and from how many square metres on a building is kept."""

    threshold: float = described("the probability from which a pixel is building now", **_SHARE)
    min_area_m2: float = described("the area from which a building is kept now", **_AREA)

    def is_like(self, other: ManualThreshold) -> bool:
        """Tell whether both are the same but for rounding."""
        pairs = ((self.threshold, other.threshold), (self.min_area_m2, other.min_area_m2))
        return all(math.isclose(one, two, rel_tol=0, abs_tol=1e-9) for one, two in pairs)

    def put_on(self, card: Card) -> Card:
        """Return the card with this threshold and this least area."""
        return replace(card, threshold=self.threshold, min_area_m2=self.min_area_m2)


@dataclass(frozen=True)
class ThresholdChange(ManualThreshold):
    """What was set after the score was visible."""

    chosen_threshold: float = described("the threshold that was chosen on the validation area", **_SHARE)
    chosen_min_area_m2: float = described("the minimum area of the job", **_AREA)
    sentence: str = described("the same, for people", default="")


@dataclass(frozen=True)
class Ground:
    """The ground of a role."""

    buildings: Optional[int] = described("the labels that count in it", default=None, unit="count", least=0)
    area_m2: Optional[float] = described("its area", default=None, unit="square metres")


@dataclass(frozen=True)
class RasterFacts:
    """The raster, and the grid that the model worked on."""

    path: str = described("its file", default="")
    gsd_m: Optional[float] = described("the file's ground sample distance (metres a pixel)", default=None)
    working_gsd_m: Optional[float] = described("the model's", default=None)
    working_size_px: Optional[tuple[int, int]] = described(
        "width and height on the model's grid", default=None, least=1, length=(2, 2)
    )
    crs: str = described("its coordinate system", default="")
    transform: Optional[tuple[float, float, float, float, float, float]] = described(
        "six numbers that map a column and a row of that grid to coordinates (x = a column + b row + c, "
        "y = d column + e row + f)",
        default=None,
        length=(6, 6),
        is_optional=True,
    )
    bands: tuple[int, ...] = described("counted from 1 (0: one that the raster lacks)", default=(), least=0)
    stretch: tuple[tuple[float, float], ...] = described("the values of each band that become 0 and 1", default=())
    adapted: str = described("how values are matched to the model's, in words", default="")


@dataclass(frozen=True)
class LabelFacts:
    """The labels as they were used."""

    path: str = described("their file", default="")
    used: Optional[int] = described("the number of polygons", default=None, least=0)
    notes: tuple[str, ...] = described("sentences on what was done to them", default=())


@dataclass(frozen=True)
class BaseModel:
    """What the base model's card says of it."""

    name: str = described("its name", default="")
    title: str = described("its title", default="")
    licence: str = described("its licence", default="")
    attribution: str = described("whom to name", default="")
    limits: str = described("what it is not made for", default="")


@dataclass(frozen=True)
class TuningFacts:
    """What the tuning came to."""

    best_epoch: Optional[int] = described("the epoch that was kept (from 1)", default=None, least=1)
    validation_f1: Optional[float] = described(
        "the F1 by building of the model that was kept, on the validation area", default=None, least=0, most=1
    )
    parting: SeparationParams = described("the `parting` of that model", default=SeparationParams())
    history: tuple[EpochEnded, ...] = described("each epoch", default=(), length=(1, None))
    sha256: str = described("of the weights", default="")


@dataclass(frozen=True)
class Repeatability:
    """Whether the same job gives the same figures."""

    is_deterministic: Optional[bool] = described("whether it does", default=None)
    operations: tuple[str, ...] = described(
        "operations that may give other figures the next time, by PyTorch's names", default=()
    )
    sentence: str = described("the same, for people", default="")


@dataclass(frozen=True)
class Link:
    """A model of a chain, on the held-out ground of all of them."""

    role: str = described("`base` (the first), `tuned`, or `improved`", default="")
    run: str = described('the run that made the model ("" for a base model)', default="")
    title: str = described("the model's title", default="")
    building: BuildingScore = described("as in a score", default=BuildingScore())
    pixel: PixelScore = described("as in a score", default=PixelScore())
    blocks: tuple[tuple[int, int, int], ...] = described(
        "[`tp`, `fp`, `fn`] of each block, in the order of the report's `blocks`", default=(), least=0
    )
    by_hand: Optional[ThresholdChange] = described(
        "only if the threshold was set after the run: as in that run's report", default=None, is_omitted=True
    )
    difference: Optional[Difference] = described(
        "this link minus the one before it, in the form of the report's `difference`", default=None, null="the first"
    )


@dataclass(frozen=True)
class Report:
    """What ``report.json`` holds. A field that an earlier version did not write, or a broken one, has its default."""

    schema: int = described("the number of this schema", default=REPORT_SCHEMA, const=REPORT_SCHEMA)
    written: str = described("when the report was written", default="", unit="text, ISO 8601, UTC")
    before: Score = described("the base model, on the held-out area: see below", default=Score())
    after: Score = described("the tuned model, on the same held-out area", default=Score())
    difference: Difference = described("`after` minus `before`", default=Difference())
    interval: IntervalMethod = described("of all intervals", default=IntervalMethod())
    blocks: tuple[Block, ...] = described("the blocks of the held-out area: see below", default=())
    held_out_errors: HeldOutErrors = described("every held-out building as TP, FP or FN", default=HeldOutErrors())
    by_hand: Optional[ThresholdChange] = described(
        "what you set after the score was visible: see below; older reports may lack it",
        default=None,
        null="the run's own choice applies",
        is_optional=True,
    )
    rule: str = described("how a building is scored, in words", default="")
    ground: dict[str, Ground] = described(
        "for the `training`, `validation` and `held-out` area", default_factory=dict, unit="object by role", keys=ROLES
    )
    buffer_m: Optional[float] = described(
        "the smallest distance between the training area and any other area", default=None, unit="metres", least=0
    )
    raster: RasterFacts = described("the raster", default=RasterFacts())
    labels: LabelFacts = described("the labels", default=LabelFacts())
    base_model: BaseModel = described("from its card", default=BaseModel())
    settings: dict[str, object] = described(
        "the job's settings, as [commands.md](commands.md#settings) describes them", default_factory=dict
    )
    tuning: TuningFacts = described("the result of the tuning", default=TuningFacts())
    seconds: dict[str, float] = described(
        "the duration of each stage; for a resumed run, of the run in which the stage finished",
        default_factory=dict,
        unit="object by stage",
        least=0,
    )
    energy_j: Optional[float] = described(
        "what the GPU's own counter measured for all stages, including other programs' work on it",
        default=None,
        unit="joules",
        null="on a CPU",
    )
    device: str = described("the device that computed", default="")
    repeatability: Repeatability = described(
        "whether the same job gives the same figures again", default=Repeatability()
    )
    versions: dict[str, str] = described("of Python, the libraries and the platform", default_factory=dict)
    run: str = described("the run's name", default="", is_optional=True)
    parent: Optional[str] = described(
        "the name of the run whose model it improved", default=None, null="it tuned a base model", is_optional=True
    )
    chain: tuple[Link, ...] = described(
        "the models from the base model to this run's, each tuned from the one before it: see below",
        default=(),
        length=(2, None),
        is_optional=True,
    )
    gain: Difference = described(
        "the last model of the chain minus the first, in the form of `difference`",
        default=Difference(),
        is_optional=True,
    )
    chain_note: str = described(
        'a sentence on what is unusual about the chain, otherwise ""', default="", is_optional=True
    )

    @property
    def job_settings(self) -> Settings:
        """The settings of the run's job; one that the report does not hold is as usual."""
        return decode(Settings, self.settings, [])

    @property
    def f1s(self) -> tuple[float, ...]:
        """The F1 by building of the models that led to this run's, the base model's first, where they are known."""
        scores = [link.building for link in self.chain] or [self.before.building, self.after.building]
        return tuple(score.f1 for score in scores if score.f1 is not None)


def read_report(path: Path) -> Report:
    """Return the report in a file; raises InputError with one sentence and a next step."""
    content = read_object(path)
    if content is None:
        raise InputError(f"{path} cannot be read as a report: it holds no JSON object.", _AGAIN)
    schema = content.get("schema")
    if schema != REPORT_SCHEMA:
        raise InputError(f"{path} has the schema {json.dumps(schema)}, not {REPORT_SCHEMA}.", _AGAIN)
    faults: list[str] = []
    report = parse_report(content, faults)
    if faults:
        raise InputError(f"{path} cannot be used: {faults[0]}", _AGAIN)
    return report


def parse_report(content: object, faults: list[str]) -> Report:
    """Return the report in a JSON object as far as it can be read; what is wrong stands in ``faults``, in sentences."""
    report = decode(Report, content, faults)
    if not (report.before.is_known and report.after.is_known):
        faults.append("it holds no score.")
    return report
