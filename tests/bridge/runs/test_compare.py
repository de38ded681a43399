"""Two runs compared by the worker itself: the stand-in compares nothing."""

from __future__ import annotations

import pytest
from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback

from footprint_tuner.plugin.bridge.provider import TunerProvider
from footprint_tuner.plugin.core.paths import locate_environment
from footprint_tuner.ui.runs.compare_dialog import CompareDialog
from tests.conftest import make_report

pytestmark = pytest.mark.skipif(
    not locate_environment().is_ready, reason="the worker's environment is not set up: run `make setup`"
)


def test_two_runs_on_the_same_ground_are_compared(open_runs, shown_town, make_run, window, wait_until):
    pair = make_run("one"), make_run("two", report=make_report(hits=8, written="2026-02-02T00:00:00+00:00"))
    dock = open_runs().dock
    dock.tabs.setCurrentWidget(dock.runsTab)
    wait_until(lambda: len(dock.runsPage.entries) == 2)
    dock.runsPage.choose(list(pair))
    dock.runsPage.do("compare")
    wait_until(lambda: window.mainWindow().findChildren(CompareDialog))
    (dialog,) = window.mainWindow().findChildren(CompareDialog)
    assert dialog.verdictLabel.text().startswith("two is better than one by more than noise")
    assert dialog.rivalsTable.verticalHeaderItem(0).text() == "F1 by building"
    dialog.reject()


def test_the_algorithm_compares_two_runs_and_says_why_where_it_cannot(application, project, make_run):
    provider = TunerProvider()
    assert QgsApplication.processingRegistry().addProvider(provider)
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("footprint_tuner:compare")
    folders = make_run("one"), make_run("two", report=make_report(hits=8)), make_run("three", report=make_report(of=11))
    answers = []
    for other in folders[1:]:
        parameters = {"FIRST": str(folders[0]), "SECOND": str(other)}
        feedback = QgsProcessingFeedback()
        answers.append((*algorithm.run(parameters, QgsProcessingContext(), feedback), feedback.textLog()))
    QgsApplication.processingRegistry().removeProvider(provider)
    (results, is_good, _), (_, is_good_too, said) = answers
    assert is_good
    assert results["DIFFERENCE"] == pytest.approx(results["F1_SECOND"] - results["F1_FIRST"])
    assert 0 < results["LOW"] < results["DIFFERENCE"] < results["HIGH"]
    assert results["SENTENCE"].startswith("two is better than one")
    assert not is_good_too
    assert "against different labels in 12 of 12 blocks" in said
