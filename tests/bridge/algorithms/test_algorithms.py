"""The algorithms: what they take, give, tell and refuse, through Processing's own interfaces."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from qgis.core import (
    QgsApplication,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterFile,
    QgsProcessingParameterRasterLayer,
    QgsProcessingUtils,
    QgsVectorLayer,
)

from footprint_tuner.plugin.bridge.provider import TunerProvider
from footprint_tuner.plugin.core import worker_process
from footprint_tuner.plugin.core.folder import RunFolder
from footprint_tuner.plugin.core.job import load_job
from footprint_tuner.plugin.core.models import MODELS_FOLDER, find_card
from tests.waiting import LIMIT_S


class Feedback(QgsProcessingFeedback):
    """Keeps what an algorithm tells; cancels once ``cancel_at`` was told."""

    def __init__(self, cancel_at=""):
        super().__init__(False)
        self.told, self.percents, self._cancel_at = [], [], cancel_at

    def pushInfo(self, text):
        self.told.append(("info", text))

    def pushWarning(self, text):
        self.told.append(("warning", text))

    def pushConsoleInfo(self, text):
        self.told.append(("console", text))

    def reportError(self, text, fatalError=False):  # noqa: N803 - QGIS's name
        self.told.append(("error", text))

    def setProgressText(self, text):
        self.told.append(("stage", text))
        if text == self._cancel_at:
            threading.Timer(0.3, self.cancel).start()

    def setProgress(self, percent):
        self.percents.append(percent)

    @property
    def text(self):
        return "\n".join(text for _, text in self.told)


@pytest.fixture
def provider(application):
    """The provider, registered."""
    made = TunerProvider()
    assert QgsApplication.processingRegistry().addProvider(made)
    yield made
    QgsApplication.processingRegistry().removeProvider(made)


@pytest.fixture
def run(provider, project):
    """Return a function that runs an algorithm and returns its results."""

    def execute(name, parameters, feedback=None):
        context = QgsProcessingContext()
        context.setProject(project)  # which owns the layers: QGIS keeps the frames of an exception for ever
        project.addMapLayers([layer for layer in parameters.values() if isinstance(layer, QgsMapLayer)])
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(f"footprint_tuner:{name}")
        assert algorithm.checkParameterValues(parameters, context) == (True, "")
        feedback = feedback or Feedback()
        results, is_good = algorithm.run(parameters, context, feedback, {}, False)
        if not is_good:
            raise QgsProcessingException(feedback.text)
        return results, context

    return execute


@pytest.fixture
def inputs(make_raster, make_labels, project, tmp_path):
    """What ``finetune`` and ``check`` need at least; the labels are a layer with unsaved edits."""
    raster, labels = make_raster(), make_labels()
    project.addMapLayers([raster, labels])
    return {"RASTER": raster, "LABELS": labels.id()}


@pytest.fixture
def outputs(tmp_path):
    return {"RUN_FOLDER": str(tmp_path / "run"), "FOOTPRINTS": str(tmp_path / "footprints.geojson")}


ALL = ("finetune", "check", "split", "improve", "predict", "score", "export", "report", "compare", "retrace", "send")


@pytest.mark.parametrize("name", ALL)
def test_every_algorithm_introduces_itself(provider, name):
    algorithm = provider.algorithm(name)
    assert algorithm.id() == f"footprint_tuner:{name}"
    assert algorithm.displayName()
    assert algorithm.group()
    assert len(algorithm.shortHelpString()) > 200
    assert "footprint" in algorithm.tags()
    assert not algorithm.icon().isNull()
    assert all(parameter.description() for parameter in algorithm.parameterDefinitions())
    assert type(algorithm.create()) is type(algorithm)


def test_a_missing_environment_is_explained_before_anything_runs(provider, no_environment):
    can_execute, reason = provider.algorithm("finetune").canExecute()
    assert not can_execute
    assert "not set up" in reason
    assert "Set up" in reason
    assert "make setup" in reason


def test_an_environment_that_is_ready_lets_the_algorithms_run(provider, environment):
    assert provider.algorithm("finetune").canExecute() == (True, "")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"BANDS": " 3, 2,1", "TILE_PX": 512, "SAMPLES": 40}, ((3, 2, 1), 512, 40)),
        (
            {"BASE_MODEL": "xdxd_spacenet4"},
            ((3, 2, 1), None, None),
        ),  # it reads blue first, and the recipe says the rest
    ],
)
def test_bands_and_the_size_of_tiles_and_epochs_reach_the_job(run, environment, inputs, outputs, given, expected):
    run("finetune", {**inputs, **outputs, **given})
    job = load_job(RunFolder(Path(outputs["RUN_FOLDER"])).job)
    assert (job.bands, job.settings.tile_px, job.settings.samples) == expected


def test_finetune_gives_the_run_its_scores_and_its_footprints_in_the_format_asked_for(
    run, environment, inputs, outputs
):
    feedback = Feedback()
    results, _ = run("finetune", {**inputs, **outputs}, feedback)
    folder = RunFolder(Path(outputs["RUN_FOLDER"]))
    assert (results["F1_BEFORE"], results["F1_AFTER"]) == (0.25, 0.75)
    assert results["RUN_FOLDER"] == str(folder.path)
    assert Path(results["REPORT"]).exists()
    assert results["MODEL"] == str(folder.card)
    geojson = json.loads(Path(outputs["FOOTPRINTS"]).read_text("utf-8"))
    assert [feature["properties"]["confidence"] for feature in geojson["features"]] == [0.9, 0.8]
    assert ("warning", "2 invalid labels were repaired for this run.") in feedback.told
    assert ("stage", "tune") in feedback.told
    assert "Epoch 1 of 1" in feedback.text
    assert "F1 after: 0.750 by building, 0.500 by pixel" in feedback.text
    assert feedback.percents == sorted(feedback.percents)
    assert feedback.percents[-1] == 100


def test_finetune_passes_every_setting_on(run, environment, inputs, outputs, tmp_path):
    tuned = tmp_path / "model.json"
    find_card("imagenet_lite0").save(tuned)
    settings = {"EPOCHS": 7, "LEARNING_RATE": 0.002, "BATCH_SIZE": 3, "MIN_AREA": 12.5, "HELD_OUT_SHARE": 0.4}
    settings = {**settings, "SHIFT_EAST": -2.5, "SHIFT_NORTH": 1.25}
    run("finetune", {**inputs, **outputs, **settings, "SEED": 11, "DEVICE": "cpu", "TUNED_MODEL": str(tuned)})
    job = load_job(RunFolder(Path(outputs["RUN_FOLDER"])).job)
    assert (job.settings.epochs, job.settings.learning_rate, job.settings.batch_size) == (7, 0.002, 3)
    assert (job.settings.min_area_m2, job.settings.held_out_share) == (12.5, 0.4)
    assert (job.settings.seed, job.settings.device) == (11, "cpu")
    assert (job.settings.shift_east_m, job.settings.shift_north_m) == (-2.5, 1.25)
    assert job.base_model == str(tuned)


def test_what_is_left_open_is_left_to_the_base_models_card(run, environment, inputs, outputs):
    run("finetune", {**inputs, **outputs})
    settings = load_job(RunFolder(Path(outputs["RUN_FOLDER"])).job).settings
    assert (settings.epochs, settings.learning_rate, settings.batch_size) == (None, None, None)
    assert settings.device == "auto"


def test_finetune_takes_unsaved_edits_and_areas(run, environment, inputs, outputs, project, draw, square, make_labels):
    labels = project.mapLayer(inputs["LABELS"])
    labels.startEditing()
    draw(labels, [square(2)])
    areas = make_labels(fields="&field=Role:string", values=["training", "held-out"])
    project.addMapLayer(areas)
    run("finetune", {**inputs, **outputs, "AREAS": areas.id()})
    folder = RunFolder(Path(outputs["RUN_FOLDER"]))
    assert QgsVectorLayer(str(folder.labels), "", "ogr").featureCount() == 3
    assert [area["Role"] for area in QgsVectorLayer(str(folder.areas), "", "ogr").getFeatures()] == [
        "training",
        "held-out",
    ]
    assert labels.isModified()


def test_invalid_labels_do_not_stop_finetune_for_the_worker_repairs_them(
    run, environment, inputs, outputs, project, make_labels
):
    bow = make_labels("POLYGON((500000 2999990,500010 2999999,500010 2999990,500000 2999999,500000 2999990))")
    project.addMapLayer(bow)
    run("finetune", {**inputs, **outputs, "LABELS": bow.id()})
    assert QgsVectorLayer(str(RunFolder(Path(outputs["RUN_FOLDER"])).labels), "", "ogr").featureCount() == 1


def test_outputs_may_be_temporary(run, environment, inputs):
    results, context = run("finetune", {**inputs, "RUN_FOLDER": "TEMPORARY_OUTPUT", "FOOTPRINTS": "TEMPORARY_OUTPUT"})
    assert QgsProcessingUtils.mapLayerFromString(results["FOOTPRINTS"], context).featureCount() == 2
    assert RunFolder(Path(results["RUN_FOLDER"])).report.exists()


def test_footprints_may_be_left_out(run, environment, inputs, outputs):
    results, _ = run("finetune", {**inputs, "RUN_FOLDER": outputs["RUN_FOLDER"]})
    assert "FOOTPRINTS" not in results
    assert results["F1_AFTER"] == 0.75


def refuse(run, name, parameters, feedback=None):
    with pytest.raises(QgsProcessingException) as caught:
        run(name, parameters, feedback)
    return str(caught.value)


def test_a_folder_that_holds_something_is_refused_and_stays_as_it_is(run, environment, inputs, outputs):
    folder = Path(outputs["RUN_FOLDER"])
    folder.mkdir()
    (folder / "job.json").write_text("precious")
    assert "is not empty. Choose a new one" in refuse(run, "finetune", {**inputs, **outputs})
    assert [path.name for path in folder.iterdir()] == ["job.json"]


def test_relative_paths_mean_the_folder_in_which_finetune_was_called(run, environment, inputs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tuned.json").write_bytes((MODELS_FOLDER / "imagenet_lite0.json").read_bytes())
    here = {"TUNED_MODEL": "tuned.json", "RUN_FOLDER": "run", "FOOTPRINTS": "footprints.gpkg"}
    run("finetune", {**inputs, "RASTER": "town.tif", **here})
    job = json.loads((tmp_path / "run" / "job.json").read_text("utf-8"))
    assert job["raster"] == str(tmp_path / "town.tif")
    assert job["base_model"] == str(tmp_path / "tuned.json")


def test_bad_input_ends_finetune_with_sentence_and_next_step(run, environment, inputs, outputs, make_raster):
    text = refuse(run, "finetune", {**inputs, **outputs, "RASTER": make_raster(epsg=None)})
    assert "has no coordinate system. Write it into the file" in text
    assert not Path(outputs["RUN_FOLDER"]).exists()


def test_an_unknown_base_model_is_refused_with_those_that_there_are(run, environment, inputs, outputs):
    assert "Known models: " in refuse(run, "finetune", {**inputs, **outputs, "BASE_MODEL": "resnet"})


def test_a_failed_run_ends_finetune_with_the_workers_words(run, environment, inputs, outputs, monkeypatch):
    monkeypatch.setenv("STAND_IN", "fails")
    text = refuse(run, "finetune", {**inputs, **outputs})
    assert text.startswith("No label touches the raster.")
    assert text.endswith("Choose labels of the same place.")


def test_a_killed_worker_is_told_with_its_stage_and_the_end_of_its_log(run, environment, inputs, outputs, monkeypatch):
    monkeypatch.setenv("STAND_IN", "dies in predict")
    feedback = Feedback()
    assert 'It was in the stage "predict".' in refuse(run, "finetune", {**inputs, **outputs}, feedback)
    assert any(kind == "console" and "now in predict" in text for kind, text in feedback.told)


def test_a_cancel_is_heard_while_the_worker_is_silent(run, environment, inputs, outputs, monkeypatch, count_workers):
    monkeypatch.setattr(worker_process, "_GRACE_S", LIMIT_S)  # nothing but the order ends it
    monkeypatch.setenv("STAND_IN", "silent in tune")
    feedback = Feedback(cancel_at="tune")
    results, _ = run("finetune", {**inputs, **outputs}, feedback)
    assert results == {"RUN_FOLDER": outputs["RUN_FOLDER"]}
    assert count_workers() == 0


def test_check_says_ok_with_what_it_found_and_leaves_no_run(run, environment, inputs, tmp_path):
    results, _ = run("check", {**inputs, "REPORT": str(tmp_path / "check.html")})
    assert results["OK"] is True
    assert "2 labels." in results["TEXT"]
    assert "2 labels." in (tmp_path / "check.html").read_text("utf-8")


def test_check_reports_bad_input_without_an_error(run, environment, inputs, make_raster, monkeypatch):
    results, _ = run("check", {**inputs, "RASTER": make_raster(epsg=None)})
    assert results["OK"] is False
    assert "has no coordinate system" in results["TEXT"]
    monkeypatch.setenv("STAND_IN", "fails")
    results, _ = run("check", {**inputs, "RASTER": make_raster()})
    assert results["OK"] is False
    assert results["TEXT"].startswith("No label touches the raster. Choose labels of the same place.")


@pytest.fixture
def model(tmp_path):
    """The card of a tuned model."""
    find_card("imagenet_lite0").save(tmp_path / "model.json")
    return str(tmp_path / "model.json")


def test_export_gives_the_file_the_card_and_the_largest_difference(run, environment, model, tmp_path):
    out = tmp_path / "out" / "town.onnx"
    out.parent.mkdir()
    results, _ = run("export", {"MODEL_FILE": model, "TILE_PX": 512, "ONNX": str(out)})
    assert results == {"ONNX": str(out), "MODEL_CARD": str(out.with_suffix(".md")), "DIFFERENCE": 2e-6}
    asked = json.loads(out.read_text("utf-8"))
    assert (asked["--model"], asked["--tile-px"]) == (model, "512")


def test_export_takes_a_models_name_and_leaves_the_tiles_to_its_recipe(run, environment, tmp_path):
    run("export", {"ONNX": str(tmp_path / "starter.onnx")})
    asked = json.loads((tmp_path / "starter.onnx").read_text("utf-8"))
    assert asked["--model"] == "starter"
    assert "--tile-px" not in asked


def test_export_refuses_a_model_that_nobody_knows_and_a_file_of_another_kind(run, environment, tmp_path):
    assert "Known models: " in refuse(run, "export", {"MODEL": "resnet", "ONNX": str(tmp_path / "a.onnx")})
    assert ".onnx" in refuse(run, "export", {"ONNX": str(tmp_path / "a.tif")})
    assert not list(tmp_path.glob("a.*"))


def test_export_ends_with_the_workers_words_where_it_fails(run, environment, tmp_path, monkeypatch):
    monkeypatch.setenv("STAND_IN", "fails")
    text = refuse(run, "export", {"ONNX": str(tmp_path / "a.onnx")})
    assert text == "This network cannot be written as ONNX. Export only its card."


def test_score_gives_counts_and_passes_every_option_on(run, environment, make_labels, project, square):
    truth = make_labels(square(0), square(1), square(2), fields="&field=tile:string", values=["a", "a", "b"])
    footprints = make_labels(fields="&field=tile:string&field=p:double", values=None)
    footprints.dataProvider().truncate()
    project.addMapLayers([truth, footprints])
    layers = {"TRUTH": truth.id(), "FOOTPRINTS": footprints.id()}
    feedback = Feedback()
    results, _ = run("score", {**layers, "IOU": 0.6, "MIN_AREA": 4, "CONFIDENCE": "p", "BY": "tile"}, feedback)
    assert (results["TP"], results["FP"], results["FN"]) == (0, 0, 3)
    assert results["F1"] == 0.66
    assert set(results) == {"TP", "FP", "FN", "PRECISION", "RECALL", "F1"}


def test_score_takes_layers_without_a_coordinate_system(run, environment, make_labels, project):
    truth, footprints = make_labels(crs=""), make_labels(crs="")
    project.addMapLayers([truth, footprints])
    assert run("score", {"TRUTH": truth.id(), "FOOTPRINTS": footprints.id()})[0]["TP"] == 2


def test_score_ends_with_the_workers_words_where_it_fails(run, environment, make_labels, project, monkeypatch):
    monkeypatch.setenv("STAND_IN", "fails")
    layer = make_labels()
    project.addMapLayer(layer)
    text = refuse(run, "score", {"TRUTH": layer.id(), "FOOTPRINTS": layer.id()})
    assert text == "The file is broken. Choose another."


def test_the_algorithms_work_inside_a_model_of_the_model_builder(
    provider, project, environment, make_raster, model, tmp_path
):
    made = QgsProcessingModelAlgorithm("towns", "towns", "towns")
    for parameter in (QgsProcessingParameterRasterLayer("raster"), QgsProcessingParameterFile("tuned")):
        made.addModelParameter(parameter, QgsProcessingModelParameter(parameter.name()))
    child = QgsProcessingModelChildAlgorithm("footprint_tuner:predict")
    child.setChildId("predict")
    for name, source in (("RASTER", "raster"), ("MODEL", "tuned")):
        child.addParameterSources(name, [QgsProcessingModelChildParameterSource.fromModelParameter(source)])
    output = QgsProcessingModelOutput("houses", "houses")
    output.setChildId("predict")
    output.setChildOutputName("FOOTPRINTS")
    child.setModelOutputs({"houses": output})
    made.addChildAlgorithm(child)
    assert made.validateChildAlgorithm("predict") == (True, [])
    context = QgsProcessingContext()
    context.setProject(project)
    name = made.outputDefinitions()[0].name()  # "predict:houses" in QGIS 3.22, "houses" in 3.40
    parameters = {"raster": make_raster(), "tuned": model, name: str(tmp_path / "houses.gpkg")}
    results, is_good = made.run(parameters, context, Feedback())
    assert is_good
    assert QgsVectorLayer(results[name], "", "ogr").featureCount() == 3
