"""The page of a run: ``report.html``, one file that holds all it shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ....core.atomic_file import replacing
from ....core.folder import RunFolder
from ....core.paths import RESOURCES
from .markup import Markup, join, tag
from .pictures import draw_pictures
from .scores import choose_shown, read_blocks
from .source import ReportSource, read_facts
from .tables import list_sections
from .text import evaluator, mark_by_hand, tell_by_hand, tell_scored, write_change, write_score

STYLE = RESOURCES / "report" / "page.css"


def write_page(folder: RunFolder) -> Path:
    """Write ``report.html`` from ``report.json`` and what else the run's folder holds, and return its path.

    What cannot be drawn is said in a sentence. Raises InputError where there is no report that can be read, RunError
    where the page cannot be written.
    """
    page = build_page(read_facts(folder))
    with replacing(folder.page) as partial:
        partial.write_text(page, encoding="utf-8")
    return folder.page


def build_page(facts: ReportSource) -> Markup:
    """Return the page as HTML; it needs no other file, and runs nothing."""
    sights = draw_pictures(facts, choose_shown(read_blocks(facts)))
    title = f"Fine-tuning report: {facts.raster_name}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", Markup(STYLE.read_text(encoding="utf-8"))),
    )
    sections = [_lay_section(name, content) for name, content in list_sections(facts, sights) if content]
    main = tag("main", _lay_head(facts, title), *sections, _lay_foot(facts))
    return join(Markup("<!DOCTYPE html>\n"), tag("html", head, tag("body", main), lang="en"), "\n")


def _lay_head(facts: ReportSource, title: str) -> Markup:
    before, after = (facts.pick_number(model, "building", "f1") for model in ("before", "after"))
    figures = [tag("span", "F1 by building", class_="muted"), tag("b", write_score(before), class_="before")]
    figures += [tag("span", "\u2192"), tag("b", write_score(after), class_="after")]
    if before is not None and after is not None:
        figures.append(tag("span", f"{write_change(after - before)}"))
    if mark := mark_by_hand(facts):
        figures.append(tag("span", mark, class_="mark"))
    return tag(
        "header",
        tag("h1", title),
        tag("p", _tell_when(facts), class_="muted"),
        tag("p", *figures, class_="figures"),
        tag("p", evaluator(facts), class_="verdict"),
        tag("p", tell_by_hand(facts), class_="verdict by-hand") if tell_by_hand(facts) else Markup(),
        tag("p", tell_scored(facts)),
    )


def _tell_when(facts: ReportSource) -> str:
    name = str(facts.card.get("name") or facts.job.get("name") or facts.folder.path.resolve().name)
    return f"Tuned model {name}. Written {facts.pick_text('written')[:16].replace('T', ' ')} UTC."


def _lay_section(name: str, content: Sequence[Markup]) -> Markup:
    return tag("section", tag("h2", name), *content)


def _lay_foot(facts: ReportSource) -> Markup:
    schema = facts.pick("schema")
    said = f"Written by Footprint Tuner from report.json (schema {schema}), which holds these figures for programs."
    return tag("footer", tag("p", said, class_="muted"))
