"""The dock's states, and what it asks for in each."""

from dataclasses import replace

import pytest
from qgis.PyQt.QtCore import Qt

from footprint_tuner.plugin.core.environment import SetupStep
from footprint_tuner.plugin.core.events import (
    STAGES,
    EpochEnded,
    Finished,
    Notice,
    Progress,
    Scored,
    StageStarted,
    Started,
)
from footprint_tuner.plugin.core.score import BuildingScore, Difference, PixelScore, Score
from footprint_tuner.ui.dock import DockState

BEFORE = Score(building=BuildingScore(3, 4, 7, 0.4, 0.3, 0.353), pixel=PixelScore(f1=0.41))
AFTER = Score(building=BuildingScore(8, 1, 2, 0.9, 0.8, 0.842), pixel=PixelScore(f1=0.87))


def end_epoch(dock, epoch=1, epochs=3, f1=0.5):
    dock.show_event(EpochEnded(epoch, epochs, 4.0 / epoch, 5.0 / epoch, f1, is_best=True))


@pytest.fixture
def tuning(dock):
    """The dock in the middle of a run's tuning."""
    dock.show_running("town", "/runs/town")
    dock.show_event(Started("/runs/town", device="cpu"))
    dock.show_event(StageStarted("tune"))
    return dock


def test_the_dock_begins_idle_with_the_form_alone(dock, find):
    assert dock.state is DockState.IDLE
    assert dock.objectName() == "FootprintTunerDock"
    assert find("trainButton").isVisible()
    hidden = ("setupButton", "stageLabel", "chart", "beforeLabel", "messageFrame", "noticeList")
    assert [name for name in hidden if find(name).isVisible()] == []


def test_a_run_hides_the_form_and_shows_its_name_and_stage(dock, find):
    dock.show_running("town", "/runs/town")
    assert dock.state is DockState.RUNNING
    assert not find("trainButton").isVisible()
    assert find("runLabel").text() == "Run: town"
    dock.show_event(StageStarted("base"))
    assert find("stageLabel").text() == "3 of 8: Scoring the base model"
    assert find("chart").isVisible()


def test_fetching_weights_counts_among_the_stages_where_it_happens(tuning, find):
    shown = []
    for stage in ("check", "fetch", "split"):
        tuning.show_event(StageStarted(stage))
        shown.append(find("stageLabel").text())
    assert shown == [
        "1 of 8: Checking the inputs",
        "2 of 9: Fetching the weights",
        "3 of 9: Splitting the labelled area",
    ]


def test_every_stage_has_a_name_of_its_own(tuning, find):
    names = []
    for stage in STAGES:
        tuning.show_event(StageStarted(stage))
        names.append(find("stageLabel").text().split(": ")[1])
    assert len(set(names)) == len(STAGES)
    assert not set(names) & set(STAGES)


def test_a_stage_of_a_newer_worker_is_shown_by_its_own_name(tuning, find):
    tuning.show_event(StageStarted("polish"))
    assert find("stageLabel").text() == "polish"


def test_progress_moves_the_bar_and_says_the_time_left(tuning, find):
    assert find("progressBar").maximum() == 0  # not known yet: the bar only shows life
    tuning.show_event(Progress("tune", 0.25, 150.0, "Epoch 1 of 3"))
    assert find("progressBar").value() == find("progressBar").maximum() / 4
    assert find("timeLeftLabel").text().startswith("About 2 min left in this stage")
    assert find("detailLabel").text() == "Epoch 1 of 3"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3, "Less than a minute"), (59.9, "Less than a minute"), (60, "About 1 min"), (3600, "About 60 min")],
)
def test_the_time_left_is_as_exact_as_it_deserves(tuning, find, seconds, text):
    tuning.show_event(Progress("tune", 0.1, seconds))
    assert find("timeLeftLabel").text().startswith(text)


def test_progress_of_a_stage_that_has_ended_is_passed_over(tuning, find):
    tuning.show_event(Progress("tune", 0.5))
    tuning.show_event(Progress("base", 0.9))
    assert find("progressBar").value() == find("progressBar").maximum() / 2


def test_a_stage_that_an_earlier_run_had_done_says_so(tuning, find):
    tuning.show_event(StageStarted("predict", resumed=True))
    assert find("detailLabel").text() == "Finished before"


def test_the_base_models_score_is_shown_as_soon_as_it_is_known(tuning, find):
    tuning.show_event(Scored("before", BEFORE))
    assert "0.353" in find("baseLabel").text()


def test_stop_and_keep_the_best_is_offered_once_an_epoch_has_ended_and_only_while_tuning(tuning, find):
    assert not find("finishButton").isEnabled()
    end_epoch(tuning)
    assert find("finishButton").isEnabled()
    tuning.show_event(StageStarted("predict"))
    assert not find("finishButton").isEnabled()


def test_stop_and_keep_the_best_is_not_offered_after_the_last_epoch(tuning, find):
    end_epoch(tuning, 3, 3)
    assert not find("finishButton").isEnabled()


def test_stop_and_keep_the_best_is_asked_for_once_and_the_run_goes_on(tuning, find, click, listen):
    asked = listen(tuning.finish_requested)
    end_epoch(tuning)
    click("finishButton")
    click("finishButton")
    assert len(asked) == 1
    assert tuning.state is DockState.STOPPING
    assert find("detailLabel").text() == "Stopping; the best epoch is kept."
    tuning.show_event(StageStarted("predict"))
    assert tuning.state is DockState.RUNNING
    assert find("cancelButton").isEnabled()


def test_cancel_is_asked_for_once_and_nothing_takes_the_word_back(tuning, find, click, listen):
    asked = listen(tuning.cancel_requested)
    end_epoch(tuning)
    click("cancelButton")
    click("cancelButton")
    assert len(asked) == 1
    end_epoch(tuning, 2)
    tuning.show_event(Progress("tune", 0.7, text="Epoch 2"))
    assert tuning.state is DockState.STOPPING
    assert not find("finishButton").isEnabled()
    assert find("detailLabel").text() == "Cancelling; finished stages are kept."


def test_a_stop_that_was_asked_for_elsewhere_is_shown(tuning, find):
    tuning.show_stopping("Cancelling.")
    assert tuning.state is DockState.STOPPING
    assert find("detailLabel").text() == "Cancelling."


def test_the_end_shows_both_scores_in_large_figures_and_the_counts(tuning, find):
    end_epoch(tuning)
    tuning.show_finished(BEFORE, AFTER, "/runs/town")
    assert tuning.state is DockState.ENDED
    assert (find("beforeLabel").text(), find("afterLabel").text()) == ("0.353", "0.842")
    assert find("afterLabel").font().pointSize() >= 2 * find("stageLabel").font().pointSize()
    assert "+0.489" in find("gainLabel").text()
    assert "precision 0.900, recall 0.800" in find("afterLabel").toolTip()
    assert find("chart").isVisible()
    assert find("trainButton").isVisible()
    assert not find("cancelButton").isVisible()


def with_interval(score, low, high):
    return replace(score, building=replace(score.building, interval=(low, high)))


def test_intervals_and_whether_the_difference_is_more_than_noise_are_shown_where_they_are_known(dock, find):
    scores = with_interval(BEFORE, 0.3, 0.41), with_interval(AFTER, 0.8, 0.87)
    dock.show_finished(*scores, "/runs/town", Difference(0.489, (0.4, 0.55), is_more_than_noise=True))
    assert find("beforeInterval").text() == "0.300 to 0.410"
    assert find("afterInterval").text() == "0.800 to 0.870"
    assert find("gainLabel").text().endswith("This is more than noise: +0.400 to +0.550 (95 % interval).")
    dock.show_finished(*scores, "/runs/town", Difference(0.489, (-0.01, 0.55), is_more_than_noise=False))
    assert find("gainLabel").text().endswith("This is no more than noise: \u22120.010 to +0.550 (95 % interval).")


def test_the_score_of_a_small_town_or_of_an_older_worker_has_no_interval(dock, find):
    reason = "The 15 buildings lie in only 2 blocks; at least 10 are needed for an interval."
    dock.show_finished(BEFORE, AFTER, "/runs/town", Difference(0.489, sentence=reason))
    assert find("gainLabel").text().endswith(reason)
    dock.show_finished(BEFORE, AFTER, "/runs/town")
    assert find("gainLabel").text() == "F1 +0.489 on an area that the model never learned from."
    assert not find("beforeInterval").isVisible()
    assert not find("afterInterval").isVisible()


def test_a_score_that_is_not_known_is_a_dash(dock, find):
    dock.show_finished(Score(), AFTER, "/runs/town")
    assert find("beforeLabel").text() == "\u2013"
    assert find("gainLabel").text() == ""


def test_a_tuned_model_that_is_worse_is_not_praised(dock, find):
    dock.show_finished(AFTER, BEFORE, "/runs/town")
    assert "keep the base model" in find("gainLabel").text()
    assert "\u22120.489" in find("gainLabel").text()


def test_a_run_that_was_scored_again_shows_its_new_figures_and_their_mark(tuning, find):
    tuning.show_finished(BEFORE, BEFORE, "/runs/town")
    tuning.show_rescored(BEFORE, AFTER, "/runs/elsewhere", Difference(), "Set manually.")
    assert find("afterLabel").text() == "0.353"
    tuning.show_rescored(BEFORE, AFTER, "/runs/town", Difference(), "Set manually.")
    assert find("afterLabel").text() == "0.842"
    assert find("gainLabel").text().endswith("Set manually.")
    tuning.show_rescored(BEFORE, AFTER, "/runs/town", Difference(), "")
    assert "manually" not in find("gainLabel").text()


def test_the_runs_folder_and_its_report_can_be_opened(dock, find, click, listen, tmp_path):
    opened = listen(dock.folder_opened)
    dock.show_finished(BEFORE, AFTER, str(tmp_path))
    assert not find("reportButton").isVisible()
    click("folderButton")
    (tmp_path / "report.html").write_text("<p>report</p>")
    dock.show_finished(BEFORE, AFTER, str(tmp_path))
    click("reportButton")
    assert opened == [str(tmp_path), str(tmp_path / "report.html")]


def test_the_tuned_model_of_a_finished_run_can_be_exported(dock, click, listen):
    asked = listen(dock.export_requested)
    dock.show_finished(BEFORE, AFTER, "/runs/town")
    click("exportButton")
    assert asked == ["/runs/town"]


def test_the_report_of_a_run_can_be_saved_as_a_pdf_where_there_is_one(dock, find, click, listen, tmp_path):
    asked = listen(dock.pdf_requested)
    dock.show_finished(BEFORE, AFTER, str(tmp_path))
    assert not find("pdfButton").isVisible()
    (tmp_path / "report.html").write_text("<p>report</p>")
    dock.show_finished(BEFORE, AFTER, str(tmp_path))
    click("pdfButton")
    assert asked == [str(tmp_path)]


def test_a_failure_says_what_happened_and_what_to_do_and_offers_to_resume(tuning, find, click, listen):
    resumed, opened = listen(tuning.resume_requested), listen(tuning.folder_opened)
    tuning.show_failed("The disk is full.", "Make room, then press Resume.", "/runs/town", True)
    assert tuning.state is DockState.ENDED
    assert find("messageLabel").text() == "The disk is full."
    assert find("hintLabel").text() == "Make room, then press Resume."
    click("runFolderButton")
    click("resumeButton")
    assert (resumed, opened) == (["/runs/town"], ["/runs/town"])
    assert find("trainButton").isVisible()


def test_resume_is_not_offered_where_there_is_nothing_to_resume(tuning, find):
    tuning.show_failed("The labels are empty.", "Draw some.", "/runs/town", False)
    assert not find("resumeButton").isVisible()
    tuning.show_failed("The labels are empty.", "Draw some.", "", False)
    assert not find("runFolderButton").isVisible()


def test_a_cancelled_run_can_be_resumed(tuning, find, click, listen):
    resumed = listen(tuning.resume_requested)
    tuning.show_cancelled("/runs/town", True)
    assert find("messageLabel").text() == "The run was cancelled."
    click("resumeButton")
    assert resumed == ["/runs/town"]


def test_a_resumed_run_keeps_its_chart_and_another_run_begins_a_new_one(tuning, find):
    end_epoch(tuning, 1)
    tuning.show_failed("It broke.", "", "/runs/town", True)
    tuning.show_running("town", "/runs/town")
    end_epoch(tuning, 2)
    assert [event.epoch for event in find("chart").epochs] == [1, 2]
    tuning.show_running("village", "/runs/village")
    assert find("chart").epochs == []


def test_a_check_of_the_inputs_shows_no_chart_and_has_nothing_to_keep(dock, find):
    dock.show_running("Check", "")
    assert find("cancelButton").isVisible()
    assert not find("chart").isVisible()
    assert not find("finishButton").isVisible()
    dock.show_running("town", "/runs/town")
    assert find("finishButton").isVisible()


def test_notices_are_listed_once_each_and_outlive_the_run(tuning, find):
    notice = Notice("warning", "2 labels were repaired.", "Look at them.")
    for told in (notice, notice, Notice("info", "The raster has 4 bands.")):
        tuning.show_event(told)
    assert [told.message for told in find("noticeList").notices] == [
        "2 labels were repaired.",
        "The raster has 4 bands.",
    ]
    tuning.show_finished(BEFORE, AFTER, "/runs/town")
    assert find("noticeList").isVisible()
    tuning.show_running("village", "/runs/village")
    assert not find("noticeList").isVisible()


def test_the_name_of_a_layer_is_text_and_never_html(tuning, find):
    tuning.show_failed('The labels "<img src=x><b>a</b>" are empty.', "", "", False)
    assert find("messageLabel").text() == 'The labels "<img src=x><b>a</b>" are empty.'
    assert find("messageLabel").textFormat() == Qt.TextFormat.PlainText


def test_an_event_that_the_dock_does_not_show_changes_nothing(tuning):
    tuning.show_event(Finished())
    assert tuning.state is DockState.RUNNING


def test_a_message_can_be_closed(dock, find, click):
    dock.show_failed("It broke.", "Mend it.", "", False)
    click("closeButton")
    assert not find("messageFrame").isVisible()


def test_the_first_time_the_set_up_takes_the_forms_place_and_says_what_it_will_do(dock, find):
    dock.show_setup_needed("The environment is not there.", "Press Set up.")
    assert dock.state is DockState.NEEDS_SETUP
    assert not find("trainButton").isVisible()
    assert find("reasonLabel").text() == "The environment is not there. Press Set up."
    assert "5.5 GB" in find("planLabel").text()
    assert "footprint_tuner" in find("placeLabel").text()
    assert not find("setupLog").isVisible()


def test_a_set_up_shows_its_step_its_progress_and_its_log(dock, find, click, listen):
    asked = listen(dock.setup_requested)
    dock.show_setup_needed("", "")
    click("setupButton")
    assert len(asked) == 1
    assert dock.state is DockState.SETTING_UP
    assert not find("setupButton").isVisible()
    for text in ("Downloading torch", "Downloaded torch"):
        dock.show_setup_step(SetupStep("Installing", 30, 120, text))
    assert find("setupStepLabel").text() == "Installing"
    assert (find("setupBar").value(), find("setupBar").maximum()) == (30, 120)
    assert find("setupLog").toPlainText() == "Downloading torch\nDownloaded torch"
    assert find("setupLog").isReadOnly()


def test_a_set_up_is_cancelled_once_and_says_so_until_it_has_ended(dock, find, click, listen):
    asked = listen(dock.setup_cancel_requested)
    dock.show_setup_needed("", "")
    click("setupButton")
    click("setupCancelButton")
    click("setupCancelButton")
    dock.show_setup_step(SetupStep("Installing", 0, 0, "one more line"))
    assert len(asked) == 1
    assert find("setupStepLabel").text() == "Cancelling"
    dock.show_setup_needed("The set-up was cancelled.", "Press Set up to start it again.")
    assert find("setupButton").isVisible()
    click("setupButton")
    assert find("setupCancelButton").isEnabled()


def test_a_set_up_that_failed_is_offered_again_with_its_log(dock, find, click):
    dock.show_setup_needed("", "")
    click("setupButton")
    dock.show_setup_step(SetupStep("Installing", 0, 0, "No room left on the device"))
    dock.show_setup_ended(False, "The disk is full.", "Make room.")
    assert dock.state is DockState.NEEDS_SETUP
    assert find("messageLabel").text() == "The disk is full."
    assert find("hintLabel").text() == "Make room."
    assert find("setupButton").isVisible()
    assert "No room left" in find("setupLog").toPlainText()


def test_a_set_up_that_went_well_leads_to_the_form(dock, find):
    dock.show_setup_step(SetupStep("Checking", 0, 0, "A forward and a backward pass"))
    dock.show_setup_ended(True, "Ready: runs on the CPU.", "")
    assert dock.state is DockState.IDLE
    assert find("trainButton").isVisible()
    assert find("messageLabel").text() == "Ready: runs on the CPU."
