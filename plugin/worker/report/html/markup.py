"""HTML and SVG built from elements: what opens is closed, and text is escaped unless it is markup itself."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_VOID = ("meta", "br", "img", "col")


class Markup(str):
    """Text that is HTML or SVG already."""

    __slots__ = ()


def tag(name: str, /, *content: str | Iterable[str] | None, **attributes: str | float | None) -> Markup:
    """Return an element; content that is no ``Markup`` is escaped, None is left out.

    An attribute's name ends with ``_`` where Python knows the word, and has ``_`` for every ``-``.
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_write(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{said}>" if name in _VOID else f"<{name}{said}>{join(*content)}</{name}>")


def join(*content: str | Iterable[str] | None) -> Markup:
    """Return pieces one after the other, escaped where they are no markup."""
    parts = []
    for piece in content:
        if isinstance(piece, str):
            parts.append(piece if isinstance(piece, Markup) else escape(piece))
        elif piece is not None:
            parts.append(join(*piece))
    return Markup("".join(parts))


def _write(value: str | float) -> str:
    """Return a number with two digits after the point at most: a hundredth of a pixel is enough."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
