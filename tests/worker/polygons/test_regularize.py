"""Right angles: given where a footprint stays like what was found, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.features import rasterize, shapes

from plugin.worker.geodata.shapes import is_square, measure_iou
from plugin.worker.polygons.regularize import LEAST_IOU, fit_rectangles, measure_moments, square_outlines
from plugin.worker.polygons.simplify import simplify_outlines


def pixels_of(*polygons):
    """Return the raster shapes of polygons drawn one by one."""
    found = []
    for polygon in polygons:
        drawn = rasterize([(polygon, 1)], (120, 120), dtype="uint8")
        found += [shapely.geometry.shape(each) for each, _ in shapes(drawn, drawn > 0, transform=Affine.identity())]
    return np.array(found, dtype=object)


def square(raster_shapes):
    return square_outlines(raster_shapes, simplify_outlines(raster_shapes, 2.0), 2.0)


TURNED = shapely.affinity.rotate(shapely.box(30, 40, 80, 70), 27)
L_SHAPE = shapely.affinity.rotate(shapely.box(20, 20, 80, 80) - shapely.box(50, 20, 80, 50), 17)
ROUND = shapely.Point(60, 60).buffer(30)
TRIANGLE = shapely.Polygon([(10, 100), (110, 100), (60, 20)])


def test_a_turned_house_becomes_a_rectangle_as_it_was_drawn():
    (house,) = square(pixels_of(TURNED))
    assert is_square(np.array([house], dtype=object)).all()
    assert shapely.get_num_coordinates(house) == 5
    assert measure_iou(np.array([house], dtype=object), np.array([TURNED], dtype=object))[0] > 0.93


def test_an_angled_house_keeps_its_angle():
    (house,) = square(pixels_of(L_SHAPE))
    assert is_square(np.array([house], dtype=object)).all()
    assert shapely.get_num_coordinates(house) > 5
    assert measure_iou(np.array([house], dtype=object), np.array([L_SHAPE], dtype=object))[0] > 0.85


def test_a_triangle_is_left_as_it_is():
    found = pixels_of(TRIANGLE)
    assert square(found)[0].equals(simplify_outlines(found, 2.0)[0])


def test_a_courtyard_that_fits_is_not_filled():
    (house,) = square(pixels_of(shapely.box(10, 10, 100, 100) - shapely.box(30, 30, 80, 80)))
    assert len(house.interiors) == 1


def test_no_footprint_becomes_much_less_like_its_raster_shape():
    rng = np.random.default_rng(8)
    blobs = [shapely.Point(*rng.uniform(40, 80, 2)).buffer(rng.uniform(10, 30), quad_segs=2) for _ in range(20)]
    found = pixels_of(*blobs, ROUND, TRIANGLE, L_SHAPE)
    slim = simplify_outlines(found, 2.0)
    squared = square(found)
    assert (measure_iou(found, squared) >= np.minimum(measure_iou(found, slim), LEAST_IOU) - 1e-9).all()
    assert shapely.is_valid(squared).all()


def test_corners_are_right_angles_within_the_tolerance():
    leaning = shapely.Polygon([(0, 0), (100, 0), (107, 60), (7, 60)])  # 83 and 97 degrees
    verdicts = is_square(np.array([shapely.box(0, 0, 3, 4), leaning, TURNED, TRIANGLE], dtype=object), 5.0)
    assert verdicts.tolist() == [True, False, True, False]
    assert is_square(np.array([leaning], dtype=object), 8.0).all()


def test_a_point_on_a_straight_wall_is_no_corner():
    assert is_square(np.array([shapely.Polygon([(0, 0), (5, 0), (10, 0), (10, 4), (0, 4)])], dtype=object)).all()


# -- rectangles -------------------------------------------------------------------------------------------------------


def test_moments_are_those_of_the_pixels():
    house = shapely.box(10, 20, 40, 32) - shapely.box(15, 24, 20, 28)
    drawn = rasterize([(house, 1)], (60, 60)) > 0
    rows, cols = (axis + 0.5 for axis in np.nonzero(drawn))
    (centre,), ((xx, xy, yy),) = measure_moments(np.array([house], dtype=object))
    assert centre == pytest.approx([cols.mean(), rows.mean()])
    assert (xx, xy, yy) == pytest.approx(
        (cols.var() + 1 / 12, np.cov(cols, rows, bias=True)[0, 1], rows.var() + 1 / 12)
    )


def test_a_rectangle_has_the_area_of_its_shape_and_fits_it():
    found = pixels_of(TURNED, L_SHAPE, ROUND)
    rectangles, overlap = fit_rectangles(found)
    assert shapely.area(rectangles) == pytest.approx(shapely.area(found), rel=1e-6)
    assert overlap == pytest.approx(measure_iou(found, rectangles))
    assert overlap[0] > 0.93
    assert is_square(rectangles).all()


def test_a_chimney_of_noise_does_not_turn_the_house():
    (rectangle,), _ = fit_rectangles(pixels_of(TURNED | shapely.Point(TURNED.exterior.coords[0]).buffer(4)))
    assert measure_iou(np.array([rectangle], dtype=object), np.array([TURNED], dtype=object))[0] > 0.88
