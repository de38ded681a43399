"""Whether a raster is like the tuned one: its own parts are, what another sensor, season or hand made of it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from plugin.core.models import find_card
from plugin.worker.checks.domain_shift import find_differences
from plugin.worker.geodata.raster import describe_raster
from plugin.worker.geodata.statistics import measure_imagery

STARTER = replace(find_card("starter"), working_gsd_m=None)
EIGHT_BITS = ((0.0, 255.0),) * 3


@pytest.fixture(scope="module")
def colours(town):
    """The town's values (bands, height, width)."""
    with rasterio.open(town.raster) as dataset:
        return dataset.read().astype("float64")


def tune(path, card=STARTER, bands=()):
    """Return the card of a model that was tuned on a raster, as a run writes it."""
    raster = describe_raster(str(path), card, bands)
    gsd_m = (round(raster.native_gsd_m, 4),)
    return replace(card, parent=card.name, stretch=raster.stretch, gsd_m=gsd_m, imagery=measure_imagery(raster))


@pytest.fixture(scope="module")
def tuned(town):
    return tune(town.raster)


@pytest.fixture
def compare(tuned, make_raster):
    """Return a function that gives the warnings about a raster of the values."""

    def crop(values, card=tuned, ground=None, bands=(), **options):
        options = {"colours": ["red", "green", "blue"], **options} if len(values) == 3 else options
        raster = describe_raster(str(make_raster(values, **options)), card, bands)
        notices = find_differences(raster, card, ground)
        assert all(notice.level == "warning" and notice.hint for notice in notices)
        return [notice.message for notice in notices]

    return crop


def test_the_same_raster_and_its_parts_are_like_it(compare, colours):
    assert compare(colours) == []
    for rows in (slice(0, 256), slice(256, 512)):
        for cols in (slice(0, 256), slice(256, 512)):
            assert compare(colours[:, rows, cols]) == []
    assert compare(colours, ground=shapely.box(10, 10, 60, 60)) == []


def test_darker_and_brighter_imagery_is_told_with_its_means(compare, colours, tuned):
    (message,) = compare(colours * 0.6)
    assert "red, green and blue darker" in message
    assert f"instead of {tuned.imagery.mean[0]:.2f}" in message
    (message,) = compare(np.minimum(colours * 1.6, 255))
    assert "brighter" in message


@pytest.mark.parametrize("gamma", [0.6, 1.6])
def test_another_tone_curve_is_told(compare, colours, gamma):
    (message,) = compare(255 * (colours / 255) ** gamma)
    assert "differs from the imagery" in message


def test_haze_is_told_as_less_contrast(compare, colours):
    (message,) = compare(110 + 0.4 * colours)
    assert "its contrast is 0.4 times" in message


def test_swapped_bands_are_named(compare, colours):
    (message,) = compare(colours[[0, 2, 1]])
    assert message == "The bands for green and blue seem to be swapped."


def test_another_sensors_values_are_told(compare, colours):
    kind, crops = compare(colours * 8, dtype="uint16")
    assert "uint16" in kind
    assert "uint8" in kind
    assert "are clipped to the darkest or brightest" in crops


def test_an_older_card_is_compared_by_what_it_knows(compare, colours, tuned):
    older = replace(tuned, imagery=None)
    assert compare(colours, older) == []
    kind, crops = compare(colours * 8, older, dtype="uint16")
    assert "uint16" in kind
    assert "are clipped to" in crops
    assert compare(colours * 0.6, older) == []


@pytest.mark.parametrize(("factor", "word"), [(0.5, "finer"), (2.0, "coarser")])
def test_another_ground_sample_distance_is_told_in_metres(compare, colours, factor, word):
    transform = Affine(0.5 * factor, 0, 333000, 0, -0.5 * factor, 3066000)
    (message,) = compare(colours, transform=transform)
    assert f"is {word} than" in message
    assert f"{0.5 * factor:.2f} m a pixel instead of 0.50 m" in message


def test_nearly_the_same_ground_sample_distance_is_not_told(compare, colours):
    assert compare(colours, transform=Affine(0.55, 0, 333000, 0, -0.55, 3066000)) == []


def test_a_model_that_was_never_tuned_takes_any_imagery_of_its_scale(compare, colours):
    assert compare(colours * 8, STARTER, dtype="uint16") == []
    (message,) = compare(colours, STARTER, transform=Affine(2, 0, 333000, 0, -2, 3066000))
    assert "coarser" in message
    assert "0.10 to 0.60 m" in message


def test_a_grey_raster_for_a_model_of_colours_is_told(compare, colours):
    messages = compare(colours[:1], colours=["gray"])
    assert "Band 1 is assigned to red, green and blue" in messages[0]


def test_a_band_that_none_serves_for_is_told(compare, colours):
    (message,) = compare(colours[:2], bands=(1, 2, 0))
    assert "trained with blue: no band is assigned" in message


def test_a_band_that_the_model_never_saw_is_told(compare, colours, town):
    blind = tune(town.raster, bands=(1, 2, 0))
    (message,) = compare(colours, blind)
    assert "trained without blue" in message
    assert compare(colours, blind, bands=(1, 2, 0)) == []


def test_a_raster_without_data_where_it_is_predicted_is_not_compared(compare, colours):
    bare = np.zeros_like(colours)
    bare[:, :20, -20:] = colours[:, :20, -20:] * 0.5
    assert compare(bare, nodata=0) == []


def test_ground_without_data_is_told(compare, colours):
    half = colours.copy()
    half[:, :, :300] = 0
    told = "The raster holds no data in this area."
    assert compare(half, ground=shapely.box(10, 10, 200, 200), nodata=0) == [told]
    assert compare(half, STARTER, ground=shapely.box(10, 10, 200, 200), nodata=0) == [told]
    assert compare(half, ground=shapely.box(10, 10, 310, 200), nodata=0) == []


def test_sixteen_bits_are_compared_as_their_stretch_makes_them(compare, colours, make_raster):
    path = make_raster(colours * 8, "other.tif", dtype="uint16", colours=["red", "green", "blue"])
    card = tune(path)
    assert compare(colours * 8, card, dtype="uint16") == []
    assert "darker" in compare(colours * 4, card, dtype="uint16")[0]
