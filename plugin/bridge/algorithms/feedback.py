"""A worker's events, told in Processing's words."""

from __future__ import annotations

from typing import Sequence

from qgis.core import QgsProcessingFeedback

from ...core.events import ADVICE, STAGES, EpochEnded, Event, Finding, Notice, Progress, Scored, StageStarted
from ..worker_client.messages import join
from ..worker_client.progress import OverallProgress


class FeedbackAdapter:
    """Shows events in Processing's log and progress bar; keeps the ``notices``, a line each, and the ``findings``."""

    def __init__(self, feedback: QgsProcessingFeedback, stages: Sequence[str] = STAGES) -> None:
        """Tell them to ``feedback``; the progress bar divides into ``stages``."""
        self.feedback = feedback
        self.notices: list[str] = []
        self.findings: list[Finding] = []
        self._progress = OverallProgress(stages)

    def tell(self, event: Event) -> None:
        """Show one event."""
        self.feedback.setProgress(self._progress.read(event))
        if isinstance(event, StageStarted):
            self.feedback.setProgressText(f"{event.stage} (done in an earlier run)" if event.resumed else event.stage)
        elif isinstance(event, Progress) and event.text:
            self.feedback.setProgressText(f"{event.stage}: {event.text}")
        elif isinstance(event, EpochEnded):
            self.feedback.pushInfo(_describe_epoch(event))
        elif isinstance(event, Notice):
            self._tell_notice(event)
        elif isinstance(event, Finding):
            self.findings.append(event)
            self._tell_line(join(event.message, event.hint), is_warning=event.level != ADVICE)
        elif isinstance(event, Scored):
            f1s = {"building": event.score.building.f1, "pixel": event.score.pixel.f1}
            parts = [f"{f1:.3f} by {kind}" for kind, f1 in f1s.items() if f1 is not None]
            self.feedback.pushInfo(f"F1 {event.which}: {', '.join(parts)}")

    def _tell_notice(self, notice: Notice) -> None:
        line = join(notice.message, notice.hint)
        self.notices.append(line)
        self._tell_line(line, is_warning=notice.level == "warning")

    def _tell_line(self, line: str, *, is_warning: bool) -> None:
        if is_warning:
            self.feedback.pushWarning(line)
        else:
            self.feedback.pushInfo(line)


def _describe_epoch(event: EpochEnded) -> str:
    losses = f"loss {event.train_loss:.3f} in training, {event.validation_loss:.3f} in validation"
    best = " (best so far)" if event.is_best else ""
    return f"Epoch {event.epoch} of {event.epochs}: {losses}; F1 {event.validation_f1:.3f}{best}"
