"""Comparability of two runs: only with the same held-out area and the same labels in it."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import InputError
from .report import Block
from .run_record import RunRecord

#: Bounds that differ by less than this share of a block's side are the same: a run may work at another pixel size.
_TOLERANCE = 0.01
_OTHER_GROUND = "Repeat one of them with the other's areas."
_OTHER_LABELS = "Repeat one of them with the other's labels."


@dataclass(frozen=True)
class Pair:
    """What two runs' tuned models found in the same block, as (true positives, false positives, false negatives)."""

    first: tuple[int, int, int]
    second: tuple[int, int, int]


def pair_blocks(first: RunRecord, second: RunRecord) -> list[Pair]:
    """Return the counts of both runs, block by block of their held-out ground.

    Raises InputError, with the reason, where one of them cannot be read or they were not scored on the same ground.
    """
    for record in (first, second):
        if record.problem:
            raise InputError(f"{record.name}: {record.problem}", record.hint)
    if first.folder.path.resolve() == second.folder.path.resolve():
        raise InputError("A run cannot be compared with itself.", "Choose two runs.")
    reference = [record.report.raster.crs for record in (first, second)]
    if reference[0] != reference[1]:
        raise _refuse(
            f"one in {reference[0]}, the other in {reference[1]}.", "Repeat one of them on the other's raster."
        )
    blocks = [_read_blocks(record) for record in (first, second)]
    if len(blocks[0]) != len(blocks[1]):
        raise _refuse(f"{len(blocks[0])} blocks against {len(blocks[1])}.", _OTHER_GROUND)
    partners = [_find_partner(block, blocks[1]) for block in blocks[0]]
    apart = partners.count(None)
    if apart:
        raise _refuse(f"{apart} of {len(partners)} blocks lie elsewhere.", _OTHER_GROUND)
    pairs = [Pair(_count(block), _count(other)) for block, other in zip(blocks[0], partners) if other is not None]
    differing = sum(pair.first[0] + pair.first[2] != pair.second[0] + pair.second[2] for pair in pairs)
    if differing:
        raise InputError(
            f"They were scored on the same area, but against different labels in {differing} of {len(pairs)} blocks.",
            _OTHER_LABELS,
        )
    return pairs


def _refuse(how: str, hint: str) -> InputError:
    return InputError(f"They were scored on different areas: {how}", hint)


def _read_blocks(record: RunRecord) -> tuple[Block, ...]:
    if not record.report.blocks:
        raise InputError(f"The report of {record.name} has no counts by block.", "Repeat the run.")
    return record.report.blocks


def _find_partner(block: Block, others: tuple[Block, ...]) -> Block | None:
    left, bottom, right, top = block.bounds
    reach = _TOLERANCE * max(abs(right - left), abs(top - bottom))
    for other in others:
        if all(abs(own - its) <= reach for own, its in zip(block.bounds, other.bounds)):
            return other
    return None


def _count(block: Block) -> tuple[int, int, int]:
    return block.after.tp, block.after.fp, block.after.fn
