"""A model's card for people, in Markdown: what it is, what it takes, how good it is, and where it fails.

The sections are those that model cards have had since Mitchell et al. (2019): details, use, data, metrics, limits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...core.atomic_file import replacing
from ...core.block_roles import HELD_OUT
from ...core.card import Card
from ...core.folder import RunFolder
from ...core.model_specs import DECODERS
from ..runtime.versions import describe_versions
from .deepness import CLASSES, choose_gsd, is_clipped, read_stretch
from .onnx_file import LARGEST_DIFFERENCE, OPSET, TILES, Exported

_BYTE = 255.0
_KINDS = (("building", "by building"), ("pixel", "by pixel"))
_FIGURES = ("f1", "precision", "recall", "tp", "fp", "fn")
_NOT_IN_THE_FILE = (
    "The ONNX file says where buildings are, not where one ends and the next begins: neither seeds and watershed, nor"
    " right angles, nor resampling are in it."
)
_SNIPPET = """\
import json

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession({name!r})
told = session.get_modelmeta().custom_metadata_map
mean, std = (np.array(json.loads(told[f"standardization_{{part}}"]))[:, None, None] for part in ("mean", "std"))


def find_buildings(tile):
    \"\"\"Return where a tile ({bands}, {side}, {side}) of values as they stand in the file is building.\"\"\"
    values = ((tile / 255 - mean) / std).astype("float32")
    ((background, building),) = session.run(None, {{{tiles!r}: values[None]}})[0]
    return building >= json.loads(told["seg_thresh"])
"""


def write_model_card(card: Card, path: Path, exported: Exported | None = None) -> None:
    """Write the card of a model, with its scores where a run's report lies beside it; raises RunError.

    ``exported`` is the ONNX file that it goes with.
    """
    report = _read_report(card)
    parts = [
        f"# {card.title}",
        card.description,
        _tell_details(card),
        _tell_use(card),
        _tell_imagery(card),
        _tell_handling(card, exported),
        _section("What it learnt from", card.training or "Its card does not say."),
        _tell_scores(card, report),
        _tell_limits(card, exported),
        _tell_rights(card),
        _tell_versions(report),
    ]
    with replacing(path) as partial:
        partial.write_text("\n\n".join(filter(None, parts)) + "\n", encoding="utf-8")


def _tell_details(card: Card) -> str:
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
    return _section("What it is", _tabulate(("", ""), [row for row in rows if row[1]]))


def _tell_use(card: Card) -> str:
    paragraphs = ["It maps the footprints of buildings from imagery that looks straight down, or nearly so."]
    if not card.has_seen_roofs:
        paragraphs.append("**It has never seen a roof: it is a start for tuning, and of no use before that.**")
    paragraphs.append(
        "It is a help for people who map, who look over what it finds. It says nothing about who lives in a building, "
        "and should not decide alone where a missed or invented building does harm: relief, eviction, taxes."
    )
    return _section("What it is for", *paragraphs)


def _tell_imagery(card: Card) -> str:
    low_high = read_stretch(card)
    rows = [
        (str(place), name, f"{low:g}", f"{high:g}", f"{mean:g}", f"{std:g}")
        for place, (name, (low, high), mean, std) in enumerate(
            zip(card.bands, low_high, card.mean, card.std, strict=True), 1
        )
    ]
    ends = "values beyond are cut off" if is_clipped(card) else "values beyond are kept"
    steps = (
        f"A value becomes 0 at its band's *low* and 1 at its *high* ({ends}); then *mean* is taken away and the rest"
        " divided by *std*."
    )
    if not card.stretch:
        steps += _tell_open_stretch(card)
    return _section(
        "The imagery it takes",
        _tell_scale(card),
        "Bands, in this order:",
        _tabulate(("", "band", "low", "high", "mean", "std"), rows),
        steps,
    )


def _tell_open_stretch(card: Card) -> str:
    if is_clipped(card):
        return " This is for 8 bits; of other imagery, the 1st and 99th percentile of each band are *low* and *high*."
    return " This is for values like those it learnt from; the plugin brings other imagery to their mean and spread."


def _tell_scale(card: Card) -> str:
    gsd_m = choose_gsd(card)
    if gsd_m is None:
        return "No ground sample distance is known to be right for it."
    known = " to ".join(f"{gsd:g}" for gsd in card.gsd_m)
    seen = f" It learnt from imagery of {known} m." if known else ""
    return f"Resampled to {gsd_m:g} m a pixel.{seen}"


def _tell_handling(card: Card, exported: Exported | None) -> str:
    model = Path(card.folder, card.weights).with_suffix(".json").name if card.parent else card.name
    in_qgis = (
        f"**In QGIS, with Footprint Tuner**: choose `{model}` as base model and press *Fine-tune*, or run the algorithm"
        " *Map footprints with a tuned model*. This is the whole model: touching buildings come apart, footprints get"
        " right angles."
    )
    if exported is None:
        return _section("How to use it", in_qgis)
    path, side, bands = exported.path, exported.tile_px, len(card.bands)
    in_deepness = (
        f"**In QGIS, with Deepness**: choose `{path.name}` as model; resolution, tiles, threshold and normalisation are"
        f" read from the file. Map the raster's bands to the inputs in the order {', '.join(card.bands)}."
        f"{_tell_depth(card)}"
    )
    file = (
        f"`{path.name}` is ONNX (opset {OPSET}): input `{TILES}` (any number, {bands}, {side}, {side}); output the"
        f" channels {' and '.join(CLASSES)}. *{CLASSES[1]}* is the footprint's probability p; *{CLASSES[0]}* is 1 - p"
        " times the odds of the threshold, so that the larger of the two is the answer at the threshold"
        f" {card.threshold:g}. Computed by onnxruntime, p was within {exported.difference:.1e} of torch's"
        f" (allowed: {LARGEST_DIFFERENCE:.0e})."
    )
    snippet = _SNIPPET.format(name=path.name, bands=bands, side=side, tiles=TILES)
    return _section("How to use it", in_qgis, in_deepness, f"**In Python**:\n\n```python\n{snippet}```", file)


def _tell_depth(card: Card) -> str:
    if all(low >= 0 and high <= _BYTE for low, high in read_stretch(card)):
        return " Deepness is made for 8-bit rasters."
    return (
        " The normalisation is for values as they stand in rasters like the one that the model was adapted to; Deepness"
        " promises to read 8-bit ones only."
    )


def _tell_scores(card: Card, report: Mapping[str, Any]) -> str:
    before, after = report.get("before") or {}, report.get("after") or {}
    if not after:
        return _section("How good it is", card.scores or "It was not scored.")
    base = (report.get("base_model") or {}).get("title") or card.parent or "base model"
    rows = [
        (f"{figure} {name}", _format(before.get(kind), figure), _format(after.get(kind), figure))
        for kind, name in _KINDS
        for figure in _FIGURES
        if figure in (after.get(kind) or {})
    ]
    ground = (report.get("ground") or {}).get(HELD_OUT) or {}
    where = f"On {ground['buildings']:,} buildings of ground" if "buildings" in ground else "On ground"
    intro = f"{where} that the tuning never saw, before ({base}) and after:"
    by_hand = str((report.get("by_hand") or {}).get("sentence") or "")
    table = _tabulate(("", "before", "after"), rows)
    return _section("How good it is", intro, table, by_hand, str(report.get("rule") or ""))


def _tell_limits(card: Card, exported: Exported | None) -> str:
    lines = [card.limits]
    if card.parent and not card.limits:
        lines.append("It was tuned on one place: score it again before it maps another.")
    if exported is not None:
        lines += [
            _NOT_IN_THE_FILE,
            "It looks at each tile once; the plugin also looks at its mirror images." if card.looks_mirrored else "",
        ]
    return _section("Limits", *filter(None, lines)) if any(lines) else ""


def _tell_rights(card: Card) -> str:
    lines = [f"Licence: {card.licence or 'not stated'}", card.attribution]
    cite = [f"Cite: {card.citation}"] if card.citation else []
    return _section("Licence, attribution, citation", *filter(None, lines), *cite)


def _tell_versions(report: Mapping[str, Any]) -> str:
    versions = report.get("versions") or describe_versions()
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    today = datetime.now(UTC).date().isoformat()
    return _section("Versions", f"Computed with {told}. This card was written on {today}.")


def _section(title: str, *paragraphs: str) -> str:
    return "\n\n".join([f"## {title}", *filter(None, paragraphs)])


def _tabulate(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _format(score: Any, figure: str) -> str:
    value = (score or {}).get(figure)
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _read_report(card: Card) -> dict[str, Any]:
    """Return the report of the run that tuned the model ({}: there is none that can be read)."""
    try:
        content = json.loads(RunFolder(Path(card.folder)).report.read_text(encoding="utf-8")) if card.folder else {}
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
