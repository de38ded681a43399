"""The run that is reviewed: one at a time, remembered with the project. Main thread only."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Protocol

from qgis.core import QgsProject
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ....ui.review.review_page import ReviewPage
from ...core.errors import InputError
from ...core.folder import RunFolder
from ...core.run_record import RunRecord, require_reviewable
from ..layers.results import find_rescored, load_results

_SCOPE, _KEY = "FootprintTuner", "/review"


class Part(Protocol):
    """One way to look at a run."""

    def open(self, record: RunRecord) -> None:
        """Begin with a run; another one was closed before."""

    def renew(self, record: RunRecord) -> None:
        """Go on with the same run, which was traced and scored anew."""

    def close(self) -> None:
        """End with the run, and leave nothing on the map; a second time does nothing."""


class Reviewer(QObject):
    """Opens a run for review and closes it, and tells each part of the review.

    ``is_free`` asks whether nothing else is running, and tells the user where something is; ``is_busy`` says that a
    part of the review is at work in the run's folder. ``rescored`` tells of a run with new scores, ``stopped`` of the
    end for good: what runs is waited for. ``run_requested`` carries the delivery of a run that improves this one's
    model.
    """

    rescored = pyqtSignal(object)  # core.record.Record
    stopped = pyqtSignal()
    run_requested = pyqtSignal(object)

    def __init__(self, page: ReviewPage, parent: QObject | None = None) -> None:
        """Wait for a run; ``parts`` are told of it."""
        super().__init__(parent)
        self._page = page
        self.record: RunRecord | None = None
        self.parts: list[Part] = []
        self.is_free: Callable[[], bool] = lambda: True
        self.is_busy = False
        self._is_over = False
        page.run_chosen.connect(lambda path: self.open(RunFolder(Path(path))))
        self._start = QTimer(self, singleShot=True)
        self._start.timeout.connect(self._open_remembered)
        self._start.start()
        QgsProject.instance().readProject.connect(self._open_remembered)
        QgsProject.instance().cleared.connect(self.close)
        page.destroyed.connect(self._let_go)  # the project outlives the dock

    def open(self, folder: RunFolder, *, is_loaded: bool = False) -> None:
        """Begin the review of a run, or say why it cannot be reviewed; ``is_loaded`` where its layers are shown."""
        self.close()
        try:
            record = require_reviewable(folder.path)
        except InputError as error:
            self._page.show_none(error.message, error.hint)
            return
        project = QgsProject.instance()
        if not is_loaded:
            for _ in load_results(folder, project):
                pass
        self.record = record
        _remember(project, folder)
        self._page.show_run(record.name, describe_scores(record))
        for part in self.parts:
            part.open(record)

    def reload(self, by: Part) -> None:
        """Read the run anew where ``by`` has changed it: its layers on the map, its scores, and the other parts."""
        if self.record is None:
            return
        try:
            record = require_reviewable(self.record.folder.path)
        except InputError as error:
            self.close()
            self._page.show_none(error.message, error.hint)
            return
        for layer in find_rescored(record.folder, QgsProject.instance()):
            layer.dataProvider().reloadData()
            layer.triggerRepaint()
        self.record = record
        self._page.show_run(record.name, describe_scores(record))
        for part in self.parts:
            if part is not by:
                part.renew(record)
        self.rescored.emit(record)

    def close(self) -> None:
        """End the review; the run's layers stay in the project."""
        self.record = None
        for part in self.parts:
            part.close()
        self._page.show_none()

    def forget(self, folder: RunFolder) -> None:
        """End the review of a run that is about to go, and do not open it again with the project."""
        if self.record is not None and self.record.folder.path.resolve() == folder.path.resolve():
            self.close()
        path, is_known = QgsProject.instance().readEntry(_SCOPE, _KEY, "")
        if is_known and path and Path(QgsProject.instance().readPath(path)).resolve() == folder.path.resolve():
            QgsProject.instance().removeEntry(_SCOPE, _KEY)

    def stop(self) -> None:
        """End for good; a second time does nothing."""
        if not self._is_over:
            self.close()
            self.stopped.emit()
        self._let_go()

    def _let_go(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._start.stop()
        QgsProject.instance().readProject.disconnect(self._open_remembered)
        QgsProject.instance().cleared.disconnect(self.close)

    def _open_remembered(self, *_: object) -> None:
        path, is_known = QgsProject.instance().readEntry(_SCOPE, _KEY, "")
        if is_known and path and (self.record is None or self.record.folder.path != Path(path)):
            self.open(RunFolder(Path(QgsProject.instance().readPath(path))), is_loaded=True)  # as the user left them


def describe_scores(record: RunRecord) -> str:
    """Return a run's scores on held-out ground in a sentence."""
    figures = " \N{RIGHTWARDS ARROW} ".join(f"{f1:.3f}" for f1 in record.report.f1s)
    text = f"F1 by building {figures}. {record.report.difference.sentence}"
    title, _ = mark_by_hand(record)
    return f"{text} {title}." if title else text


def mark_by_hand(record: RunRecord) -> tuple[str, str]:
    """Return the mark of a run whose threshold was set by hand after its score was seen, and the report's sentence.

    Both are "" for any other.
    """
    by_hand = record.report.by_hand
    if not by_hand:
        return "", ""
    is_threshold = by_hand.threshold != by_hand.chosen_threshold
    return "Threshold set manually" if is_threshold else "Minimum area set manually", by_hand.sentence


def _remember(project: QgsProject, folder: RunFolder) -> None:
    """Keep the run with the project, relative to it where the project says so."""
    path = project.writePath(str(folder.path))
    if project.readEntry(_SCOPE, _KEY, "")[0] != path:
        project.writeEntry(_SCOPE, _KEY, path)
