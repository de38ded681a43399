"""A run's page in the HTML that Qt's text documents know: no style of its own, pairs as tables, drawings as images."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

#: What a drawing's image is called: ``drawing:0`` is the first.
SCHEME = "drawing:"
_DRAWING = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_DROPPED = ("head",)
_BLOCKS = ("main", "header", "footer", "section", "figure")
_RENAMED = {**dict.fromkeys(_BLOCKS, "div"), "figcaption": "p"}
#: What stands for an element of a class.
_FRAMES = {
    "pair": ('<table width="100%" cellspacing="0"><tr>', "</tr></table>"),
    "verdict": ('<table width="100%" cellpadding="8"><tr><td class="verdict">', "</td></tr></table>"),
}
#: What closes the elements inside one of a class: they stand one after the other in a line.
_INLINE = {"legend": "</span> &nbsp; ", "figures": "</span> &nbsp; "}
_VOID = ("img", "br", "meta", "col")


def make_paper(page: str) -> tuple[str, list[str]]:
    """Return the page's HTML for Qt and its drawings (SVG), whose places in it are images named ``drawing:N``."""
    drawings = _DRAWING.findall(page)
    numbers = iter(range(len(drawings)))
    rewriter = _Rewriter()
    rewriter.feed(_DRAWING.sub(lambda _: f'<img src="{SCHEME}{next(numbers)}">', page))
    rewriter.close()
    return "".join(rewriter.written), drawings


class _Rewriter(HTMLParser):
    """Writes what it reads anew; ``written`` are the pieces."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []
        self._open: list[tuple[str, str, str]] = []  # name as read, class, what closes it
        self._dropped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element under its name for Qt."""
        kind = dict(attrs).get("class") or ""
        if tag in _DROPPED or self._dropped:
            self._dropped += tag not in _VOID
            return
        if tag in _VOID:
            self.written.append((self.get_starttag_text() or "") + "&nbsp;")
            return
        opened, closed = self._translate(tag, kind)
        if self._open and self._open[-1][1] == "pair":
            opened, closed = f'<td width="50%" valign="top">{opened}', f"{closed}</td>"
        self.written.append(opened)
        self._open.append((tag, kind, closed))

    def handle_endtag(self, tag: str) -> None:
        """Close an element, and what was opened around it."""
        if self._dropped:
            self._dropped -= tag not in _VOID
        elif tag not in _VOID and self._open:
            self.written.append(self._open.pop()[2])

    def handle_data(self, data: str) -> None:
        """Write text as text."""
        if not self._dropped:
            self.written.append(escape(data))

    def _translate(self, tag: str, kind: str) -> tuple[str, str]:
        """Return what opens and what closes an element."""
        around = self._open[-1][1] if self._open else ""
        if kind in _FRAMES:
            return _FRAMES[kind]
        if around in _INLINE:
            return f'<span class="{kind}">', _INLINE[around]
        if tag == "table":
            return '<table width="100%" cellspacing="0" cellpadding="2">', "</table>"
        if tag in ("td", "th"):
            side = "right" if kind == "number" else "left"
            name = "td" if tag == "td" or self._lies_in("tbody") else "th"
            return f'<{name} class="cell" align="{side}">', f"</{name}>"
        name = "p" if kind == "legend" else _RENAMED.get(tag, tag)
        return f'<{name} class="{"caption" if tag == "figcaption" else kind}">', f"</{name}>"

    def _lies_in(self, name: str) -> bool:
        return any(each == name for each, _, _ in self._open)
