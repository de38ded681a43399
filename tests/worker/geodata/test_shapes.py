"""What is said of a polygon's corners."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from rasterio.features import rasterize, shapes

from plugin.worker.geodata.shapes import has_stairs

BOX = shapely.box(10, 10, 60, 60)
CROSS = shapely.box(30, 0, 40, 70) | shapely.box(0, 30, 70, 40)
TEE = shapely.box(0, 0, 60, 20) | shapely.box(20, 0, 40, 60)


def draw(polygon):
    drawn = rasterize([(polygon, 1)], (120, 120), dtype="uint8")
    return next(shapely.geometry.shape(each) for each, value in shapes(drawn, drawn > 0) if value)


@pytest.mark.parametrize("polygon", [BOX, CROSS, TEE, shapely.Point(50, 50).buffer(30)])
def test_a_house_has_no_stairs(polygon):
    assert not has_stairs(np.array([polygon, shapely.affinity.rotate(polygon, 30)], dtype=object)).any()


def test_a_slanting_wall_along_pixels_has_stairs_wherever_its_ring_begins():
    stairs = draw(shapely.affinity.rotate(BOX, 30))
    corners = shapely.get_coordinates(stairs)[:-1]
    turned = [shapely.Polygon(np.roll(corners, by, axis=0)) for by in range(0, len(corners), 7)]
    assert has_stairs(np.array([stairs, *turned], dtype=object)).all()


def test_none_has_no_stairs():
    assert has_stairs(np.array([None], dtype=object)).tolist() == [False]
