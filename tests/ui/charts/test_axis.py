"""Round numbers for the chart's axes."""

import pytest

from footprint_tuner.ui.charts.axis import choose_epoch_ticks, choose_ticks, count_places


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.5, 1]),
        (0, 0.8, [0, 0.2, 0.4, 0.6, 0.8]),
        (2.1, 9.8, [2, 4, 6, 8, 10]),
        (0.0312, 0.0498, [0.03, 0.035, 0.04, 0.045, 0.05]),
        (120, 3400, [0, 1000, 2000, 3000, 4000]),
    ],
)
def test_ticks_are_round_and_hold_the_values_between_them(low, high, expected):
    assert choose_ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize("value", [0.0, 3.0, -2.0, 1e-9, 1e9])
def test_a_single_value_gets_an_axis_around_it(value):
    ticks = choose_ticks(value, value)
    assert ticks[0] < value < ticks[-1] or ticks[0] <= value <= ticks[-1] != ticks[0]


@pytest.mark.parametrize("high", [0.0101, 0.5, 0.731, 1.0, 7.3, 99.0, 12345.0])
def test_there_are_never_more_ticks_than_asked_for(high):
    for most in (3, 5, 8):
        assert 2 <= len(choose_ticks(0, high, most)) <= most


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (1, 1, [1]),
        (1, 8, [1, 2, 3, 4, 5, 6, 7, 8]),
        (1, 12, [1, 3, 5, 7, 9, 11]),
        (1, 30, [1, 5, 10, 15, 20, 25, 30]),
        (1, 1000, [1, 200, 400, 600, 800, 1000]),
    ],
)
def test_epochs_are_whole_and_no_more_than_have_room(first, last, expected):
    assert choose_epoch_ticks(first, last) == expected


@pytest.mark.parametrize(("ticks", "places"), [([0, 1, 2], 0), ([0, 0.5], 1), ([0.03, 0.035], 3), ([0, 200], 0)])
def test_ticks_have_as_many_places_as_tell_them_apart(ticks, places):
    assert count_places(ticks) == places
