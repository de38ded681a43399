"""Which ground is learnt on, which chooses the threshold, which is held out: apart in space, with a buffer between."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ...core.block_roles import HELD_OUT, ROLES, TRAINING, VALIDATION
from ...core.errors import NO_SUCH_BLOCK, TOO_FEW_BLOCKS, TOO_FEW_BUILDINGS, InputError
from ...core.job import Settings
from ..geodata.raster import Raster
from ..geodata.vector import Geometries
from .areas import read_areas
from .block_sampling import choose_side, count_inside, cut_blocks, draw_alike
from .labels import Labels

MIN_BUILDINGS = 3
_BUFFER_PX = 16.0
_RESAMPLING_REACH = 2.5 * math.sqrt(2)  # in pixels of the file: cubic convolution knows of two and a half each way
_LEAST_BLOCKS = 3


def _make_none() -> NDArray[Any]:
    return np.array([], dtype=object)


@dataclass(frozen=True)
class Split:
    """The ground of each role, in the raster's pixel coordinates (column, row).

    ``blocks`` are polygons that do not overlap, ``roles`` theirs; ground of different roles is ``buffer_px`` apart, and
    no label reaches from one onto the other. ``label_roles`` says for each label on which ground most of it lies (""
    for none). ``numbers`` tells of each polygon the block that it belongs to, block 1 being the first: ``whole`` are
    the blocks as they were cut, before buffers were taken from them, ``whole_roles`` theirs (``left-out`` ones have no
    ground). ``is_fresh`` marks the ground that an improving run adds (empty: it adds none).
    """

    blocks: Geometries
    roles: NDArray[np.object_]
    buffer_px: float
    label_roles: NDArray[np.object_]
    numbers: NDArray[np.int64] = field(default_factory=_make_none)
    whole: Geometries = field(default_factory=_make_none)
    whole_roles: NDArray[np.object_] = field(default_factory=_make_none)
    is_fresh: NDArray[np.bool_] = field(default_factory=_make_none)

    def with_labels(self, label_roles: NDArray[np.object_]) -> Split:
        """Return the split with the roles of other labels."""
        return replace(self, label_roles=label_roles)

    def ground(self, *roles: str) -> Any:
        """Return the ground of some roles as one geometry."""
        return shapely.union_all(self.blocks[np.isin(self.roles, roles)])


def split_ground(
    raster: Raster,
    labels: Labels,
    settings: Settings,
    areas: str = "",
    layer: str = "",
    changes: Mapping[int, str] | None = None,
) -> Split:
    """Part the labelled ground into roles; raises InputError where there are too few buildings for that.

    With ``areas`` (a polygon file with a ``role`` field) held-out ground is what it says; else the labelled ground is
    the blocks that hold labels, and some that stand for all are held out. Validation ground is drawn from the training
    ground in the same way (``draw_alike``). ``changes`` are roles by block number that hold instead of the drawn ones.

    The buffer is at least 16 pixels, as wide as nine in ten buildings are long, and as resampling reaches. Held-out
    ground keeps all of its blocks: the buffer around it is taken from validation and training ground, that around
    validation ground from training ground. What reaches onto other ground is taken away whole, however large a building
    is.
    """
    if len(labels.polygons) < 3 * MIN_BUILDINGS:
        _refuse_too_few(len(labels.polygons), 3 * MIN_BUILDINGS, "on the raster")
    centres = shapely.point_on_surface(labels.polygons)
    buffer_px = choose_buffer(labels, raster)
    rng = np.random.default_rng(settings.seed)
    if areas:
        blocks, roles = _cut_areas(areas, layer, raster, buffer_px)
    else:
        blocks = _find_labelled_blocks(labels, raster, buffer_px)
        is_held_out = draw_alike(blocks, count_inside(blocks, centres), settings.held_out_share, rng)
        roles = np.where(is_held_out, HELD_OUT, TRAINING).astype(object)
    share = settings.validation_share if areas else settings.validation_share / (1 - settings.held_out_share)
    is_open = np.flatnonzero(roles == TRAINING)
    rest = erode(blocks[is_open], shapely.union_all(blocks[roles == HELD_OUT]), buffer_px, labels)
    roles[is_open[draw_alike(rest, count_inside(rest, centres), share, rng)]] = VALIDATION
    _change(roles, changes or {})
    split = _part(labels, raster, buffer_px, blocks, roles)
    _refuse_lone_roles(split, bool(changes))
    return split


def _cut_areas(areas: str, layer: str, raster: Raster, buffer_px: float) -> tuple[Geometries, NDArray[np.object_]]:
    training, held_out = read_areas(areas, layer, raster)
    grounds = {TRAINING: shapely.difference(training, held_out), HELD_OUT: held_out}
    side = choose_side(grounds[TRAINING].area, buffer_px)
    cut = {role: cut_blocks(ground, raster, side) for role, ground in grounds.items()}
    roles = np.repeat(np.array(list(cut), dtype=object), [len(blocks) for blocks in cut.values()])
    return np.concatenate(list(cut.values())), roles


def _find_labelled_blocks(labels: Labels, raster: Raster, buffer_px: float) -> Geometries:
    """Return the blocks that hold labels: around them nobody said what is no building."""
    frame = shapely.box(0, 0, raster.width, raster.height)
    extent = shapely.box(*shapely.total_bounds(labels.polygons)) & frame
    side = choose_side(extent.area, buffer_px)
    blocks = cut_blocks(extent, raster, side)
    blocks = blocks[np.unique(shapely.STRtree(blocks).query(labels.polygons, predicate="intersects")[1])]
    if len(blocks) < _LEAST_BLOCKS:
        where = "two blocks" if len(blocks) == 2 else "one block"
        raise InputError(
            f"All labels lie inside {where} of {side * raster.gsd_m:.0f} x {side * raster.gsd_m:.0f} m; at least "
            f"{_LEAST_BLOCKS} are needed for a held-out area.",
            "Label buildings over a wider part of the raster, or draw areas.",
            code=TOO_FEW_BLOCKS,
        )
    return blocks


def _change(roles: NDArray[np.object_], changes: Mapping[int, str]) -> None:
    for number, role in changes.items():
        if not 1 <= number <= len(roles):
            raise InputError(
                f"There is no block {number}: the split has blocks 1 to {len(roles)}.",
                "Show the split again: the raster, the labels or the settings have changed.",
                code=NO_SUCH_BLOCK,
            )
        roles[number - 1] = role


def _part(
    labels: Labels, raster: Raster, buffer_px: float, whole: Geometries, whole_roles: NDArray[np.object_]
) -> Split:
    """Take the buffers from the blocks, and tell on which ground each label lies."""
    is_of = {role: whole_roles == role for role in ROLES}
    held_out = whole[is_of[HELD_OUT]]
    validation = erode(whole[is_of[VALIDATION]], shapely.union_all(held_out), buffer_px, labels)
    other = shapely.union_all([*held_out, *validation])
    training = erode(whole[is_of[TRAINING]], other, buffer_px, labels)
    blocks, roles, numbers = [], [], []
    for role, ground in ((TRAINING, training), (VALIDATION, validation), (HELD_OUT, held_out)):
        parts, origins = shapely.get_parts(ground, return_index=True)
        is_ground = shapely.area(parts) >= 1
        blocks.append(parts[is_ground])
        roles.append(np.full(int(is_ground.sum()), role, dtype=object))
        numbers.append(np.flatnonzero(is_of[role])[origins[is_ground]] + 1)
    joined = [np.concatenate(each) for each in (blocks, roles, numbers)]
    label_roles = np.full(len(labels.polygons), "", dtype=object)
    split = Split(joined[0], joined[1], buffer_px, label_roles, joined[2], whole, whole_roles)
    visible = shapely.intersection(labels.polygons, shapely.box(0, 0, raster.width, raster.height))
    for role in ROLES:
        label_roles[is_mostly_inside(visible, split.ground(role))] = role
    return split


def _refuse_lone_roles(split: Split, is_changed: bool) -> None:
    """Raise InputError where a role has too few buildings to be learnt from, or to be judged by."""
    for role in ROLES:
        count = int((split.label_roles == role).sum())
        if count >= MIN_BUILDINGS:
            continue
        if is_changed:
            raise InputError(
                f"With the changed blocks, {_count_buildings(count)} in the {role} area; at least {MIN_BUILDINGS} are "
                "needed.",
                f"Give another block the role {role}, or undo the changes.",
                code=TOO_FEW_BUILDINGS,
            )
        raise InputError(
            f"The {len(split.label_roles)} buildings could not be divided into three areas: {_count_buildings(count)} "
            f"in the {role} area; at least {MIN_BUILDINGS} are needed.",
            "Label about 10 more buildings in another part of the raster, or draw areas elsewhere.",
            code=TOO_FEW_BUILDINGS,
        )


def is_mostly_inside(polygons: Geometries, ground: Any) -> NDArray[np.bool_]:
    """Tell of each polygon whether at least half of its area lies on the ground: then it counts there.

    The rule is the same for labels, of what the raster shows of them, and for footprints.
    """
    shapely.prepare(ground)
    inside = shapely.covers(ground, polygons) & (shapely.area(polygons) > 0)
    doubtful = shapely.intersects(ground, polygons) & ~inside
    shared = shapely.area(shapely.intersection(polygons[doubtful], ground))
    inside[doubtful] = (shared > 0) & (shared >= 0.5 * shapely.area(polygons[doubtful]))
    return np.asarray(inside)


def choose_buffer(labels: Labels, raster: Raster) -> float:
    """Return the buffer in pixels: at least 16, and as wide as all but the largest buildings.

    It is as wide as resampling reaches, too.
    """
    left, top, right, bottom = shapely.bounds(labels.polygons).T
    width = float(np.quantile(np.maximum(right - left, bottom - top), 0.9))
    return max(_BUFFER_PX, width, _RESAMPLING_REACH * raster.native_gsd_m / raster.gsd_m)


def erode(blocks: Geometries, ground: Any, buffer_px: float, labels: Labels) -> Geometries:
    """Take from the blocks what lies within the buffer around other ground, or in a building that reaches onto it.

    A block of which nothing is left is empty.
    """
    shapely.prepare(ground)
    reaching = labels.polygons[shapely.intersects(ground, labels.polygons)]
    around = shapely.buffer(ground, buffer_px, join_style="mitre")
    return np.asarray(shapely.difference(blocks, shapely.union_all([around, *reaching])), dtype=object)


def _count_buildings(count: int) -> str:
    return "no building lies" if count == 0 else "only 1 building lies" if count == 1 else f"only {count} buildings lie"


def _refuse_too_few(count: int, needed: int, where: str) -> None:
    said = "No building is" if count == 0 else "Only 1 building is" if count == 1 else f"Only {count} buildings are"
    raise InputError(
        f"{said} labelled {where}; at least {needed} are needed.",
        "Label more buildings, over a wider part of the raster, and try again.",
        code=TOO_FEW_BUILDINGS,
    )
