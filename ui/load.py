"""Fill a widget from its ``.ui`` file, which lies beside its class."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt import uic
from qgis.PyQt.QtWidgets import QWidget


def load_form(widget: QWidget, name: str) -> None:
    """Build the widgets of ``name.ui`` into ``widget``, each an attribute of it by its object name."""
    uic.loadUi(str(Path(__file__).with_name(f"{name}.ui")), widget, package=__package__ or "")
