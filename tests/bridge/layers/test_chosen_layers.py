"""What is chosen in the dock belongs to the project, and the plugin's own layers are not offered."""

import pytest
from qgis.core import QgsProject, QgsSettings, QgsVectorLayer

from footprint_tuner.plugin.bridge.layers.own_layers import AREAS, ERRORS, FINDINGS, FOOTPRINTS, SPLIT, mark

NAMES = ("rasterCombo", "labelCombo", "areasCombo", "predictRasterCombo", "groundLayerCombo")


@pytest.fixture
def opened(runs_controller):
    """The dock with its controller, on a machine that is ready."""
    return runs_controller


@pytest.fixture
def town(project, make_raster, make_labels):
    """A project with a raster and some polygon layers, by their names."""
    layers = {"raster": make_raster()}
    for name in ("areas", "buildings", "a model's footprints", "roads"):
        layers[name] = make_labels(fields="&field=role:string")
        layers[name].setName(name)
    project.addMapLayers(list(layers.values()))
    return layers


def find(controller, name):
    return controller.dock.findChild(object, name)


def read_names(controller):
    layers = [find(controller, name).currentLayer() for name in NAMES]
    return [None if layer is None else layer.name() for layer in layers]


def list_offered(controller, name):
    combo = find(controller, name)
    return [combo.layer(row).name() for row in range(combo.count()) if combo.layer(row) is not None]


def choose(controller, town):
    for name, layer in zip(NAMES, ("raster", "buildings", "areas", "raster", "areas")):
        find(controller, name).setLayer(town[layer])


WANTED = ["town", "buildings", "areas", "town", "areas"]


def test_the_choices_return_with_the_project_and_not_with_another(opened, town, project, tmp_path):
    choose(opened, town)
    project.write(str(tmp_path / "town.qgz"))
    project.clear()
    assert read_names(opened) == [None] * 5
    project.write(str(tmp_path / "new.qgz"))
    project.read(str(tmp_path / "town.qgz"))
    assert read_names(opened) == WANTED
    assert not project.isDirty()
    project.read(str(tmp_path / "new.qgz"))
    assert read_names(opened) == [None] * 5


def test_a_dock_that_is_opened_later_has_the_projects_choices(opened, open_runs, town, project, tmp_path):
    choose(opened, town)
    project.write(str(tmp_path / "town.qgz"))
    opened.stop()
    project.clear()
    project.read(str(tmp_path / "town.qgz"))
    assert read_names(open_runs()) == WANTED


def test_an_end_of_qgis_after_the_project_was_cleared_takes_no_choice_away(opened, open_runs, town, project, tmp_path):
    choose(opened, town)
    project.write(str(tmp_path / "town.qgz"))
    project.clear()
    opened.dock.store_settings()
    opened.stop()
    project.read(str(tmp_path / "town.qgz"))
    assert read_names(open_runs()) == WANTED
    assert not [key for key in QgsSettings().allKeys() if key.endswith(("/labels", "/raster", "/areas"))]


def test_a_layer_that_was_taken_out_stays_none_when_the_project_is_opened_again(opened, town, project, tmp_path):
    choose(opened, town)
    project.removeMapLayer(town["areas"].id())
    assert read_names(opened) == ["town", "buildings", None, "town", None]
    project.write(str(tmp_path / "town.qgz"))
    project.read(str(tmp_path / "town.qgz"))
    assert read_names(opened) == ["town", "buildings", None, "town", None]


def test_a_new_choice_makes_the_project_one_that_asks_to_be_saved(opened, town, project, tmp_path):
    project.write(str(tmp_path / "town.qgz"))
    find(opened, "labelCombo").setLayer(town["roads"])
    assert project.isDirty()


@pytest.mark.parametrize("kind", [FOOTPRINTS, ERRORS, SPLIT, FINDINGS])
def test_what_the_plugin_made_is_offered_neither_as_labels_nor_as_areas(opened, town, project, kind):
    mark(town["a model's footprints"], kind)
    rest = ["areas", "buildings", "roads"]
    assert list_offered(opened, "labelCombo") == list_offered(opened, "areasCombo") == rest
    town["a model's footprints"].setName("buildings, too")
    assert list_offered(opened, "labelCombo") == rest
    project.removeMapLayer(town["a model's footprints"].id())
    project.removeMapLayer(town["roads"].id())
    assert list_offered(opened, "labelCombo") == ["areas", "buildings"]


def test_a_double_of_what_the_plugin_made_is_not_offered_and_marked_for_itself(opened, town, project):
    mark(town["a model's footprints"], FOOTPRINTS)
    double = town["a model's footprints"].clone()
    double.setName("a copy")
    project.addMapLayer(double)
    assert list_offered(opened, "labelCombo") == ["areas", "buildings", "roads"]
    assert double.id() in double.customProperty("footprint_tuner/made")


def test_areas_that_were_drawn_are_offered_as_areas_alone(opened, town):
    mark(town["areas"], AREAS)
    assert "areas" in list_offered(opened, "areasCombo")
    assert "areas" not in list_offered(opened, "labelCombo")


def test_a_chosen_layer_that_turns_out_to_be_the_plugins_is_let_go(opened, town):
    find(opened, "labelCombo").setLayer(town["buildings"])
    mark(town["buildings"], FINDINGS)
    assert find(opened, "labelCombo").currentLayer() is None


def test_a_project_that_remembers_the_plugins_own_layer_as_labels_has_none(opened, town, project, tmp_path):
    find(opened, "labelCombo").setLayer(town["a model's footprints"])
    project.write(str(tmp_path / "town.qgz"))
    mark(town["a model's footprints"], FOOTPRINTS)
    project.writeEntry("FootprintTuner", "/layers/labels", town["a model's footprints"].id())
    project.write(str(tmp_path / "town.qgz"))
    project.read(str(tmp_path / "town.qgz"))
    assert find(opened, "labelCombo").currentLayer() is None


def test_files_of_a_run_that_are_added_by_hand_are_not_offered(opened, town, project, make_real):
    folder = make_real()
    for name in ("footprints", "base_footprints", "labels"):
        project.addMapLayer(QgsVectorLayer(str(folder / f"{name}.gpkg"), name, "ogr"))
    assert set(list_offered(opened, "labelCombo")) == {*town, "labels"} - {"raster"}


def test_a_dock_that_has_ended_leaves_the_project_alone(opened, town, project):
    opened.stop()
    find(opened, "labelCombo").setLayer(town["roads"])
    assert QgsProject.instance().readEntry("FootprintTuner", "/layers/labels", "")[0] == ""
    project.removeMapLayer(town["areas"].id())
