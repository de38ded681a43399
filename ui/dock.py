"""The dock: it asks through signals and is told through ``show_...``; it knows no thread, worker or project."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Sequence

from qgis.core import QgsApplication
from qgis.gui import QgsDockWidget, QgsScrollArea
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QTabWidget, QToolButton, QWidget

from ..plugin.core.card import Card
from ..plugin.core.environment import SetupStep
from ..plugin.core.events import STOP, EpochEnded, Event, Finding, Notice, Progress, Scored, StageStarted, Started
from ..plugin.core.paths import RESOURCES
from ..plugin.core.report import Link
from ..plugin.core.score import Difference, Score
from .charts.loss_chart import LossChart
from .fields.choices import Choices
from .fields.message import MessageFrame
from .fields.notices import NoticeList
from .fields.ui_loader import load_form
from .predict.predict_page import PredictPage
from .predict.predict_settings import PredictSettings
from .review.review_page import ReviewPage
from .runs.run_list import RunsPage
from .tuning.findings import FindingList
from .tuning.form import FormPage
from .tuning.form_settings import FormSettings
from .tuning.progress import ProgressPage
from .tuning.report import ReportPage
from .tuning.setup import SetupPage
from .tuning.shift import ShiftLine

ICON = RESOURCES / "icon.svg"


class DockState(Enum):
    """What the dock is about."""

    NEEDS_SETUP = "needs setup"
    SETTING_UP = "setting up"
    IDLE = "idle"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"


class TunerDock(QgsDockWidget):
    """The dock of the plugin."""

    train_requested = pyqtSignal(object)
    check_requested = pyqtSignal(object)
    split_requested = pyqtSignal(object)
    finish_requested = pyqtSignal()
    cancel_requested = pyqtSignal()
    resume_requested = pyqtSignal(str)
    setup_requested = pyqtSignal()
    setup_cancel_requested = pyqtSignal()
    folder_opened = pyqtSignal(str)
    zoom_requested = pyqtSignal(object, str)
    layer_requested = pyqtSignal(object)
    export_requested = pyqtSignal(str)
    pdf_requested = pyqtSignal(str)
    help_requested = pyqtSignal()

    tabs: QTabWidget
    tuneTab: QWidget
    reviewTab: QWidget
    predictTab: QWidget
    runsTab: QWidget
    reviewPage: ReviewPage
    predictPage: PredictPage
    runsPage: RunsPage
    scrollArea: QgsScrollArea
    messageFrame: MessageFrame
    setupPage: SetupPage
    reportPage: ReportPage
    progressPage: ProgressPage
    chart: LossChart
    noticeList: NoticeList
    findingList: FindingList
    shiftLine: ShiftLine
    formPage: FormPage

    def __init__(self, parent: QWidget | None = None) -> None:
        """Build the dock, ready for the user's choices."""
        super().__init__(parent)
        load_form(self, "dock")
        self.setWindowIcon(QIcon(str(ICON)))
        self._memory = FormSettings(self.formPage)
        self._habits = PredictSettings(self.predictPage)
        self._folder = ""
        self._found_for: tuple[str, ...] = ()
        self._state = DockState.IDLE
        self._add_help()
        self._connect_pages()
        self._enter(DockState.IDLE)

    @property
    def state(self) -> DockState:
        """What the dock is about now."""
        return self._state

    def read_choices(self) -> Choices:
        """Return what is chosen, complete or not."""
        return self._shift(self.formPage.read_choices())

    def store_settings(self) -> None:
        """Keep the user's settings for the next session of QGIS; chosen layers are the project's."""
        self._memory.store()
        self._habits.store()

    def restore_settings(self) -> None:
        """Fill the form as it was in the last session of QGIS."""
        self._memory.restore()
        self._habits.restore()

    def show_models(self, cards: Sequence[Card]) -> None:
        """List the base models that come with the plugin."""
        self.formPage.modelPicker.show_models(cards)
        self.predictPage.show_models(cards)

    def show_device(self, text: str) -> None:
        """Say what runs compute on."""
        self.formPage.show_device(text)

    def show_setup_needed(self, reason: str, hint: str) -> None:
        """Offer the set-up, and why."""
        self.messageFrame.clear()
        self.setupPage.show_needed(reason, hint)
        self._enter(DockState.NEEDS_SETUP)

    def show_setup_step(self, step: SetupStep) -> None:
        """Show how far the set-up is."""
        self.setupPage.show_step(step)
        self._enter(DockState.SETTING_UP)

    def show_setup_ended(self, ok: bool, text: str, hint: str) -> None:
        """Go on to the form after a set-up that went well, else offer it again."""
        self.setupPage.show_ended(text)
        self._enter(DockState.IDLE if ok else DockState.NEEDS_SETUP)
        self._tell("success" if ok else "error", text, hint)

    def show_idle(self) -> None:
        """Offer the form."""
        self._enter(DockState.IDLE)

    def show_new_project(self) -> None:
        """Forget what was said of another project; a run that goes on, or that can be resumed, is kept."""
        if self._state not in (DockState.IDLE, DockState.ENDED):
            return
        self.messageFrame.tell_resume_alone()
        self.noticeList.clear()
        self.findingList.clear()
        self.shiftLine.clear()
        self.chart.clear()
        self._folder = ""
        self._enter(DockState.IDLE)

    def forget_refusal(self) -> None:
        """Take back why what was chosen could not be used: that has changed."""
        self.messageFrame.forget_refusal()

    def show_running(self, name: str, folder: str) -> None:
        """Begin to follow the run ``name``, in front; without a folder it is a check of the inputs alone.

        The epochs stay on the chart where the same run goes on.
        """
        self.tabs.setCurrentWidget(self.tuneTab)
        if folder != self._folder:
            self.chart.clear()
        self._folder = folder
        self.messageFrame.clear()
        self.noticeList.clear()
        self.findingList.clear()
        self.progressPage.begin(name, bool(folder))
        self._enter(DockState.RUNNING)

    def show_event(self, event: Event) -> None:
        """Show what an event of the run says."""
        if isinstance(event, Started):
            self.progressPage.show_started(event)
        elif isinstance(event, StageStarted):
            self._show_stage(event)
        elif isinstance(event, Progress):
            self.progressPage.show_progress(event)
        elif isinstance(event, EpochEnded):
            self.chart.add_epoch(event)
            self.progressPage.show_epoch(event)
        elif isinstance(event, Notice):
            self._found_for = self.formPage.describe_inputs()
            self.noticeList.add(event)
        elif isinstance(event, Finding):
            self._show_finding(event)
        elif isinstance(event, Scored):
            self.progressPage.show_scored(event)

    def show_checked(self) -> None:
        """Say that a check went to its end, above the form."""
        self._enter(DockState.IDLE)
        self.findingList.show_none()

    def show_stopping(self, text: str) -> None:
        """Say that the run was asked to stop."""
        self.progressPage.show_stopping(text)
        self._enter(DockState.STOPPING)

    def show_finished(
        self,
        before: Score,
        after: Score,
        folder: str,
        difference: Difference | None = None,
        chain: Sequence[Link] = (),
    ) -> None:
        """Show the scores of a run that went to its end, how sure their difference is, and the chain of models."""
        self.messageFrame.clear()
        self.reportPage.show_scores(before, after, folder, difference or Difference(), chain)
        self._enter(DockState.ENDED, is_finished=True)

    def show_rescored(
        self,
        before: Score,
        after: Score,
        folder: str,
        difference: Difference,
        mark: str,
        chain: Sequence[Link] = (),
    ) -> None:
        """Show new scores where those of this run stand; ``mark`` says how they came about."""
        if folder == self._folder:
            self.reportPage.show_scores(before, after, folder, difference, chain, mark)

    def show_failed(self, message: str, hint: str, folder: str, is_resumable: bool) -> None:
        """Say why a run, or what was asked before it, cannot go on."""
        self._enter(DockState.ENDED)
        self._tell("error", message, hint, folder, is_resumable)

    def show_cancelled(self, folder: str, is_resumable: bool) -> None:
        """Say that the run was cancelled."""
        self._enter(DockState.ENDED)
        hint = self.tr("Finished stages are kept; press Resume to continue.") if is_resumable else ""
        self._tell("info", self.tr("The run was cancelled."), hint, folder, is_resumable)

    def show_unfinished(self, name: str, folder: str) -> None:
        """Offer to go on with a run that QGIS was closed over."""
        self._enter(DockState.ENDED)
        text = self.tr("The run {} was not finished when QGIS was closed.").format(name)
        self._tell("info", text, self.tr("Press Resume to go on where it stopped."), folder, True)

    def _add_help(self) -> None:
        button = QToolButton(self.tabs)
        button.setObjectName("helpButton")
        button.setIcon(QgsApplication.getThemeIcon("/mActionHelpContents.svg"))
        button.setAutoRaise(True)
        button.setToolTip(self.tr("Open the help page"))
        button.setAccessibleName(self.tr("Help"))
        button.clicked.connect(self.help_requested)
        self.tabs.setCornerWidget(button)

    def _connect_pages(self) -> None:
        self.setupPage.setup_requested.connect(self._ask_setup)
        self.setupPage.setup_cancel_requested.connect(self.setup_cancel_requested)
        self.progressPage.finish_requested.connect(self._ask_stop)
        self.progressPage.finish_requested.connect(self.finish_requested)
        self.progressPage.cancel_requested.connect(self._ask_stop)
        self.progressPage.cancel_requested.connect(self.cancel_requested)
        self.messageFrame.resume_requested.connect(self.resume_requested)
        self.messageFrame.folder_opened.connect(self.folder_opened)
        self.reportPage.folder_opened.connect(self.folder_opened)
        self.reportPage.export_requested.connect(self.export_requested)
        self.reportPage.pdf_requested.connect(self.pdf_requested)
        self.reportPage.review_requested.connect(lambda: self.tabs.setCurrentWidget(self.reviewTab))
        self.formPage.asked.connect(self._clear_answers)
        self.formPage.refused.connect(self._refuse)
        self.formPage.check_requested.connect(lambda choices: self.check_requested.emit(self._shift(choices)))
        self.formPage.split_requested.connect(self._ask_split)
        self.formPage.labelCombo.layerChanged.connect(lambda _: self.shiftLine.clear())
        self.formPage.choices_changed.connect(self._forget_answers)
        self.formPage.settingsGroup.changed.connect(self.forget_refusal)
        self.findingList.zoom_requested.connect(self.zoom_requested)
        self.findingList.layer_requested.connect(self.layer_requested)
        self.findingList.shift_chosen.connect(self.shiftLine.show_shift)
        self.shiftLine.shift_changed.connect(self.findingList.show_shift)
        self.shiftLine.shift_changed.connect(self.formPage.choices_changed)
        self.formPage.train_requested.connect(self._ask_run)
        self.formPage.modelPicker.card_chosen.connect(lambda _: self._pass_models_on())
        self.predictPage.folder_opened.connect(self.folder_opened)

    def _pass_models_on(self) -> None:
        """Offer what was tuned, or found, for predicting, too."""
        self.predictPage.offer_models(self.formPage.modelPicker.added_models)

    def _ask_setup(self) -> None:
        self.messageFrame.clear()
        self._enter(DockState.SETTING_UP)
        self.setup_requested.emit()

    def _ask_run(self, choices: Choices) -> None:
        self.store_settings()
        self.train_requested.emit(self._shift(choices))

    def _ask_split(self, choices: Choices) -> None:
        self.messageFrame.clear()
        self.split_requested.emit(self._shift(choices))

    def _shift(self, choices: Choices) -> Choices:
        """Return the choices with the shift that was applied to their labels."""
        return replace(choices, settings=self.shiftLine.apply_to(choices.settings))

    def _ask_stop(self) -> None:
        self._enter(DockState.STOPPING)

    def _clear_answers(self) -> None:
        self.messageFrame.clear()
        self.noticeList.clear()
        self.findingList.clear()

    def _forget_answers(self) -> None:
        """Take back what was said of other choices; the report of a run keeps its own."""
        self.forget_refusal()
        is_open = self._state in (DockState.IDLE, DockState.ENDED) and self.reportPage.isHidden()
        if is_open and self.formPage.describe_inputs() != self._found_for:
            self.noticeList.clear()
            self.findingList.clear()

    def _show_finding(self, finding: Finding) -> None:
        """What stops a run is told by its end, too: it has a row of its own only with places to show."""
        if finding.level != STOP or finding.places:
            self._found_for = self.formPage.describe_inputs()
            self.findingList.add(finding)
            self.findingList.show_shift(self.shiftLine.east_m, self.shiftLine.north_m)

    def _refuse(self, message: str, hint: str) -> None:
        self._tell("warning", message, hint)

    def _show_stage(self, event: StageStarted) -> None:
        self.progressPage.show_stage(event)
        if self._state is DockState.STOPPING and not self.progressPage.is_cancelling:
            self._enter(DockState.RUNNING)

    def _tell(self, kind: str, message: str, hint: str, folder: str = "", is_resumable: bool = False) -> None:
        self.messageFrame.tell(kind, message, hint, folder, is_resumable)
        self.scrollArea.ensureWidgetVisible(self.messageFrame)

    def _enter(self, state: DockState, is_finished: bool = False) -> None:
        """Show the pages of a state; the form stays at hand beneath the end of a run."""
        is_running = state in (DockState.RUNNING, DockState.STOPPING)
        if is_finished or state is not self._state:
            self.scrollArea.verticalScrollBar().setValue(0)
        self._state = state
        self.setupPage.setVisible(state in (DockState.NEEDS_SETUP, DockState.SETTING_UP))
        self.formPage.setVisible(state in (DockState.IDLE, DockState.ENDED))
        self.formPage.show_again(is_finished)
        self.progressPage.setVisible(is_running)
        self.reportPage.setVisible(is_finished)
        self.chart.setVisible(bool(self._folder) if is_running else is_finished and bool(self.chart.epochs))
        if not is_running:
            self.progressPage.end()
