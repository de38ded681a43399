"""Which of a raster's bands serves which of a model's."""

import pytest

from plugin.core.bands import propose_bands, read_colour

RGB, BGR = ("red", "green", "blue"), ("blue", "green", "red")
BGRN = (*BGR, "near-infrared")
MANY = tuple(f"band {number}" for number in range(1, 9))


@pytest.mark.parametrize(
    ("colours", "wanted", "bands"),
    [
        (["red", "green", "blue"], RGB, (1, 2, 3)),
        (["red", "green", "blue"], BGR, (3, 2, 1)),
        (["blue", "green", "red", "nir"], RGB, (3, 2, 1)),
        (["red", "green", "blue", "nir"], BGRN, (3, 2, 1, 4)),
        (["nir", "red", "green", "blue"], BGRN, (4, 3, 2, 1)),
        (["Red", "Green", "Blue", "Near Infrared"], BGRN, (3, 2, 1, 4)),
    ],
)
def test_named_bands_meet_by_name(colours, wanted, bands):
    assert propose_bands(colours, wanted) == bands


@pytest.mark.parametrize(
    ("colours", "wanted", "bands"),
    [
        (["red", "green", "blue"], BGRN, (3, 2, 1, 0)),
        (["red", "green", "blue", "alpha"], BGRN, (3, 2, 1, 0)),
        (["gray"], BGRN, (1, 1, 1, 0)),
        (["gray", *[""] * 6], BGRN, (1, 2, 3, 0)),
    ],
)
def test_a_missing_near_infrared_band_is_0(colours, wanted, bands):
    assert propose_bands(colours, wanted) == bands


@pytest.mark.parametrize(
    ("colours", "wanted", "bands"),
    [
        (["red", "green", "blue", ""], BGRN, (3, 2, 1, 4)),
        (["", "red", "green", "blue"], BGRN, (4, 3, 2, 1)),
        (["gray", "", "", ""], BGRN, (1, 2, 3, 4)),
        (["gray", "", "", "nir"], BGRN, (1, 2, 3, 4)),
    ],
)
def test_the_one_band_of_four_that_is_no_colour_is_near_infrared(colours, wanted, bands):
    assert propose_bands(colours, wanted) == bands


@pytest.mark.parametrize(("wanted", "bands"), [(RGB, (1, 2, 3)), (BGR, (3, 2, 1))])
def test_three_bands_without_colours_are_red_green_and_blue(wanted, bands):
    assert propose_bands(["gray", "", ""], wanted) == bands


@pytest.mark.parametrize("wanted", [RGB, BGR])
def test_more_bands_without_colours_come_in_the_order_of_the_model(wanted):
    assert propose_bands(["gray", *[""] * 6], wanted) == (1, 2, 3)


@pytest.mark.parametrize("colours", [["gray"], ["gray", "alpha"], ["gray", "something"], ["alpha", "gray"]])
def test_a_grey_raster_serves_every_colour(colours):
    grey = colours.index("gray") + 1
    assert propose_bands(colours, BGR) == (grey,) * 3


def test_bands_without_a_name_come_in_order_and_those_that_are_left_over_get_none():
    assert propose_bands(["gray", *[""] * 7], MANY) == (1, 2, 3, 4, 5, 6, 7, 8)
    assert propose_bands(["red", "green", "blue", "alpha"], MANY[:4]) == (1, 2, 3, 0)
    assert propose_bands(["red", "green", "blue", "height"], (*RGB, "height")) == (1, 2, 3, 4)


def test_a_model_of_near_infrared_alone_takes_the_only_band_that_there_is():
    assert propose_bands(["gray"], ("near-infrared",)) == (1,)


def test_a_raster_of_nothing_but_alpha_serves_for_nothing():
    assert propose_bands(["alpha"], RGB) == (0, 0, 0)


@pytest.mark.parametrize(
    ("text", "colour"),
    [("RED", "red"), ("Near-Infrared", "nir"), ("near_infrared", "nir"), ("NIR1", "nir"), ("palette", ""), ("", "")],
)
def test_what_a_band_is_called_is_read_in_any_spelling(text, colour):
    assert read_colour(text) == colour


def test_eight_bands_without_colours_are_those_of_worldview():
    assert propose_bands([""] * 8, ("blue", "green", "red", "near-infrared")) == (2, 3, 5, 7)
