"""A finished run's layers in the project."""

from __future__ import annotations

import pytest
from qgis.core import Qgis, QgsFillSymbol, QgsSingleSymbolRenderer, QgsVectorLayer

from footprint_tuner.plugin.bridge.layers import results
from footprint_tuner.plugin.bridge.layers.layer_checks import take_labels
from footprint_tuner.plugin.bridge.layers.polygon_copy import copy_polygons
from footprint_tuner.plugin.bridge.layers.results import find_layers, load_results
from footprint_tuner.plugin.core.folder import RunFolder


@pytest.fixture
def folder(make_labels, tmp_path):
    """The folder of a run that has got as far as its footprints."""
    path = tmp_path / "Büro 建物 run"
    path.mkdir()
    copy_polygons(take_labels(make_labels()), RunFolder(path).footprints, lambda: False)
    return RunFolder(path)


def test_layers_that_a_run_did_not_write_are_left_out(folder, project):
    (layer,) = load_results(folder, project)
    assert layer.isValid()
    assert [node.name() for node in project.layerTreeRoot().findLayers()] == ["Footprints"]


def test_the_model_that_an_improved_run_began_with_is_called_the_earlier_one(folder, project, make_labels):
    copy_polygons(take_labels(make_labels()), folder.base_footprints, lambda: False)
    folder.earlier.write_bytes(b"")
    list(load_results(folder, project))
    titles = [node.name() for node in project.layerTreeRoot().findLayers()]
    assert titles == ["Footprints", "Earlier model's footprints"]


def test_the_group_stands_above_what_is_in_the_project_already(folder, project, make_labels):
    project.addMapLayer(make_labels())
    list(load_results(folder, project))
    assert [node.name() for node in project.layerTreeRoot().children()] == ["Büro 建物 run", "houses"]


def test_the_group_is_found_again_after_the_user_has_renamed_and_moved_it(folder, project):
    list(load_results(folder, project))
    outer = project.layerTreeRoot().insertGroup(0, "towns")
    group = project.layerTreeRoot().findGroup("Büro 建物 run")
    outer.addChildNode(group.clone())
    project.layerTreeRoot().removeChildNode(group)
    outer.children()[0].setName("the town")
    list(load_results(folder, project))
    assert [node.name() for node in project.layerTreeRoot().children()] == ["towns"]
    assert len(project.mapLayers()) == 1


def test_a_layer_that_the_user_took_out_of_the_group_is_not_shown_twice(folder, project):
    (layer,) = load_results(folder, project)
    root = project.layerTreeRoot()
    node = root.findLayer(layer.id())
    root.addChildNode(node.clone())
    node.parent().removeChildNode(node)
    assert list(load_results(folder, project)) == [layer]
    assert len(project.mapLayers()) == 1


def test_a_project_that_was_moved_with_its_runs_shows_them_once(folder, project, tmp_path):
    list(load_results(folder, project))
    project.setFilePathStorage(Qgis.FilePathType.Relative)
    assert project.write(str(tmp_path / "town.qgs"))
    project.clear()
    place = tmp_path / "elsewhere"
    place.mkdir()
    for name in ("town.qgs", folder.path.name):
        (tmp_path / name).rename(place / name)
    assert project.read(str(place / "town.qgs"))
    moved = RunFolder(place / folder.path.name)
    list(load_results(moved, project))
    assert [node.name() for node in project.layerTreeRoot().children()] == ["Büro 建物 run"]
    assert len(project.mapLayers()) == len(find_layers(moved, project)) == 1
    assert find_layers(folder, project) == []


def test_layers_shown_already_are_read_anew(folder, project, make_labels, square):
    (layer,) = load_results(folder, project)
    copy_polygons(take_labels(make_labels(square(0), square(1), square(2))), folder.footprints, lambda: False)
    assert list(load_results(folder, project)) == [layer]
    assert layer.featureCount() == 3


def test_a_layer_wears_the_plugins_style_where_there_is_one(folder, project, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "STYLES", tmp_path)
    pattern = QgsVectorLayer("Polygon", "pattern", "memory")
    pattern.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple({"color": "#123456"})))
    pattern.saveNamedStyle(str(tmp_path / "footprints.qml"))
    (layer,) = load_results(folder, project)
    assert layer.renderer().symbol().color().name() == "#123456"
    assert layer.name() == "Footprints"


def test_every_style_that_comes_with_the_plugin_can_be_loaded(folder, project):
    for path in sorted(results.STYLES.glob("*.qml")):
        (layer,) = load_results(folder, project)
        assert layer.loadNamedStyle(str(path))[1], path.name
