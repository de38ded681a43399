"""What the dock remembers until QGIS is opened again."""

from qgis.core import QgsSettings

from footprint_tuner.plugin.core.job import DEFAULT_BASE_MODEL, Settings
from footprint_tuner.plugin.core.model_specs import DECODERS


def test_settings_come_back_in_the_next_session(dock, find, make_dock):
    find("epochsSpin").setValue(5)
    find("minAreaSpin").setValue(20)
    dock.store_settings()
    later = make_dock()
    assert later.read_choices().settings == Settings()
    later.restore_settings()
    assert later.read_choices().settings == Settings(epochs=5, min_area_m2=20.0)


def test_a_run_that_is_asked_for_stores_the_form(dock, find, click, make_dock, raster, labels):
    find("seedSpin").setValue(77)
    click("trainButton")
    later = make_dock()
    later.restore_settings()
    assert later.read_choices().settings.seed == 77


def test_a_tuned_model_comes_back(dock, make_dock, tuned_card):
    dock.formPage.modelPicker.open_model(str(tuned_card))
    dock.store_settings()
    later = make_dock()
    later.restore_settings()
    assert later.read_choices().base_model == str(tuned_card)


def test_a_tuned_model_that_is_gone_is_left_out_without_a_word(dock, make_dock, tuned_card):
    dock.formPage.modelPicker.open_model(str(tuned_card))
    dock.store_settings()
    tuned_card.unlink()
    later = make_dock()
    later.restore_settings()
    assert later.read_choices().base_model == DEFAULT_BASE_MODEL
    assert not later.messageFrame.isVisible()


def test_only_selected_features_is_remembered(dock, find, make_dock, labels):
    labels.selectAll()
    find("selectedCheck").setChecked(True)
    dock.store_settings()
    later = make_dock()
    later.formPage.labelCombo.setLayer(labels)
    later.restore_settings()
    assert later.read_choices().only_selected


def test_a_dock_chooses_no_layer_by_itself(raster, labels, make_dock):
    later = make_dock()
    later.restore_settings()
    choices, predicting = later.read_choices(), later.predictPage.read_choices()
    chosen = (choices.raster_layer, choices.label_layer, choices.areas_layer)
    assert (*chosen, predicting.raster_layer, predicting.ground_layer) == (None,) * 5


def test_settings_that_cannot_be_read_are_replaced_by_the_defaults(dock):
    for text in ("no JSON", "[1]", '{"epochs": -3}', '{"epochs": "many"}', '{"later": 1}'):
        QgsSettings().setValue("footprint_tuner/settings", text)
        QgsSettings().setValue("footprint_tuner/tuned_models", text)
        dock.restore_settings()
        assert dock.read_choices().settings == Settings()


def test_the_newest_models_are_remembered_and_the_chosen_one_in_any_case(dock, make_dock):
    picker = dock.formPage.modelPicker
    names = [
        f"{decoder}:resnet{size}:{tag}" for decoder in DECODERS for size in (18, 34) for tag in ("imagenet", "none")
    ]
    for name in names:
        picker.open_model(name)
    picker.choose(names[0])
    dock.store_settings()
    later = make_dock()
    later.restore_settings()
    assert later.formPage.modelPicker.added_models == [names[0], *names[-8:]]
    assert later.read_choices().base_model == names[0]


def test_a_network_of_an_encoder_that_is_gone_is_left_out_without_a_word(dock):
    QgsSettings().setValue("footprint_tuner/tuned_models", '["unet:gone:none"]')
    QgsSettings().setValue("footprint_tuner/base_model", "unet:gone:none")
    dock.restore_settings()
    assert dock.read_choices().base_model == DEFAULT_BASE_MODEL
    assert not dock.messageFrame.isVisible()


def test_nothing_stored_restores_the_defaults(dock):
    dock.restore_settings()
    choices = dock.read_choices()
    assert (choices.base_model, choices.settings, choices.raster_layer) == (DEFAULT_BASE_MODEL, Settings(), None)
