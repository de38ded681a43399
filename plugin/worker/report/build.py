"""The report of a run: what was scored, before and after, and how it came about.

Every field is told in resources/help/report.md, and resources/help/report.schema.json says its type.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import PureWindowsPath

import numpy as np
import shapely
from numpy.typing import NDArray

from ...core.block_roles import ROLES
from ...core.counts import Counts
from ...core.report import (
    BaseModel,
    Block,
    Ground,
    HeldOutErrors,
    IntervalMethod,
    LabelFacts,
    RasterFacts,
    Report,
    ThresholdChange,
    TuningFacts,
)
from ...core.score import BlockScore
from ..dataset.inputs import Inputs
from ..dataset.split import Split
from ..evaluation.bootstrap import LEVEL, METHOD, compare_models, explain_absence
from ..evaluation.heldout import HeldOutEvaluation
from ..geodata.polygons import apply_affine
from ..runtime.determinism import describe_repeatability
from ..runtime.versions import describe_versions
from .lineage import add_chain, name_models

RULE = (
    "Building: IoU > 0.5, each label matched once, most confident first (SpaceNet). A building counts where at "
    "least half of it lies in the held-out area, and is compared within it. How touching buildings are separated is "
    "chosen on the validation area."
)


@dataclass(frozen=True)
class TuningStage(TuningFacts):
    """What the tuning came to, and the operations in it that may give other figures the next time."""

    unsure: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spent:
    """The seconds that each stage took, and the joules of all of them (None: not known)."""

    seconds: dict[str, float]
    energy_j: float | None = None


@dataclass(frozen=True)
class RunResults:
    """What a run came to: its scores, its tuning and what they took.

    ``device`` is the device's name, ``device_type`` torch's, ``run`` the run's name, ``title`` the tuned model's, and
    ``earlier`` the report of the run whose model is improved (None: a base model was tuned).
    """

    before: BlockScore
    after: BlockScore
    tuning: TuningStage
    spent: Spent
    device: str
    device_type: str
    run: str
    title: str
    by_hand: ThresholdChange | None = None
    earlier: Report | None = None


def build_report(inputs: Inputs, split: Split, evaluation: HeldOutEvaluation, results: RunResults) -> Report:
    """Return the report."""
    counts = [np.array(score.blocks, dtype=np.int64) for score in (results.before, results.after)]
    report = Report(
        written=datetime.now(UTC).isoformat(timespec="seconds"),
        before=results.before.without_blocks(),
        after=results.after.without_blocks(),
        difference=compare_models(counts[0], counts[1], *name_models(results.earlier)),
        interval=IntervalMethod(LEVEL, METHOD, explain_absence(counts[0])),
        blocks=_describe_blocks(inputs, evaluation, *counts),
        held_out_errors=HeldOutErrors("errors.gpkg", results.before.counts, results.after.counts),
        by_hand=results.by_hand,
        rule=RULE,
        ground={role: _describe_ground(inputs, split, role) for role in ROLES},
        buffer_m=round(split.buffer_px * inputs.raster.gsd_m, 2),
        raster=_describe_raster(inputs),
        labels=LabelFacts(inputs.job.labels, len(inputs.labels.polygons), tuple(inputs.labels.describe())),
        base_model=BaseModel(**{item.name: getattr(inputs.card, item.name) for item in fields(BaseModel)}),
        settings=asdict(inputs.job.settings),
        tuning=TuningFacts(**{item.name: getattr(results.tuning, item.name) for item in fields(TuningFacts)}),
        seconds=results.spent.seconds,
        energy_j=results.spent.energy_j,
        device=results.device,
        repeatability=describe_repeatability(results.device_type, results.tuning.unsure),
        versions=describe_versions(),
        run=results.run,
        parent=PureWindowsPath(inputs.job.parent).name or None,
    )
    return add_chain(report, results.title, results.earlier)


def _describe_raster(inputs: Inputs) -> RasterFacts:
    raster = inputs.raster
    return RasterFacts(
        raster.path,
        gsd_m=round(raster.native_gsd_m, 4),
        working_gsd_m=round(raster.gsd_m, 4),
        working_size_px=(raster.width, raster.height),
        crs=raster.crs.to_string(),
        transform=raster.transform[:6],
        bands=tuple(raster.bands),
        stretch=tuple(raster.stretch),
        adapted=raster.adapted,
    )


def _describe_blocks(
    inputs: Inputs, evaluation: HeldOutEvaluation, before: NDArray[np.int64], after: NDArray[np.int64]
) -> tuple[Block, ...]:
    """Return for each block of held-out ground its bounds in the raster's coordinates, its area and its counts."""
    raster = inputs.raster
    rows = shapely.get_y(shapely.centroid(evaluation.blocks))
    areas = shapely.area(evaluation.blocks) * raster.scale.pixel_area_m2(rows)
    bounds = shapely.bounds(apply_affine(evaluation.blocks, raster.transform))
    return tuple(
        Block(tuple(bounds[i].tolist()), Counts(*after[i].tolist()), Counts(*before[i].tolist()), i, round(area, 1))
        for i, area in enumerate(areas.tolist())
    )


def _describe_ground(inputs: Inputs, split: Split, role: str) -> Ground:
    ground = split.ground(role)
    area_m2 = ground.area * inputs.raster.scale.pixel_area_m2(ground.centroid.y)
    return Ground(int((split.label_roles == role).sum()), round(float(area_m2), 1))
