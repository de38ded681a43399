"""No algorithm writes over a file that it reads."""

from __future__ import annotations

import os

import pytest
from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingOutputLayerDefinition,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

from footprint_tuner.plugin.bridge.provider import TunerProvider


@pytest.fixture
def check(application, project, make_labels, tmp_path):
    """Return a function that lets QGIS check the values of ``score`` on labels in a file, and returns what it says."""
    provider = TunerProvider()
    assert QgsApplication.processingRegistry().addProvider(provider)
    file, options = tmp_path / "town.gpkg", QgsVectorFileWriter.SaveVectorOptions()
    options.layerName = "houses"
    QgsVectorFileWriter.writeAsVectorFormatV3(make_labels(), str(file), project.transformContext(), options)
    labels = project.addMapLayer(QgsVectorLayer(f"{file}|layername=houses", "houses", "ogr"))

    def ask(errors, **given):
        context = QgsProcessingContext()
        context.setProject(project)
        algorithm = QgsApplication.processingRegistry().createAlgorithmById("footprint_tuner:score")
        return algorithm.checkParameterValues(
            {"TRUTH": labels.id(), "FOOTPRINTS": labels.id(), "ERRORS": errors, **given}, context
        )

    yield ask, file, labels
    QgsApplication.processingRegistry().removeProvider(provider)


def test_another_file_a_new_table_and_a_layer_in_memory_are_fine(check, tmp_path):
    ask, file, _ = check
    for errors in (str(tmp_path / "errors.gpkg"), "TEMPORARY_OUTPUT", "memory:", None):
        assert ask(errors) == (True, "")
    assert ask(f"ogr:dbname='{file}' table=\"errors\" (geom)")[0]


@pytest.mark.parametrize("how", ["plain", "definition", "link", "hard link", "table"])
def test_a_file_of_an_input_is_refused_before_anything_begins(check, tmp_path, how):
    ask, file, labels = check
    errors = str(file)
    if how == "definition":
        errors = QgsProcessingOutputLayerDefinition(errors)
    elif how == "link":
        (tmp_path / "link.gpkg").symlink_to(file)
        errors = str(tmp_path / "link.gpkg")
    elif how == "hard link":
        os.link(file, tmp_path / "hard.gpkg")
        errors = str(tmp_path / "hard.gpkg")
    elif how == "table":
        errors = f"ogr:dbname='{file}' table=\"{labels.name()}\" (geom)"
    is_fine, why = ask(errors)
    assert not is_fine
    assert "over the input" in why


def test_an_input_may_be_named_by_its_file_or_have_its_selection_taken(check):
    ask, file, labels = check
    for truth in (str(file), QgsProcessingFeatureSourceDefinition(labels.id(), True)):
        assert not ask(str(file), TRUTH=truth, FOOTPRINTS=truth)[0]
