"""The page of a run: ``report.html``, one file that holds all it shows."""

from __future__ import annotations

from pathlib import Path

from ....core.atomic_file import replacing
from ....core.folder import RunFolder
from ...runtime.templates import render
from . import charts, lineage, pictures, tables, text
from .scores import choose_shown
from .source import ReportSource, read_facts


def write_page(folder: RunFolder) -> Path:
    """Write ``report.html`` from ``report.json`` and what else the run's folder holds, and return its path.

    What cannot be drawn is said in a sentence. Raises InputError where there is no report that can be read, RunError
    where the page cannot be written.
    """
    page = build_page(read_facts(folder))
    with replacing(folder.page) as partial:
        partial.write_text(page, encoding="utf-8")
    return folder.page


def build_page(facts: ReportSource) -> str:
    """Return the page as HTML; it needs no other file, and runs nothing."""
    drawn = pictures.draw_pictures(facts, choose_shown(facts.report.blocks))
    rooms = {"charts": charts, "lineage": lineage, "pictures": pictures, "tables": tables, "text": text}
    return render("page.html.jinja", facts=facts, drawn=drawn, **rooms)
