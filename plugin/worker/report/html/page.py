"""The page of a run: ``report.html``, one file that holds all it shows."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ....core.atomic_file import replacing
from ....core.errors import InputError
from ....core.folder import RunFolder
from ....core.run_guard import set_aside
from ....core.run_state import read_made, record_file
from ...runtime.templates import render
from . import charts, lineage, pictures, tables, text
from .scores import choose_shown
from .source import ReportSource, read_facts

#: What is in every page, whichever version wrote it.
_MARK = b'<p class="figures">'
_LOOK_BYTES = 1 << 20


def renew_page(folder: RunFolder, *, may_replace: bool = False) -> Path:
    """Write ``report.html`` anew as ``write_page`` does; one that was changed since is kept under another name.

    Raises InputError also where there is one that no run has written, unless it ``may_replace`` that.
    """
    made, page = read_made(folder), folder.page
    if not may_replace and page.name not in made and os.path.lexists(page) and not _is_page(page):
        raise InputError(f"{page} was not written by a run.", "Move it away (--overwrite replaces it).")
    facts = read_facts(folder)
    set_aside(page, made)
    write_page(folder, facts)
    record_file(folder, page)
    return page


def write_page(folder: RunFolder, facts: ReportSource | None = None) -> Path:
    """Write ``report.html`` from ``report.json`` and what else the run's folder holds, and return its path.

    What cannot be drawn is said in a sentence. Raises InputError where there is no report that can be read, RunError
    where the page cannot be written.
    """
    page = build_page(facts or read_facts(folder))
    with replacing(folder.page) as partial:
        partial.write_text(page, encoding="utf-8")
    return folder.page


def build_page(facts: ReportSource) -> str:
    """Return the page as HTML; it needs no other file, and runs nothing."""
    drawn = pictures.draw_pictures(facts, choose_shown(facts.report.blocks))
    rooms = {"charts": charts, "lineage": lineage, "pictures": pictures, "tables": tables, "text": text}
    return render("page.html.jinja", facts=facts, drawn=drawn, **rooms)


def _is_page(path: Path) -> bool:
    """Tell whether a file is a run's page, as it is in a folder that was sent without its state."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return False
    with path.open("rb") as file:
        return _MARK in file.read(_LOOK_BYTES)
