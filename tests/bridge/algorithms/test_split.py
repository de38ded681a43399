"""The split as an algorithm, and blocks that are changed by their ids."""

from __future__ import annotations

from pathlib import Path

import pytest
from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback, QgsVectorLayer

from footprint_tuner.plugin.bridge.provider import TunerProvider
from footprint_tuner.plugin.core.folder import RunFolder
from footprint_tuner.plugin.core.job import load_job


@pytest.fixture
def run(application, project):
    """Return a function that runs an algorithm and returns its results and what was said."""
    provider = TunerProvider()
    assert QgsApplication.processingRegistry().addProvider(provider)

    def execute(name, parameters):
        context, feedback = QgsProcessingContext(), QgsProcessingFeedback(False)
        context.setProject(project)
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(f"footprint_tuner:{name}")
        assert algorithm.checkParameterValues(parameters, context) == (True, "")
        results, is_good = algorithm.run(parameters, context, feedback, {}, False)
        return (results if is_good else {}), feedback.textLog()

    yield execute
    QgsApplication.processingRegistry().removeProvider(provider)


@pytest.fixture
def inputs(make_raster, make_labels, project):
    """What the algorithms need at least."""
    raster, labels = make_raster(), make_labels()
    project.addMapLayers([raster, labels])
    return {"RASTER": raster.id(), "LABELS": labels.id()}


def test_the_split_is_a_layer_with_its_counts_and_nothing_is_run(run, environment, inputs, tmp_path):
    results, _ = run("split", {**inputs, "BLOCKS": str(tmp_path / "blocks.gpkg")})
    assert (results["TRAINING"], results["VALIDATION"], results["HELD_OUT"]) == (30, 30, 40)
    blocks = QgsVectorLayer(results["BLOCKS"], "blocks", "ogr")
    assert {each["id"]: each["role"] for each in blocks.getFeatures()} == {
        1: "training",
        2: "training",
        3: "validation",
        4: "held-out",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blocks.gpkg", "home", "town.tif"]


def test_changed_blocks_are_given_by_their_ids(run, environment, inputs, tmp_path):
    outputs = {"RUN_FOLDER": str(tmp_path / "run"), "FOOTPRINTS": str(tmp_path / "footprints.gpkg")}
    changed = {**inputs, "BLOCK_ROLES": "1=held-out, 2 = left-out"}
    results, _ = run("split", {**changed, "BLOCKS": str(tmp_path / "blocks.gpkg")})
    assert (results["TRAINING"], results["HELD_OUT"]) == (0, 50)
    run("finetune", {**changed, **outputs})
    assert load_job(RunFolder(Path(outputs["RUN_FOLDER"])).job).block_roles == ("1=held-out", "2 = left-out")
    results, said = run("finetune", {**inputs, "BLOCK_ROLES": "1=x", **outputs})
    assert results == {}
    assert 'A changed block reads like "12=held-out", not "1=x".' in said
