"""The split before the run: the worker draws it, the map shows it, and a click changes a block's role."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from typing import Any

from qgis.core import QgsCoordinateTransform, QgsPointXY, QgsProject
from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QObject, QTimer

from ....ui.dock import TunerDock
from ....ui.fields.choices import Choices
from ...core.block_roles import find_next_role, write_block_roles
from ...core.environment import Environment, require_ready
from ...core.errors import TunerError
from ...core.folder import RunFolder
from ...core.job import load_job
from ...core.worker_process import Ending
from ..layers.layer_watch import LayerWatch
from ..map_tools.block_tool import BlockTool
from ..worker_client.background import BackgroundJobs
from ..worker_client.messages import WARNING, join, log
from ..worker_client.run_thread import RunThread
from .blocks import BlockLayer
from .run_folders import make_check_folder
from .run_inputs import RunInputs, take_choices

_PAUSE_MS = 500
#: Settings that leave the split as it is.
_OTHER_SETTINGS = {"recipe", "epochs", "learning_rate", "batch_size", "tile_px", "samples", "min_area_m2"}
_OTHER_SETTINGS |= {"simplify_m", "square", "device", "threads"}


class SplitPreview(QObject):
    """Shows one split at a time, of a copy of the inputs as they were when it was asked for. Main thread only."""

    def __init__(
        self, iface: QgisInterface, environment: Environment, dock: TunerDock, parent: QObject | None = None
    ) -> None:
        """Wait to be asked."""
        super().__init__(parent)
        self._environment, self._dock, self._row = environment, dock, dock.formPage.splitRow
        self._canvas = iface.mapCanvas()
        self._thread: RunThread | None = None
        self._jobs = BackgroundJobs(self)
        self._running: set[RunThread] = set()
        self._folder: RunFolder | None = None
        self._key: tuple[Any, ...] = ()
        self._is_refused = False
        self._drawn: dict[int, str] = {}
        self._changes: dict[int, str] = {}
        self._history: list[dict[int, str]] = []
        self.blocks = BlockLayer(self)
        self.tool = BlockTool(self._canvas)
        self._watch = LayerWatch(self)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._connect()

    def _connect(self) -> None:
        self._dock.split_requested.connect(self.ask)
        self._dock.formPage.choices_changed.connect(self._compare)
        self._row.hide_requested.connect(self._drop)
        self._row.change_toggled.connect(self._toggle_tool)
        self._row.drawn_requested.connect(self._take_all_back)
        self.tool.clicked.connect(self._click)
        self.tool.undo_requested.connect(self._take_back)
        self.tool.deactivated.connect(lambda: self._row.show_tool(False))
        self.blocks.removed.connect(self._drop)
        self._watch.changed.connect(self._tell_stale)
        self._pause.timeout.connect(self._draw_anew)

    def ask(self, choices: Choices) -> None:
        """Let the worker draw the split of what is chosen, and show it."""
        self._drop()
        try:
            require_ready(self._environment)
            inputs = take_choices(choices)
        except TunerError as error:
            self._refuse(error.message, error.hint)
            self._watch.watch([choices.raster_layer, choices.label_layer, choices.areas_layer], [choices.label_layer])
            return
        self._key = _describe(choices)
        self._folder = make_check_folder()
        selected = [choices.label_layer] if choices.only_selected else []
        self._watch.watch([choices.label_layer, choices.areas_layer], selected)
        self._row.show_drawing()
        self._start(self._folder, inputs)

    def stop(self) -> None:
        """Take the split off the map, stop what is under way, and wait for it."""
        self._drop()
        self.tool.remove()
        self._jobs.stop()
        threads, self._running = self._running, set()
        for thread in threads:
            shutil.rmtree(thread.folder.path, ignore_errors=True)

    # -- the worker ---------------------------------------------------------------------------------------------------

    def _start(self, folder: RunFolder, inputs: RunInputs | None = None) -> None:
        prepare = None if inputs is None else inputs.write_to
        self._thread = thread = RunThread(self._environment, folder, prepare, ("split", str(folder.job)))
        self._running.add(thread)
        self._jobs.start_thread(thread, lambda ending: self._end(thread, ending))

    def _end(self, thread: RunThread, ending: Ending) -> None:
        self._running.remove(thread)
        if thread is not self._thread:
            shutil.rmtree(thread.folder.path, ignore_errors=True)  # of a split that was dropped meanwhile
            return
        self._thread = None
        if ending.log_tail:
            log(ending.log_tail, WARNING)
        if self._pause.isActive():
            return  # what was drawn is not the newest any more
        if ending.kind == "finished":
            self._show(thread.folder)
        elif self.blocks.layer is not None:
            self._row.show_problem(join(ending.message, ending.hint))
        else:
            self._refuse(ending.message, ending.hint)

    def _show(self, folder: RunFolder) -> None:
        is_first = self.blocks.layer is None
        self.blocks.show(folder.split)
        if is_first:
            self._drawn = self.blocks.read_roles()
        self._tell()

    def _draw_anew(self) -> None:
        """Let the worker take the buffers and the counts from the changed blocks."""
        if self._thread is not None:
            self._thread.cancel()
            self._pause.start()
        elif self._folder is not None:
            job = replace(load_job(self._folder.job), block_roles=write_block_roles(self._changes))
            job.save(self._folder.job)
            self._start(self._folder)

    # -- the blocks ---------------------------------------------------------------------------------------------------

    def _toggle_tool(self, is_wanted: bool) -> None:
        if is_wanted:
            self.tool.begin()
        else:
            self.tool.end()

    def _click(self, point: QgsPointXY) -> None:
        layer = self.blocks.layer
        if layer is None:
            return
        transform = QgsCoordinateTransform(
            self._canvas.mapSettings().destinationCrs(), layer.crs(), QgsProject.instance()
        )
        number = self.blocks.find_block(point, transform)
        if number is not None:
            role = find_next_role(self.blocks.read_roles()[number])
            self._history.append(self._changes)
            self._change({**self._changes, number: role})

    def _take_back(self) -> None:
        if self._history:
            self._change(self._history.pop())

    def _take_all_back(self) -> None:
        self._history.append(self._changes)
        self._change({})

    def _change(self, changes: dict[int, str]) -> None:
        self.blocks.paint({**self._drawn, **changes})
        self._changes = {number: role for number, role in changes.items() if self._drawn[number] != role}
        self._tell()
        self._pause.start()

    def _tell(self) -> None:
        self._row.show_split(self.blocks.count(), write_block_roles(self._changes))

    # -- the end of it ------------------------------------------------------------------------------------------------

    def _compare(self) -> None:
        if self._is_refused:
            self._drop()
        elif self._folder is not None and _describe(self._dock.read_choices()) != self._key:
            self._tell_stale()

    def _refuse(self, message: str, hint: str) -> None:
        """Say why there is no split, until something else is chosen."""
        self._drop(join(message, hint))
        self._is_refused = True

    def _tell_stale(self) -> None:
        if self._is_refused:
            self._drop()
        if self._folder is not None:
            self._drop(self.tr("The inputs have changed. Show the split again."))

    def _drop(self, sentence: str = "") -> None:
        """Take the split off the map and forget it."""
        self._is_refused = False
        self._pause.stop()
        self._watch.stop()
        self.tool.end()
        thread, folder, self._thread, self._folder = self._thread, self._folder, None, None
        if thread is not None:
            thread.cancel()
        elif folder is not None:
            shutil.rmtree(folder.path, ignore_errors=True)
        self.blocks.remove()
        self._drawn, self._changes, self._history = {}, {}, []
        self._row.clear(sentence)


def _describe(choices: Choices) -> tuple[Any, ...]:
    """Return all that a split depends on."""
    layers = (choices.raster_layer, choices.label_layer, choices.areas_layer)
    settings = {name: value for name, value in asdict(choices.settings).items() if name not in _OTHER_SETTINGS}
    ids = tuple(layer.id() if layer is not None else "" for layer in layers)
    return (*ids, choices.only_selected, choices.base_model, tuple(sorted(settings.items())))
