"""What a card tells of the imagery that its model was tuned on."""

import json
from dataclasses import asdict, replace

import pytest

from plugin.core.errors import InputError
from plugin.core.imagery import Imagery, require_bands
from plugin.core.models import find_card, load_card

IMAGERY = Imagery(
    "uint8", (3, 2, 1), (0.5, 0.4, 0.3), ((0.04, 0.03, 0.0), (0.03, 0.09, 0.0), (0.0, 0.0, 0.01)), ((0.0, 0.1),) * 3
)


def test_a_card_keeps_what_it_tells_of_its_imagery(tmp_path):
    card = replace(find_card("starter"), imagery=IMAGERY)
    card.save(tmp_path / "model.json")
    assert load_card(tmp_path / "model.json").imagery == IMAGERY


def test_a_card_of_an_earlier_plugin_tells_nothing_of_its_imagery(tmp_path):
    content = {name: value for name, value in asdict(find_card("starter")).items() if name not in ("folder", "imagery")}
    (tmp_path / "model.json").write_text(json.dumps(content), encoding="utf-8")
    assert load_card(tmp_path / "model.json").imagery is None


def test_what_a_later_plugin_tells_of_the_imagery_is_passed_over(tmp_path):
    content = {**asdict(find_card("starter")), "imagery": {**asdict(IMAGERY), "season": "winter"}}
    (tmp_path / "model.json").write_text(json.dumps(content), encoding="utf-8")
    assert load_card(tmp_path / "model.json").imagery == IMAGERY


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": (0.5,)},
        {"covariance": ((0.1, 0.0, 0.0),)},
        {"covariance": ((-0.1, 0.0, 0.0), (0.0, 0.1, 0.0), (0.0, 0.0, 0.1))},
        {"bands": (1, 2, -3)},
        {"values": ""},
        {"mean": (0.5, 0.5, float("nan"))},
    ],
)
def test_absurd_imagery_is_refused_with_the_card(tmp_path, wrong):
    replace(find_card("starter"), imagery=replace(IMAGERY, **wrong)).save(tmp_path / "model.json")
    with pytest.raises(InputError, match='"imagery" must hold numbers for 3 bands'):
        load_card(tmp_path / "model.json")


def test_the_contrast_of_two_bands_is_that_of_their_difference():
    mean, spread = IMAGERY.contrast(0, 1)
    assert mean == pytest.approx(0.1)
    assert spread == pytest.approx((0.04 + 0.09 - 2 * 0.03) ** 0.5)
    assert IMAGERY.std == pytest.approx((0.2, 0.3, 0.1))


def test_a_band_that_the_model_was_tuned_with_must_be_there():
    with pytest.raises(InputError, match="no blue band") as caught:
        require_bands(("red", "green", "blue"), (1, 2, 0), IMAGERY)
    assert "0: none" in caught.value.hint


@pytest.mark.parametrize("tuned", [None, replace(IMAGERY, bands=(1, 2, 0))])
def test_a_model_that_never_had_a_band_does_not_miss_it(tuned):
    require_bands(("red", "green", "blue"), (1, 2, 0), tuned)
