"""The split of a run that improves a tuned model: held-out ground stays as it was, checked ground is learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.job import Job
from ..core.roles import HELD_OUT, TRAINING, VALIDATION
from .earlier import read_earlier
from .labels import Labels, explode_polygons, read_polygons
from .raster import Raster
from .split import Split, erode, is_mostly_inside
from .vector import Geometries, read_layer

_DRAW = "Mark ground as checked where the model may learn: on the raster, outside held-out ground."


@dataclass(frozen=True)
class Renewal:
    """Labels and split of an improving run; ``corrections`` count, and ``notices`` are sentences about them."""

    labels: Labels
    split: Split
    corrections: int
    notices: tuple[str, ...]


def renew_split(job: Job, raster: Raster) -> Renewal:
    """Return the earlier run's labels and split with what the user checked; raises InputError.

    Validation and held-out ground, with their labels, are the earlier run's. Checked ground becomes training ground but
    for what lies within the buffer around them, or in a building that reaches onto them. There the corrections take
    the place of earlier labels: a polygon counts as lying on checked ground where at least half of it does.
    """
    if job.block_roles:
        raise InputError("A run that improves a model takes its blocks from the earlier run.", "Leave block_roles out.")
    earlier = read_earlier(job.earlier, raster)
    checked = _read_checked(job, raster)
    corrections, cleaned = _read_corrections(job, raster)
    split = earlier.split
    replaced = is_mostly_inside(earlier.labels, checked) & (split.label_roles == TRAINING)
    is_kept = is_mostly_inside(corrections, checked)
    straddling = corrections[~is_kept & shapely.intersects(corrections, checked)]
    labels = np.concatenate([earlier.labels[~replaced], corrections[is_kept]])
    kept_ground = split.ground(VALIDATION, HELD_OUT)
    reachable = erode(np.array([checked], dtype=object), kept_ground, split.buffer_px, Labels(labels))[0]
    fresh = _list_parts(shapely.difference(reachable, shapely.union_all(straddling)))
    if len(fresh) == 0:
        raise InputError(
            "No checked ground is left to learn from: all of it is held-out or validation ground, or too near to it.",
            _DRAW,
        )
    renewed = _add_ground(split, fresh, checked)
    ground = renewed.ground(TRAINING)
    added = np.where(is_mostly_inside(corrections[is_kept], ground), TRAINING, "").astype(object)
    roles = np.concatenate([split.label_roles[~replaced], added])
    notices = _tell(checked, fresh, raster, int((added == TRAINING).sum()))
    return Renewal(cleaned(labels), renewed.with_labels(roles), int((added == TRAINING).sum()), notices)


def _read_checked(job: Job, raster: Raster) -> Any:
    if not job.areas:
        raise InputError("No ground is marked as checked.", _DRAW)
    content = read_layer(job.areas, job.areas_layer)
    if len(content.geometries) == 0:
        raise InputError("No ground is marked as checked.", _DRAW)
    polygons, _, _ = read_polygons(content, raster, "The checked ground")
    checked = shapely.union_all(polygons) & shapely.box(0, 0, raster.width, raster.height)
    if checked.area == 0:
        raise InputError("The checked ground lies outside the raster.", _DRAW)
    return checked


def _read_corrections(job: Job, raster: Raster) -> tuple[Geometries, Any]:
    """Return the corrected footprints, and a function that makes Labels that tell what was done to these."""
    content = read_layer(job.labels, job.labels_layer)
    if len(content.geometries) == 0:  # there may be no building on what was checked
        return np.array([], dtype=object), Labels
    polygons, _, is_broken = read_polygons(content, raster, "The corrected footprints")
    repaired = int(is_broken.sum())
    return polygons, lambda labels: Labels(labels, repaired=repaired)


def _list_parts(ground: Any) -> Geometries:
    parts = explode_polygons([ground])[0]
    return parts[shapely.area(parts) >= 1]


def _add_ground(split: Split, fresh: Geometries, checked: Any) -> Split:
    """Return the split with fresh training ground, cut out of the earlier; its pieces are blocks of their own."""
    is_training = split.roles == TRAINING
    rest, origins = explode_polygons(shapely.difference(split.blocks[is_training], checked))
    is_large = shapely.area(rest) >= 1
    rest, origins = rest[is_large], np.flatnonzero(is_training)[origins[is_large]]
    first = len(split.whole) + 1
    blocks = [split.blocks[~is_training], rest, fresh]
    roles = [split.roles[~is_training], split.roles[origins], _fill(len(fresh), TRAINING)]
    numbers = [split.numbers[~is_training], split.numbers[origins], np.arange(first, first + len(fresh))]
    whole_training = split.whole_roles == TRAINING
    whole = split.whole.copy()
    whole[whole_training] = shapely.difference(whole[whole_training], checked)
    return Split(
        np.concatenate(blocks),
        np.concatenate(roles),
        split.buffer_px,
        split.label_roles,
        np.concatenate(numbers),
        np.concatenate([whole, fresh]),
        np.concatenate([split.whole_roles, _fill(len(fresh), TRAINING)]),
        is_fresh=np.concatenate([np.zeros(int((~is_training).sum()) + len(rest), bool), np.ones(len(fresh), bool)]),
    )


def _fill(count: int, role: str) -> NDArray[np.object_]:
    return np.full(count, role, dtype=object)


def _tell(checked: Any, fresh: Geometries, raster: Raster, count: int) -> tuple[str, ...]:
    pixel_m2 = float(raster.scale.pixel_area_m2(checked.centroid.y))
    learnt, lost = shapely.area(fresh).sum() * pixel_m2, (checked.area - shapely.area(fresh).sum()) * pixel_m2
    said = [f"{learnt:,.0f} m² of checked ground are learnt from, with {count} footprints on it."]
    if count == 0:
        said = [f"{learnt:,.0f} m² of checked ground are learnt from: it says that there is no building."]
    if lost > 0.01 * checked.area * pixel_m2:
        said.append(
            f"{lost:,.0f} m² of the checked ground are never learnt from: they are held-out or validation ground, or "
            "too near to it."
        )
    return tuple(said)
