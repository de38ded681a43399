"""The few settings beneath the button."""

import pytest
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest

from footprint_tuner.plugin.core.job import DEFAULT_BASE_MODEL, Settings
from footprint_tuner.plugin.core.models import find_card


def test_settings_are_collapsed_and_hold_the_defaults_of_a_job(dock, find):
    assert find("settingsGroup").isCollapsed()
    assert dock.read_choices().settings == Settings()


@pytest.mark.parametrize("name", ["epochsSpin", "rateSpin", "batchSpin", "samplesSpin", "tileSpin"])
def test_what_is_left_to_the_recipe_says_so(find, name):
    assert find(name).text() == "as the recipe says"


def test_the_recipe_of_the_model_is_said_in_numbers(dock, find, tuned_card):
    recipe = find_card(DEFAULT_BASE_MODEL).recipe
    assert f"{recipe.tune_epochs} epochs" in find("recipeLabel").text()
    assert f"batches of {recipe.batch_size}" in find("recipeLabel").text()
    dock.formPage.modelPicker.open_model(str(tuned_card))
    assert "7 epochs" in find("recipeLabel").text()


def test_every_setting_reaches_the_choices(dock, find, make_polygons):
    areas = make_polygons("areas")
    find("areasCombo").setLayer(areas)
    for name, value in {
        "epochsSpin": 5,
        "rateSpin": 0.0003,
        "batchSpin": 4,
        "samplesSpin": 300,
        "tileSpin": 512,
        "minAreaSpin": 12.5,
        "seedSpin": 9,
    }.items():
        find(name).setValue(value)
    find("heldOutSpin").setValue(30)
    find("squareCheck").setChecked(False)
    find("recipeCombo").setCurrentIndex(find("recipeCombo").findData("solaris_2019"))
    find("deviceCombo").setCurrentIndex(find("deviceCombo").findData("cpu"))
    choices = dock.read_choices()
    assert choices.areas_layer == areas
    assert choices.settings == Settings(
        recipe="solaris_2019",
        epochs=5,
        learning_rate=0.0003,
        batch_size=4,
        samples=300,
        tile_px=512,
        min_area_m2=12.5,
        square=False,
        held_out_share=0.3,
        seed=9,
        device="cpu",
    )


def test_the_plain_recipe_of_2019_is_said_in_numbers(find):
    find("recipeCombo").setCurrentIndex(1)
    assert find("recipeCombo").currentText() == "Solaris 2019"
    assert "3 epochs" in find("recipeLabel").text()


def test_no_value_that_the_form_allows_is_refused_by_the_job(dock, find):
    for end in ("minimum", "maximum"):
        for name in ("epochsSpin", "rateSpin", "batchSpin", "samplesSpin", "tileSpin"):
            find(name).setValue(getattr(find(name), end)())
        for name in ("minAreaSpin", "heldOutSpin", "seedSpin"):
            find(name).setValue(getattr(find(name), end)())
        assert dock.read_choices().settings.find_problems() == []


def test_units_stand_behind_the_numbers(find):
    assert find("minAreaSpin").text() == "5.0 m²"
    assert find("heldOutSpin").text() == "25 %"


def test_areas_may_stay_empty_and_take_the_place_of_the_held_out_share(dock, find, make_polygons):
    areas = make_polygons("areas")
    assert dock.read_choices().areas_layer is None
    assert find("heldOutSpin").isEnabled()
    find("areasCombo").setLayer(areas)
    assert not find("heldOutSpin").isEnabled()
    find("areasCombo").setLayer(None)
    assert dock.read_choices().areas_layer is None
    assert find("heldOutSpin").isEnabled()


@pytest.mark.parametrize(("typed", "size"), [("33", 64), ("100", 96), ("300", 288), ("2048", 2048), ("32", None)])
def test_a_size_of_tiles_that_networks_cannot_take_becomes_the_nearest_that_they_can(dock, find, typed, size):
    dock.formPage.settingsGroup.setCollapsed(False)
    spin = find("tileSpin")
    spin.setFocus()
    spin.selectAll()
    QTest.keyClicks(spin, typed)
    assert dock.read_choices().settings.tile_px == size
    QTest.keyClick(spin, Qt.Key.Key_Tab)
    assert spin.value() == (size or 32)


def test_the_recipe_says_its_tiles(find):
    recipe = find_card(DEFAULT_BASE_MODEL).recipe
    assert f"{recipe.crops_per_epoch} tiles of {recipe.tile_px} pixels" in find("recipeLabel").text()


def read_title(find):
    return find("settingsGroup").title()


def test_changed_settings_are_counted_where_they_are_folded_in_and_can_be_reset(dock, find, make_polygons):
    assert (read_title(find), find("resetButton").isEnabled()) == ("Settings", False)
    find("epochsSpin").setValue(2)
    assert read_title(find) == "Settings (1 changed)"
    find("deviceCombo").setCurrentIndex(2)
    assert read_title(find) == "Settings (2 changed)"
    assert find("settingsGroup").isCollapsed()
    find("resetButton").click()
    assert (read_title(find), find("resetButton").isEnabled()) == ("Settings", False)
    assert dock.read_choices().settings == Settings()


def test_settings_of_an_earlier_session_are_counted(dock, find, make_dock):
    find("samplesSpin").setValue(24)
    find("squareCheck").setChecked(False)
    dock.store_settings()
    later = make_dock()
    later.restore_settings()
    assert later.formPage.settingsGroup.title() == "Settings (2 changed)"


def test_areas_are_named_where_they_are_folded_in_and_a_reset_leaves_them(dock, find, make_polygons):
    areas = make_polygons("areas")
    find("areasCombo").setLayer(areas)
    find("seedSpin").setValue(3)
    assert read_title(find) == "Settings (areas, 1 changed)"
    find("resetButton").click()
    assert read_title(find) == "Settings (areas)"
    assert dock.read_choices().areas_layer == areas


def test_the_sentence_on_the_recipe_is_what_a_run_will_do(find):
    recipe = find_card(DEFAULT_BASE_MODEL).recipe
    assert find("recipeLabel").text().startswith("The recipe says: ")
    find("epochsSpin").setValue(2)
    find("samplesSpin").setValue(24)
    text = find("recipeLabel").text()
    assert text.startswith(f"A run does what is set here: 2 epochs of 24 tiles of {recipe.tile_px} pixels, ")
    find("epochsSpin").setValue(0)
    find("samplesSpin").setValue(0)
    assert find("recipeLabel").text().startswith("The recipe says: ")
