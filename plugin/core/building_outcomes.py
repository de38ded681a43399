"""The outcomes of held-out buildings (TP, FP, FN) from errors.gpkg: reading, filtering, sorting."""

from __future__ import annotations

import hashlib
import math
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Callable, Collection, Iterator, NamedTuple, Sequence
from urllib.parse import quote

from .errors import RunError

FOUND, WRONG, MISSED = "TP", "FP", "FN"
BADLY = "badly outlined"
#: A building found with an IoU below this is badly outlined.
BADLY_IOU = 0.7
#: The layers of errors.gpkg: how the base model fared, and the tuned one.
BASE, TUNED = "before", "after"

_QUERY = """SELECT fid, outcome, area_m2, iou, confidence, substr(geom, 1, 48)
FROM "LAYER" WHERE outcome IN ('TP', 'FP', 'FN')"""
_SLICE = 2000
_AGAIN = "Run the job again, or choose another run."


class Outcome(NamedTuple):
    """One building: ``kind`` is FOUND, WRONG or MISSED, a number that the file does not know is None.

    ``mark`` stays the same as long as kind and outline do, whatever else is written into the file.
    """

    fid: int
    kind: str
    area_m2: float | None
    iou: float | None
    confidence: float | None
    mark: str

    @property
    def is_error(self) -> bool:
        """Whether the building counts as an error."""
        return self.kind != FOUND


@dataclass(frozen=True)
class Choice:
    """Which buildings to look at: of a kind ("": all), of a size in m2, and perhaps only those not yet looked at."""

    kind: str = ""
    least_m2: float = 0.0
    most_m2: float = math.inf
    is_new_only: bool = False


class Tally(NamedTuple):
    """How many of some buildings are of each kind; ``badly`` are among the found ones."""

    missed: int
    wrong: int
    found: int
    badly: int


def read_outcomes(path: Path, layer: str, is_cancelled: Callable[[], bool] = lambda: False) -> list[Outcome]:
    """Return the buildings of a layer of errors.gpkg, worst first; raises RunError where it cannot be read.

    The file is only read. Cancelled, what was read so far is returned.
    """
    if not path.is_file():
        raise RunError(f"{path.name} is no longer in the run's folder.", _AGAIN)
    outcomes: list[Outcome] = []
    try:
        with closing(sqlite3.connect(_name_read_only(path), uri=True)) as connection:
            for some in _read_slices(connection, layer):
                outcomes += some
                if is_cancelled():
                    return outcomes
    except sqlite3.Error as error:
        raise RunError(f"{path.name} of the run cannot be read: {error}.", _AGAIN) from error
    return sorted(outcomes, key=_rank)


def choose_outcomes(outcomes: Sequence[Outcome], choice: Choice, seen: Collection[str] = ()) -> list[Outcome]:
    """Return those that are chosen, in the same order; ``seen`` are the marks of those that were looked at.

    One whose area is not known is left out where a size is asked for.
    """
    chosen = _choose_size(outcomes, choice)
    if choice.is_new_only:
        chosen = [each for each in chosen if each.mark not in seen]
    if choice.kind == BADLY:
        return [each for each in chosen if is_badly_outlined(each)]
    return [each for each in chosen if each.kind == choice.kind] if choice.kind else list(chosen)


def count_kinds(outcomes: Sequence[Outcome]) -> Tally:
    """Return how many there are of each kind."""
    kinds = [each.kind for each in outcomes]
    badly = sum(map(is_badly_outlined, outcomes))
    return Tally(kinds.count(MISSED), kinds.count(WRONG), kinds.count(FOUND), badly)


def is_badly_outlined(outcome: Outcome) -> bool:
    """Tell whether a building was found, but with an outline that is far from the label's."""
    return outcome.kind == FOUND and outcome.iou is not None and outcome.iou < BADLY_IOU


def sort_outcomes(outcomes: Sequence[Outcome], field: str, *, is_falling: bool = False) -> list[Outcome]:
    """Return the outcomes in the order of a field; what is not known comes last, and ties stay as they are."""
    place = Outcome._fields.index(field)
    known = [each for each in outcomes if each[place] is not None]
    unknown = [each for each in outcomes if each[place] is None]
    return sorted(known, key=itemgetter(place), reverse=is_falling) + unknown


def read_number(value: object) -> float | None:
    """Return what stands in a field of numbers, None where it is none."""
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _choose_size(outcomes: Sequence[Outcome], choice: Choice) -> Sequence[Outcome]:
    least, most = choice.least_m2, choice.most_m2
    if least <= 0 and most == math.inf:
        return outcomes
    return [each for each in outcomes if each.area_m2 is not None and least <= each.area_m2 <= most]


def _rank(outcome: Outcome) -> tuple[bool, bool, float]:
    """Errors come before what was found: of the errors the largest first, of the others the worst outline."""
    badness = outcome.area_m2 if outcome.is_error else outcome.iou
    sign = -1.0 if outcome.is_error else 1.0
    return not outcome.is_error, badness is None, sign * (badness or 0.0)


def _name_read_only(path: Path) -> str:
    """Return the address by which SQLite only reads a file, whatever letters its name has."""
    name = path.absolute().as_posix()
    return f"file://{'' if name.startswith('/') else '/'}{quote(name)}?mode=ro"


def _read_slices(connection: sqlite3.Connection, layer: str) -> Iterator[list[Outcome]]:
    """Yield some outcomes at a time. Of an outline only the head is read, which tells its box to the last bit."""
    cursor = connection.execute(_QUERY.replace("LAYER", layer))
    while rows := cursor.fetchmany(_SLICE):
        yield [
            Outcome(fid, kind, read_number(area_m2), read_number(iou), read_number(confidence), _mark(kind, head))
            for fid, kind, area_m2, iou, confidence, head in rows
        ]


def _mark(kind: str, head: object) -> str:
    outline = head if isinstance(head, bytes) else b""
    return hashlib.blake2b(kind.encode() + outline, digest_size=6).hexdigest()
