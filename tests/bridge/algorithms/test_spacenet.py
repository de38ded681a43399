"""A SpaceNet folder through Processing: what the algorithm hands to the worker, and what it gives to QGIS."""

from __future__ import annotations

import pytest
from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingUtils,
    QgsRasterLayer,
)

from footprint_tuner.plugin.bridge.provider import TunerProvider


class Feedback(QgsProcessingFeedback):
    """Keeps what an algorithm tells."""

    def __init__(self):
        super().__init__(False)
        self.text = ""

    def pushInfo(self, text):
        self.text += text + "\n"

    def reportError(self, text, fatalError=False):  # noqa: N803 - QGIS's name
        self.text += text + "\n"


@pytest.fixture
def convert(application, project, environment, make_raster, tmp_path):
    """Return a function that runs the algorithm on a folder; it gives results, context and what was said."""
    make_raster()
    provider = TunerProvider()
    assert QgsApplication.processingRegistry().addProvider(provider)

    def run(**parameters):
        context, feedback = QgsProcessingContext(), Feedback()
        context.setProject(project)
        algorithm = QgsApplication.processingRegistry().createAlgorithmById("footprint_tuner:spacenet")
        given = {"FOLDER": str(tmp_path), "OUTPUT_FOLDER": str(tmp_path / "out"), **parameters}
        assert algorithm.checkParameterValues(given, context) == (True, "")
        results, is_good = algorithm.run(given, context, feedback, {}, False)
        assert is_good
        return results, context, feedback.text

    yield run
    QgsApplication.processingRegistry().removeProvider(provider)


def test_the_algorithm_introduces_itself(convert):
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("footprint_tuner:spacenet")
    assert algorithm.displayName()
    assert len(algorithm.shortHelpString()) > 200
    assert "footprint" in algorithm.tags()
    assert all(parameter.description() for parameter in algorithm.parameterDefinitions())
    assert type(algorithm.create()) is type(algorithm)


def test_it_gives_a_raster_labels_and_areas_and_names_them_for_the_project(convert, tmp_path):
    results, context, text = convert()
    assert set(results) == {"OUTPUT_FOLDER", "RASTER", "LABELS", "AREAS"}
    assert QgsRasterLayer(results["RASTER"], "").isValid()
    assert QgsProcessingUtils.mapLayerFromString(results["LABELS"], context).featureCount() == 2
    assert f"{tmp_path}: the best." in text
    names = sorted(details.name for details in context.layersToLoadOnCompletion().values())
    assert names == [f"{tmp_path.name} {name}" for name in ("areas", "labels", "raster")]


def test_a_product_is_passed_on_and_layers_stay_out_where_they_are_not_wanted(convert, tmp_path):
    _, context, text = convert(PRODUCT=" MUL ", LOAD=False)
    assert f"{tmp_path}: MUL." in text
    assert context.layersToLoadOnCompletion() == {}


def test_a_worker_that_dies_ends_it_with_the_stage(convert, monkeypatch):
    monkeypatch.setenv("STAND_IN", "dies in convert")
    with pytest.raises(QgsProcessingException, match='in the stage "convert"'):
        convert()
