"""The report of a run: what was scored, before and after, and how it came about."""

from __future__ import annotations

import platform
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import rasterio
import shapely
import torch

from .check import Inputs
from .split import ROLES, Split

SCHEMA = 1
RULE = (
    "Building: IoU > 0.5, each label matched once, most confident first (SpaceNet). A building counts where at "
    "least half of it lies on held-out ground, and is compared within it. How buildings part is chosen on validation "
    "ground."
)


def build_report(inputs: Inputs, split: Split, results: dict[str, Any]) -> dict[str, Any]:
    """Return the report.

    ``before`` and ``after`` each hold ``building`` and ``pixel`` with tp, fp, fn, precision, recall and f1, on the same
    held-out ground; ``seconds`` by stage; areas in square metres.
    """
    raster = inputs.raster
    return {
        "schema": SCHEMA,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "before": results["before"],
        "after": results["after"],
        "rule": RULE,
        "ground": {role: _describe_ground(inputs, split, role) for role in ROLES},
        "buffer_m": round(split.buffer_px * raster.gsd_m, 2),
        "raster": {
            "path": raster.path,
            "gsd_m": round(raster.native_gsd_m, 4),
            "working_gsd_m": round(raster.gsd_m, 4),
            "working_size_px": [raster.width, raster.height],
            "crs": raster.crs.to_string(),
            "bands": list(raster.bands),
            "stretch": [list(limits) for limits in raster.stretch],
            "adapted": raster.adapted,
        },
        "labels": {"path": inputs.job.labels, "used": len(inputs.labels.polygons), "notes": inputs.labels.describe()},
        "base_model": {"name": inputs.card.name, "title": inputs.card.title, "attribution": inputs.card.attribution},
        "settings": asdict(inputs.job.settings),
        "tuning": results["tuning"],
        "seconds": results["seconds"],
        **{name: results[name] for name in ("energy_j",) if name in results},
        "device": results["device"],
        "versions": describe_versions(),
    }


def describe_versions() -> dict[str, str]:
    """Return the versions of what computed the figures."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "rasterio": rasterio.__version__,
        "gdal": rasterio.__gdal_version__,
        "shapely": shapely.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
    }


def _describe_ground(inputs: Inputs, split: Split, role: str) -> dict[str, float]:
    ground = split.ground(role)
    row = ground.centroid.y
    return {
        "buildings": int((split.label_roles == role).sum()),
        "area_m2": round(float(ground.area * inputs.raster.scale.pixel_area_m2(row)), 1),
    }
