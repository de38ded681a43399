"""A run on its way out: say what is lost, take its layers out of the project, delete its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Sequence

from qgis.core import QgsProject
from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QLocale, QObject, Qt
from qgis.PyQt.QtWidgets import QMessageBox

from ...core.delete_run import delete_run, list_edited, list_kept, measure_bytes, refuse_running
from ...core.errors import TunerError
from ...core.folder import RunFolder
from ...core.run_list import RunEntry
from ..layers.project_layers import move_to_trash, refuse_edited, remove_layers
from ..layers.results import find_layers
from ..review.run_opener import Reviewer
from ..worker_client.background import BackgroundJobs
from ..worker_client.messages import CRITICAL, SUCCESS, WARNING, tell

_MOST_NAMES = 5
_DELETE = "deleteRunButton"


class RunDeleter(QObject):
    """Deletes runs, each after a question; ``when_done`` is called after each."""

    def __init__(
        self,
        iface: QgisInterface,
        reviewer: Reviewer,
        jobs: BackgroundJobs,
        is_at_work: Callable[[RunFolder], bool],
        when_done: Callable[[], None],
        parent: QObject | None = None,
    ) -> None:
        """Wait to be asked; ``is_at_work`` tells of a run that QGIS has begun and whose worker holds no lock yet."""
        super().__init__(parent)
        self._iface, self._reviewer, self._jobs, self._when_done = iface, reviewer, jobs, when_done
        self._is_at_work = is_at_work
        self._box: QMessageBox | None = None

    def ask(self, run: str, entries: Sequence[RunEntry]) -> None:
        """Ask whether the run in that folder is to go; ``entries`` are the runs among which its children may be."""
        folder = RunFolder(Path(run))
        if self._box is None and not self._is_refused(folder):
            children = [entry.name for entry in entries if entry.parent and _is_same(Path(entry.parent), folder.path)]
            self._box = box = self._make_box(folder, children)
            box.finished.connect(lambda _: self._answer(folder, box))
            self._jobs.start(
                lambda _, is_over: measure_bytes(folder.path, is_over), lambda size: self._show_size(box, size)
            )
            box.open()

    def stop(self) -> None:
        """Take the question back."""
        if self._box is not None:
            self._box.reject()

    def delete(self, folder: RunFolder) -> None:
        """Delete a run, its layers first, in a thread, and say how it went."""
        if self._is_refused(folder):
            return
        self._reviewer.forget(folder)
        remove_layers(folder, QgsProject.instance())
        self._jobs.start(lambda *_: delete_run(folder, move_to_trash), lambda outcome: self._end(folder, outcome))

    def _is_refused(self, folder: RunFolder) -> bool:
        try:
            refuse_running(folder, is_begun=self._is_at_work(folder))
            refuse_edited(folder, QgsProject.instance())
        except TunerError as error:
            tell(self._iface.messageBar(), WARNING, error.message, error.hint)
            return True
        return False

    def _make_box(self, folder: RunFolder, children: Sequence[str]) -> QMessageBox:
        box = QMessageBox(self._iface.mainWindow())
        box.setObjectName("deleteRunBox")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setWindowTitle(self.tr("Delete a run"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(self.tr("Delete the run {}?").format(folder.path.name))
        box.setInformativeText("\n\n".join(self._list_losses(folder, children)))
        box.setStandardButtons(QMessageBox.StandardButton.Cancel)
        box.addButton(self.tr("Delete"), QMessageBox.ButtonRole.DestructiveRole).setObjectName(_DELETE)
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        return box

    def _list_losses(self, folder: RunFolder, children: Sequence[str]) -> list[str]:
        losses = []
        if folder.model.is_file():
            losses.append(
                self.tr("Its tuned model is deleted, too: to get it back, you would have to run the job again.")
            )
        for names, text in (
            (list_edited(folder), self.tr("Your corrections are deleted, too: {}.")),
            (children, self.tr("Runs that improve it will have no parent: {}.")),
            (list_kept(folder), self.tr("Files that are not part of the run stay in its folder: {}.")),
        ):
            if names:
                more = ", ..." if len(names) > _MOST_NAMES else ""
                losses.append(text.format(", ".join(names[:_MOST_NAMES]) + more))
        shown = len(find_layers(folder, QgsProject.instance()))
        if shown:
            losses.append(self.tr("Its {} layers are removed from the project.").format(shown))
        losses.append(self.tr("It is moved to the trash if there is one, otherwise it is deleted permanently."))
        return losses

    def _show_size(self, box: QMessageBox, size: object) -> None:
        if self._box is not None and box is self._box and isinstance(size, int):
            text = self.tr("It uses {} of disk space.").format(QLocale().formattedDataSize(size, 0))
            box.setInformativeText(f"{text}\n\n{box.informativeText()}")

    def _answer(self, folder: RunFolder, box: QMessageBox) -> None:
        self._box = None
        if box.clickedButton() is not None and box.clickedButton().objectName() == _DELETE:
            self.delete(folder)

    def _end(self, folder: RunFolder, outcome: object) -> None:
        bar = self._iface.messageBar()
        self._iface.mapCanvas().refresh()  # QGIS may still show a layer whose group went with it
        if isinstance(outcome, TunerError):
            tell(bar, CRITICAL, outcome.message, outcome.hint)
        elif outcome:
            tell(bar, SUCCESS, self.tr("The run {} was moved to the trash.").format(folder.path.name))
        else:
            tell(bar, SUCCESS, self.tr("The run {} was deleted.").format(folder.path.name))
        self._when_done()


def _is_same(first: Path, second: Path) -> bool:
    return first.resolve() == second.resolve()
