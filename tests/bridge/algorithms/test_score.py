"""The layer of errors that the algorithm ``score`` sends."""

from __future__ import annotations

import pytest
from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback, QgsVectorLayer

from footprint_tuner.plugin.bridge.provider import TunerProvider


@pytest.fixture
def score(application, project, environment, make_labels):
    """Return a function that scores labels against themselves and returns the results and the context."""
    provider = TunerProvider()
    assert QgsApplication.processingRegistry().addProvider(provider)
    labels = project.addMapLayer(make_labels())

    def run(**parameters):
        context = QgsProcessingContext()
        context.setProject(project)
        algorithm = QgsApplication.processingRegistry().createAlgorithmById("footprint_tuner:score")
        given = {"TRUTH": labels.id(), "FOOTPRINTS": labels.id(), **parameters}
        results, is_good = algorithm.run(given, context, QgsProcessingFeedback(False), {}, False)
        assert is_good
        return results, context

    yield run
    QgsApplication.processingRegistry().removeProvider(provider)


def test_score_sends_every_building_into_the_format_asked_for(score, tmp_path):
    wanted = str(tmp_path / "wanted.shp")
    results, _ = score(ERRORS=wanted)
    assert results["ERRORS"] == wanted
    assert [each["outcome"] for each in QgsVectorLayer(wanted).getFeatures()] == ["TP", "FN"]


def test_without_the_wish_for_errors_there_is_no_layer(score):
    results, context = score()
    assert "ERRORS" not in results
    assert not context.layersToLoadOnCompletion()
