"""A model's card for people, in Markdown: what it is, what it takes, how good it is, and where it fails.

The sections are those that model cards have had since Mitchell et al. (2019): details, use, data, metrics, limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ...core.atomic_file import replacing
from ...core.block_roles import HELD_OUT
from ...core.card import Card
from ...core.folder import RunFolder
from ...core.json_codec import read_object
from ...core.model_specs import DECODERS
from ...core.report import Report, parse_report
from ..runtime.templates import render
from ..runtime.versions import describe_versions
from . import onnx_file
from .deepness import CLASSES, choose_gsd, is_clipped, read_stretch
from .onnx_file import Exported

_BYTE = 255.0
_KINDS = (("building", "by building"), ("pixel", "by pixel"))
_FIGURES = ("f1", "precision", "recall", "tp", "fp", "fn")
_NOT_IN_THE_FILE = (
    "The ONNX file says where buildings are, not where one ends and the next begins: neither seeds and watershed, nor"
    " right angles, nor resampling are in it."
)


@dataclass(frozen=True)
class _Scores:
    """The scores of a run: on what ground, of which base model, figures before and after, and notes on them."""

    where: str
    base: str
    rows: list[tuple[str, str, str]]
    notes: tuple[str, ...]


def write_model_card(card: Card, path: Path, exported: Exported | None = None) -> None:
    """Write the card of a model, with its scores where a run's report lies beside it; raises RunError.

    ``exported`` is the ONNX file that it goes with.
    """
    report = _read_report(card)
    versions = report.versions or describe_versions()
    text = render(
        "model_card.md.jinja",
        card=card,
        exported=exported,
        onnx=onnx_file,
        classes=CLASSES,
        details=_list_details(card),
        gsd_m=choose_gsd(card),
        bands=_list_bands(card),
        is_clipped=is_clipped(card),
        is_for_bytes=all(low >= 0 and high <= _BYTE for low, high in read_stretch(card)),
        model=Path(card.folder, card.weights).with_suffix(".json").name if card.parent else card.name,
        scores=_read_scores(card, report),
        limits=_list_limits(card, exported),
        versions=", ".join(f"{name} {version}" for name, version in versions.items()),
        today=datetime.now(UTC).date().isoformat(),
    )
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _list_details(card: Card) -> list[tuple[str, str]]:
    network = f"{DECODERS.get(card.architecture, card.architecture)} over {card.encoder.removeprefix('tu-')}"
    rows = [
        ("Name", card.name),
        ("Network", network),
        ("Says of each pixel", ", ".join(card.outputs)),
        ("Tuned from", card.parent),
        ("Weights", card.weights),
        ("SHA-256 of the weights", card.sha256),
        ("Source", card.source),
    ]
    return [row for row in rows if row[1]]


def _list_bands(card: Card) -> list[tuple[str, ...]]:
    bands = zip(card.bands, read_stretch(card), card.mean, card.std, strict=True)
    return [
        (str(place), name, f"{low:g}", f"{high:g}", f"{mean:g}", f"{std:g}")
        for place, (name, (low, high), mean, std) in enumerate(bands, 1)
    ]


def _read_scores(card: Card, report: Report) -> _Scores | None:
    if not report.after.is_known:
        return None
    pairs = {name: (getattr(report.before, kind), getattr(report.after, kind)) for kind, name in _KINDS}
    buildings = report.ground[HELD_OUT].buildings if HELD_OUT in report.ground else None
    return _Scores(
        "On ground" if buildings is None else f"On {buildings:,} buildings of ground",
        report.base_model.title or card.parent or "base model",
        [
            (f"{figure} {name}", _format(getattr(before, figure)), _format(getattr(after, figure)))
            for name, (before, after) in pairs.items()
            for figure in _FIGURES
        ],
        (report.by_hand.sentence if report.by_hand else "", report.rule),
    )


def _list_limits(card: Card, exported: Exported | None) -> list[str]:
    lines = [card.limits]
    if card.parent and not card.limits:
        lines.append("It was tuned on one place: score it again before it maps another.")
    if exported is not None:
        lines += [
            _NOT_IN_THE_FILE,
            "It looks at each tile once; the plugin also looks at its mirror images." if card.uses_tta else "",
        ]
    return [line for line in lines if line]


def _format(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _read_report(card: Card) -> Report:
    """Return the report of the run that tuned the model, as far as there is one that can be read."""
    content = read_object(RunFolder(Path(card.folder)).report) if card.folder else None
    return parse_report(content or {}, [])
