"""The live threshold: footprints of the visible map follow two sliders. Main thread only."""

from __future__ import annotations

import math

from qgis.core import QgsCoordinateReferenceSystem, QgsGeometry, QgsRectangle, QgsSettings
from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QObject, QTimer

from .....ui.charts.threshold_chart import Curve
from .....ui.fields.wrapped_text import format_score
from .....ui.review.threshold import Position, ThresholdPanel
from ....core.command_options import RetraceOptions
from ....core.environment import Environment
from ....core.errors import InputError, TunerError
from ....core.live_view import (
    CurvePoints,
    Footprints,
    Ready,
    Refused,
    TraceAnswer,
    TraceRequest,
    Unavailable,
    parse_answer,
)
from ....core.run_record import RunRecord
from ....core.worker_process import Ending
from ...worker_client.client import WorkerClient
from ...worker_client.conversation import Conversation
from ...worker_client.messages import SUCCESS, WARNING, join, log, tell
from ..run_opener import Reviewer, mark_by_hand
from .overlay import Overlay
from .requests import LiveRequests
from .retrace import Retracer
from .slider_state import read_position, write_position
from .visible_extent import frame_map

_FILL_SETTING = "footprint_tuner/live_fill"
_PAN_MS = 120
_REST_MS = 300


class LiveThreshold(QObject):
    """The part of the review with the sliders: a worker answers them while *Live* is on, another one does *Apply*."""

    def __init__(
        self, iface: QgisInterface, environment: Environment, panel: ThresholdPanel, reviewer: Reviewer
    ) -> None:
        """Wait for a run."""
        super().__init__(reviewer)
        self._canvas, self._bar = iface.mapCanvas(), iface.messageBar()
        self._environment, self._panel, self._reviewer = environment, panel, reviewer
        self._record: RunRecord | None = None
        self._worker: Conversation | None = None
        self._requests = LiveRequests(lambda _: None)
        self._crs, self._bounds = QgsCoordinateReferenceSystem(), QgsRectangle()
        self._chosen = self._applied = Position(0.5, 0.0)
        self._curve_area: float | None = None
        self._is_in_sight = False
        self._overlay = Overlay(self._canvas)
        self._retracer = Retracer(environment, self)
        self._pan = QTimer(self, singleShot=True, interval=_PAN_MS)
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._connect()
        is_filled = QgsSettings().value(_FILL_SETTING, True, type=bool)
        panel.show_fill(is_filled)
        self._overlay.fill(is_filled)

    def _connect(self) -> None:
        panel, canvas = self._panel, self._canvas
        panel.live_toggled.connect(self._toggle)
        panel.fill_toggled.connect(self._fill)
        panel.position_changed.connect(self._move)
        panel.apply_requested.connect(self._apply)
        panel.chosen_requested.connect(self._go_back)
        panel.cancel_requested.connect(self._retracer.cancel)
        for signal in (canvas.extentsChanged, canvas.rotationChanged, canvas.destinationCrsChanged):
            signal.connect(self._look_soon)
        self._pan.timeout.connect(self._trace)
        self._rest.timeout.connect(self._settle)
        self._retracer.progressed.connect(self._show_progress)
        self._retracer.ended.connect(self._end_apply)
        self._reviewer.stopped.connect(self._stop)

    def open(self, record: RunRecord) -> None:
        """Begin with a run, *Live* off."""
        self._record = record
        self._panel.show_by_hand(*mark_by_hand(record))

    def renew(self, record: RunRecord) -> None:
        """Begin anew: the scores are other ones."""
        self.close()
        self.open(record)

    def close(self) -> None:
        """End with the run, and leave nothing on the map; a second time does nothing."""
        self._end_live()
        self._retracer.cancel()
        self._record = None
        self._panel.show_none()

    def _stop(self) -> None:
        self._retracer.stop()
        self._reviewer.is_busy = False
        for worker in self.findChildren(Conversation):
            worker.wait()

    # -- live ----------------------------------------------------------------------------------------------------------

    def _toggle(self, is_wanted: bool) -> None:
        if not is_wanted or self._record is None:
            self._end_live()
            return
        try:
            worker = WorkerClient(self._environment).converse(("review", str(self._record.folder.path)), self)
        except TunerError as error:
            self._end_live(join(error.message, error.hint))
            return
        self._worker, self._requests = worker, LiveRequests(worker.say)
        worker.heard.connect(self._hear)
        worker.ended.connect(lambda message, hint: self._end_live(join(message, hint)))
        self._panel.show_starting()
        worker.start()

    def _hear(self, line: bytes) -> None:
        answer = parse_answer(line)
        if answer is None:
            log(f"This is no answer of the worker's: {line[:200]!r}", WARNING)
        elif isinstance(answer, Ready):
            self._begin(answer)
        elif isinstance(answer, Unavailable):
            self._end_live(join(answer.message, answer.hint))
        elif isinstance(answer, CurvePoints):
            self._show_curve(answer)
        else:
            self._requests.settle(answer)
            self._show(answer)

    def _begin(self, ready: Ready) -> None:
        if self._record is None:
            return
        self._crs = QgsCoordinateReferenceSystem.fromWkt(ready.crs)
        self._bounds = QgsRectangle(*ready.bounds)
        self._applied = Position(ready.threshold, ready.min_area_m2)
        self._chosen = Position(ready.chosen_threshold, ready.chosen_min_area_m2)
        self._panel.show_live(read_position(self._record) or self._applied, self._applied)
        self._trace()
        self._ask_curve()

    def _end_live(self, sentence: str = "") -> None:
        worker, self._worker = self._worker, None
        self._pan.stop()
        self._rest.stop()
        self._overlay.remove()
        self._curve_area = None
        if worker is not None:
            worker.stop()
        self._panel.show_off(sentence)
        if sentence:
            log(sentence, WARNING)

    def _move(self, _position: Position) -> None:
        self._trace()
        self._rest.start()

    def _settle(self) -> None:
        """The sliders rest: keep their place, and ask validation ground where the area is another one."""
        if self._record is not None and self._worker is not None:
            write_position(self._record, self._panel.position)
            self._ask_curve()

    def _look_soon(self) -> None:
        if self._worker is not None:
            self._pan.start()

    def _trace(self) -> None:
        if self._worker is None or not self._crs.isValid():
            return
        position = self._panel.position
        try:
            sight = frame_map(self._canvas.mapSettings(), self._bounds, self._crs)
        except InputError as error:
            self._is_in_sight = False
            self._overlay.remove()
            self._panel.show_told(join(error.message, error.hint))
            return
        self._is_in_sight = True
        self._requests.ask_trace(
            TraceRequest(sight.box, sight.width_px, sight.height_px, position.threshold, position.min_area_m2)
        )

    def _show(self, answer: TraceAnswer) -> None:
        if self._worker is None or not self._is_in_sight:
            return
        if isinstance(answer, Refused):
            if answer.answer is not None:  # what has no number is about the curve
                self._overlay.remove()
            self._panel.show_told(join(answer.message, answer.hint))
        elif isinstance(answer, Footprints):
            footprints = QgsGeometry()
            footprints.fromWkb(answer.wkb)
            self._overlay.show(footprints, self._crs)
            self._panel.show_count(answer.count, is_coarse=answer.is_coarse)

    def _ask_curve(self) -> None:
        area = self._panel.position.min_area_m2
        if self._worker is not None and area != self._curve_area:
            self._curve_area = area
            self._requests.ask_curve(area)

    def _show_curve(self, told: CurvePoints) -> None:
        if self._worker is not None and told.min_area_m2 == self._curve_area:
            self._panel.show_curve(_make_curve(told))

    def _fill(self, is_filled: bool) -> None:
        QgsSettings().setValue(_FILL_SETTING, is_filled)
        self._overlay.fill(is_filled)

    # -- apply ---------------------------------------------------------------------------------------------------------

    def _apply(self, position: Position) -> None:
        self._retrace(threshold=position.threshold, min_area_m2=position.min_area_m2)

    def _go_back(self) -> None:
        self._retrace(is_chosen=True)

    def _retrace(
        self, threshold: float | None = None, min_area_m2: float | None = None, *, is_chosen: bool = False
    ) -> None:
        if self._record is None or not self._reviewer.is_free():
            return
        try:
            options = RetraceOptions(self._record.folder.path, threshold, min_area_m2, is_chosen)
            self._retracer.start(self._record, options)
        except TunerError as error:
            self._panel.show_applied(join(error.message, error.hint))
            tell(self._bar, WARNING, error.message, error.hint)
            return
        self._reviewer.is_busy = True
        self._panel.show_applying(0.0)

    def _show_progress(self, percent: float) -> None:
        if self._retracer.record is self._record:
            self._panel.show_applying(percent)

    def _end_apply(self, ending: Ending) -> None:
        self._reviewer.is_busy = False
        if self._record is None or self._retracer.record is not self._record:
            return  # another run is open by now, or none
        if ending.event is None:
            self._panel.show_applied(self._describe(ending, self._retracer.reason))
            return
        before = self._record.report.f1s[-1]
        self._reviewer.reload(self)
        self._record = self._reviewer.record
        if self._record is not None:
            self._show_applied(self._record, before, self._retracer.kept)

    def _show_applied(self, record: RunRecord, before: float, kept: str) -> None:
        by_hand, (title, sentence) = record.report.by_hand, mark_by_hand(record)
        self._panel.show_by_hand(title, sentence)
        if self._worker is not None:
            self._applied = Position(by_hand.threshold, by_hand.min_area_m2) if by_hand else self._chosen
            self._panel.show_in_force(self._applied)
            if not by_hand:
                self._panel.move_to(self._chosen)
        text = self.tr("Applied. F1 by building in the held-out area: {before} before, {after} now.")
        after = record.report.f1s[-1]
        text = text.format(before=format_score(before), after=format_score(after))
        if kept:
            text = join(text, self.tr("The footprints that you had edited are kept as {}.").format(kept))
        self._panel.show_applied(text)
        tell(self._bar, SUCCESS, text, sentence)

    def _describe(self, ending: Ending, reason: str) -> str:
        if ending.kind == "cancelled":
            return reason or self.tr("Cancelled: the run has not changed.")
        if ending.kind == "died":
            log(ending.log_tail, WARNING)
            return join(
                ending.message, self.tr("The run has not changed; QGIS's message log has the last lines of its log.")
            )
        return join(ending.message, ending.hint)


def _make_curve(told: CurvePoints) -> Curve:
    """Return the curve as it is drawn; a figure that is not defined is not a number."""
    rows = [[math.nan if value is None else value for value in point] for point in told.points]
    points = tuple((threshold, f1, precision, recall) for threshold, f1, precision, recall in rows)
    return Curve(told.min_area_m2, points, None if told.best is None else (told.best[0], told.best[1]), told.done)
