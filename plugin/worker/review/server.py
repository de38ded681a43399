"""The command ``review``: stays, and answers what a reviewer of a run asks while sliders move.

Lines out: ``ready`` first, then ``answer`` to each request by its ``id``, and ``curve`` whenever more of it is known.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from pathlib import Path
from typing import IO

from rasterio.errors import RasterioError
from shapely.errors import ShapelyError

from ...core.atomic_file import drop_passing_folders
from ...core.errors import InputError, TunerError
from ...core.live_view import (
    Answer,
    CurveRequest,
    Dropped,
    Footprints,
    Refused,
    TraceRequest,
    Unavailable,
    format_answer,
)
from ..inference.overviews import build_sidecar, has_overviews
from ..runtime.channel import take_stdout
from .context import ReviewContext, open_scene
from .f1_curve import F1Curve
from .live_view import LiveView
from .requests import RequestError, RequestQueue, read_request

log = logging.getLogger(__name__)

_FAULTS = (TunerError, RasterioError, ShapelyError, OSError, ValueError, MemoryError)

#: After a request nothing else is done for so long: the next one is on its way while a slider moves.
_QUIET_S = 0.3
#: A look that would read more pixels than that waits until the raster has overviews.
_MOST_READ_PX = 40_000_000


def serve_review(path: Path) -> None:
    """Answer requests on standard input about the run in a folder, until it ends; then the process ends, too.

    Raises InputError where the run cannot be reviewed, after it was told on standard output as ``failed``.
    """
    out = take_stdout()
    try:
        context = open_scene(path)
    except TunerError as error:
        say(out, Unavailable(error.message, error.hint))
        raise
    reviewer = ReviewServer(context, out)
    say(out, context.describe())
    reviewer.serve(RequestQueue(_leave))


def say(out: IO[str], answer: Answer) -> None:
    """Write one line."""
    with contextlib.suppress(OSError, ValueError):  # the reviewer is gone: the end of the input ends the process
        out.write(format_answer(answer) + "\n")
        out.flush()


def _leave() -> None:
    """End the process, whatever it does: nothing is lost by it."""
    drop_passing_folders()
    os._exit(0)


class ReviewServer:
    """Works on the newest trace first, then on the overviews that it waits for, then on the curve."""

    def __init__(self, context: ReviewContext, out: IO[str]) -> None:
        """Begin with nothing asked."""
        self._context, self._out = context, out
        self._view, self._curve = LiveView(context), F1Curve(context)
        self._pending: TraceRequest | None = None
        self._overviews = build_sidecar(context.path)
        self._has_overviews = has_overviews(context.path)

    def serve(self, inbox: RequestQueue) -> None:
        """Answer, for ever."""
        quiet_until = 0.0
        while True:
            has_work = self._pending is not None or self._curve.is_wanted or not self._has_overviews
            lines = inbox.take((0.0 if self._pending else quiet_until) if has_work else None)
            for line in lines:
                self.hear(line)
            if self._pending is not None:
                if self.trace():
                    quiet_until = time.monotonic() + _QUIET_S
            elif not lines and self._curve.is_wanted:
                self.extend_curve()
            elif not lines and not self._has_overviews:
                self._extend_overviews()

    def hear(self, line: bytes) -> None:
        """Take up a request; an older trace that waits is dropped."""
        try:
            request = read_request(line)
        except RequestError as error:
            self._refuse(error.number, error)
            return
        if isinstance(request, CurveRequest):
            self._curve.ask(request.min_area_m2)
            self._say(self._curve.describe())
            return
        if self._pending is not None:
            self._say(Dropped(self._pending.id))
        self._pending = request

    def trace(self) -> bool:
        """Answer the trace that waits; return False where overviews are still to be made for it."""
        request, began = self._pending, time.monotonic()
        if request is None:
            return True
        try:
            if self._is_heavy(request) and not self._extend_overviews():
                return False
            seen = self._view.trace(request)
        except _FAULTS as error:
            self._refuse(request.id, error)
        else:
            wkb, seconds = seen.to_wkb(), round(time.monotonic() - began, 4)
            self._say(Footprints(request.id, wkb, len(seen.polygons), seen.is_coarse, seconds))
        self._pending = None
        return True

    def extend_curve(self) -> None:
        """Do the next piece of the curve, and tell it where a point came of it."""
        try:
            if self._curve.step():
                self._say(self._curve.describe())
        except _FAULTS as error:
            self._refuse(None, error)

    def _is_heavy(self, request: TraceRequest) -> bool:
        """Tell whether a look needs overviews that are not there yet."""
        frame = self._view.frame(request)
        if self._has_overviews or frame is None or not frame.is_coarse:
            return False
        return frame.window.width * frame.window.height > _MOST_READ_PX

    def _extend_overviews(self) -> bool:
        """Make the next piece of the overviews; return whether no more is to be made.

        Where they cannot be kept (a folder that is read-only) looks at much ground are slow, but right.
        """
        try:
            self._has_overviews = next(self._overviews, self) is self
        except _FAULTS as error:
            log.warning("There are no overviews of %s: %s", self._context.path, error)
            self._has_overviews = True
        return self._has_overviews

    def _refuse(self, number: object, error: Exception) -> None:
        if not isinstance(error, TunerError):
            error = InputError(
                f"The run in {self._context.folder.path} could not be read: {type(error).__name__}: {error}",
                "Was its folder moved, or the probability raster deleted? Choose the run again.",
            )
        self._say(Refused(number, error.message, error.hint))

    def _say(self, answer: Answer) -> None:
        say(self._out, answer)
