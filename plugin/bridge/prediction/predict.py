"""A model that is there already, applied to another raster, what the map shows, or an area. Main thread only."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Callable, Sequence

from qgis.core import QgsGeometry, QgsProject, QgsVectorLayer, QgsWkbTypes
from qgis.gui import QgisInterface, QgsRubberBand
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QTimer
from qgis.PyQt.QtGui import QColor

from ....ui.dock import TunerDock
from ....ui.fields.choices import DRAWN, PredictChoices
from ...core.command_options import PredictOptions
from ...core.environment import Environment, require_ready
from ...core.errors import TunerError
from ...core.events import Event, Finished, Notice, Progress, StageStarted
from ...core.folder import RunFolder
from ...core.option import list_arguments
from ...core.run_record import RunRecord
from ...core.worker_process import Ending
from ..layers.area_of_interest import AreaOfInterest
from ..layers.layer_checks import Polygons
from ..layers.layer_watch import LayerWatch
from ..layers.own_layers import FOOTPRINTS, mark
from ..layers.polygon_copy import copy_polygons
from ..layers.results import apply_style
from ..map_tools.area_tool import AreaTool
from ..review.run_opener import Reviewer
from ..worker_client.background import BackgroundJobs
from ..worker_client.messages import INFO, SUCCESS, WARNING, log, log_notice, tell
from ..worker_client.progress import OverallProgress
from ..worker_client.run_thread import RunThread
from .imagery_check import ImageryCheck
from .model_import import ModelImporter
from .options import make_comparison, make_options, name_out, take_where

_STAGES = ("check", "fetch", "predict", "trace")
_PAUSE_MS = 600
_COLOUR, _FAINT = QColor(230, 120, 20), QColor(230, 120, 20, 40)


class PredictController(QObject):
    """Wires the tab for predicting to the worker: one prediction at a time, beside whatever else goes on."""

    def __init__(
        self,
        iface: QgisInterface,
        environment: Environment,
        dock: TunerDock,
        reviewer: Reviewer,
        parent: QObject | None = None,
    ) -> None:
        """Wait to be asked; the model of a run that is reviewed is offered first."""
        super().__init__(parent)
        self._iface, self._environment, self._page = iface, environment, dock.predictPage
        self._jobs = BackgroundJobs(self)
        self._thread: RunThread | None = None
        self._out, self._title = Path(), ""
        self._began = 0.0
        self._is_orphaned = self._is_over = False
        self._progress = OverallProgress(_STAGES)
        self._area: AreaOfInterest | None = None
        self._importer = ModelImporter(environment, self._page.predictModelPicker, self)
        self._imagery_check = ImageryCheck(environment, self)
        self.tool = AreaTool(iface.mapCanvas())
        self.tool.set_colour(_COLOUR)
        self.band = QgsRubberBand(iface.mapCanvas(), QgsWkbTypes.PolygonGeometry)
        self.band.setStrokeColor(_COLOUR)
        self.band.setFillColor(_FAINT)
        self.band.setWidth(2)
        self._watch = LayerWatch(self)
        self._watch.changed.connect(self._page.forget_refusal)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        reviewer.parts.append(self)
        self._connect()

    def _connect(self) -> None:
        page = self._page
        page.predict_requested.connect(self._predict)
        page.cancel_requested.connect(self._cancel)
        page.draw_requested.connect(self.tool.begin)
        page.choices_changed.connect(self._look_anew)
        page.visibility_changed.connect(self._look_anew)
        self._pause.timeout.connect(self._compare)
        self._imagery_check.answered.connect(self._show_likeness)
        self.tool.drawn.connect(self._take_area)
        self.tool.refused.connect(lambda sentence: tell(self._iface.messageBar(), WARNING, sentence))
        QgsProject.instance().cleared.connect(self._let_project_go)
        page.destroyed.connect(self._let_go)  # the project outlives the dock

    @property
    def is_busy(self) -> bool:
        """Whether a prediction is under way."""
        return self._thread is not None

    def open(self, record: RunRecord) -> None:
        """Offer the model of the run that is reviewed now; called by the reviewer."""
        self._page.choose_model(str(record.folder.card))

    def renew(self, record: RunRecord) -> None:
        """Read the run's model anew, whatever model is chosen; called by the reviewer."""
        self._page.read_model(str(record.folder.card))

    def close(self) -> None:
        """Leave the model in the list; called by the reviewer."""

    def stop(self) -> None:
        """Stop what is running, wait for it, and leave nothing on the map."""
        self._let_go()
        self._importer.stop()
        self._imagery_check.stop()
        self._jobs.stop()
        if self._thread is not None:
            shutil.rmtree(self._thread.folder.path, ignore_errors=True)
        self._thread = None
        self.tool.remove()
        if not sip.isdeleted(self.band):
            self._iface.mapCanvas().scene().removeItem(self.band)
            sip.delete(self.band)

    def _let_go(self) -> None:
        """Listen to nobody any more; a second time does nothing."""
        if not self._is_over:
            self._is_over = True
            self._pause.stop()
            self._watch.stop()
            QgsProject.instance().cleared.disconnect(self._let_project_go)

    # -- the prediction -----------------------------------------------------------------------------------------------

    def _predict(self, choices: PredictChoices) -> None:
        if self._thread is not None:
            return
        try:
            require_ready(self._environment)
            options = make_options(choices)
            ground = take_where(choices, self._area, self._iface.mapCanvas())
            self._out = name_out(choices, QgsProject.instance())
        except TunerError as error:
            self._page.show_ended("error", error.message, error.hint)
            self._watch.watch([choices.raster_layer, choices.ground_layer], [choices.ground_layer])
            return
        name = choices.raster_layer.name() if choices.raster_layer is not None else ""
        self._title = self.tr("Footprints of {}").format(name)
        self._imagery_check.drop()
        self._pause.stop()
        self._start(replace(options, out=self._out), ground)

    def _start(self, options: PredictOptions, ground: Polygons | None) -> None:
        folder = RunFolder(Path(tempfile.mkdtemp(prefix="footprint_tuner_predict_")))
        copy = folder.path / "ground.gpkg"
        where = "" if ground is None else str(copy)
        arguments = ["predict", *list_arguments(replace(options, ground=where))]

        def copy_ground(_: RunFolder, is_cancelled: Callable[[], bool]) -> Sequence[Notice]:
            if ground is not None:
                copy_polygons(ground, copy, is_cancelled)
            return ()

        self._thread = RunThread(self._environment, folder, copy_ground, arguments)
        self._progress, self._began, self._is_orphaned = OverallProgress(_STAGES), time.monotonic(), False
        self._page.show_running()
        self._jobs.start_thread(self._thread, self._end, self._hear)

    def _cancel(self) -> None:
        if self._thread is not None:
            self._thread.cancel()

    def _hear(self, event: Event) -> None:
        percent = self._progress.read(event)
        if isinstance(event, (StageStarted, Progress)):
            self._page.show_progress(percent, event.stage)
        elif isinstance(event, Notice):
            self._page.show_notice(event)
            log_notice(event)

    def _end(self, ending: Ending) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            shutil.rmtree(thread.folder.path, ignore_errors=True)
        if ending.log_tail:
            log(ending.log_tail, WARNING)
        if ending.event is not None:
            self._show_finished(ending.event)
        elif ending.kind == "cancelled":
            self._page.show_ended("info", self.tr("The prediction was cancelled."), self.tr("No footprints were kept."))
        else:
            self._page.show_ended("error", ending.message, self._advise(ending))

    def _advise(self, ending: Ending) -> str:
        """Return the next step; a prediction cannot be resumed, and its log is QGIS's."""
        if ending.kind != "died":
            return ending.hint
        return self.tr(
            "QGIS's message log has the last lines of its log. Predict again, or a smaller area if memory is short."
        )

    def _show_finished(self, finished: Finished) -> None:
        count = int(finished.figures.get("footprints", 0))
        seconds = round(time.monotonic() - self._began)
        text = self.tr("{count} footprints in {seconds} s: {file}").format(
            count=count, seconds=seconds, file=self._out.name
        )
        hint = "" if count else self.tr("Look at the warnings, if there are any, or lower the confidence (Settings).")
        if self._is_orphaned:
            hint = self.tr(
                "The project was closed during the prediction: add the file to the project where you need it."
            )
        else:
            self._add_layer()
        self._page.show_ended("success" if count else "info", text, hint, str(self._out.parent))
        tell(self._iface.messageBar(), SUCCESS if count else INFO, text, hint)

    def _add_layer(self) -> None:
        """Show the footprints on top of the project."""
        layer = QgsVectorLayer(self._out.as_posix(), self._title, "ogr")
        apply_style(layer, "footprints")
        mark(layer, FOOTPRINTS)
        project = QgsProject.instance()
        project.addMapLayer(layer, False)
        project.layerTreeRoot().insertLayer(0, layer)

    # -- what differs -------------------------------------------------------------------------------------------------

    def _look_anew(self, *_: object) -> None:
        """Compare, once the choices have come to rest in front of the user."""
        if self._is_over:
            return
        is_drawn = self._page.read_choices().ground == DRAWN
        self.band.setVisible(self._page.isVisible() and is_drawn and self._area is not None)
        if self._thread is None and self._page.isVisible():
            self._pause.start()
        else:
            self._pause.stop()

    def _compare(self) -> None:
        choices = self._page.read_choices()
        self._imagery_check.drop()
        if choices.raster_layer is None or not choices.model or not self._environment.is_ready:
            self._page.show_likeness("")
            return
        try:
            options = make_comparison(choices, self._area)
        except TunerError as error:
            self._page.show_likeness("", [Notice("warning", error.message, error.hint)])
            return
        self._page.show_likeness(self.tr("Comparing the raster with the model's imagery..."))
        self._imagery_check.ask(options)

    def _show_likeness(self, differences: list[Notice]) -> None:
        if self._thread is not None:
            return  # which tells them itself
        text, card = "", self._page.predictModelPicker.card
        if not differences and card is not None and card.parent:
            text = self.tr("The raster is like the imagery that the model was tuned on.")
        self._page.show_likeness(text, differences)

    # -- the area -----------------------------------------------------------------------------------------------------

    def _take_area(self, geometry: QgsGeometry) -> None:
        crs = self._iface.mapCanvas().mapSettings().destinationCrs()
        self._area = AreaOfInterest(geometry, crs)
        self.band.setToGeometry(geometry, crs)
        self.tool.end()
        self._page.show_area(self.tr("An area is drawn."))

    def _let_project_go(self) -> None:
        """Forget the area of a project that was closed; its prediction goes on, and its file is left."""
        self._is_orphaned = True
        self._area = None
        self.band.reset(QgsWkbTypes.PolygonGeometry)
        self.tool.end()
        self._page.show_area("")
        if self._thread is None:
            self._page.show_new_project()
