"""Another threshold for a finished run: its footprints traced anew, and scored on the same held-out ground."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely

from ...core.atomic_file import passing_folder, refuse_open, replace_all, write_json
from ...core.card import Card
from ...core.edits import keep_edited
from ...core.errors import InputError, RunError
from ...core.events import Finished, Notice, Scored, Started
from ...core.folder import RunFolder
from ...core.job import Job, load_job
from ...core.json_codec import encode, read_object
from ...core.lock import hold_lock
from ...core.models import load_card
from ...core.report import ManualThreshold, Report
from ...core.run_guard import set_aside
from ...core.run_record import require_probability, require_reviewable
from ...core.run_state import read_made, read_state
from ...core.score import BlockScore, Difference
from ..dataset.inputs import Inputs, check_inputs, split_inputs
from ..evaluation.heldout import HeldOutEvaluation
from ..geodata.polygons import apply_affine
from ..geodata.raster import open_raster
from ..report.html.page import build_page
from ..report.html.source import read_card, read_facts
from ..report.lineage import refresh_chain
from ..report.manual_threshold import amend_report, describe_by_hand, read_chosen
from ..runtime.channel import Channel
from ..runtime.disk import check_writable
from ..runtime.logs import log_to
from ..spacenet.convert import take_in
from .evaluator import Evaluator
from .no_footprints import explain_none
from .outputs import write_footprints, write_outcomes
from .resume import restate
from .run import list_files

_STAGES = ("trace", "score", "write")
_OTHER_GROUND = InputError(
    "The held-out area is not the one that the run was scored on: the raster, labels or areas have changed.",
    "Run the job again: scores of different areas cannot be compared.",
)


@dataclass(frozen=True)
class ThresholdRequest:
    """What is to apply from now on; None: what does now, or with ``is_chosen`` what the run itself had chosen."""

    threshold: float | None = None
    min_area_m2: float | None = None
    is_chosen: bool = False

    def settle(self, card: Card, chosen: ManualThreshold) -> ManualThreshold:
        """Return the threshold and the least area that are meant; what is as good as the chosen one is that one."""
        start = chosen if self.is_chosen else ManualThreshold(card.threshold, card.min_area_m2)
        threshold = start.threshold if self.threshold is None else self.threshold
        least = start.min_area_m2 if self.min_area_m2 is None else self.min_area_m2
        cut = ManualThreshold(threshold, least)
        return chosen if cut.is_like(chosen) else cut


def retrace_run(path: Path, request: ThresholdRequest, channel: Channel) -> None:
    """Trace the run in a folder anew and score it; all files of the run change together, or none.

    Raises InputError where the run, its raster or its probability cannot be used, or the ground has changed, RunError
    where a file cannot be written, CancelRequested.
    """
    record = require_reviewable(path.resolve())
    folder, job = record.folder, load_job(record.folder.job)
    channel.emit(Started(str(folder.path), pid=os.getpid()))
    channel.start_stage("check")
    require_probability(folder)
    if not Path(job.raster).is_dir():
        with open_raster(job.raster):
            pass
    check_writable(folder.path)
    for layers in (folder.footprints, folder.errors):
        refuse_open(layers)
    refusal = RunError(f"Another worker is running in {folder.path}.", "Wait for it, then try again.")
    with hold_lock(folder.lock, refusal):
        log_to(folder.log)
        Retracing(folder, job, record.report, request, channel).do()


class Retracing:
    """One retracing, from its checks to its files."""

    def __init__(
        self, folder: RunFolder, job: Job, report: Report, request: ThresholdRequest, channel: Channel
    ) -> None:
        """Read what the run has come to; raises InputError."""
        self._folder, self._job, self._report, self._channel = folder, job, report, channel
        self._made = folder
        card, chosen = load_card(folder.card), read_chosen(report)
        self._cut = request.settle(card, chosen)
        self._by_hand = describe_by_hand(self._cut, chosen)
        self._card = self._cut.put_on(card)
        self._state = read_state(folder)

    def do(self) -> None:
        """Do it."""
        folder, channel = self._folder, self._channel
        # The tuned model reads the raster on the grid that the run worked on; the base model may be gone.
        job = replace(self._job, base_model=str(folder.card))
        inputs = check_inputs(take_in(job, folder.path, channel), folder.path, channel)
        channel.start_stage("split")
        evaluator = Evaluator(inputs, split_inputs(inputs, channel), channel)
        require_same_ground(evaluator.evaluation, inputs, self._report)
        with self._make():
            channel.start_stage("trace")
            count = write_footprints(
                self._made.footprints, evaluator.trace(folder.probability, self._card), inputs.raster, channel
            )
            if not count:
                channel.emit(explain_none(folder.probability, self._card))
            channel.start_stage("score")
            score = self._score(evaluator, inputs)
            channel.emit(Scored("after", score))
            channel.start_stage("write")
            report = self._write(score)
            results = {"trace": count, "score": score, "write": report.difference}
            with channel.past_cancel():
                self._put_in_place(results)
                channel.report(1.0)
                channel.emit(Finished(list_files(folder), report.before, score, difference=report.difference))

    @contextlib.contextmanager
    def _make(self) -> Iterator[None]:
        """Give a folder inside the run's in which everything is made; nothing of it is left."""
        with passing_folder(self._folder.path, "retrace") as made:
            self._made = RunFolder(made)
            yield

    def _score(self, evaluator: Evaluator, inputs: Inputs) -> BlockScore:
        path, card = self._folder.probability, self._card
        footprints = evaluator.trace_held_out(path, card.separation, card.min_area_m2)
        self._channel.report(0.5)
        score, outcomes = evaluator.score_held_out(path, footprints, card.separation)
        shutil.copyfile(self._folder.errors, self._made.errors)
        write_outcomes(self._made.errors, {"after": outcomes}, inputs.raster)
        self._channel.report(1.0)
        return score

    def _write(self, score: BlockScore) -> Report:
        """Write report, page and card, and return the report; what a newer version wrote into it stays."""
        made, folder, before = self._made, self._folder, encode(self._report)
        report = refresh_chain(amend_report(self._report, score, self._by_hand))
        if report.chain:
            report = replace(report, difference=report.chain[-1].difference or Difference())
        changes = {name: value for name, value in encode(report).items() if value != before[name]}
        write_json(made.report, {**(read_object(folder.report) or {}), **changes})
        self._card.save(made.card)
        shutil.copyfile(folder.split, made.split)  # the page's pictures are drawn from layers of one folder
        facts = replace(read_facts(folder), folder=made, report=report, card=read_card(made.card))
        made.page.write_text(build_page(facts), encoding="utf-8")
        return report

    def _put_in_place(self, results: Mapping[str, object]) -> None:
        """Move all files to their places. A run that is resumed after a crash in between does its last stages again."""
        made, folder = self._made, self._folder
        for path in (folder.footprints, folder.errors):
            if copy := keep_edited(path, self._report.written):
                self._tell_kept(path, copy)
        written = read_made(folder)
        for path in (folder.card, folder.page, folder.report):
            if copy := set_aside(path, written):
                self._tell_kept(path, copy)
        names = ("footprints", "errors", "card", "page", "report")
        moves = {getattr(made, name): getattr(folder, name) for name in names}
        if self._state is None:
            replace_all(moves)
            return
        by_hand = None if self._by_hand is None else self._cut
        write_json(made.state, encode(restate(self._state, results, by_hand, moves)))
        write_json(folder.state, encode(restate(self._state, dict.fromkeys(_STAGES), by_hand)))
        try:
            replace_all({**moves, made.state: folder.state})
        except RunError:
            write_json(folder.state, encode(self._state))
            raise

    def _tell_kept(self, path: Path, copy: str) -> None:
        self._channel.emit(Notice("info", f"What was edited in {path.name} is kept as {copy}."))


def require_same_ground(evaluation: HeldOutEvaluation, inputs: Inputs, report: Report) -> None:
    """Raise InputError unless held-out ground, its blocks and its labels are those of the run's report."""
    bounds = shapely.bounds(apply_affine(evaluation.blocks, inputs.raster.transform))
    known = np.array([block.bounds for block in report.blocks]).reshape(-1, 4)
    reach = inputs.raster.gsd_m * 0.1 if inputs.raster.crs.is_projected else 1e-6
    is_same = bounds.shape == known.shape and np.allclose(bounds, known, rtol=0, atol=reach)
    if not is_same or len(evaluation.truth) != sum(block.before.labels for block in report.blocks):
        raise _OTHER_GROUND
