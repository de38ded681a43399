"""No footprints: the reason, as far as the probability tells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from plugin.core.models import find_card
from plugin.worker.geodata.probability import NODATA
from plugin.worker.pipeline.no_footprints import explain_none
from tests.worker.conftest import write_raster

CARD = replace(find_card("starter"), threshold=0.5, min_area_m2=50.0)
LEFT = shapely.box(0, 0, 32, 64)


@pytest.fixture
def probability(tmp_path):
    """A probability of 0.25 on the left and 0.75 on the right, where nothing is known above the middle."""
    values = np.full((1, 64, 64), 64)
    values[:, :, 32:] = 190
    values[:, :32, 32:] = NODATA
    return write_raster(tmp_path / "p.tif", values, nodata=NODATA)


def test_a_probability_below_the_threshold_is_told_with_both(probability):
    notice = explain_none(probability, CARD, LEFT)
    assert notice.message == "No footprints: the model's highest probability is 0.25, its threshold 0.50."
    assert "tune a model on this raster" in notice.hint
    assert "The warnings above" in explain_none(probability, CARD, LEFT, is_warned=True).hint


def test_where_nothing_is_known_the_raster_holds_no_data(probability):
    notice = explain_none(probability, CARD, shapely.box(40, 0, 60, 30))
    assert notice.message == "No footprints: the raster holds no data there."


def test_what_is_probable_but_small_is_told_with_the_least_area(probability):
    notice = explain_none(probability, CARD)
    assert notice.message.endswith("the threshold of 0.50 is as large as 50 m2.")
    assert notice.level == "warning"
