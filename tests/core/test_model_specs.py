"""Starts: a decoder over an encoder, named in a line."""

import pytest

from plugin.core.bands import propose_bands
from plugin.core.card_check import find_problems
from plugin.core.errors import InputError
from plugin.core.model_specs import DECODERS, fit_bands, load_encoders, make_start
from plugin.core.models import find_card


@pytest.mark.parametrize("decoder", DECODERS)
def test_every_decoder_makes_a_sound_card(decoder):
    card = find_card(f"{decoder}:resnet34")
    assert find_problems(card) == []
    assert (card.architecture, card.encoder, card.weights) == (decoder, "resnet34", "pretrained:imagenet")
    assert card.is_start
    assert not card.is_finetuned


def test_a_start_may_begin_at_random():
    assert make_start("unet:resnet34:none").weights == "none"


def test_its_name_finds_it_again():
    assert find_card(make_start("fpn:resnet18").name) == make_start("fpn:resnet18")


def test_an_encoder_that_does_not_exist_is_refused_with_near_names():
    with pytest.raises(InputError) as caught:
        find_card("unet:resnet43")
    assert "resnet34" in caught.value.hint


def test_weights_that_an_encoder_does_not_have_are_refused_with_those_that_it_has():
    with pytest.raises(InputError) as caught:
        make_start("unet:resnet34:my_weights")
    assert "imagenet" in caught.value.hint


@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_a_start_takes_as_many_bands_as_are_chosen(count):
    card = fit_bands(make_start("unet:resnet34"), range(1, count + 1))
    assert len(card.bands) == count
    assert find_problems(card) == []


def test_a_model_tuned_on_chosen_bands_finds_them_again_by_their_numbers():
    card = fit_bands(make_start("unet:resnet34"), (8, 2, 5, 1))
    assert card.bands == ("band 8", "band 2", "band 5", "band 1")
    assert propose_bands([""] * 9, card.bands) == (8, 2, 5, 1)
    assert propose_bands(["red", "green", "blue", "", "", "nir", "", ""], card.bands) == (8, 2, 5, 1)


def test_any_other_model_keeps_its_bands():
    starter = find_card("starter")
    assert fit_bands(starter, (1, 2, 3, 4, 5)) is starter


def test_the_list_of_encoders_has_no_empty_name():
    assert all(name and isinstance(tags, list) for name, tags in load_encoders().items())
