"""The messages of the live view: one JSON object a line, from the dock to the worker's command ``review`` and back."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass
from typing import Any, Sequence, Union

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class TraceRequest:
    """Ask for the footprints in ``box`` (xmin, ymin, xmax, ymax; the raster's CRS) on a screen of so many pixels."""

    box: Box
    width_px: int
    height_px: int
    threshold: float
    min_area_m2: float
    id: object = None


@dataclass(frozen=True)
class CurveRequest:
    """Ask for the F1 on validation blocks by threshold, for buildings from this area on."""

    min_area_m2: float
    id: object = None


@dataclass(frozen=True)
class Ready:
    """The run can be viewed: what is in force, what the run itself chose; ``bounds`` in the coordinate system ``crs``.

    ``crs`` is WKT, ``gsd_m`` the size of a pixel.
    """

    threshold: float
    min_area_m2: float
    chosen_threshold: float
    chosen_min_area_m2: float
    crs: str
    gsd_m: float
    bounds: Box


@dataclass(frozen=True)
class Unavailable:
    """The run cannot be viewed; the worker ends."""

    message: str
    hint: str = ""


@dataclass(frozen=True)
class CurvePoints:
    """What is known of the curve: (threshold, F1, precision, recall) in order, (threshold, F1) of the best, the share.

    A figure that is not defined is None.
    """

    min_area_m2: float
    points: Sequence[Sequence[float | None]]
    best: Sequence[float] | None
    done: float


@dataclass(frozen=True)
class Footprints:
    """The answer to a trace: a MultiPolygon in WKB, in the raster's CRS; coarse where pixels were averaged."""

    answer: object
    wkb: bytes
    count: int
    is_coarse: bool
    seconds: float


@dataclass(frozen=True)
class Dropped:
    """A trace that is not answered: a newer one came before its turn."""

    answer: object


@dataclass(frozen=True)
class Refused:
    """A request that could not be done; ``answer`` is None where it is about the curve or had no number."""

    answer: object
    message: str
    hint: str = ""


Request = Union[TraceRequest, CurveRequest]
TraceAnswer = Union[Footprints, Dropped, Refused]
Answer = Union[Ready, Unavailable, CurvePoints, TraceAnswer]

TRACE, CURVE = "trace", "curve"
_NAMES: dict[str, type[Any]] = {"ready": Ready, "failed": Unavailable, "curve": CurvePoints}


def format_request(request: Request) -> str:
    """Return a request as one line of JSON, without its line end."""
    content = asdict(request)
    verb = TRACE if isinstance(request, TraceRequest) else CURVE
    return json.dumps({"id": content.pop("id"), "do": verb, **content})


def format_answer(answer: Answer) -> str:
    """Return an answer as one line of JSON in ASCII, without its line end; raises ValueError for NaN."""
    return json.dumps(_write_answer(answer), ensure_ascii=True, allow_nan=False)


def _write_answer(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, Footprints):
        return {**asdict(answer), "wkb": base64.b64encode(answer.wkb).decode()}
    if isinstance(answer, Dropped):
        return {"answer": answer.answer, "dropped": True}
    if isinstance(answer, Refused):
        return {"answer": answer.answer, "error": {"message": answer.message, "hint": answer.hint}}
    return {next(name for name, kind in _NAMES.items() if isinstance(answer, kind)): asdict(answer)}


def parse_answer(line: bytes) -> Answer | None:
    """Return the answer in a line, None where it holds none."""
    try:
        return _read_answer(json.loads(line))
    except (ValueError, TypeError, KeyError):
        return None


def _read_answer(content: dict[str, Any]) -> Answer:
    for name, kind in _NAMES.items():
        if name in content:
            answer: Answer = kind(**content[name])
            return answer
    if "error" in content:
        return Refused(content["answer"], **content["error"])
    if "dropped" in content:
        return Dropped(content["answer"])
    return Footprints(**{**content, "wkb": base64.b64decode(content["wkb"])})
