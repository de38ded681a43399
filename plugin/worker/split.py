"""Which ground is learnt on, which chooses the threshold, which is held out: apart in space, with a buffer between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.job import Settings
from .labels import Labels, read_polygons
from .raster import Raster
from .vector import Geometries, read_layer

TRAINING, VALIDATION, HELD_OUT = "training", "validation", "held-out"
ROLES = (TRAINING, VALIDATION, HELD_OUT)
_NO_ROLE = ("", "none", "null", "nan")
MIN_BUILDINGS = 3
_MIN_BLOCK_PX = 32
_MAX_BLOCK_PX = 512
_BLOCKS = 64
_BUFFER_PX = 16.0
_RESAMPLING_REACH = 2.5 * math.sqrt(2)  # in pixels of the file: cubic convolution knows of two and a half each way
_STARTS = 48


@dataclass(frozen=True)
class Split:
    """The ground of each role, in the raster's pixel coordinates (column, row).

    ``blocks`` are polygons that do not overlap, ``roles`` theirs; ground of different roles is ``buffer_px`` apart, and
    no label reaches from one onto the other. ``label_roles`` says for each label on which ground most of it lies (""
    for none).
    """

    blocks: Geometries
    roles: NDArray[np.object_]
    buffer_px: float
    label_roles: NDArray[np.object_]

    def ground(self, *roles: str) -> Any:
        """Return the ground of some roles as one geometry."""
        return shapely.union_all(self.blocks[np.isin(self.roles, roles)])


def split_ground(raster: Raster, labels: Labels, settings: Settings, areas: str = "", layer: str = "") -> Split:
    """Part the labelled ground into roles; raises InputError where there are too few buildings for that.

    With ``areas`` (a polygon file with a ``role`` field) held-out ground is what it says; else the labelled ground is
    the blocks that hold labels, and a compact part of it is held out. Validation ground is a compact part of the
    training ground. Buffers are taken from the ground that is learnt on.
    """
    if len(labels.polygons) < 3 * MIN_BUILDINGS:
        _refuse_too_few(len(labels.polygons), 3 * MIN_BUILDINGS, "on the raster")
    centres = shapely.point_on_surface(labels.polygons)
    buffer_px = _choose_buffer(labels, raster)
    rng = np.random.default_rng(settings.seed)
    if areas:
        open_ground, held_out = _read_areas(areas, layer, raster)
        cells = _cut_blocks(open_ground, raster)
    else:
        cells = _find_labelled_blocks(labels, raster)
        share = settings.held_out_share
        is_held_out = choose_compact(cells, _count(cells, centres), share, rng)
        held_out, cells = shapely.union_all(cells[is_held_out]), cells[~is_held_out]
    share = settings.validation_share if areas else settings.validation_share / (1 - settings.held_out_share)
    cells = _erode(cells, held_out, buffer_px, labels)
    is_validation = choose_compact(cells, _count(cells, centres), share, rng)
    validation = shapely.union_all(cells[is_validation])
    training = _erode(cells[~is_validation], validation, buffer_px, labels)
    visible = shapely.intersection(labels.polygons, shapely.box(0, 0, raster.width, raster.height))
    return _assemble(visible, buffer_px, {TRAINING: training, VALIDATION: cells[is_validation], HELD_OUT: held_out})


def _assemble(labels: Geometries, buffer_px: float, grounds: dict[str, Any]) -> Split:
    blocks, roles = [], []
    for role, ground in grounds.items():
        parts = shapely.get_parts(ground)
        parts = parts[shapely.area(parts) >= 1]
        blocks.extend(parts)
        roles.extend([role] * len(parts))
    split = Split(np.array(blocks, dtype=object), np.array(roles, dtype=object), buffer_px, np.array([], dtype=object))
    label_roles = np.full(len(labels), "", dtype=object)
    for role in ROLES:
        label_roles[is_mostly_inside(labels, split.ground(role))] = role
        count = int((label_roles == role).sum())
        if count < MIN_BUILDINGS:
            _refuse_too_few(count, MIN_BUILDINGS, f"on {role} ground")
    return Split(split.blocks, split.roles, buffer_px, label_roles)


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


def _read_areas(path: str, layer: str, raster: Raster) -> tuple[Any, Any]:
    content = read_layer(path, layer)
    polygons, origins, _ = read_polygons(content, raster, f"The area layer {path}")
    field = next((name for name in content.columns if name.lower() == "role"), None)
    if field is None:
        raise InputError(
            "The area layer has no field named role.", 'Add a text field "role" that says training or held-out.'
        )
    named = [str(role).strip().lower().replace("_", "-").replace(" ", "-") for role in content.columns[field]]
    roles = np.array(named, dtype=object)[origins]
    empty = int(np.isin(roles, _NO_ROLE).sum())
    if empty:
        said = "An area has no role." if empty == 1 else f"{empty} areas have no role."
        raise InputError(said, "Give each of them the role training or held-out, or delete it.")
    unknown = sorted(set(roles.tolist()) - {TRAINING, HELD_OUT})
    if unknown:
        raise InputError(f'The role "{unknown[0]}" of an area is not known.', "Use training or held-out.")
    frame = shapely.box(0, 0, raster.width, raster.height)
    training, held_out = (shapely.union_all(polygons[roles == role]) & frame for role in (TRAINING, HELD_OUT))
    for role, ground in ((TRAINING, training), (HELD_OUT, held_out)):
        if ground.area == 0:
            raise InputError(f"There is no {role} area on the raster.", "Draw at least one area of each role on it.")
    return training, held_out


def _choose_buffer(labels: Labels, raster: Raster) -> float:
    """Return the buffer in pixels: at least 16, and as wide as all but the largest buildings.

    It is as wide as resampling reaches, too.
    """
    left, top, right, bottom = shapely.bounds(labels.polygons).T
    width = float(np.quantile(np.maximum(right - left, bottom - top), 0.9))
    return max(_BUFFER_PX, width, _RESAMPLING_REACH * raster.native_gsd_m / raster.gsd_m)


def _cut_blocks(ground: Any, raster: Raster) -> Geometries:
    """Cut the ground into about 64 square blocks."""
    side = math.sqrt(ground.area / _BLOCKS)
    side = min(max(32 * round(side / 32), _MIN_BLOCK_PX), _MAX_BLOCK_PX)
    cols, rows = np.arange(0, raster.width, side), np.arange(0, raster.height, side)
    lefts, tops = (grid.ravel() for grid in np.meshgrid(cols, rows))
    squares = shapely.box(lefts, tops, np.minimum(lefts + side, raster.width), np.minimum(tops + side, raster.height))
    shapely.prepare(ground)
    squares = squares[shapely.intersects(squares, ground)]
    cells = shapely.intersection(squares, ground)
    return np.asarray(cells[shapely.area(cells) > 0], dtype=object)


def _find_labelled_blocks(labels: Labels, raster: Raster) -> Geometries:
    """Return the blocks that hold labels: around them nobody said what is no building."""
    frame = shapely.box(0, 0, raster.width, raster.height)
    extent = shapely.box(*shapely.total_bounds(labels.polygons)) & frame
    cells = _cut_blocks(extent, raster)
    tree = shapely.STRtree(cells)
    return cells[np.unique(tree.query(labels.polygons, predicate="intersects")[1])]


def choose_compact(cells: Geometries, counts: NDArray[np.int64], share: float, rng: Any) -> NDArray[np.bool_]:
    """Choose neighbouring cells with a share of the buildings, as densely built as the whole.

    They are compact, so that little ground is lost to the buffer around them.
    """
    if len(cells) == 0:
        return np.zeros(0, dtype=bool)
    centres = shapely.get_coordinates(shapely.centroid(cells))
    areas = shapely.area(cells)
    density = counts.sum() / areas.sum()
    chosen, least = np.zeros(len(cells), dtype=bool), math.inf
    for start in rng.permutation(len(cells))[:_STARTS]:
        order = np.argsort(((centres - centres[start]) ** 2).sum(axis=1), kind="stable")
        stop = int(np.searchsorted(np.cumsum(counts[order]), share * counts.sum())) + 1
        part = order[: max(1, min(stop, len(cells) - 1))]
        unlike = abs(counts[part].sum() / areas[part].sum() - density) / max(density, 1e-12)
        off = abs(counts[part].sum() / max(counts.sum(), 1) - share)
        if unlike + 2 * off < least:
            least, chosen = unlike + 2 * off, np.isin(np.arange(len(cells)), part)
    return chosen


def _count(cells: Geometries, centres: Geometries) -> NDArray[np.int64]:
    found = shapely.STRtree(centres).query(cells, predicate="contains")[0]
    return np.bincount(found, minlength=len(cells))


def _erode(cells: Geometries, ground: Any, buffer_px: float, labels: Labels) -> Geometries:
    """Take from the cells what lies within the buffer around other ground, or in a building that reaches onto it."""
    shapely.prepare(ground)
    reaching = labels.polygons[shapely.intersects(ground, labels.polygons)]
    around = shapely.buffer(ground, buffer_px, join_style="mitre")
    rest = shapely.difference(cells, shapely.union_all([around, *reaching]))
    return np.asarray(rest[shapely.area(rest) > 0], dtype=object)


def _refuse_too_few(count: int, needed: int, where: str) -> None:
    found = f"Only {count} buildings are" if count else "No building is"
    raise InputError(
        f"{found} labelled {where}; at least {needed} are needed.",
        "Label more buildings, over a wider part of the raster, and try again.",
    )
