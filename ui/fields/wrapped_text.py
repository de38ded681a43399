"""Labels that stay narrow whatever they have to say, and numbers as people read them."""

from __future__ import annotations

import re

from qgis.PyQt.QtCore import QLocale, QSize, Qt
from qgis.PyQt.QtWidgets import QLabel, QWidget

_BREAK = "\u200b"
_LONGEST = 16
_UNKNOWN = "\u2013"


class WrapLabel(QLabel):
    """A plain-text label that wraps inside paths and other long words too, so that it never widens the dock."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Wrap, show text as it is (a layer's name is no HTML), and let it be copied."""
        super().__init__(parent)
        self._said = ""
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def setText(self, text: str) -> None:
        """Show ``text``, broken where a word is too long for a narrow dock."""
        self._said = text
        super().setText(soften(text))

    def text(self) -> str:
        """Return the text as it was given."""
        return self._said

    def minimumSizeHint(self) -> QSize:
        """Ask for no width: the text wraps into what there is."""
        return QSize(0, super().minimumSizeHint().height())


def soften(text: str) -> str:
    """Return ``text`` with places to break inside its long words."""
    return re.sub(rf"\S{{{_LONGEST + 1},}}", _soften_word, text)


def format_score(value: object) -> str:
    """Return a score from 0 to 1 with three places, a dash where there is none."""
    return QLocale().toString(float(value), "f", 3) if isinstance(value, (int, float)) else _UNKNOWN


def format_change(value: float) -> str:
    """Return a change of a score with its sign and three places."""
    return ("\u2212" if value < 0 else "+") + QLocale().toString(abs(value), "f", 3)


def format_count(value: object) -> str:
    """Return a count, a dash where there is none."""
    return QLocale().toString(value) if isinstance(value, int) else _UNKNOWN


def format_clock(seconds: int) -> str:
    """Return ``m:ss``, or ``h:mm:ss`` from an hour on."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _soften_word(match: re.Match[str]) -> str:
    word = re.sub(r"([/\\_.\-:])", rf"\1{_BREAK}", match[0])
    return re.sub(rf"([^{_BREAK}]{{{_LONGEST}}})(?=[^{_BREAK}])", rf"\1{_BREAK}", word)
