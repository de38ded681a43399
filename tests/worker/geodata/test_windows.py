"""Windows of a raster: together they are the region, and none stands twice."""

import numpy as np
import pytest
import shapely
from rasterio.windows import Window

from plugin.worker.geodata.windows import cut_rows, cut_windows, keep_meeting


@pytest.mark.parametrize(("width", "height", "side_px"), [(100, 70, 32), (64, 64, 32), (5, 5, 32), (33, 1, 32)])
def test_windows_cover_every_pixel_of_a_region_once(width, height, side_px):
    drawn = np.zeros((height + 20, width + 10), dtype=int)
    for window in cut_windows(Window(10, 20, width, height), side_px):
        drawn[window.toslices()] += 1
    assert drawn[20:, 10:].min() == drawn.max() == 1
    assert drawn.sum() == width * height


def test_rows_go_from_the_top_down_and_from_left_to_right():
    rows = cut_rows(Window(0, 0, 50, 40), 20)
    assert [[(each.col_off, each.row_off) for each in row] for row in rows] == [
        [(0, 0), (20, 0), (40, 0)],
        [(0, 20), (20, 20), (40, 20)],
    ]


def test_only_windows_that_meet_the_ground_are_kept():
    windows = cut_windows(Window(0, 0, 60, 20), 20)
    assert keep_meeting(windows, shapely.box(45, 5, 50, 10)) == [windows[2]]
    assert keep_meeting(windows, None) == windows
    assert keep_meeting([], shapely.box(0, 0, 1, 1)) == []
