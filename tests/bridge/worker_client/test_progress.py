"""How far a run is as a whole."""

from __future__ import annotations

import pytest

from footprint_tuner.plugin.bridge.worker_client.progress import OverallProgress
from footprint_tuner.plugin.core.events import Finished, Notice, Progress, StageStarted


def test_every_stage_counts_the_same_and_the_end_is_a_hundred():
    progress = OverallProgress(["predict", "trace"])
    events = [StageStarted("predict"), Progress("predict", 0.5), StageStarted("trace"), Progress("trace", 1.0)]
    assert [progress.read(event) for event in events] == [0, 25, 50, 100]
    assert OverallProgress().read(Finished()) == 100


def test_a_stage_that_comes_now_and_then_counts_only_once_it_has_come():
    events = [Progress("predict", 0.5), Progress("trace", 0.5)]
    usual, fetching = OverallProgress(["fetch", "predict", "trace"]), OverallProgress(["fetch", "predict", "trace"])
    assert [usual.read(event) for event in events] == [25, 75]
    assert [round(fetching.read(event)) for event in [Progress("fetch", 0.5), *events]] == [17, 50, 83]


def test_the_percentage_never_falls_and_unknown_stages_change_nothing():
    progress = OverallProgress(["predict", "trace"])
    progress.read(Progress("trace", 0.5))
    assert progress.read(StageStarted("predict")) == pytest.approx(75)
    assert progress.read(Progress("check", 0.1)) == pytest.approx(75)
    assert progress.read(Notice("info", "")) == pytest.approx(75)
