"""A run while it runs: its stage, how far it is, how long it will take, and the ways to stop it."""

from __future__ import annotations

from qgis.PyQt.QtCore import QElapsedTimer, QLocale, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QProgressBar, QPushButton, QWidget

from ...plugin.core.events import OCCASIONAL_STAGES, STAGES, EpochEnded, Progress, Scored, StageStarted, Started
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel, format_clock, format_score

_STEPS = 1000
_MINUTE_S = 60
_MANY_MINUTES = 90


class ProgressPage(QWidget):
    """Shows the events of a run. *Stop and keep the best* is offered while there is a best to keep."""

    finish_requested = pyqtSignal()
    cancel_requested = pyqtSignal()

    runLabel: WrapLabel
    stageLabel: WrapLabel
    progressBar: QProgressBar
    timeLeftLabel: WrapLabel
    detailLabel: WrapLabel
    baseLabel: WrapLabel
    finishButton: QPushButton
    cancelButton: QPushButton

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without a run."""
        super().__init__(parent)
        self._stage = ""
        self._left = ""
        self._stages: tuple[str, ...] = ()
        self._is_cancelling = False
        self._elapsed = QElapsedTimer()
        self._ticker = QTimer(self)
        self._ticker.setInterval(1000)
        self._ticker.timeout.connect(self._tell_time)
        load_form(self, "tuning/progress")
        self.progressBar.setRange(0, 0)
        self.finishButton.clicked.connect(self._finish)
        self.cancelButton.clicked.connect(self._cancel)

    @property
    def is_cancelling(self) -> bool:
        """Whether the user has asked to cancel."""
        return self._is_cancelling

    def begin(self, name: str, is_tuning: bool) -> None:
        """Begin anew for the run ``name``; one that only checks its inputs has no best epoch to keep."""
        self._stage, self._left, self._is_cancelling = "", "", False
        self._stages = tuple(stage for stage in STAGES if stage not in OCCASIONAL_STAGES)
        self.runLabel.setText(self.tr("Run: {}").format(name))
        self.stageLabel.setText(self.tr("Starting the worker"))
        self.progressBar.setRange(0, 0)
        self._show_text(self.detailLabel, "")
        self._show_text(self.baseLabel, "")
        self.finishButton.setVisible(is_tuning)
        self.finishButton.setEnabled(False)
        self.cancelButton.setEnabled(True)
        self._elapsed.start()
        self._ticker.start()
        self._tell_time()

    def end(self) -> None:
        """Stop counting the seconds."""
        self._ticker.stop()

    def show_started(self, event: Started) -> None:
        """Say what the run computes on."""
        self._show_text(self.detailLabel, self.tr("Computes on: {}").format(event.device) if event.device else "")

    def show_stage(self, event: StageStarted) -> None:
        """Name the stage and its place among all; one that comes only now and then counts once it has come."""
        self._stage, self._left = event.stage, ""
        name = self._name_stage(event.stage)
        if event.stage in STAGES:
            self._stages = self._stages if event.stage in self._stages else STAGES
            place = self.tr("{number} of {all}: {stage}")
            name = place.format(number=self._stages.index(event.stage) + 1, all=len(self._stages), stage=name)
        self.stageLabel.setText(name)
        self.progressBar.setRange(0, 0)
        self._show_text(self.detailLabel, self.tr("Finished before") if event.resumed else "")
        self.finishButton.setEnabled(False)
        self._tell_time()

    def show_progress(self, event: Progress) -> None:
        """Show how far the stage is; what belongs to another stage comes late and is passed over."""
        if event.stage != self._stage:
            return
        self.progressBar.setRange(0, _STEPS)
        self.progressBar.setValue(round(min(1.0, max(0.0, event.done)) * _STEPS))
        self._left = self._describe_left(event.left_s) if event.left_s is not None else ""
        if event.text and not self._is_cancelling:
            self._show_text(self.detailLabel, event.text)
        self._tell_time()

    def show_epoch(self, event: EpochEnded) -> None:
        """Offer to stop with the best epoch, now that there is one."""
        is_last = event.epoch >= event.epochs
        self.finishButton.setEnabled(self._stage == "tune" and not is_last and not self._is_cancelling)

    def show_scored(self, event: Scored) -> None:
        """Show the base model's score as soon as it is known."""
        if event.which == "before":
            f1 = format_score(event.score.building.f1)
            self._show_text(self.baseLabel, self.tr("F1 of the base model by building: {}").format(f1))

    def show_stopping(self, text: str) -> None:
        """Say that a stop was heard, and offer it no more."""
        self.finishButton.setEnabled(False)
        self._show_text(self.detailLabel, text)

    def _finish(self) -> None:
        self.show_stopping(self.tr("Stopping; the best epoch is kept."))
        self.finish_requested.emit()

    def _cancel(self) -> None:
        self._is_cancelling = True
        self.cancelButton.setEnabled(False)
        self.show_stopping(self.tr("Cancelling; finished stages are kept."))
        self.cancel_requested.emit()

    def _tell_time(self) -> None:
        so_far = self.tr("{} so far").format(format_clock(self._elapsed.elapsed() // 1000))
        self.timeLeftLabel.setText(f"{self._left} · {so_far}" if self._left else so_far)

    def _describe_left(self, seconds: float) -> str:
        """Return how long the stage will take, as exact as such an estimate deserves."""
        minutes = round(seconds / _MINUTE_S)
        if seconds < _MINUTE_S:
            return self.tr("Less than a minute left in this stage")
        if minutes < _MANY_MINUTES:
            return self.tr("About {} min left in this stage").format(minutes)
        return self.tr("About {} h left in this stage").format(QLocale().toString(minutes / 60, "f", 1))

    def _name_stage(self, stage: str) -> str:
        names = {
            "check": self.tr("Checking the inputs"),
            "fetch": self.tr("Fetching the weights"),
            "split": self.tr("Splitting the labelled area"),
            "base": self.tr("Scoring the base model"),
            "tune": self.tr("Tuning"),
            "predict": self.tr("Predicting"),
            "trace": self.tr("Tracing the footprints"),
            "score": self.tr("Scoring the tuned model"),
            "write": self.tr("Writing the report"),
        }
        return names.get(stage, stage)

    @staticmethod
    def _show_text(label: WrapLabel, text: str) -> None:
        label.setText(text)
        label.setVisible(bool(text))
