"""What the live view asks the worker, in which order."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Callable

from ....core.live_view import CurveRequest, TraceAnswer, TraceRequest, format_request


class LiveRequests:
    """Numbers requests and sends them. One trace is under way at a time; of those that come then the newest is kept."""

    def __init__(self, send: Callable[[str], None]) -> None:
        """Begin with nothing asked; ``send`` sends a line."""
        self._send, self._numbers = send, count(1)
        self._asked: TraceRequest | None = None
        self._pending: TraceRequest | None = None

    def ask_trace(self, request: TraceRequest) -> None:
        """Ask for footprints, at once or when those under way have come."""
        self._pending = replace(request, id=next(self._numbers))
        if self._asked is None:
            self._send_pending()

    def ask_curve(self, min_area_m2: float) -> None:
        """Ask for F1 on validation ground by threshold; an earlier question for it is forgotten."""
        self._send(format_request(CurveRequest(min_area_m2, next(self._numbers))))

    def settle(self, answer: TraceAnswer) -> None:
        """Send what waits for this answer."""
        if self._asked is not None and answer.answer == self._asked.id:
            self._send_pending()

    def _send_pending(self) -> None:
        self._asked, self._pending = self._pending, None
        if self._asked is not None:
            self._send(format_request(self._asked))
