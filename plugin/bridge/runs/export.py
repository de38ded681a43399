"""A tuned model on its way out of the dock: ask where to, let the worker write it, say how it went."""

from __future__ import annotations

from pathlib import Path

from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QObject

from ...core.command_options import ExportOptions
from ...core.environment import Environment, require_ready
from ...core.errors import SetupError
from ...core.events import Finished
from ...core.folder import RunFolder
from ...core.option import list_arguments
from ...core.worker_process import Ending
from ..worker_client.background import BackgroundJobs
from ..worker_client.messages import CRITICAL, INFO, SUCCESS, WARNING, log, tell
from ..worker_client.run_thread import RunThread
from .file_dialog import ask_file

_ENDING = ".onnx"


class Exporter(QObject):
    """Exports the model of one run at a time, beside whatever else is going on."""

    def __init__(self, iface: QgisInterface, environment: Environment, parent: QObject | None = None) -> None:
        """Wait to be asked."""
        super().__init__(parent)
        self._iface = iface
        self._environment = environment
        self._jobs = BackgroundJobs(self)

    def ask(self, run: str) -> None:
        """Ask where the model of the run in that folder is to go; nothing waits for the answer."""
        bar, folder = self._iface.messageBar(), RunFolder(Path(run))
        if self._jobs.is_busy:
            tell(bar, WARNING, self.tr("A model is being exported already."), self.tr("Wait until it is written."))
            return
        try:
            require_ready(self._environment)
        except SetupError as error:
            tell(bar, WARNING, error.message, error.hint)
            return
        suggested = folder.path / f"{folder.path.name}{_ENDING}"
        window, title, kind = self._iface.mainWindow(), self.tr("Export model"), self.tr("ONNX model")
        ask_file(window, self, title, suggested, kind, lambda path: self.export(folder, path))

    def export(self, folder: RunFolder, out: Path) -> None:
        """Write the run's model to ``out`` and its card beside it, in a thread."""
        file = out if out.suffix == _ENDING else out.with_name(out.name + _ENDING)
        is_asked = file == out and file.exists()  # by the dialog
        options = ExportOptions(str(folder.card), file, overwrite=is_asked, events=True)
        arguments = ("export", *list_arguments(options))
        self._jobs.start_thread(RunThread(self._environment, folder, arguments=arguments), self._end)
        tell(self._iface.messageBar(), INFO, self.tr("The model is being exported."))

    def stop(self) -> None:
        """Stop what is running and wait for it; nothing is shown any more."""
        self._jobs.stop()

    def _end(self, ending: Ending) -> None:
        bar = self._iface.messageBar()
        if ending.event is not None:
            tell(bar, SUCCESS, *self._describe(ending.event))
            return
        tell(bar, CRITICAL, ending.message, ending.hint)
        if ending.log_tail:
            log(ending.log_tail, WARNING)

    def _describe(self, finished: Finished) -> tuple[str, str]:
        path, difference = finished.files.get("onnx", ""), finished.figures.get("difference")
        text = self.tr("The model was exported to {}.").format(path)
        if difference is None:
            return text, ""
        check = self.tr("Its probabilities differ from the tuned model's by at most {}.").format(f"{difference:.1e}")
        return text, check
