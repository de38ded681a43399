"""What the parameters of a job say."""

from __future__ import annotations

import pytest
from qgis.core import QgsProcessingContext, QgsProcessingFeatureSourceDefinition, QgsVectorLayer

from footprint_tuner.plugin.bridge.algorithms.parameters import read_bands
from footprint_tuner.plugin.bridge.algorithms.split import SplitAlgorithm
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


@pytest.mark.parametrize("how", ["layer", "id", "selected", "path"])
def test_labels_that_are_a_runs_own_footprints_are_refused_however_they_are_given(project, make_real, make_raster, how):
    path = make_real() / "footprints.gpkg"
    layer = project.addMapLayer(QgsVectorLayer(str(path), "my houses", "ogr"))
    given = {
        "layer": layer,
        "id": layer.id(),
        "selected": QgsProcessingFeatureSourceDefinition(layer.id(), True),
        "path": str(path),
    }
    raster = project.addMapLayer(make_raster())
    algorithm = SplitAlgorithm()
    algorithm.initAlgorithm()
    context = QgsProcessingContext()
    context.setProject(project)
    with pytest.raises(InputError, match="was made by Footprint Tuner: it holds the footprints of a model"):
        algorithm.read_delivery({"RASTER": raster, "LABELS": given[how]}, context)
