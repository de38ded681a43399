"""The sections of a page, in their order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from .charts import draw_classes, draw_curves, draw_difference, draw_f1, draw_loss, draw_validation
from .lineage import show_chain
from .markup import Markup, tag
from .pictures import FOUND, MISSED, ROLE_COLOURS, WRONG, ReportPictures
from .scores import MODELS, Block
from .source import ReportSource, name_file, pick, read_number
from .text import (
    STAGE_WORDS,
    UNKNOWN,
    mark_by_hand,
    tell_by_hand,
    tell_energy,
    tell_grounds,
    tell_imagery,
    tell_limits,
    tell_setting,
    tell_split,
    write_count,
    write_metres,
    write_percent,
    write_score,
    write_seconds,
    write_value,
)

_Figure = tuple[str, tuple[str, ...], Any]
_FIGURES: tuple[_Figure, ...] = (
    ("F1 by building", ("building", "f1"), write_score),
    ("Precision", ("building", "precision"), write_score),
    ("Recall", ("building", "recall"), write_score),
    ("Buildings found (TP)", ("building", "tp"), write_count),
    ("Footprints that match no building (FP)", ("building", "fp"), write_count),
    ("Buildings missed (FN)", ("building", "fn"), write_count),
    ("F1, mean over IoU 0.5 to 0.95", ("mean_f1",), write_score),
    ("F1 by pixel", ("pixel", "f1"), write_score),
    ("IoU by pixel", ("pixel", "iou"), write_score),
    ("Error of the number of buildings", ("count_error_percent",), write_percent),
    ("Error of the built-up area", ("area_error_percent",), write_percent),
    ("Distance of outlines from the labels', median", ("boundary_m", "median"), write_metres),
)


def list_sections(facts: ReportSource, sights: ReportPictures) -> list[tuple[str, list[Markup]]]:
    """Return heading and content of each section; an empty one has nothing to say."""
    return [
        ("Score", _show_score(facts)),
        ("From the base model to the improved one", show_chain(facts)),
        ("Before and after", _show_blocks(sights)),
        ("By size, and by how well a footprint must fit", _show_depth(facts)),
        ("Where", _show_ground(facts, sights)),
        ("Tuning", _show_tuning(facts)),
        ("Model and imagery", _show_model(facts)),
        ("Settings, versions, time", _show_making(facts)),
        ("Licences and attribution", _show_licences(facts)),
        ("How it is scored, and what that does not say", _show_rule(facts)),
        ("Do it again", _show_job(facts)),
    ]


def lay_table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> Markup:
    """Return a table whose first column names its rows; the other columns are numbers."""
    style = (None, *("number" for _ in head[1:]))
    top = tag("tr", *(tag("th", text, scope="col", class_=kind) for text, kind in zip(head, style, strict=True)))
    body = [
        tag("tr", tag("th", name, scope="row"), *(tag("td", value, class_="number") for value in values))
        for name, *values in rows
    ]
    title = tag("caption", caption) if caption else None
    return tag("table", title, tag("thead", top), tag("tbody", *body))


def lay_list(rows: Iterable[tuple[str, str]]) -> Markup:
    """Return names and texts, one a row."""
    body = [tag("tr", tag("th", name, scope="row"), tag("td", text)) for name, text in rows if text]
    return tag("table", tag("tbody", *body))


def lay_figure(picture: Markup | None, caption: str) -> Markup:
    """Return a picture with what it shows, nothing where there is none."""
    return Markup() if picture is None else tag("figure", picture, tag("figcaption", caption))


def _show_score(facts: ReportSource) -> list[Markup]:
    rows = []
    for name, place, write in _FIGURES:
        values = [facts.pick_number(model, *place) for model in MODELS]
        if any(value is not None for value in values):
            rows.append((name, *map(write, values)))
    has_intervals = draw_difference(facts) is not None
    caption = "F1 by building; the bars are 95 % intervals over blocks of held-out ground." if has_intervals else ""
    why = facts.pick_text("interval", "why_none")
    charts = [
        lay_figure(draw_f1(facts), caption or "F1 by building on held-out ground."),
        lay_figure(draw_difference(facts), "Difference of the F1, with its 95 % interval. 0 is no difference."),
        tag("p", why, class_="muted") if why else Markup(),
    ]
    mark = mark_by_hand(facts)
    table = lay_table(("", "before", "after"), rows, f"After: {mark}." if mark else "")
    return [tag("div", tag("div", *charts), table, class_="pair")]


def _show_blocks(sights: ReportPictures) -> list[Markup]:
    if not sights.blocks:
        return [tag("p", sights.missing)] if sights.missing else []
    said = (
        "Blocks of held-out ground: the best, the median and the worst by the tuned model's F1. Blocks with less than "
        "half of the median number of labels are passed over."
    )
    parts = [
        tag("p", said),
        _lay_legend(
            (
                ("right (TP)", FOUND, None),
                ("no match (FP)", WRONG, None),
                ("missed (FN)", MISSED, "5 3"),
                ("label", "#ffffff", None),
            )
        ),
    ]
    for name, block, *pictures in sights.blocks:
        figures = [
            lay_figure(picture, _tell_block(block, model)) for picture, model in zip(pictures, MODELS, strict=True)
        ]
        parts.append(tag("h3", f"{name} (block {block.name})"))
        parts.append(tag("div", *figures, class_="pair"))
    return parts


def _tell_block(block: Block, model: str) -> str:
    counts = block.before if model == "before" else block.after
    return f"{model.capitalize()}: F1 {write_score(counts.f1)}. {counts.tp} TP, {counts.fp} FP, {counts.fn} FN."


def _lay_legend(items: Iterable[tuple[str, str, str | None]]) -> Markup:
    return tag("ul", *(tag("li", _draw_sample(colour, dash), text) for text, colour, dash in items), class_="legend")


def _draw_sample(colour: str, dash: str | None) -> Markup:
    plate = tag("rect", x=0, y=0, width=26, height=14, fill="#5f6b5f")
    line = tag("line", x1=2, y1=7, x2=24, y2=7, stroke=colour, stroke_width=3, stroke_dasharray=dash)
    return tag("svg", plate, line, xmlns="http://www.w3.org/2000/svg", viewBox="0 0 26 14", aria_hidden="true")


def _show_depth(facts: ReportSource) -> list[Markup]:
    charts = [
        lay_figure(draw_classes(facts), "F1 by the size of the building (of the footprint, where it matches none)."),
        lay_figure(draw_curves(facts), "F1 against the IoU that a footprint must have with its building to be right."),
    ]
    drawn = [chart for chart in charts if chart]
    return [tag("div", *drawn, class_="pair")] if drawn else []


def _show_ground(facts: ReportSource, sights: ReportPictures) -> list[Markup]:
    table = lay_table(("ground", "buildings", "area"), tell_grounds(facts))
    if sights.map is None:
        return [tag("p", sights.missing), table]
    legend = _lay_swatches(ROLE_COLOURS)
    shown = ", ".join(f"{name[0]} {name.lower()}" for name, *_ in sights.blocks)
    caption = tag("figcaption", f"The blocks shown above: {shown}.") if shown else None
    apart = [tag("p", sentence) for sentence in tell_split(facts)]
    return [tag("div", tag("figure", sights.map, legend, caption), tag("div", table, *apart), class_="pair")]


def _lay_swatches(colours: dict[str, str]) -> Markup:
    items = []
    for name, colour in colours.items():
        swatch = tag("rect", x=0, y=0, width=26, height=14, fill=colour, stroke="#57606a")
        drawn = tag("svg", swatch, xmlns="http://www.w3.org/2000/svg", viewBox="0 0 26 14", aria_hidden="true")
        items.append(tag("li", drawn, name))
    return tag("ul", *items, class_="legend")


def _show_tuning(facts: ReportSource) -> list[Markup]:
    best = facts.pick_number("tuning", "best_epoch")
    kept = "" if best is None else f" The epoch that was kept is {best:.0f} (dotted)."
    charts = [
        lay_figure(draw_loss(facts), "Loss by epoch."),
        lay_figure(draw_validation(facts), f"F1 by building on validation ground.{kept}"),
    ]
    drawn = [chart for chart in charts if chart]
    return [tag("div", *drawn, class_="pair")] if drawn else []


def _show_model(facts: ReportSource) -> list[Markup]:
    card = facts.card
    rows = [
        (
            "Base model",
            " \u00b7 ".join(
                filter(None, (facts.pick_text("base_model", "title"), facts.pick_text("base_model", "name")))
            ),
        ),
        ("Tuned model", str(card.get("name", "")) or "its card is gone from the run's folder"),
        ("Network", " with ".join(str(card[name]) for name in ("architecture", "encoder") if card.get(name))),
        ("Learnt", str(card.get("training", ""))),
        ("Says of a pixel", write_value(card["outputs"]) if isinstance(card.get("outputs"), list) else ""),
        ("Weights (SHA-256)", facts.pick_text("tuning", "sha256") or str(card.get("sha256", ""))),
        ("Raster", f"{facts.raster_name}, {facts.pick_text('raster', 'crs')}"),
        ("Labels", _tell_labels(facts)),
    ]
    done = [tag("li", sentence) for sentence in tell_imagery(facts)]
    return [lay_list(rows), tag("h3", "What was done to the imagery"), tag("ul", *done)]


def _tell_labels(facts: ReportSource) -> str:
    used, notes = facts.pick_number("labels", "used"), facts.pick_list("labels", "notes")
    said = f"{name_file(facts.pick_text('labels', 'path')) or UNKNOWN}, {write_count(used)} used"
    return ". ".join([said, *map(str, notes)]) if notes else said


def _show_making(facts: ReportSource) -> list[Markup]:
    settings, versions, seconds = (facts.pick_object(name) for name in ("settings", "versions", "seconds"))
    spent = [(STAGE_WORDS.get(name, name), write_seconds(read_number(value))) for name, value in seconds.items()]
    total = sum(value for value in map(read_number, seconds.values()) if value is not None)
    spent.append(("together", write_seconds(total)))
    energy = tell_energy(facts)
    hardware = [("Computed on", facts.pick_text("device")), ("Energy", energy)]
    return [
        tag(
            "div",
            tag(
                "div",
                tag("h3", "Settings"),
                lay_list(tell_setting(facts, name, value) for name, value in settings.items()),
            ),
            tag(
                "div",
                tag("h3", "Time"),
                lay_table(("stage", "time"), spent),
                tag("h3", "Hardware and versions"),
                lay_list([*hardware, *((name, str(value)) for name, value in versions.items())]),
            ),
            class_="pair",
        )
    ]


def _show_licences(facts: ReportSource) -> list[Markup]:
    base = facts.pick_object("base_model")
    licence = str(pick(base, "licence") or facts.card.get("licence") or "")
    attribution = facts.pick_text("base_model", "attribution") or str(facts.card.get("attribution") or "")
    rows = [
        ("Raster", f"{facts.raster_name}: as the raster's owner states."),
        (
            "Labels",
            "As the labels' owner states. Footprints of a model that learnt from them may count as derived from them.",
        ),
        ("Base model", licence or "as its maker states"),
        ("Attribution", attribution),
        ("Tuned model", f"As the base model ({licence})." if licence else "As the base model."),
    ]
    return [lay_list(rows)]


def _show_rule(facts: ReportSource) -> list[Markup]:
    method = facts.pick_text("interval", "method")
    return [
        tag("p", " ".join(filter(None, (facts.pick_text("rule"), tell_by_hand(facts))))),
        tag("p", f"Intervals: {method}") if method else Markup(),
        tag("ul", *(tag("li", sentence) for sentence in tell_limits(facts))),
    ]


def _show_job(facts: ReportSource) -> list[Markup]:
    if not facts.job:
        return [tag("p", "job.json is gone from the run's folder: the settings above are what is left of the job.")]
    content = {name: _shorten(value) for name, value in facts.job.items()}
    return [
        tag("p", "The run's folder holds its whole input. With the files of these names beside it,"),
        tag("pre", tag("code", "python -m plugin.worker run job.json")),
        tag("p", "does the same run anew. job.json, its paths shortened to file names:"),
        tag("pre", tag("code", json.dumps(content, indent=2, ensure_ascii=False))),
    ]


def _shorten(value: Any) -> Any:
    return name_file(value) if isinstance(value, str) and ("/" in value or "\\" in value) else value
