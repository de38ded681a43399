"""A run to be improved, as far as its split goes, and jobs that improve its model."""

from __future__ import annotations

import json

import numpy as np
import shapely

from plugin.core.block_roles import HELD_OUT, TRAINING, VALIDATION
from plugin.core.folder import RunFolder
from plugin.core.job import Job, Settings
from plugin.core.models import find_card
from plugin.worker.dataset.improved_split import renew_split
from plugin.worker.dataset.inputs import Inputs
from plugin.worker.geodata.polygons import apply_affine
from plugin.worker.geodata.vector import append_layer
from plugin.worker.pipeline.outputs import write_split

KEPT = (VALIDATION, HELD_OUT)


def write_earlier(folder, raster, labels, split):
    """Write ``earlier.gpkg`` and ``earlier.json`` of a split into a folder, as a run would leave them."""
    folder = RunFolder(folder)
    folder.path.mkdir(parents=True, exist_ok=True)
    inputs = Inputs(Job(raster.path, "labels.gpkg"), find_card("imagenet_lite0"), raster, labels)
    write_split(folder.earlier, inputs, split)
    place = {"crs": raster.crs.to_string(), "transform": list(raster.transform[:6])}
    place["working_size_px"] = [raster.width, raster.height]
    score = {"building": {"f1": 0.5}}
    report = {"schema": 2, "before": score, "after": score, "blocks": [], "raster": place}
    folder.earlier_report.write_text(json.dumps(report), "utf-8")
    return folder


def write_improving(folder, raster, corrections, checked, **settings):
    """Write corrections and checked ground (polygons in pixels) beside ``earlier.gpkg``; returns the job."""
    for path, polygons, columns in (
        (folder.labels, corrections, {"id": np.arange(len(corrections))}),
        (folder.areas, checked, {"role": np.full(len(checked), TRAINING, dtype=object)}),
    ):
        path.unlink(missing_ok=True)
        placed = apply_affine(np.array(list(polygons), dtype=object), raster.transform)
        append_layer(path, placed, columns, raster.crs, path.stem, kind="Unknown")  # as the user drew them
    paths = {"areas": str(folder.areas), "earlier": str(folder.earlier), "parent": str(folder.path)}
    return Job(raster.path, str(folder.labels), base_model="model.json", settings=Settings(**settings), **paths)


def renew(folder, raster, corrections, checked):
    """Return the renewal of a run whose split lies in the folder."""
    return renew_split(write_improving(folder, raster, corrections, checked), raster)


def pick_ground(split, *roles):
    """Return the pieces of some ground in a fixed order: by role, number and place."""
    chosen = np.isin(split.roles.astype(str), roles)
    corners = shapely.bounds(split.blocks[chosen]).round(3)
    order = np.lexsort((*corners.T, split.numbers[chosen], split.roles[chosen].astype(str)))
    return split.blocks[chosen][order]


def pick_labels(labels, split):
    """Return the labels that count where nothing is learnt, in their order."""
    return labels.polygons[np.isin(split.label_roles.astype(str), KEPT)]


def are_alike(one, other, within_px):
    """Tell whether two lists of polygons are the same, pair by pair, wherever their rings begin and turn."""
    return len(one) == len(other) and bool((shapely.hausdorff_distance(one, other) <= within_px).all())
