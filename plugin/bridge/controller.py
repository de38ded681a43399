"""Between the dock and the threads, the project and QGIS's messages. Everything here happens on the main thread."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Callable, Iterator

from qgis.core import QgsApplication, QgsProject, QgsSettings, QgsVectorLayer
from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QObject, QTimer, QUrl
from qgis.PyQt.QtGui import QDesktopServices

from ...ui.dock import TunerDock
from ...ui.fields.choices import Choices
from ..core.environment import locate_environment, require_ready
from ..core.errors import SetupError, TunerError
from ..core.events import Event, Finding, Finished, Notice
from ..core.folder import RunFolder
from ..core.models import list_cards
from ..core.paths import RESOURCES
from ..core.run_record import RunRecord, read_record
from ..core.score import Score
from ..core.worker_process import Ending
from .exit_guard import ExitGuard
from .layers.dock_layers import DockLayers
from .layers.layer_watch import LayerWatch
from .layers.results import load_results
from .prediction.model_import import ModelImporter
from .prediction.predict import PredictController
from .review.panels import make_parts
from .review.run_opener import Reviewer, mark_by_hand
from .runs.export import Exporter
from .runs.pdf_action import PdfAction
from .runs.run_list import Runs
from .setup import DEVICE_SETTING, Installer
from .tuning.areas import AreaDrawer
from .tuning.findings import add_layer, zoom_to
from .tuning.rerun import Rerun
from .tuning.run_folders import make_check_folder, make_run_folder, remove_unbegun
from .tuning.run_inputs import RunInputs, take_choices
from .tuning.split_preview import SplitPreview
from .tuning.unfinished_run import find_unfinished, forget_unfinished, remember_unfinished
from .worker_client.background import BackgroundJobs
from .worker_client.background_task import RunTask
from .worker_client.messages import CRITICAL, INFO, SUCCESS, WARNING, join, log, log_finding, log_notice, tell
from .worker_client.progress import OverallProgress
from .worker_client.run_thread import RunThread

HELP = RESOURCES / "help" / "index.html"


class Controller(QObject):
    """Wires one dock to the threads that work for it, one run at a time."""

    def __init__(self, iface: QgisInterface, dock: TunerDock, parent: QObject | None = None) -> None:
        """Connect the dock and show what it can do at this moment."""
        super().__init__(parent)
        self._iface = iface
        self._dock = dock
        self._environment = locate_environment()
        self._jobs = BackgroundJobs(self)
        self._run: RunThread | None = None
        self._installer = Installer(iface, self._environment, dock, self._is_free, self)
        self.reviewer = Reviewer(dock.reviewPage, self)
        self.reviewer.is_free = self._is_free
        self.reviewer.run_requested.connect(lambda inputs: self._launch(lambda: inputs))
        self.reviewer.rescored.connect(self._show_rescored)
        self.reviewer.parts = make_parts(iface, self._environment, dock, self.reviewer)
        self._predict = PredictController(iface, self._environment, dock, self.reviewer, self)
        self._exporter = Exporter(iface, self._environment, self)
        self._importer = ModelImporter(self._environment, dock.formPage.modelPicker, self)
        self._printer = PdfAction(iface, self)
        self._preview = SplitPreview(iface, self._environment, dock, self)
        self._drawer = AreaDrawer(iface, dock.formPage, self)
        self._runs = Runs(iface, self._environment, dock, self.reviewer, self._launch, self._is_at_work, self)
        self._progress = OverallProgress()
        self._loading: tuple[RunFolder, Finished, Iterator[QgsVectorLayer]]
        self._loader = QTimer(self)
        self._loader.timeout.connect(self._load_next)
        self._findings_layer = ""
        self._is_over = False
        self._is_new = False  # the run's folder was made for it, not resumed
        self._is_orphaned = False  # the project in which the run was begun was closed meanwhile
        self._task: RunTask | None = None  # QGIS forgets the Python half of a task that nobody holds
        self._exit_guard = ExitGuard(iface, self._name_work)
        self._layers = DockLayers(dock, self)
        self._watch = LayerWatch(self)
        self._watch.changed.connect(dock.forget_refusal)
        self._checked = LayerWatch(self)
        self._checked.changed.connect(dock.findingList.show_outdated)
        self._connect_dock()
        QgsProject.instance().cleared.connect(self._let_project_go)
        dock.destroyed.connect(self._leave_project)  # the project outlives the dock
        self._show_start()

    def stop(self) -> None:
        """Stop what is running and wait for it; nothing is shown any more."""
        self._leave_project()
        self._exit_guard.stop()
        self._importer.stop()
        self._runs.stop()
        self.reviewer.stop()
        run, self._run = self._run, None
        self._jobs.stop()
        self._installer.stop()
        self._predict.stop()
        self._exporter.stop()
        self._preview.stop()
        self._drawer.stop()
        self._progress.end()
        self._loader.stop()
        if run is not None and _is_check(run):
            shutil.rmtree(run.folder.path, ignore_errors=True)

    def _connect_dock(self) -> None:
        self._dock.train_requested.connect(self._train)
        self._dock.check_requested.connect(self._check)
        self._dock.resume_requested.connect(self._resume)
        self._dock.finish_requested.connect(self._finish)
        self._dock.cancel_requested.connect(self._cancel)
        self._dock.folder_opened.connect(self._open)
        self._dock.zoom_requested.connect(self._zoom)
        self._dock.layer_requested.connect(self._add_findings)
        self._dock.export_requested.connect(self._exporter.ask)
        self._dock.pdf_requested.connect(self._printer.ask)
        self._dock.help_requested.connect(lambda: self._open(str(HELP)))

    def _show_start(self) -> None:
        self._dock.show_models(list_cards())
        self._dock.restore_settings()
        if self._show_readiness():
            self._dock.show_device(QgsSettings().value(DEVICE_SETTING, "", type=str))
            self._dock.show_idle()
            unfinished = find_unfinished()
            if unfinished is not None:
                self._dock.show_unfinished(unfinished.path.name, str(unfinished.path))

    def _show_readiness(self) -> bool:
        try:
            require_ready(self._environment)
        except SetupError as error:
            self._dock.show_setup_needed(error.message, error.hint)
            return False
        return True

    # -- runs ---------------------------------------------------------------------------------------------------------

    def _train(self, choices: Choices) -> None:
        self._launch(lambda: take_choices(choices))

    def _launch(self, take: Callable[[], RunInputs | Rerun]) -> None:
        """Start a run with what ``take`` takes in for it."""
        if self._is_free() and self._show_readiness():
            try:
                self._begin(take())
            except TunerError as error:
                self._refuse(error)

    def _begin(self, inputs: RunInputs | Rerun) -> None:
        """Start a run in a new folder; raises InputError where none can be made."""
        folder = make_run_folder(inputs.job.raster, QgsProject.instance())
        self._start(RunThread(self._environment, folder, inputs.write_to), is_new=True)

    def _check(self, choices: Choices) -> None:
        if self._is_free() and self._show_readiness():
            try:
                inputs = take_choices(choices)
            except TunerError as error:
                self._refuse(error)
            else:
                folder = make_check_folder()
                self._start(RunThread(self._environment, folder, inputs.write_to, ("check", str(folder.job))))
                looked_at = [choices.raster_layer, choices.label_layer, choices.areas_layer]
                self._checked.watch(looked_at, [choices.label_layer] if choices.only_selected else [])

    def _resume(self, path: str) -> None:
        folder = RunFolder(Path(path))
        if not self._is_free() or not self._show_readiness():
            return
        if folder.is_resumable:
            self._start(RunThread(self._environment, folder))
        else:
            self._refuse(TunerError(self.tr("This run cannot be resumed."), self.tr("Start it again with Fine-tune.")))

    def _is_at_work(self, folder: RunFolder) -> bool:
        return self._run is not None and self._run.folder.path == folder.path

    def _is_free(self) -> bool:
        is_busy = self._installer.is_busy or self.reviewer.is_busy or self._loader.isActive()
        if self._run is None and not is_busy:
            return True
        what, hint = self.tr("Something is running already."), self.tr("Wait until it has ended, or cancel it.")
        tell(self._iface.messageBar(), WARNING, what, hint)
        return False

    def _refuse(self, error: TunerError) -> None:
        self._show_refused(error.message, error.hint)
        log(join(error.message, error.hint), WARNING)

    def _show_refused(self, message: str, hint: str) -> None:
        """Say why what is chosen cannot be used, until it has changed."""
        self._dock.show_failed(message, hint, "", False)
        chosen = self._dock.read_choices()
        self._watch.watch([chosen.raster_layer, chosen.label_layer, chosen.areas_layer], [chosen.label_layer])

    def _start(self, run: RunThread, *, is_new: bool = False) -> None:
        self._run, self._is_orphaned, self._is_new = run, False, is_new
        is_check = _is_check(run)
        if not is_check:
            remember_unfinished(run.folder)
        name = self.tr("Check") if is_check else run.folder.path.name
        self._dock.show_running(name, "" if is_check else str(run.folder.path))
        self._progress = OverallProgress()
        self._task = RunTask(f"Footprint Tuner: {name}", self._progress, self._cancel_by_task)
        QgsApplication.taskManager().addTask(self._task)
        self._jobs.start_thread(run, self._end_run, self._hear)

    def _finish(self) -> None:
        if self._run is not None:
            self._run.finish()

    def _cancel(self) -> None:
        if self._run is not None:
            self._run.cancel()

    def _cancel_by_task(self) -> None:
        self._exit_guard.unless_closing(self._cancel_visibly)

    def _cancel_visibly(self) -> None:
        if self._run is not None:
            self._dock.show_stopping(self.tr("Cancelling; finished stages are kept."))
            self._run.cancel()

    def _name_work(self) -> str:
        """Return what would be broken off if QGIS closed now, "" where nothing is at work."""
        if self._run is not None and not _is_check(self._run):
            return self.tr("The run {}").format(self._run.folder.path.name)
        at_work = (
            (self._predict.is_busy, self.tr("A prediction")),
            (self._installer.is_busy, self.tr("The set-up")),
            (self.reviewer.is_busy, self.tr("The new threshold")),
        )
        return next((name for is_busy, name in at_work if is_busy), "")

    def _hear(self, event: Event) -> None:
        self._dock.show_event(event)
        self._progress.read(event)
        if isinstance(event, Notice):
            log_notice(event)
        elif isinstance(event, Finding):
            log_finding(event)

    def _end_run(self, ending: Ending) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        self._progress.end(was_cancelled=ending.kind == "cancelled")
        self._runs.refresh()
        if _is_check(run):
            shutil.rmtree(run.folder.path, ignore_errors=True)
            self._show_check(ending)
            return
        forget_unfinished()
        if ending.event is not None and self._is_orphaned:
            self._show_finished(run.folder, ending.event)
        elif ending.event is not None:
            self._loading = (run.folder, ending.event, load_results(run.folder, QgsProject.instance()))
            self._loader.start()
        else:
            self._show_broken(run.folder, ending)

    def _let_project_go(self) -> None:
        """Keep a run's layers out of a project that it was not begun in."""
        self._is_orphaned = True
        if self._loader.isActive():
            self._loader.stop()
            self._show_finished(*self._loading[:2])
        elif self._run is None:
            self._dock.show_new_project()

    def _leave_project(self) -> None:
        """Hear of no project any more; a second time does nothing."""
        if not self._is_over:
            self._is_over = True
            QgsProject.instance().cleared.disconnect(self._let_project_go)
            self._layers.stop()
            self._watch.stop()
            self._checked.stop()

    def _load_next(self) -> None:
        """Load one more layer of the finished run, then show its scores."""
        folder, finished, layers = self._loading
        if next(layers, None) is None:
            self._loader.stop()
            self._show_finished(folder, finished)

    def _show_finished(self, folder: RunFolder, finished: Finished) -> None:
        chain = read_record(folder.path).report.chain
        self._dock.show_finished(finished.before, finished.after, str(folder.path), finished.difference, chain)
        text, hint = self.tr("Finished. F1 by building: {before} before, {after} after."), ""
        if self._is_orphaned:
            hint = self.tr("The project was closed during the run: open {} in the tab Runs.").format(folder.path.name)
        else:
            self.reviewer.open(folder, is_loaded=True)
        before, after = _write_f1(finished.before), _write_f1(finished.after)
        tell(self._iface.messageBar(), SUCCESS, text.format(before=before, after=after), hint)

    def _show_rescored(self, record: RunRecord) -> None:
        report, mark = record.report, mark_by_hand(record)[1]
        path = str(record.folder.path)
        self._dock.show_rescored(report.before, report.after, path, report.difference, mark, report.chain)

    def _show_broken(self, folder: RunFolder, ending: Ending) -> None:
        where = str(folder.path) if folder.path.exists() else ""
        if ending.kind == "cancelled":
            self._dock.show_cancelled(where, folder.is_resumable)
            tell(self._iface.messageBar(), INFO, ending.message, ending.hint)
            return
        if ending.is_refusal and self._is_new and remove_unbegun(folder):
            self._show_refused(ending.message, ending.hint)
            tell(self._iface.messageBar(), CRITICAL, ending.message, ending.hint)
            return
        message = ending.message
        if ending.kind == "died" and ending.stage:
            message = join(message, self.tr('It was in the stage "{}".').format(ending.stage))
        self._dock.show_failed(message, ending.hint, where, folder.is_resumable)
        tell(self._iface.messageBar(), CRITICAL, message, ending.hint)
        if ending.log_tail:
            log(ending.log_tail, WARNING)

    def _show_check(self, ending: Ending) -> None:
        self._dock.show_idle()
        if ending.kind == "finished":
            self._dock.show_checked()
            tell(self._iface.messageBar(), SUCCESS, self.tr("The raster, the labels and the settings can be used."))
        elif ending.kind == "died":
            log(ending.log_tail, WARNING)
            self._refuse(
                TunerError(ending.message, self.tr("QGIS's message log has the last lines of its log; check again."))
            )
        elif ending.kind == "failed":
            self._refuse(TunerError(ending.message, ending.hint))

    # -- the map ------------------------------------------------------------------------------------------------------

    def _zoom(self, box: list[float], crs: str) -> None:
        zoom_to(self._iface.mapCanvas(), box, crs)

    def _add_findings(self, findings: list[Finding]) -> None:
        self._findings_layer = add_layer(QgsProject.instance(), findings, self._findings_layer)

    def _open(self, path: str) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(path))


def _write_f1(score: Score) -> str:
    return "-" if score.building.f1 is None else f"{score.building.f1:.3f}"


def _is_check(run: RunThread) -> bool:
    return run.arguments[0] == "check"
