"""Footprint Tuner: fine-tune a building-footprint model inside QGIS."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qgis.gui import QgisInterface

    from .plugin.bridge.plugin import TunerPlugin


def classFactory(iface: QgisInterface) -> TunerPlugin:
    """Return the plugin; ``iface`` is None in qgis_process."""
    from .plugin.bridge.plugin import TunerPlugin  # noqa: PLC0415 - the core is imported without QGIS, too

    return TunerPlugin(iface)
