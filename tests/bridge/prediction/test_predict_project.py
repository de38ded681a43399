"""The tab for predicting, and the project that is open."""

from __future__ import annotations

from tests.bridge.prediction.test_predict import controller, page, predict, town

__all__ = ("controller", "page", "predict", "town")  # fixtures


def test_a_new_project_shows_nothing_of_the_prediction_before(page, town, predict, project, tmp_path):
    page.outWidget.setFilePath(str(tmp_path / "mine.gpkg"))
    assert "3 footprints" in predict()
    project.clear()
    assert page.predictMessage.isHidden()
    assert page.differenceList.notices == []
    assert page.read_choices().out == ""


def test_the_footprints_of_a_prediction_are_never_offered_as_labels(page, town, predict, controller):
    predict()
    form = controller._dock.formPage
    assert (form.labelCombo.count(), form.settingsGroup.areasCombo.count()) == (1, 1)
