"""The split of a run that improves a tuned model: held-out ground stays as it was, checked ground is learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ...core.block_roles import HELD_OUT, TRAINING, VALIDATION
from ...core.errors import NOTHING_TO_LEARN, TOO_FEW_BUILDINGS, InputError
from ...core.events import Finding
from ...core.job import Job
from ..geodata.polygons import explode_polygons
from ..geodata.raster import Raster
from ..geodata.vector import Geometries
from .corrections import CHECK_MORE, read_checked, read_corrections, tell_corrections
from .labels import Labels
from .previous_split import Earlier, read_earlier
from .split import MIN_BUILDINGS, Split, erode, is_mostly_inside

_SHARED = 0.5


@dataclass(frozen=True)
class ImprovedSplit:
    """Labels and split of an improving run.

    ``corrected`` are those of the corrected footprints that lie on checked ground, ``count`` of which are learnt from;
    ``notices`` are sentences about them, ``findings`` what is to be said of the checked ground.
    """

    labels: Labels
    split: Split
    corrected: Labels
    count: int
    notices: tuple[str, ...]
    findings: tuple[Finding, ...]


def renew_split(job: Job, raster: Raster) -> ImprovedSplit:
    """Return the earlier run's labels and split with what the user checked; raises InputError.

    Validation and held-out ground, with their labels, are the earlier run's. Checked ground becomes training ground but
    for what lies within the buffer around them, or in a building that reaches onto them. A polygon lies on checked
    ground where at least half of it does. There the corrections take the place of earlier labels; so they do where one
    covers most of an earlier label beside it. Where a building lies on checked ground with less than half of it, that
    part is not learnt from: whether it is right there nobody said.
    """
    earlier = read_earlier(job.earlier, raster)
    checked = read_checked(job.areas, job.areas_layer, raster)
    given = read_corrections(job.labels, job.labels_layer, raster)
    is_own = is_mostly_inside(_show(given.polygons, raster), checked)
    corrected = given.polygons[is_own]
    is_replaced = _find_replaced(earlier, checked, corrected, raster)
    fresh = _find_fresh(earlier, checked, given.polygons, np.concatenate([~is_replaced, ~is_own]))
    if len(fresh) == 0:
        raise InputError(
            "No checked area is left for training: all of it is held-out or validation area, or too near to it.",
            CHECK_MORE,
            code=NOTHING_TO_LEARN,
        )
    split = _add_ground(earlier.split, fresh, shapely.union_all([checked, *_find_reaching(earlier.split, corrected)]))
    is_learnt = is_mostly_inside(_show(corrected, raster), split.ground(TRAINING))
    roles = np.concatenate([split.label_roles[~is_replaced], np.where(is_learnt, TRAINING, "").astype(object)])
    _refuse_too_few(int((roles == TRAINING).sum()))
    polygons = np.concatenate([earlier.labels[~is_replaced], corrected])
    notices, findings = tell_corrections(checked, fresh, split, int(is_learnt.sum()), raster)
    labels, own = replace(given, polygons=polygons), replace(given, polygons=corrected)
    return ImprovedSplit(labels, split.with_labels(roles), own, int(is_learnt.sum()), notices, findings)


def _show(polygons: Geometries, raster: Raster) -> Geometries:
    """Return what the raster shows of the polygons."""
    return np.asarray(shapely.intersection(polygons, shapely.box(0, 0, raster.width, raster.height)), dtype=object)


def _find_scored(split: Split) -> NDArray[np.bool_]:
    return np.isin(split.label_roles.astype(str), (VALIDATION, HELD_OUT))


def _find_replaced(earlier: Earlier, checked: Any, corrected: Geometries, raster: Raster) -> NDArray[np.bool_]:
    """Tell which earlier labels give way to corrections; those of held-out and validation ground never do."""
    is_replaced = is_mostly_inside(_show(earlier.labels, raster), checked)
    first, second = shapely.STRtree(corrected).query(earlier.labels, predicate="intersects")
    shared = shapely.area(shapely.intersection(earlier.labels[first], corrected[second]))
    is_replaced[first[shared > _SHARED * shapely.area(earlier.labels[first])]] = True
    return np.asarray(is_replaced & ~_find_scored(earlier.split))


def _find_fresh(earlier: Earlier, checked: Any, given: Geometries, is_beside: NDArray[np.bool_]) -> Geometries:
    """Return the pieces of checked ground that are learnt from.

    ``is_beside`` tells of earlier labels and then of corrections whether they do not count as lying on checked ground.
    """
    split, polygons = earlier.split, np.concatenate([earlier.labels, given])
    ground = split.ground(VALIDATION, HELD_OUT)
    reachable = erode(np.array([checked], dtype=object), ground, split.buffer_px, Labels(polygons))[0]
    beside = polygons[is_beside & shapely.intersects(polygons, checked)]
    return _list_pieces(shapely.difference(reachable, shapely.union_all(beside)))


def _find_reaching(split: Split, corrected: Geometries) -> Sequence[Any]:
    """Return the corrections that reach onto ground that is not learnt from."""
    return list(corrected[shapely.intersects(corrected, split.ground(VALIDATION, HELD_OUT))])


def _list_pieces(ground: Any) -> Geometries:
    parts = explode_polygons([ground])[0]
    return parts[shapely.area(parts) >= 1]


def _add_ground(split: Split, fresh: Geometries, taken: Any) -> Split:
    """Return the split with fresh training ground, and what is ``taken`` cut out of the earlier.

    The fresh pieces are blocks of their own.
    """
    is_training = split.roles == TRAINING
    rest, origins = explode_polygons(shapely.difference(split.blocks[is_training], taken))
    is_large = shapely.area(rest) >= 1
    rest, origins = rest[is_large], np.flatnonzero(is_training)[origins[is_large]]
    first = len(split.whole) + 1
    whole = split.whole.copy()
    is_open = ~np.isin(split.whole_roles.astype(str), (VALIDATION, HELD_OUT))
    whole[is_open] = shapely.difference(whole[is_open], taken)
    return Split(
        np.concatenate([split.blocks[~is_training], rest, fresh]),
        np.concatenate([split.roles[~is_training], split.roles[origins], _fill(len(fresh), TRAINING)]),
        split.buffer_px,
        split.label_roles,
        np.concatenate([split.numbers[~is_training], split.numbers[origins], np.arange(first, first + len(fresh))]),
        np.concatenate([whole, fresh]),
        np.concatenate([split.whole_roles, _fill(len(fresh), TRAINING)]),
        is_fresh=np.concatenate([np.zeros(int((~is_training).sum()) + len(rest), bool), np.ones(len(fresh), bool)]),
    )


def _fill(count: int, role: str) -> NDArray[np.object_]:
    return np.full(count, role, dtype=object)


def _refuse_too_few(count: int) -> None:
    if count < MIN_BUILDINGS:
        raise InputError(
            f"With the corrections, {count or 'no'} {'building lies' if count < 2 else 'buildings lie'} in the "
            f"training area; at least {MIN_BUILDINGS} are needed.",
            CHECK_MORE,
            code=TOO_FEW_BUILDINGS,
        )
