"""What a reviewer asks: a JSON object a line on standard input, checked as it is taken up."""

from __future__ import annotations

import json
import math
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from ...core.errors import InputError
from ...core.live_view import CURVE, TRACE, Box, CurveRequest, Request, TraceRequest

_MOST_PX = 32_768
_READ_BYTES = 65_536


class RequestError(InputError):
    """A line that cannot be done; ``number`` is the request's, None where it has none."""

    def __init__(self, number: Any, message: str) -> None:
        """Keep the request's number."""
        super().__init__(message, "See what a request looks like in the description of the command review.")
        self.number = number


class RequestQueue:
    """Reads lines in a thread of its own; where they end, the reviewer is gone, and ``leave`` is called there."""

    def __init__(self, leave: Callable[[], None]) -> None:
        """Begin to read."""
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._leave = leave
        threading.Thread(target=self._read, daemon=True, name="inbox").start()

    def take(self, until: float | None) -> list[bytes]:
        """Return all lines that came, [] where none came until a moment (``time.monotonic``; None: wait for one)."""
        try:
            wait_s = None if until is None else until - time.monotonic()
            lines = [self._lines.get(wait_s is None or wait_s > 0, wait_s)]
        except queue.Empty:
            return []
        while not self._lines.empty():
            lines.append(self._lines.get())
        return lines

    def _read(self) -> None:
        pending = b""
        while chunk := _read_input():
            *lines, pending = (pending + chunk).split(b"\n")
            for line in filter(None, map(bytes.strip, lines)):
                self._lines.put(line)
        self._leave()


def read_request(line: bytes) -> Request:
    """Return the request in a line; raises RequestError."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        raise RequestError(None, "The request is no JSON.") from None
    if not isinstance(content, dict):
        raise RequestError(None, "The request is no JSON object.")
    number = content.get("id")
    if content.get("do") not in (TRACE, CURVE):
        raise RequestError(number, f'A request says "do": "{TRACE}" or "{CURVE}".')
    least = _read_number(content, "min_area_m2", 0, 1e6)
    if content["do"] == CURVE:
        return CurveRequest(least, number)
    sides = [int(_read_number(content, name, 1, _MOST_PX)) for name in ("width_px", "height_px")]
    threshold = _read_number(content, "threshold", 0.001, 0.999)
    return TraceRequest(_read_box(content), sides[0], sides[1], threshold, least, number)


def _read_box(content: dict[str, Any]) -> Box:
    box = content.get("box")
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise RequestError(content.get("id"), '"box" must be [xmin, ymin, xmax, ymax].')
    left, bottom, right, top = map(float, box)
    if not (left < right and bottom < top):
        raise RequestError(content.get("id"), '"box" must hold some ground: xmin below xmax, ymin below ymax.')
    return left, bottom, right, top


def _read_number(content: dict[str, Any], name: str, least: float, most: float) -> float:
    value = content.get(name)
    if value is None or not _is_number(value) or not least <= value <= most:
        raise RequestError(content.get("id"), f'"{name}" must be a number from {least:g} to {most:g}.')
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _read_input() -> bytes:
    try:
        return os.read(0, _READ_BYTES)
    except OSError:
        return b""
