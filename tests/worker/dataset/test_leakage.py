"""Nothing of held-out ground reaches what is learnt: neither its pixels, nor its buildings, however crops are drawn.

Two checks of any split of any raster. The first looks at what counts: no pixel whose middle is within the buffer of
held-out ground, no building on both sides. The second looks at what is seen: everything on held-out ground is painted
over, and the crops must not change by a bit. It covers augmentation, mirroring at the edges, and resampling to the
model's grid. Both find leaks in the split that common tools make, tiles at random.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.features import rasterize
from rasterio.windows import Window

from plugin.core.block_roles import HELD_OUT, ROLES, TRAINING, VALIDATION
from plugin.core.job import Settings
from plugin.core.models import find_card
from plugin.worker.dataset.labels import Labels
from plugin.worker.dataset.split import Split, is_mostly_inside, split_ground
from plugin.worker.geodata.polygons import apply_affine
from plugin.worker.geodata.raster import describe_raster, open_grid
from plugin.worker.geodata.vector import append_layer
from plugin.worker.training.sampler import Sampler
from tests.worker.earlier_run import are_alike, pick_ground, pick_labels, write_earlier
from tests.worker.tolerated_refusals import try_renew, try_split

UTM = CRS.from_epsg(32645)
CARD = find_card("imagenet_lite0")
TILE_PX = 64
CROPS = 8


def describe(path, working_m):
    """Return the raster on the grid of a model that works at ``working_m``, and that model's card, for small crops."""
    card = replace(CARD, working_gsd_m=working_m, recipe=replace(CARD.recipe, tile_px=TILE_PX), stretch=((0, 255),) * 3)
    return describe_raster(str(path), card), card


def write_imagery(folder, width, height, gsd_m, seed):
    path = Path(folder) / "imagery.tif"
    place = {"crs": UTM, "transform": Affine(gsd_m, 0, 333000, 0, -gsd_m, 3066000)}
    values = np.random.default_rng(seed).integers(1, 255, (3, height, width), dtype="uint8")
    with rasterio.open(path, "w", driver="GTiff", dtype="uint8", count=3, width=width, height=height, **place) as file:
        file.write(values)
    return path


def paint_over(path, ground, raster):
    """Change every pixel of the file that touches the ground (pixel coordinates of the working grid)."""
    with rasterio.open(path, "r+") as file:
        placed = apply_affine([ground], raster.transform)
        touched = rasterize(placed, (file.height, file.width), transform=file.transform, all_touched=True) > 0
        values = file.read()
        values[:, touched] = 255 - values[:, touched]
        file.write(values)


def settle(folder, place, count, largest_px, seed):
    """Return imagery, its raster, a card, and labels: buildings of 4 to ``largest_px`` pixels, anywhere."""
    width, height, gsd_m, working_m = place
    path = write_imagery(folder, width, height, gsd_m, seed)
    raster, card = describe(path, working_m)
    rng = np.random.default_rng(seed)
    corners = rng.uniform((0, 0), (raster.width, raster.height), (count, 2))
    sizes = rng.uniform(4, largest_px, (count, 2))
    return path, raster, card, Labels(shapely.box(*corners.T, *(corners + sizes).T))


def split_by_random_tiles(raster, labels, seed=1):
    """Return the split that common tools make: tiles at random, side by side, with the buildings that lie in them."""
    lefts, tops = np.meshgrid(np.arange(0, raster.width, TILE_PX), np.arange(0, raster.height, TILE_PX))
    rights, bottoms = np.minimum(lefts + TILE_PX, raster.width), np.minimum(tops + TILE_PX, raster.height)
    tiles = shapely.box(lefts.ravel(), tops.ravel(), rights.ravel(), bottoms.ravel())
    roles = np.random.default_rng(seed).choice(np.array(ROLES, dtype=object), len(tiles), p=(0.6, 0.15, 0.25))
    label_roles = np.full(len(labels.polygons), "", dtype=object)
    for role in ROLES:
        label_roles[is_mostly_inside(labels.polygons, shapely.union_all(tiles[roles == role]))] = role
    return Split(tiles, roles, 0.0, label_roles)


def find_counted_leaks(raster, card, labels, split, buffer_px):
    """Return in words what of held-out ground, of its buffer and of its buildings counts where the network learns."""
    held_out, shape = split.ground(HELD_OUT), (raster.height, raster.width)
    with open_grid(raster) as dataset:
        sample = Sampler(dataset, raster, card, labels, split).read(Window(0, 0, raster.width, raster.height))
    weight = sample.weight[0].numpy() > 0
    rows, cols = np.nonzero(weight)
    shapely.prepare(held_out)
    leaks = []
    if shapely.intersects(held_out, shapely.points(cols + 0.5, rows + 0.5)).any():
        leaks.append("a pixel of held-out ground is learnt from")
    if shapely.dwithin(held_out, shapely.points(cols + 0.5, rows + 0.5), buffer_px - 1e-6).any():
        leaks.append("a pixel within the buffer is learnt from")
    reaching = labels.polygons[shapely.area(shapely.intersection(labels.polygons, held_out)) > 1e-6]
    if len(reaching) and (weight & (rasterize(reaching, shape) > 0)).any():
        leaks.append("a building is on both sides")
    return leaks


def draw_crops(raster, card, labels, split, seed):
    """Return drawn crops of training and of validation ground, augmented ones and plain ones."""
    with open_grid(raster) as dataset:
        samplers = [Sampler(dataset, raster, card, labels, split, role) for role in (TRAINING, VALIDATION)]
        rng = np.random.default_rng(seed)
        return [sampler.draw(rng, is_augmented) for sampler in samplers for is_augmented in (True, False) * CROPS]


def count_seen_leaks(path, raster, card, labels, split, seed):
    """Return how many crops change where all on held-out ground does: the imagery is inverted, the labels shrink."""
    before = draw_crops(raster, card, labels, split, seed)
    paint_over(path, split.ground(HELD_OUT), raster)
    moved = labels.polygons.copy()
    is_held_out = split.label_roles == HELD_OUT
    moved[is_held_out] = [shapely.affinity.scale(polygon, 0.5, 0.5) for polygon in moved[is_held_out]]
    after = draw_crops(raster, card, Labels(moved), split, seed)
    return sum(not is_same(one, other) for one, other in zip(before, after, strict=True))


def is_same(one, other):
    return all(getattr(one, name).equal(getattr(other, name)) for name in ("values", "truth", "weight"))


@st.composite
def draw_places(draw):
    """Return width and height in pixels of a file, its ground sample distance and that of the model's grid."""
    gsd_m = draw(st.sampled_from([0.25, 0.5, 1.2]))
    times = draw(st.sampled_from([1.0, 0.1, 0.25, 1.7, 3.0]))
    sides_px = [draw(st.one_of(st.integers(120, 420), st.integers(32, 119))) for _ in range(2)]
    width, height = (max(32, round(side * times)) for side in sides_px)
    return width, height, gsd_m, gsd_m * times


TOWNS = st.tuples(st.integers(60, 400), st.sampled_from([8.0, 30.0]), st.integers(0, 10**6))


@settings(max_examples=25, deadline=None)
@given(draw_places(), TOWNS, st.floats(0.1, 0.5))
def test_nothing_of_held_out_ground_is_learnt_from(place, town, share):
    with TemporaryDirectory() as folder:
        path, raster, card, labels = settle(folder, place, *town)
        split = try_split(raster, labels, Settings(seed=town[2], held_out_share=share))
        if split is None:
            return
        assert find_counted_leaks(raster, card, labels, split, split.buffer_px) == []
        assert count_seen_leaks(path, raster, card, labels, split, town[2]) == 0


@settings(max_examples=25, deadline=None)
@given(draw_places(), TOWNS, st.lists(st.tuples(*[st.floats(0, 1)] * 6), min_size=2, max_size=4))
def test_nothing_of_held_out_areas_of_any_shape_is_learnt_from(place, town, corners):
    with TemporaryDirectory() as folder:
        path, raster, card, labels = settle(folder, place, *town)
        sides = np.array([raster.width, raster.height])
        triangles = [shapely.Polygon(np.reshape(each, (3, 2)) * sides) for each in corners]
        assume(all(triangle.area > 100 for triangle in triangles))
        roles = ([TRAINING, HELD_OUT] * len(triangles))[: len(triangles)]
        areas = Path(folder) / "areas.gpkg"
        append_layer(areas, apply_affine(triangles, raster.transform), {"role": roles}, UTM, "areas")
        split = try_split(raster, labels, Settings(seed=town[2]), str(areas))
        if split is None:
            return
        assert find_counted_leaks(raster, card, labels, split, split.buffer_px) == []
        assert count_seen_leaks(path, raster, card, labels, split, town[2]) == 0


@pytest.mark.parametrize(
    "place",
    [(60, 60, 5.0, 0.5), (32, 300, 0.5, 0.5), (300, 32, 0.5, 0.5)],
    ids=["pixels ten times as coarse as the model's", "narrower than a crop", "lower than a crop"],
)
def test_neither_resampling_nor_mirroring_carries_held_out_ground_over_the_buffer(place, tmp_path):
    path, raster, card, labels = settle(tmp_path, place, 150, 8.0, 3)
    split = split_ground(raster, labels, Settings(seed=3))
    assert find_counted_leaks(raster, card, labels, split, split.buffer_px) == []
    assert count_seen_leaks(path, raster, card, labels, split, 3) == 0


@pytest.mark.parametrize("place", [(400, 400, 0.5, 0.5), (200, 200, 0.5, 0.25), (800, 800, 0.25, 0.5)])
def test_tiles_at_random_leak_and_the_checks_tell(place, tmp_path):
    """The split that common tools make: every kind of leak is found in it."""
    path, raster, card, labels = settle(tmp_path, place, 150, 30.0, 3)
    tiles = split_by_random_tiles(raster, labels)
    assert find_counted_leaks(raster, card, labels, tiles, 16.0) == [
        "a pixel within the buffer is learnt from",
        "a building is on both sides",
    ]
    assert count_seen_leaks(path, raster, card, labels, tiles, 3) > 0


# -- improving: whatever ground is checked -----------------------------------------------------------------------------

CHECKED = st.lists(st.tuples(*[st.floats(-0.2, 1.2)] * 6), min_size=1, max_size=3)


def correct(labels, seed):
    """Return corrections: most labels moved or resized, some deleted, and buildings that nobody had labelled."""
    rng = np.random.default_rng(seed)
    kept = labels.polygons[rng.random(len(labels.polygons)) < 0.8]
    changed = [
        shapely.affinity.translate(shapely.affinity.scale(each, *rng.uniform(0.5, 3, 2)), *rng.normal(0, 6, 2))
        for each in kept
    ]
    corners = shapely.get_coordinates(shapely.centroid(kept)) + rng.normal(0, 20, (len(kept), 2))
    return np.array(
        [*changed, *shapely.box(*corners.T, *(corners + rng.uniform(4, 60, (len(kept), 2))).T)], dtype=object
    )


def find_moved(labels, split, improved_split):
    """Return in words what of validation and held-out ground, and of the labels there, is not as it was."""
    moved = []
    grounds = [pick_ground(each, VALIDATION, HELD_OUT) for each in (split, improved_split.split)]
    judged = [pick_labels(labels, split), pick_labels(improved_split.labels, improved_split.split)]
    for name, (own, other) in (("ground", grounds), ("labels", judged)):
        if not are_alike(own, other, 1e-5):
            moved.append(f"{name} that nothing is learnt from is not as it was")
    if improved_split.split.buffer_px != split.buffer_px:
        moved.append("the buffer is another one")
    return moved


def find_new_leaks(raster, card, improved_split):
    """Return in words what counts of validation ground's buffer, and which building lies on both sides."""
    ground, learnt = improved_split.split.ground(VALIDATION, HELD_OUT), improved_split.split.ground(TRAINING)
    with open_grid(raster) as dataset:
        sampler = Sampler(dataset, raster, card, improved_split.labels, improved_split.split)
        weight = sampler.read(Window(0, 0, raster.width, raster.height)).weight[0].numpy() > 0
    rows, cols = np.nonzero(weight)
    shapely.prepare(ground)
    leaks = []
    if shapely.dwithin(ground, shapely.points(cols + 0.5, rows + 0.5), improved_split.split.buffer_px - 1e-5).any():
        leaks.append("a pixel within the buffer is learnt from")
    buildings = improved_split.labels.polygons
    reaching = buildings[shapely.area(shapely.intersection(buildings, ground)) > 1e-3]
    if shapely.area(shapely.intersection(reaching, learnt)).sum() > 1e-3:
        leaks.append("a building reaches from ground that is learnt from onto other ground")
    return leaks


@settings(max_examples=25, deadline=None)
@given(draw_places(), TOWNS, CHECKED)
def test_whatever_ground_is_checked_nothing_of_held_out_ground_is_learnt_from_through_two_improvements(
    place, town, corners
):
    with TemporaryDirectory() as folder:
        path, raster, card, labels = settle(folder, place, *town)
        first = split = try_split(raster, labels, Settings(seed=town[2]))
        if split is None:
            return
        own, sides = labels, np.array([raster.width, raster.height])
        checked = [shapely.Polygon(np.reshape(each, (3, 2)) * sides) for each in corners]
        assume(all(triangle.is_valid and triangle.area > 100 for triangle in checked))
        for generation in ("first", "second"):
            run = write_earlier(Path(folder) / generation, raster, labels, split)
            improved_split = try_renew(run, raster, correct(labels, town[2]), checked)
            if improved_split is None:
                return
            assert find_moved(own, first, improved_split) == []
            labels, split = improved_split.labels, improved_split.split
            assert find_counted_leaks(raster, card, labels, split, split.buffer_px - 1e-5) == []
            assert find_new_leaks(raster, card, improved_split) == []
        assert count_seen_leaks(path, raster, card, labels, split, town[2]) == 0
