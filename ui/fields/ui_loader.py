"""Fill a widget from its ``.ui`` file, which lies beside its class."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt import uic
from qgis.PyQt.QtWidgets import QWidget

from .wheel import guard_fields

_ROOM = Path(__file__).resolve().parents[1]
_PACKAGE = __name__.rpartition(".fields.")[0]


def load_form(widget: QWidget, name: str) -> None:
    """Build the widgets of ``name.ui`` (a path below ``ui``) into ``widget``, as attributes by their object names.

    No field takes the mouse wheel in passing.
    """
    uic.loadUi(str(_ROOM / f"{name}.ui"), widget, package=_PACKAGE)
    guard_fields(widget)
