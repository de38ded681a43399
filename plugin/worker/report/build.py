"""The report of a run: what was scored, before and after, and how it came about.

Every field is told in resources/help/report.md, and resources/help/report.schema.json says its type.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import PureWindowsPath
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ...core.block_roles import ROLES
from ...core.run_record import REPORT_SCHEMA
from ..dataset.inputs import Inputs
from ..dataset.split import Split
from ..evaluation.bootstrap import LEVEL, METHOD, compare_models, explain_absence
from ..evaluation.heldout import HeldOutEvaluation
from ..geodata.polygons import apply_affine
from ..runtime.determinism import describe_repeatability
from ..runtime.versions import describe_versions
from .lineage import build_chain, name_models
from .manual_threshold import ERRORS, leave_out_blocks

SCHEMA = REPORT_SCHEMA
RULE = (
    "Building: IoU > 0.5, each label matched once, most confident first (SpaceNet). A building counts where at "
    "least half of it lies on held-out ground, and is compared within it. How buildings part is chosen on validation "
    "ground."
)
CARD_FIELDS = ("name", "title", "licence", "attribution", "limits")


def build_report(
    inputs: Inputs, split: Split, evaluation: HeldOutEvaluation, results: dict[str, Any]
) -> dict[str, Any]:
    """Return the report.

    ``results`` holds ``before`` and ``after`` (the score of ``Evaluator.score_held_out``), ``tuning``, ``seconds`` by
    stage, ``energy_j`` (None: not known), ``by_hand`` (as of ``describe_by_hand``), ``device`` (its name),
    ``device_type`` (torch's), ``run`` (its name), ``title`` (the tuned model's) and ``earlier`` (the report of the run
    whose model is improved, None: none).
    """
    raster = inputs.raster
    before, after = (results[name] for name in ("before", "after"))
    counts = [np.array(score["blocks"], dtype=np.int64) for score in (before, after)]
    earlier = results["earlier"]
    report = {
        "schema": SCHEMA,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "before": leave_out_blocks(before),
        "after": leave_out_blocks(after),
        "difference": compare_models(counts[0], counts[1], *name_models(earlier)),
        "interval": {"level": LEVEL, "method": METHOD, "why_none": explain_absence(counts[0])},
        "blocks": _describe_blocks(inputs, evaluation, *counts),
        "held_out_errors": {
            "file": "errors.gpkg",
            "before": {name: before["building"][name] for name in ERRORS},
            "after": {name: after["building"][name] for name in ERRORS},
        },
        "by_hand": results.get("by_hand"),
        "rule": RULE,
        "ground": {role: _describe_ground(inputs, split, role) for role in ROLES},
        "buffer_m": round(split.buffer_px * raster.gsd_m, 2),
        "raster": {
            "path": raster.path,
            "gsd_m": round(raster.native_gsd_m, 4),
            "working_gsd_m": round(raster.gsd_m, 4),
            "working_size_px": [raster.width, raster.height],
            "crs": raster.crs.to_string(),
            "transform": list(raster.transform[:6]),
            "bands": list(raster.bands),
            "stretch": [list(limits) for limits in raster.stretch],
            "adapted": raster.adapted,
        },
        "labels": {"path": inputs.job.labels, "used": len(inputs.labels.polygons), "notes": inputs.labels.describe()},
        "base_model": {name: getattr(inputs.card, name) for name in CARD_FIELDS},
        "settings": asdict(inputs.job.settings),
        "tuning": {name: value for name, value in results["tuning"].items() if name != "unsure"},
        "seconds": results["seconds"],
        "energy_j": results.get("energy_j"),
        "device": results["device"],
        "repeatability": describe_repeatability(results["device_type"], results["tuning"]["unsure"]),
        "versions": describe_versions(),
    }
    run, parent = results["run"], PureWindowsPath(inputs.job.parent).name
    chain = build_chain(report, run, results["title"], parent, earlier)
    return {**report, "run": run, "parent": parent or None, **chain}


def _describe_blocks(
    inputs: Inputs, evaluation: HeldOutEvaluation, before: NDArray[np.int64], after: NDArray[np.int64]
) -> list[dict[str, Any]]:
    """Return for each block of held-out ground its bounds in the raster's coordinates, its area and its counts."""
    raster = inputs.raster
    rows = shapely.get_y(shapely.centroid(evaluation.blocks))
    areas = shapely.area(evaluation.blocks) * raster.scale.pixel_area_m2(rows)
    bounds = shapely.bounds(apply_affine(evaluation.blocks, raster.transform))
    return [
        {
            "id": i,
            "bounds": bounds[i].tolist(),
            "area_m2": round(float(areas[i]), 1),
            "before": dict(zip(ERRORS, before[i].tolist(), strict=True)),
            "after": dict(zip(ERRORS, after[i].tolist(), strict=True)),
        }
        for i in range(len(evaluation.blocks))
    ]


def _describe_ground(inputs: Inputs, split: Split, role: str) -> dict[str, float]:
    ground = split.ground(role)
    row = ground.centroid.y
    return {
        "buildings": int((split.label_roles == role).sum()),
        "area_m2": round(float(ground.area * inputs.raster.scale.pixel_area_m2(row)), 1),
    }
