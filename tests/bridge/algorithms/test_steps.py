"""What the review does, as single steps of Processing: a threshold is set, a run is sent."""

from __future__ import annotations

import json
import zipfile

from qgis.core import QgsVectorLayer

from tests.bridge.algorithms.test_algorithms import Feedback, provider, refuse, run
from tests.bridge.open_run import folder

__all__ = ("folder", "provider", "run")  # fixtures


def test_another_threshold_is_set_scored_and_marked(run, environment, folder):
    results, _ = run("retrace", {"RUN_FOLDER": str(folder.path), "THRESHOLD": 0.7, "MIN_AREA": 20})
    assert (results["F1_AFTER"], results["REPORT"]) == (0.7, str(folder.page))
    assert QgsVectorLayer(results["FOOTPRINTS"]).featureCount() == 2
    hand = json.loads(folder.report.read_text("utf-8"))["by_hand"]
    assert (hand["threshold"], hand["min_area_m2"]) == (0.7, 20)


def test_without_a_threshold_what_the_run_chose_is_back(run, environment, folder):
    run("retrace", {"RUN_FOLDER": str(folder.path), "THRESHOLD": 0.7})
    results, _ = run("retrace", {"RUN_FOLDER": str(folder.path)})
    assert results["F1_AFTER"] == 0.5
    assert json.loads(folder.report.read_text("utf-8"))["by_hand"] is None


def test_a_run_whose_layer_is_edited_is_not_traced_anew(run, environment, folder, project):
    layer = project.addMapLayer(QgsVectorLayer(folder.footprints.as_posix(), "Footprints", "ogr"))
    assert layer.startEditing()
    before = folder.report.read_bytes()
    assert 'The layer "Footprints" is being edited' in refuse(run, "retrace", {"RUN_FOLDER": str(folder.path)})
    assert folder.report.read_bytes() == before
    layer.rollBack()


def test_a_folder_that_is_no_run_is_refused(run, environment, tmp_path):
    for name, more in (("retrace", {}), ("send", {"ZIP": str(tmp_path / "out.zip")})):
        assert str(tmp_path.name) in refuse(run, name, {"RUN_FOLDER": str(tmp_path), **more})
    assert list(tmp_path.glob("*.zip")) == []


def test_a_run_is_sent_without_any_environment(run, folder, tmp_path):
    feedback = Feedback()
    results, _ = run("send", {"RUN_FOLDER": str(folder.path), "ZIP": str(tmp_path / "out.zip")}, feedback)
    names = {name.partition("/")[2] for name in zipfile.ZipFile(results["ZIP"]).namelist()}
    assert {"job.json", "report.json", "footprints.gpkg"} <= names
    assert "probability.tif" not in names
    assert feedback.percents[-1] > 0
