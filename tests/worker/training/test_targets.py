"""What is drawn from polygons: a pixel belongs to the polygon that holds its centre."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.windows import Window

from plugin.worker.geodata.rasterize import PolygonIndex
from plugin.worker.training.targets import Targets, Widths, choose_widths

SMALL = Window(0, 0, 8, 6)
#: Corners off the half pixel, so that no centre lies on a line and every rule must agree.
CORNER = st.integers(-20, 60).map(lambda n: n / 2 + 0.23)


def draw_by_centres(polygons, window):
    """Return what a window must hold, asking each pixel's centre."""
    cols, rows = np.meshgrid(np.arange(window.width) + 0.5, np.arange(window.height) + 0.5)
    places = shapely.points(cols + window.col_off, rows + window.row_off)
    return np.any([shapely.contains(polygon, places) for polygon in polygons], axis=0).astype(int)


def test_a_square_is_drawn_where_it_lies():
    drawn = PolygonIndex(np.array([shapely.box(2, 1, 5, 4)], dtype=object)).draw(SMALL)
    expected = np.zeros((6, 8), int)
    expected[1:4, 2:5] = 1
    assert np.array_equal(drawn, expected)


def test_a_window_elsewhere_sees_the_same_place():
    index = PolygonIndex(np.array([shapely.box(102, 51, 105, 54)], dtype=object))
    whole = index.draw(Window(0, 0, 200, 100))
    assert np.array_equal(index.draw(Window(100, 50, 10, 8)), whole[50:58, 100:110])


def test_a_window_may_begin_before_the_raster():
    drawn = PolygonIndex(np.array([shapely.box(0, 0, 2, 2)], dtype=object)).draw(Window(-3, -1, 8, 6))
    assert np.argwhere(drawn).tolist() == [[1, 3], [1, 4], [2, 3], [2, 4]]


def test_a_window_without_polygons_is_empty():
    assert not PolygonIndex(np.array([shapely.box(20, 20, 30, 30)], dtype=object)).draw(SMALL).any()
    assert not PolygonIndex(np.array([], dtype=object)).draw(SMALL).any()


def test_a_polygon_beside_every_centre_leaves_nothing():
    assert not PolygonIndex(np.array([shapely.box(2.1, 2.1, 2.4, 2.4)], dtype=object)).draw(SMALL).any()


def test_courtyards_stay_open():
    holed = shapely.box(1, 1, 6, 5) - shapely.box(2, 2, 5, 4)
    assert PolygonIndex(np.array([holed], dtype=object)).draw(SMALL).sum() == 20 - 6


def test_each_polygon_may_have_its_own_value_and_later_ones_lie_on_top():
    boxes = np.array([shapely.box(0, 0, 4, 4), shapely.box(2, 2, 6, 6), shapely.box(50, 50, 60, 60)], dtype=object)
    drawn = PolygonIndex(boxes).draw(SMALL, values=[5, 9, 7])
    assert drawn[0, 0] == 5
    assert drawn[2, 2] == 9
    assert drawn[5, 7] == 0


def test_values_stay_with_their_polygons_in_every_window():
    boxes = np.array([shapely.box(10 * i, 0, 10 * i + 5, 5) for i in range(20)], dtype=object)
    index = PolygonIndex(boxes)
    for i in range(20):
        assert set(np.unique(index.draw(Window(10 * i, 0, 6, 6), values=np.arange(1, 21)))) == {0, i + 1}


def test_polygons_are_found_in_their_order():
    boxes = np.array([shapely.box(0, 0, 4, 4)] * 30, dtype=object)
    assert PolygonIndex(boxes).find(SMALL).tolist() == list(range(30))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CORNER, CORNER, CORNER, CORNER), max_size=6), st.integers(-5, 15), st.integers(-5, 15))
def test_a_pixel_belongs_to_the_polygons_that_hold_its_centre(corners, left, top):
    window = Window(left, top, 12, 9)
    polygons = np.array([shapely.box(*corner) for corner in corners], dtype=object)
    drawn = PolygonIndex(polygons).draw(window)
    assert drawn.shape == (9, 12)
    assert np.array_equal(drawn, draw_by_centres(polygons, window) if corners else np.zeros((9, 12)))


@pytest.mark.parametrize("turn", [0, 17, 45])
def test_windows_side_by_side_draw_what_one_window_draws(turn):
    boxes = [shapely.affinity.rotate(shapely.box(15 * i, 9 * i, 15 * i + 11, 9 * i + 8), turn) for i in range(5)]
    index = PolygonIndex(np.array(boxes, dtype=object))
    whole = index.draw(Window(0, 0, 80, 60))
    parts = [[index.draw(Window(left, top, 20, 20)) for left in range(0, 80, 20)] for top in range(0, 60, 20)]
    assert np.array_equal(np.block(parts), whole)


# -- targets: footprint, boundary, contact ----------------------------------------------------------------------------

TERRACE = np.array([shapely.box(4, 4, 14, 16), shapely.box(14, 4, 24, 16)], dtype=object)
WIDTHS = Widths(boundary_px=3, contact_px=4.0)


def test_a_building_has_a_line_of_one_pixel_inside_its_wall():
    footprint, boundary, _ = Targets(TERRACE[:1], WIDTHS).draw(Window(0, 0, 20, 20))
    expected = np.zeros((20, 20), int)
    expected[4:16, 4:14] = 1
    expected[5:15, 5:13] = 0
    assert footprint.sum() == 120
    assert np.array_equal(boundary, expected)


def test_touching_buildings_keep_the_boundary_between_them():
    _, boundary, _ = Targets(TERRACE, WIDTHS).draw(Window(0, 0, 30, 20))
    assert boundary[5:15, 13:15].all()


def test_a_contact_lies_where_two_buildings_are_near_and_nowhere_else():
    _, _, contact = Targets(TERRACE, WIDTHS).draw(Window(0, 0, 30, 20))
    assert contact[6:14, 12:16].all()
    assert not contact[:, :12].any()
    assert not contact[:, 16:].any()
    far = np.array([shapely.box(4, 4, 10, 10), shapely.box(15, 4, 20, 10)], dtype=object)
    assert not Targets(far, WIDTHS).draw(Window(0, 0, 30, 20))[2].any()


def test_a_building_cut_by_the_windows_edge_has_no_wall_there():
    whole = Targets(TERRACE, WIDTHS).draw(Window(0, 0, 30, 20))
    part = Targets(TERRACE, WIDTHS).draw(Window(8, 6, 12, 8))
    assert np.array_equal(part, whole[:, 6:14, 8:20])


def test_a_frame_of_half_the_pixels_shows_the_same_ground_at_twice_the_size():
    drawn = Targets(TERRACE, WIDTHS).draw_frame(Affine.scale(0.5), (40, 60))
    assert drawn[0].sum() == 4 * 240


def test_a_turned_frame_shows_the_ground_turned():
    quarter = Affine.translation(0, 30) @ Affine.rotation(-90)
    turned = Targets(TERRACE, WIDTHS).draw_frame(quarter, (30, 30))
    assert np.array_equal(turned, np.rot90(Targets(TERRACE, WIDTHS).draw(Window(0, 0, 30, 30)), -1, (1, 2)))


def test_widths_are_metres_and_never_thinner_than_a_line(card):
    fine, coarse = choose_widths(card, 0.1), choose_widths(card, 5.0)
    assert (fine.boundary_px, fine.contact_px) == (11, pytest.approx(15))
    assert (coarse.boundary_px, coarse.contact_px) == (3, 2.0)
