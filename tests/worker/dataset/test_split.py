"""Which ground is learnt on, validated on, held out: no pixel and no building is on both sides."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from plugin.core.block_roles import BLOCK_ROLES, HELD_OUT, LEFT_OUT, ROLES, TRAINING, VALIDATION
from plugin.core.errors import NO_SUCH_BLOCK, TOO_FEW_BLOCKS, TOO_FEW_BUILDINGS, InputError
from plugin.core.job import Settings
from plugin.worker.dataset.labels import Labels
from plugin.worker.dataset.split import MIN_BUILDINGS, Split, split_ground
from plugin.worker.geodata.crs import GroundScale
from plugin.worker.geodata.polygons import apply_affine
from plugin.worker.geodata.raster import Raster
from plugin.worker.geodata.vector import append_layer
from tests.worker.tolerated_refusals import try_split

UTM = CRS.from_epsg(32645)
ORIGIN = Affine(0.5, 0, 333000, 0, -0.5, 3066000)
PAIRS = ((TRAINING, VALIDATION), (TRAINING, HELD_OUT), (VALIDATION, HELD_OUT))


def make_raster(width=640, height=640):
    scale = GroundScale(np.array([0.0, height]), np.array([0.25, 0.25]))
    return Raster("town.tif", width, height, UTM, ORIGIN, (1, 2, 3), ((0.0, 255.0),) * 3, scale, scale.gsd_m)


def make_labels(polygons):
    return Labels(np.array(list(polygons), dtype=object))


def make_town(count, side_px, seed, largest=30.0):
    """Return buildings of 4 to ``largest`` pixels, anywhere and as close to each other as chance will have it."""
    rng = np.random.default_rng(seed)
    xs, ys, widths, heights = (
        rng.uniform(0, side_px, (2, count)).tolist() + rng.uniform(4, largest, (2, count)).tolist()
    )
    return make_labels(shapely.box(x, y, x + w, y + h) for x, y, w, h in zip(xs, ys, widths, heights, strict=True))


def write_areas(path, areas, roles, field="role"):
    append_layer(path, apply_affine(areas, ORIGIN), {field: roles}, UTM, "areas")
    return str(path)


def find_leaks(split, labels):
    """Return what is wrong with a split, in words: the check that every split must pass."""
    leaks = []
    grounds = {role: split.ground(role) for role in ROLES}
    for one, other in PAIRS:
        apart = shapely.distance(grounds[one], grounds[other])
        if apart < split.buffer_px - 1e-6:
            leaks.append(f"{one} and {other} ground are only {apart:.1f} px apart")
        on_one, on_other = (shapely.area(shapely.intersection(labels.polygons, grounds[role])) for role in (one, other))
        if ((on_one > 1e-6) & (on_other > 1e-6)).any():
            leaks.append(f"a building lies on {one} and on {other} ground")
    if shapely.area(split.blocks).sum() > shapely.union_all(split.blocks).area + 1e-3:
        leaks.append("blocks overlap")
    return leaks


def split_by_random_tiles(raster, labels, tile_px=64, seed=1):
    """Return the split that common tools make: tiles at random, side by side."""
    lefts, tops = np.meshgrid(np.arange(0, raster.width, tile_px), np.arange(0, raster.height, tile_px))
    tiles = shapely.box(lefts.ravel(), tops.ravel(), lefts.ravel() + tile_px, tops.ravel() + tile_px)
    roles = np.random.default_rng(seed).choice(np.array(ROLES, dtype=object), len(tiles), p=(0.6, 0.15, 0.25))
    return Split(tiles, roles, 16.0, np.full(len(labels.polygons), "", dtype=object))


TOWNS = st.tuples(
    st.integers(9, 150), st.integers(100, 900), st.integers(0, 10**6), st.sampled_from([10.0, 30.0, 90.0])
)


# -- the split of a town without areas --------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(TOWNS, st.integers(0, 5), st.floats(0.05, 0.6), st.floats(0.05, 0.2))
def test_no_pixel_and_no_building_is_on_both_sides(town, seed, held_out_share, validation_share):
    count, side_px, town_seed, largest = town
    raster, labels = make_raster(side_px, side_px), make_town(count, side_px, town_seed, largest)
    chosen = Settings(seed=seed, held_out_share=held_out_share, validation_share=validation_share)
    split = try_split(raster, labels, chosen)
    if split is None:
        return
    assert find_leaks(split, labels) == []
    for role in ROLES:
        assert (split.label_roles == role).sum() >= MIN_BUILDINGS
    assert set(split.label_roles) <= {*ROLES, ""}


@settings(max_examples=40, deadline=None)
@given(st.integers(80, 200), st.integers(0, 10**6), st.floats(0.1, 0.4), st.floats(0.1, 0.2))
def test_each_role_gets_about_the_share_of_buildings_that_was_asked_for(count, seed, held_out_share, validation_share):
    """Of the buildings that have a role at all: those in the buffer have none."""
    labels = make_town(count, 1500, seed)
    split = split_ground(
        make_raster(1500, 1500), labels, Settings(held_out_share=held_out_share, validation_share=validation_share)
    )
    shares = {role: (split.label_roles == role).sum() / count for role in ROLES}
    assert shares[HELD_OUT] == pytest.approx(held_out_share, abs=0.08)
    assert shares[VALIDATION] == pytest.approx(validation_share, abs=0.1)
    assert shares[TRAINING] >= 0.5 * (1 - held_out_share - validation_share)


def test_a_split_by_random_tiles_would_not_pass(town_of_a_hundred):
    """The check can fail: tiles side by side share their borders, and the buildings on them."""
    raster, labels = town_of_a_hundred
    leaks = find_leaks(split_by_random_tiles(raster, labels), labels)
    assert any("only 0.0 px apart" in leak for leak in leaks)
    assert any("a building lies on" in leak for leak in leaks)
    assert find_leaks(split_ground(raster, labels, Settings()), labels) == []


@pytest.fixture
def town_of_a_hundred():
    return make_raster(), make_town(100, 640, seed=4)


def test_the_same_seed_gives_the_same_split(town_of_a_hundred):
    one, other = (split_ground(*town_of_a_hundred, Settings(seed=3)) for _ in range(2))
    assert [polygon.wkb for polygon in one.blocks] == [polygon.wkb for polygon in other.blocks]
    assert one.roles.tolist() == other.roles.tolist()
    assert one.label_roles.tolist() == other.label_roles.tolist()


def test_ground_without_labels_is_no_ground():
    """Nobody said that there are no buildings in the raster's empty half."""
    labels = make_town(80, 320, seed=2)
    split = split_ground(make_raster(1280, 1280), labels, Settings())
    assert shapely.total_bounds(split.blocks).max() <= 400


def test_the_buffer_is_as_wide_as_all_but_the_largest_buildings():
    small, large = make_town(100, 900, 1, largest=8.0), make_town(100, 900, 1, largest=60.0)
    raster = make_raster(900, 900)
    assert split_ground(raster, small, Settings()).buffer_px == 16
    sides = [max(box.bounds[2] - box.bounds[0], box.bounds[3] - box.bounds[1]) for box in large.polygons]
    assert split_ground(raster, large, Settings()).buffer_px == pytest.approx(np.quantile(sides, 0.9))


def test_a_building_larger_than_the_buffer_does_not_reach_from_one_ground_onto_another():
    town = make_town(100, 640, seed=4).polygons
    hall = shapely.box(60, 300, 580, 330)
    labels = make_labels([*town[~shapely.intersects(town, hall)], hall])
    split = split_ground(make_raster(), labels, Settings())
    assert split.buffer_px < 100
    assert find_leaks(split, labels) == []


def test_the_ground_lies_on_the_raster(town_of_a_hundred):
    raster, labels = town_of_a_hundred
    frame = shapely.box(0, 0, raster.width, raster.height)
    assert frame.buffer(1e-6).covers(split_ground(raster, labels, Settings()).ground(*ROLES))


# -- too few buildings ------------------------------------------------------------------------------------------------


def error_of(*arguments):
    with pytest.raises(InputError) as caught:
        split_ground(*arguments)
    assert caught.value.hint
    return caught.value


def refusal_of(*arguments):
    return error_of(*arguments).message


def test_too_few_buildings_are_refused_with_a_next_step():
    message = refusal_of(make_raster(), make_town(8, 640, 1), Settings())
    assert message == "Only 8 buildings are labelled on the raster; at least 9 are needed."


def test_buildings_that_stand_too_close_together_to_be_parted_are_refused_with_a_next_step():
    assert error_of(make_raster(), make_town(12, 40, 1), Settings()).code == TOO_FEW_BUILDINGS


@pytest.mark.parametrize(("width", "where"), [(20, "one block"), (50, "two blocks")])
def test_labels_that_lie_all_inside_one_block_or_two_are_refused_with_a_next_step(width, where):
    labels = make_labels(shapely.box(2 + x, 2 + y, 5 + x, 5 + y) for x in range(0, width, 6) for y in (0, 6, 12, 18))
    message = refusal_of(make_raster(), labels, Settings())
    assert message == f"All labels lie inside {where} of 16 x 16 m; at least 3 are needed for a held-out area."


# -- blocks whose role is changed -------------------------------------------------------------------------------------


def find_number(split, role):
    """Return the number of the block of a role with the most ground."""
    areas = np.where(split.whole_roles == role, shapely.area(split.whole), 0)
    return int(areas.argmax()) + 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.dictionaries(st.integers(1, 25), st.sampled_from(BLOCK_ROLES), max_size=8))
@example(28, {1: TRAINING, 2: TRAINING, 3: TRAINING, 4: TRAINING, 25: TRAINING})
def test_however_blocks_are_changed_no_pixel_and_no_building_is_on_both_sides(seed, changes):
    raster, labels = make_raster(), make_town(150, 640, seed)
    drawn = try_split(raster, labels, Settings(seed=seed))
    assume(drawn is not None)
    if max(changes, default=1) > len(drawn.whole):
        assert error_of(raster, labels, Settings(seed=seed), "", "", changes).code == NO_SUCH_BLOCK
        return
    split = try_split(raster, labels, Settings(seed=seed), "", "", changes)
    if split is None:
        return
    assert find_leaks(split, labels) == []
    assert [split.whole_roles[number - 1] for number in changes] == list(changes.values())
    for number, role in changes.items():
        assert set(split.roles[split.numbers == number]) <= {role}


def test_a_changed_block_has_its_new_role_and_the_others_keep_theirs(town_of_a_hundred):
    drawn = split_ground(*town_of_a_hundred, Settings())
    number = find_number(drawn, TRAINING)
    split = split_ground(*town_of_a_hundred, Settings(), changes={number: HELD_OUT})
    assert [polygon.wkb for polygon in split.whole] == [polygon.wkb for polygon in drawn.whole]
    expected = drawn.whole_roles.copy()
    expected[number - 1] = HELD_OUT
    assert split.whole_roles.tolist() == expected.tolist()
    assert shapely.union_all(split.blocks[split.numbers == number]).equals(split.whole[number - 1])


def test_a_block_that_is_left_out_is_no_ground_and_its_buildings_count_nowhere(town_of_a_hundred):
    raster, labels = town_of_a_hundred
    number = find_number(split_ground(raster, labels, Settings()), TRAINING)
    split = split_ground(raster, labels, Settings(), changes={number: LEFT_OUT})
    inside = shapely.contains(split.whole[number - 1], labels.polygons)
    assert inside.any()
    assert (split.label_roles[inside] == "").all()
    assert split.ground(*ROLES).intersection(split.whole[number - 1]).area < 1e-6


@pytest.mark.parametrize("role", ROLES)
def test_changes_that_leave_a_role_without_a_building_are_refused_with_a_next_step(town_of_a_hundred, role):
    drawn = split_ground(*town_of_a_hundred, Settings())
    changes = {number: LEFT_OUT for number, each in enumerate(drawn.whole_roles, 1) if each == role}
    message = refusal_of(*town_of_a_hundred, Settings(), "", "", changes)
    assert message == f"With the changed blocks, no building lies in the {role} area; at least 3 are needed."


@pytest.mark.parametrize("number", [0, 1000])
def test_a_changed_block_that_there_is_not_is_refused_with_those_that_there_are(town_of_a_hundred, number):
    count = len(split_ground(*town_of_a_hundred, Settings()).whole)
    message = refusal_of(*town_of_a_hundred, Settings(), "", "", {number: TRAINING})
    assert message == f"There is no block {number}: the split has blocks 1 to {count}."


def test_blocks_of_areas_can_be_changed_too(town_of_a_hundred, areas):
    path = areas([WEST, EAST], ["training", "held-out"])
    drawn = split_ground(*town_of_a_hundred, Settings(), path)
    number = find_number(drawn, HELD_OUT)
    split = split_ground(*town_of_a_hundred, Settings(), path, "", {number: TRAINING})
    assert split.ground(HELD_OUT).area == pytest.approx(EAST.area - drawn.whole[number - 1].area)
    assert find_leaks(split, town_of_a_hundred[1]) == []


# -- areas ------------------------------------------------------------------------------------------------------------


WEST, EAST = shapely.box(0, 0, 360, 640), shapely.box(400, 0, 640, 640)


@pytest.fixture
def areas(tmp_path):
    """Return a function that writes an area layer and returns its path."""
    return lambda polygons, roles, field="role": write_areas(tmp_path / "areas.gpkg", polygons, roles, field)


def test_held_out_ground_is_what_the_areas_say(town_of_a_hundred, areas):
    raster, labels = town_of_a_hundred
    split = split_ground(raster, labels, Settings(), areas([WEST, EAST], ["training", "held-out"]))
    assert shapely.symmetric_difference(split.ground(HELD_OUT), EAST).area < 1e-3
    assert WEST.buffer(1e-6).covers(split.ground(TRAINING, VALIDATION))
    assert find_leaks(split, labels) == []


def test_buildings_outside_the_areas_count_nowhere(town_of_a_hundred, areas):
    raster, labels = town_of_a_hundred
    split = split_ground(raster, labels, Settings(), areas([WEST, EAST], ["training", "held-out"]))
    inside = shapely.intersects(labels.polygons, shapely.union(WEST, EAST))
    assert (~inside).any()
    assert (split.label_roles[~inside] == "").all()


def test_inside_an_area_ground_without_labels_is_ground_too(areas):
    """Everything is labelled there: where no building is drawn there is none."""
    labels = make_town(90, 640, seed=4)
    empty = shapely.box(500, 500, 640, 640)
    labels = make_labels(labels.polygons[~shapely.intersects(labels.polygons, empty)])
    split = split_ground(make_raster(), labels, Settings(), areas([WEST, EAST], ["training", "held-out"]))
    assert split.ground(HELD_OUT).covers(empty)


def test_areas_that_overlap_leave_no_ground_on_both_sides(town_of_a_hundred, areas):
    raster, labels = town_of_a_hundred
    path = areas([shapely.box(0, 0, 640, 640), EAST], ["training", "held-out"])
    split = split_ground(raster, labels, Settings(), path)
    assert find_leaks(split, labels) == []
    assert split.ground(HELD_OUT).area == pytest.approx(EAST.area)


@pytest.mark.parametrize("roles", [["Training", "Held-Out"], ["training ", "held_out"], ["TRAINING", "held out"]])
@pytest.mark.parametrize("field", ["role", "Role", "ROLE"])
def test_roles_are_understood_however_they_are_written(town_of_a_hundred, areas, roles, field):
    split = split_ground(*town_of_a_hundred, Settings(), areas([WEST, EAST], roles, field))
    assert set(split.roles) == set(ROLES)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.tuples(*[st.floats(0, 640)] * 6), min_size=2, max_size=4))
def test_no_pixel_and_no_building_is_on_both_sides_of_areas_of_any_shape(seed, corners):
    triangles = [shapely.Polygon([(a, b), (c, d), (e, f)]) for a, b, c, d, e, f in corners]
    assume(all(triangle.area > 100 for triangle in triangles))
    roles = [TRAINING, HELD_OUT] * len(triangles)
    labels = make_town(150, 640, seed)
    with TemporaryDirectory() as folder:
        path = write_areas(Path(folder) / "areas.gpkg", triangles, roles[: len(triangles)])
        split = try_split(make_raster(), labels, Settings(seed=seed), path)
    if split is None:
        return
    assert find_leaks(split, labels) == []
    assert shapely.union_all(triangles).buffer(1e-3).covers(split.ground(*ROLES))


def test_an_area_layer_without_roles_is_refused_with_a_next_step(town_of_a_hundred, areas):
    message = refusal_of(*town_of_a_hundred, Settings(), areas([WEST, EAST], ["training", "held-out"], "kind"))
    assert message == "The area layer has no field named role."


def test_labels_inside_one_block_are_refused_with_a_next_step():
    close = make_labels(
        shapely.box(4 + 9 * (i % 3), 4 + 9 * (i // 3), 9 + 9 * (i % 3), 9 + 9 * (i // 3)) for i in range(9)
    )
    assert error_of(make_raster(), close, Settings()).code == TOO_FEW_BLOCKS


@pytest.mark.parametrize("role", ["test", "validation"])
def test_an_unknown_role_is_refused_with_those_that_are_known(town_of_a_hundred, areas, role):
    message = refusal_of(*town_of_a_hundred, Settings(), areas([WEST, EAST], ["training", role]))
    assert f'The role "{role}" of an area is unknown.' in message


@pytest.mark.parametrize("roles", [["training", ""], ["training", None], [" ", "held-out"]])
def test_an_area_whose_role_is_empty_is_refused_with_a_next_step(town_of_a_hundred, areas, roles):
    message = refusal_of(*town_of_a_hundred, Settings(), areas([WEST, EAST], roles))
    assert message == "1 area has no role."


@pytest.mark.parametrize("role", ["training", "held-out"])
def test_areas_of_one_role_only_are_refused_with_a_next_step(town_of_a_hundred, areas, role):
    other = "held-out" if role == "training" else "training"
    message = refusal_of(*town_of_a_hundred, Settings(), areas([WEST, EAST], [role, role]))
    assert message == f"There is no {other} area on the raster."


def test_areas_outside_the_raster_are_refused_with_a_next_step(town_of_a_hundred, areas):
    away = [shapely.affinity.translate(area, 5000, 0) for area in (WEST, EAST)]
    message = refusal_of(*town_of_a_hundred, Settings(), areas(away, ["training", "held-out"]))
    assert message == "There is no training area on the raster."


def test_an_area_layer_that_is_not_there_is_refused_with_a_next_step(town_of_a_hundred, tmp_path):
    assert "cannot be read" in refusal_of(*town_of_a_hundred, Settings(), str(tmp_path / "none.gpkg"))


def test_areas_with_too_few_buildings_are_refused_with_a_next_step(town_of_a_hundred, areas):
    small = [WEST, shapely.box(600, 600, 620, 620)]
    message = refusal_of(*town_of_a_hundred, Settings(), areas(small, ["training", "held-out"]))
    assert message.endswith("in the held-out area; at least 3 are needed.")


def test_a_held_out_area_without_a_building_is_refused_with_a_next_step(areas):
    labels = make_town(90, 350, seed=4)
    message = refusal_of(make_raster(), labels, Settings(), areas([WEST, EAST], ["training", "held-out"]))
    assert message.endswith(": no building lies in the held-out area; at least 3 are needed.")


def test_a_held_out_area_that_leaves_no_training_ground_is_refused_without_a_fault(town_of_a_hundred, areas):
    path = areas([shapely.box(300, 300, 310, 310), shapely.box(290, 290, 640, 640)], ["training", "held-out"])
    assert error_of(*town_of_a_hundred, Settings(), path).code == TOO_FEW_BUILDINGS
