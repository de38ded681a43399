"""The story of a run: check, fetch what is missing, split, score the base model, tune, predict, trace, score, write.

Every stage leaves its result on disk, so that a run that was broken off goes on after the last stage that had ended.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ...core.events import Finished, Scored, Started
from ...core.folder import RunFolder
from ...core.job import Job
from ...core.json_codec import encode
from ...core.report import ManualThreshold
from ...core.run_state import SPACENET, StageResult
from ...core.score import BlockScore, Difference
from ..checks.findings import find_in_inputs, find_in_split
from ..dataset.inputs import check_inputs, split_inputs
from ..models.obtain import obtain_weights
from ..report.build import TuningStage
from ..report.manual_threshold import describe_by_hand
from ..runtime.channel import Channel
from ..spacenet.convert import take_in
from .findings import send_findings
from .outputs import write_split
from .resume import State


def run_job(job: Job, folder: RunFolder, channel: Channel) -> None:
    """Do the job in the run's folder; raises TunerError and CancelRequested."""
    channel.emit(Started(str(folder.path), pid=os.getpid()))
    state = State(folder, job)
    state.begin("check")
    if Path(job.raster).is_dir():
        state.begin(SPACENET)
    channel.start_stage("check")
    inputs = check_inputs(take_in(job, folder.path, channel), folder.path, channel)
    send_findings(find_in_inputs(inputs, channel), channel)
    if not state.has("tune"):  # from then on the base model is needed no more
        obtain_weights(inputs.card, channel)
    channel.start_stage("split")
    split = split_inputs(inputs, channel)
    send_findings(find_in_split(inputs, split), channel)
    state.begin("split")
    write_split(folder.split, inputs, split)
    state.settle("split")

    from ..models.pretrained import adopt_statistics  # noqa: PLC0415 - torch takes seconds to load: wrong inputs are told first
    from .stages import Stages  # noqa: PLC0415 - as above

    inputs = replace(inputs, card=adopt_statistics(inputs.card))
    stages = Stages(inputs, split, folder, channel)

    def do(stage: str, work: Callable[[], object]) -> None:
        """Do a stage, unless an earlier run of this job has done it."""
        channel.start_stage(stage, resumed=state.has(stage))
        if not state.has(stage):
            state.begin(stage)
            began, began_j = time.monotonic(), stages.energy.read_j()
            result = encode(work())
            energy_j = stages.energy.tell_since(began_j).get("energy_j")
            state.put(stage, StageResult(result, round(time.monotonic() - began, 2), energy_j))
        channel.report(1.0)

    do("base", stages.score_base)
    before = state.get("base", BlockScore)
    channel.emit(Scored("before", before))
    do("tune", stages.tune)
    tuning = state.get("tune", TuningStage)
    state.begin("card")
    card = stages.write_card(tuning, state.by_hand)
    state.settle("card")
    do("predict", lambda: stages.predict(card))
    do("trace", lambda: stages.trace(card))
    do("score", lambda: stages.score_tuned(card))
    after = state.get("score", BlockScore)
    channel.emit(Scored("after", after))
    chosen = ManualThreshold(tuning.parting.threshold, job.settings.min_area_m2)
    by_hand = describe_by_hand(state.by_hand or chosen, chosen)
    do("write", lambda: stages.write(before, after, tuning, state.spent, by_hand))
    channel.emit(Finished(list_files(folder), before, after, difference=state.get("write", Difference)))


def list_files(folder: RunFolder) -> dict[str, str]:
    """Return what a finished run leaves for its user: name -> path."""
    layers = (folder.footprints, folder.base_footprints, folder.errors, folder.split, folder.probability)
    return {path.stem: str(path) for path in (*layers, folder.report, folder.card)}
