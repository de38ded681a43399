"""A list of layers guesses nothing: none is chosen until somebody does, and none again when that one goes."""

import pytest
from qgis.core import QgsMapLayerProxyModel

from footprint_tuner.ui.fields.layer_combo import LayerCombo


@pytest.fixture
def combo(project):
    """A list of polygon layers without a dock around it."""
    made = LayerCombo()
    made.setFilters(QgsMapLayerProxyModel.PolygonLayer)
    made.show_none_as("choose one")
    yield made
    made.deleteLater()


def test_no_layer_is_taken_by_its_name(combo, make_polygons):
    make_polygons("a")
    make_polygons("b")
    assert combo.currentLayer() is None
    assert combo.currentText() == "choose one"


def test_a_layer_that_leaves_the_project_is_none_and_no_other(combo, make_polygons, project, listen):
    layers = [make_polygons(name) for name in "abc"]
    told = listen(combo.layerChanged)
    for gone in (layers[1], layers[0]):
        combo.setLayer(gone)
        project.removeMapLayer(gone.id())
        assert combo.currentLayer() is None
    assert told[1::2] == [None, None]
    combo.setLayer(layers[2])
    project.clear()
    assert combo.currentLayer() is None


def test_a_layer_that_is_no_longer_offered_is_none_and_no_other(combo, make_polygons, listen):
    layers = [make_polygons(name) for name in "abc"]
    combo.setLayer(layers[1])
    told = listen(combo.layerChanged)
    combo.setExceptedLayerList([layers[1]])
    assert (combo.currentLayer(), told) == (None, [None])


def test_a_layer_that_the_list_does_not_offer_cannot_be_chosen(combo, make_polygons, raster):
    combo.setLayer(make_polygons())
    combo.setLayer(raster)
    assert combo.currentLayer() is None
    assert combo.currentText() == "choose one"


def test_another_name_or_another_layer_changes_no_choice(combo, make_polygons, project, listen):
    chosen, other = make_polygons("m"), make_polygons("n")
    combo.setLayer(chosen)
    told = listen(combo.layerChanged)
    chosen.setName("z")
    other.setName("a")
    make_polygons("b")
    project.removeMapLayer(other.id())
    assert combo.currentLayer() == chosen
    assert told == []


def test_every_list_of_layers_in_the_dock_is_of_this_kind(dock):
    names = {combo.objectName() for combo in dock.findChildren(LayerCombo)}
    assert {"rasterCombo", "labelCombo", "areasCombo", "predictRasterCombo", "groundLayerCombo"} <= names
    assert names == {combo.objectName() for combo in dock.findChildren(LayerCombo.__bases__[0])}


@pytest.mark.parametrize("name", ["labelCombo", "areasCombo", "groundLayerCombo", "correctedCombo"])
def test_what_is_removed_from_the_project_leaves_the_form_empty(dock, find, make_polygons, project, name):
    layers = [make_polygons(each) for each in "abc"]
    find(name).setLayer(layers[1])
    project.removeMapLayer(layers[1].id())
    assert find(name).currentLayer() is None
