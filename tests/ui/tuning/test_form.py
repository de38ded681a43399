"""The form: what can be chosen, and what Fine-tune asks for."""

import pytest
from qgis.core import QgsProject, QgsVectorLayer

from footprint_tuner.plugin.core.events import Finding
from footprint_tuner.plugin.core.job import DEFAULT_BASE_MODEL, Settings


def test_fine_tune_asks_for_a_run_with_what_is_chosen(dock, find, click, listen, raster, labels):
    asked = listen(dock.train_requested)
    click("trainButton")
    (choices,) = asked
    assert (choices.raster_layer, choices.label_layer) == (raster, labels)
    assert (choices.only_selected, choices.areas_layer) == (False, None)
    assert (choices.base_model, choices.settings) == (DEFAULT_BASE_MODEL, Settings())


def test_check_asks_for_a_check_and_for_no_run(dock, click, listen, raster, labels):
    asked, checked = listen(dock.train_requested), listen(dock.check_requested)
    click("checkButton")
    assert asked == []
    assert [choices.label_layer for choices in checked] == [labels]


@pytest.mark.parametrize("button", ["trainButton", "checkButton"])
def test_without_a_raster_nothing_is_asked_for_and_the_form_says_what_to_do(dock, find, click, listen, labels, button):
    asked = [listen(dock.train_requested), listen(dock.check_requested)]
    click(button)
    assert asked == [[], []]
    assert find("messageLabel").text() == "No raster is chosen."
    assert "Add a raster to the project" in find("hintLabel").text()
    assert find("messageFrame").isVisible()


def test_without_labels_nothing_is_asked_for_and_the_form_says_what_to_do(dock, find, click, listen, raster):
    asked = listen(dock.train_requested)
    click("trainButton")
    assert asked == []
    assert find("messageLabel").text() == "No labels are chosen."
    assert "polygon layer" in find("hintLabel").text()


def test_without_a_base_model_nothing_is_asked_for(dock, find, click, listen, raster, labels):
    asked = listen(dock.train_requested)
    dock.show_models([])
    click("trainButton")
    assert asked == []
    assert find("messageLabel").text() == "No base model is chosen."


def test_a_refusal_goes_away_when_the_next_click_is_fine(dock, find, click, raster, make_polygons):
    click("trainButton")
    assert find("messageFrame").isVisible()
    make_polygons()
    click("trainButton")
    assert not find("messageFrame").isVisible()


def test_only_rasters_can_be_the_raster_and_only_polygons_the_labels(dock, find, raster, labels):
    QgsProject.instance().addMapLayer(QgsVectorLayer("LineString?crs=EPSG:3857", "roads", "memory"))
    rasters, polygons = find("rasterCombo"), find("labelCombo")
    assert [rasters.layer(index) for index in range(rasters.count())] == [None, raster]
    assert [polygons.layer(index) for index in range(polygons.count())] == [None, labels]


def test_only_selected_features_can_be_asked_for_while_something_is_selected(dock, find, click, labels):
    assert not find("selectedCheck").isEnabled()
    labels.selectByIds([1, 2])
    assert find("selectedCheck").isEnabled()
    assert "(2)" in find("selectedCheck").text()
    click("selectedCheck")
    assert dock.read_choices().only_selected
    labels.removeSelection()
    assert find("selectedCheck").isEnabled()
    assert dock.read_choices().only_selected
    click("selectedCheck")
    assert not dock.read_choices().only_selected
    assert not find("selectedCheck").isEnabled()


def test_the_selection_of_the_chosen_labels_counts_and_no_other(dock, find, labels, make_polygons):
    other = make_polygons("other labels")
    find("labelCombo").setLayer(other)
    labels.selectAll()
    assert not find("selectedCheck").isEnabled()
    other.selectAll()
    assert "(3)" in find("selectedCheck").text()


def test_labels_that_leave_the_project_leave_the_form(dock, find, project, labels):
    labels.selectAll()
    project.removeMapLayer(labels.id())
    assert dock.read_choices().label_layer is None
    assert not find("selectedCheck").isEnabled()


def test_the_line_beneath_the_base_model_is_its_card_and_warns_where_it_has_never_seen_a_roof(dock, find):
    assert "Knows roofs from above" in find("modelLine").text()
    find("modelCombo").setCurrentIndex(find("modelCombo").findData("imagenet_lite0"))
    line = find("modelLine").text()
    assert "not on buildings" in line
    assert "learns what a building is from your labels alone" in line


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_tuned_model_is_chosen_by_its_card_or_by_its_weights(dock, find, tuned_card, name):
    dock.formPage.modelPicker.open_model(str(tuned_card.with_name(name)))
    assert find("modelCombo").currentText() == "Tuned on a town"
    assert find("modelLine").text().startswith("Tuned. Reads red, green and blue.")
    assert dock.read_choices().base_model == str(tuned_card)


def test_a_file_that_is_no_card_is_refused_with_a_next_step_and_the_choice_stays(dock, find, tmp_path):
    (tmp_path / "other.json").write_text("{}")
    dock.formPage.modelPicker.open_model(str(tmp_path / "other.json"))
    assert "other.json" in find("messageLabel").text()
    assert find("hintLabel").text() == "Choose another base model."
    assert dock.read_choices().base_model == DEFAULT_BASE_MODEL


def test_a_tuned_model_stays_chosen_when_the_models_are_listed_anew(dock, find, tuned_card):
    dock.formPage.modelPicker.open_model(str(tuned_card))
    dock.show_models(list(dock.formPage.modelPicker._cards.values())[:1])
    assert dock.read_choices().base_model == str(tuned_card)
    assert find("modelCombo").count() == 2


def test_a_tuned_model_is_asked_for_by_a_dialog_that_holds_nothing_up(dock, find, tuned_card):
    find("tunedAction").trigger()
    dialog = next(child for child in dock.children() if child.inherits("QFileDialog"))
    assert dialog.isVisible()
    dialog.fileSelected.emit(str(tuned_card))
    dialog.close()
    assert dock.read_choices().base_model == str(tuned_card)


def test_the_device_is_said_as_it_was_told(dock, find):
    assert not find("deviceLine").isVisible()
    dock.show_device("Ready: runs on the CPU.")
    assert find("deviceLine").isVisible()
    assert find("deviceLine").text() == "Ready: runs on the CPU."


def test_a_refusal_goes_when_its_cause_goes(dock, find, click, labels, make_raster):
    click("trainButton")
    assert find("messageLabel").text() == "No raster is chosen."
    make_raster()
    assert not find("messageFrame").isVisible()


def test_a_message_about_a_run_stays_whatever_is_chosen(dock, find, labels, make_raster):
    dock.show_failed("The disk is full.", "Make room, then press Resume.", "/runs/town", True)
    make_raster()
    find("epochsSpin").setValue(3)
    assert find("messageLabel").text() == "The disk is full."


def test_what_a_check_found_goes_with_the_layers_that_it_looked_at(dock, find, labels, raster, make_polygons):
    other = make_polygons("other")
    for change in (lambda: find("labelCombo").setLayer(other), lambda: find("rasterCombo").setLayer(None)):
        dock.show_running("Check", "")
        dock.show_event(Finding("overlaps", "warning", "Two labels overlap."))
        dock.show_checked()
        find("epochsSpin").setValue(find("epochsSpin").value() + 1)
        labels.selectAll()
        assert len(dock.findingList.findings) == 1
        change()
        assert dock.findingList.findings == []
