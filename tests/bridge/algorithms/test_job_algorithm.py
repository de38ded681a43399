"""What the parameters of a job say."""

from __future__ import annotations

import pytest

from footprint_tuner.plugin.bridge.algorithms.parameters import read_bands
from footprint_tuner.plugin.core.errors import InputError


@pytest.mark.parametrize(
    ("text", "bands"),
    [("", ()), ("3,2,1", (3, 2, 1)), (" 3, 2 ,1,", (3, 2, 1)), ("12", (12,)), ("3,2,1,0", (3, 2, 1, 0))],
)
def test_bands_are_numbers_with_commas_between(text, bands):
    assert read_bands(text) == bands


@pytest.mark.parametrize("text", ["red, green", "-1,2,3", "1.5", "1;2;3", "²"])
def test_what_names_no_bands_is_refused_with_an_example(text):
    with pytest.raises(InputError) as caught:
        read_bands(text)
    assert f'"{text}" names no bands.' in caught.value.message
    assert "3,2,1" in caught.value.hint
