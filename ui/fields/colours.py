"""Colours that read on light and on dark themes, told apart by the colour-blind too."""

from __future__ import annotations

from qgis.PyQt.QtGui import QColor, QPalette

_LIGHT = {"training": "#0b62a4", "validation": "#b34606", "score": "#1a7a4c", "error": "#b3261e", "warning": "#8a5a00"}
_DARK = {"training": "#7fbdf2", "validation": "#ffab66", "score": "#6fd6a0", "error": "#ff8f86", "warning": "#f2c14e"}
_MIDDLE = 127
_INFO = {"info": "training", "success": "score"}


def is_dark(palette: QPalette) -> bool:
    """Whether text is light in a label's palette; a theme's style sheet colours labels, not the ground."""
    return bool(palette.color(QPalette.ColorRole.WindowText).lightness() > _MIDDLE)


def choose_colour(palette: QPalette, name: str) -> QColor:
    """Return the colour for ``name`` (a line of the chart or a kind of message) that reads on the palette's ground."""
    colours = _DARK if is_dark(palette) else _LIGHT
    return QColor(colours[_INFO.get(name, name)])


def fade(colour: QColor, alpha: int) -> QColor:
    """Return the colour with ``alpha`` from 0 (unseen) to 255."""
    faded = QColor(colour)
    faded.setAlpha(alpha)
    return faded
