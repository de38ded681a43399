"""What is in sight at a threshold: the same buildings as a run's footprints, at any scale, and nothing done twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given
from hypothesis.extra.numpy import arrays
from rasterio.features import rasterize
from rasterio.windows import Window
from scipy.ndimage import label

from plugin.core.card import Seeds, SeparationParams
from plugin.core.folder import RunFolder
from plugin.core.live_view import TraceRequest
from plugin.worker.geodata.crs import measure_ground
from plugin.worker.geodata.polygons import apply_affine
from plugin.worker.geodata.probability import FULL, NODATA
from plugin.worker.polygons.vectorize import TraceRule, trace_all
from plugin.worker.report.manual_threshold import ManualThreshold
from plugin.worker.review import live_view as module
from plugin.worker.review.context import ReviewContext
from plugin.worker.review.live_view import LiveView, outline_coarsely

UTM = "EPSG:32645"
HALF = Affine(0.5, 0, 333000, 0, -0.5, 3066000)
PARTING = SeparationParams(0.5, Seeds(0.5, 1.0, 1.0, 1.0))


def paint(side):
    """Return probabilities (3, side, side): houses of 10 to 21 pixels in a grid of 40, surest in the middle.

    In every other row a second house stands wall to wall with the first.
    """
    rng, values = np.random.default_rng(8), np.zeros((3, side, side), dtype="uint8")
    values[0] = rng.integers(0, 30, (side, side))
    for row, top in enumerate(range(12, side - 30, 40)):
        for left in range(12, side - 45, 40):
            height, width = rng.integers(10, 22, 2)
            for start in (left, left + width)[: 1 + row % 2]:
                sure = rng.integers(120, 250)
                values[0, top : top + height, start : start + width] = sure
                values[1, top : top + height, start : start + width] = sure // 2
                values[1, top + 2 : top + height - 2, start + 2 : start + width - 2] = 0
    return values


def make_scene(folder, values, transform=HALF, crs=UTM, **options):
    path = RunFolder(folder).probability
    profile = {"count": len(values), "height": values.shape[1], "width": values.shape[2], "dtype": "uint8"}
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, nodata=NODATA, **profile) as target:
        target.write(values)
        crs = target.crs
    height, width = values.shape[1:]
    given = {"parting": PARTING, "simplify_px": 1.0, **options}
    separation, simplify_px, scale = (
        given["parting"],
        given["simplify_px"],
        measure_ground(crs, transform, width, height),
    )
    return ReviewContext(
        RunFolder(folder), separation, 5.0, ManualThreshold(0.5, 5.0), width, height, crs, transform, scale, simplify_px
    )


def find_box(context, left, top, right, bottom):
    """Return the box of pixels in the raster's coordinates."""
    corners = [context.transform @ corner for corner in ((left, top), (right, top), (right, bottom), (left, bottom))]
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def look(context, box, threshold=0.5, least_m2=5.0, screen=(400, 300), view=None):
    request = TraceRequest(find_box(context, *box), *screen, threshold, least_m2)
    return (view or LiveView(context)).trace(request)


def to_set(polygons):
    return {shapely.to_wkb(each) for each in shapely.normalize(shapely.set_precision(polygons, 1e-6))}


def trace(context, threshold, least_m2):
    """Return the footprints of the run's own way, without squares, in the raster's coordinates."""
    rule = TraceRule(SeparationParams(threshold, context.separation.seeds), least_m2, context.simplify_px)
    return apply_affine(trace_all(context.path, rule, context.scale).polygons, context.transform)


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    """Outlines run along pixels, so that neighbours never overlap."""
    return make_scene(tmp_path_factory.mktemp("scene"), paint(600), simplify_px=0.0)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("least_m2", [0.0, 5.0, 60.0])
def test_what_is_in_sight_is_what_the_run_would_trace(context, threshold, least_m2):
    whole = look(context, (0, 0, 600, 600), threshold, least_m2)
    expected = trace(context, threshold, least_m2)
    assert to_set(whole.polygons) == to_set(expected)
    assert len(expected) > 5
    assert not whole.is_coarse


def test_a_part_of_the_raster_holds_the_buildings_that_reach_into_it(context):
    box = (130, 170, 420, 390)
    expected = trace(context, 0.5, 5.0)
    reaching = expected[shapely.intersects(expected, shapely.box(*find_box(context, *box)).buffer(-1e-6))]
    seen = look(context, box).polygons
    in_frame = shapely.box(*find_box(context, 98, 138, 452, 422)).buffer(-1e-6)
    assert len(seen) == len(reaching) < len(expected)
    assert to_set(seen[shapely.covers(in_frame, seen)]) == to_set(reaching[shapely.covers(in_frame, reaching)])


def test_outlines_are_simplified_as_the_run_does_it(context):
    simple = replace(context, simplify_px=1.0)
    seen, exact = (look(each, (0, 0, 600, 600)).polygons for each in (simple, context))
    assert shapely.get_num_coordinates(seen).sum() < shapely.get_num_coordinates(exact).sum()
    expected = trace(simple, 0.5, 5.0)
    is_alone = np.bincount(shapely.STRtree(seen).query(seen, predicate="intersects")[0]) == 1
    assert is_alone.sum() > 20
    assert to_set(seen[is_alone]) <= to_set(expected)
    assert len(seen) == len(expected)


def test_the_threshold_parts_houses_that_stand_wall_to_wall(context):
    seeded, plain = (
        look(each, (0, 0, 600, 600)).polygons for each in (context, replace(context, separation=SeparationParams(0.5)))
    )
    assert len(seeded) > len(plain)


def test_a_house_that_the_frame_cuts_is_not_judged_by_what_is_seen_of_it(tmp_path):
    values = np.zeros((1, 300, 300), dtype="uint8")
    values[0, 20:280, 140:160] = 200
    context = make_scene(tmp_path, values, separation=SeparationParams(0.5))
    area_m2 = 260 * 20 * 0.25
    assert len(look(context, (100, 100, 200, 130), 0.5, area_m2).polygons) == 1
    assert len(look(context, (0, 0, 300, 300), 0.5, area_m2).polygons) == 1
    assert len(look(context, (0, 0, 300, 300), 0.5, area_m2 + 1).polygons) == 0


def test_off_the_raster_there_is_nothing(context):
    seen = look(context, (700, 700, 900, 900))
    assert len(seen.polygons) == 0
    assert shapely.from_wkb(seen.to_wkb()).geom_type == "MultiPolygon"


def test_all_is_one_multipolygon(context):
    seen = look(context, (0, 0, 600, 600))
    content = shapely.from_wkb(seen.to_wkb())
    assert content.geom_type == "MultiPolygon"
    assert to_set(shapely.get_parts(content)) == to_set(seen.polygons)


@pytest.fixture
def counted(monkeypatch):
    """What is counted: reads, searches and outlines, each still done as ever."""
    counts = dict.fromkeys(("read_frame", "find_instances", "outline_pieces"), 0)

    def count(name, do):
        def counting(*arguments):
            counts[name] += 1
            return do(*arguments)

        return counting

    for name in counts:
        monkeypatch.setattr(module, name, count(name, getattr(module, name)))
    return counts


def test_another_least_area_needs_no_new_search_and_another_threshold_no_new_read(context, counted):
    view, box = LiveView(context), (50, 50, 500, 450)
    steps = [(0.5, 5.0), (0.5, 40.0), (0.5, 60.0), (0.5, 1.0), (0.7, 5.0), (0.7, 0.0), (0.7, 30.0), (0.5, 5.0)]
    seen = [look(context, box, *step, view=view) for step in steps]
    assert counted == {"read_frame": 1, "find_instances": 3, "outline_pieces": 4}
    for step, each in zip(steps, seen, strict=True):
        assert to_set(each.polygons) == to_set(look(context, box, *step).polygons)


def test_another_box_is_read_anew(context, counted):
    view = LiveView(context)
    first, second = (look(context, box, view=view) for box in ((0, 0, 200, 200), (300, 300, 500, 500)))
    assert counted["read_frame"] == 2
    assert not to_set(first.polygons) & to_set(second.polygons)


class TestFromAfar:
    """Of more pixels than a screen has, means are looked at."""

    @pytest.fixture
    def wide(self, tmp_path):
        """2,000 x 2,000 pixels with a house in every second place of the grid, small ones in the lower half."""
        values = np.zeros((3, 2000, 2000), dtype="uint8")
        for row in range(20):
            for col in range(row % 2, 20, 2):
                side = 40 if row < 10 else 20
                top, left = 100 * row + 20, 100 * col + 20
                values[0, top : top + side, left : left + side] = 220
        return make_scene(tmp_path, values)

    def test_houses_apart_are_as_many_and_as_large(self, wide):
        seen = look(wide, (0, 0, 2000, 2000), 0.5, 0.0, (500, 500))
        assert seen.is_coarse
        assert len(seen.polygons) == 200
        expected_m2 = 100 * (40**2 + 20**2) * 0.25
        assert shapely.area(seen.polygons).sum() == pytest.approx(expected_m2, rel=0.02)
        assert to_set(shapely.box(*shapely.bounds(seen.polygons).T)) == to_set(seen.polygons)

    def test_the_least_area_is_metric_there_too(self, wide):
        assert len(look(wide, (0, 0, 2000, 2000), 0.5, 110.0, (500, 500)).polygons) == 100
        assert len(look(wide, (0, 0, 2000, 2000), 0.5, 410.0, (500, 500)).polygons) == 0

    def test_a_screen_of_many_pixels_is_no_reason_to_take_more_than_a_million_and_a_half(self, wide):
        frame = LiveView(wide).frame(TraceRequest(find_box(wide, 0, 0, 2000, 2000), 8000, 8000, 0.5, 0.0))
        assert frame.width * frame.height <= 1_510_000

    def test_ground_that_is_not_known_holds_no_building(self, tmp_path):
        values = np.full((1, 1600, 1600), NODATA, dtype="uint8")
        values[0, 800:900, 800:900] = FULL
        seen = look(make_scene(tmp_path, values), (0, 0, 1600, 1600), 0.5, 0.0, (400, 400))
        assert shapely.area(seen.polygons).sum() == pytest.approx(100 * 100 * 0.25)


@given(arrays(np.bool_, (9, 11)))
def test_coarse_outlines_are_the_pixels_outlines(mask):
    pieces = label(mask)[0].astype("int32")
    counts = np.bincount(pieces.ravel())[1:]
    outlines = outline_coarsely(pieces, counts)
    assert len(outlines) == pieces.max()
    drawn = rasterize(zip(outlines, range(1, len(outlines) + 1), strict=True), mask.shape) if len(outlines) else pieces
    assert (drawn == pieces).all()


def test_on_a_turned_raster_footprints_lie_where_the_houses_are(tmp_path):
    values = np.zeros((1, 200, 200), dtype="uint8")
    values[0, 90:110, 60:100] = 230
    turned = HALF @ Affine.rotation(30)
    context = make_scene(tmp_path, values, turned, separation=SeparationParams(0.5))
    (house,) = look(context, (0, 0, 200, 200)).polygons
    expected = apply_affine([shapely.box(60, 90, 100, 110)], turned)[0]
    assert house.symmetric_difference(expected).area < 1e-6


def test_in_degrees_the_least_area_is_in_square_metres(tmp_path):
    values = np.zeros((1, 200, 200), dtype="uint8")
    values[0, 100:120, 100:120] = 230
    step = 1 / 222_640  # half a metre northwards
    context = make_scene(
        tmp_path, values, Affine(step, 0, 30.0, 0, -step, 60.0), "EPSG:4326", separation=SeparationParams(0.5)
    )
    area_m2 = 400 * 0.25 * 0.5  # at 60 degrees north a degree eastwards is half as long
    assert len(look(context, (0, 0, 200, 200), 0.5, area_m2 * 0.97).polygons) == 1
    assert len(look(context, (0, 0, 200, 200), 0.5, area_m2 * 1.03).polygons) == 0


def test_windows_keep_their_margin_within_the_raster(context):
    frame = LiveView(context).frame(TraceRequest(find_box(context, 10, 20, 110, 90), 400, 300, 0.5, 5.0))
    assert frame.window == Window(0, 0, 142, 122)
    assert frame.sight == Window(10, 20, 100, 70)
