"""The ways to look at a run, each wired to its panel."""

from __future__ import annotations

from qgis.gui import QgisInterface

from ....ui.dock import TunerDock
from ...core.environment import Environment
from .reviewer import Part, Reviewer


def make_parts(
    iface: QgisInterface,  # noqa: ARG001 - for the parts to come
    environment: Environment,  # noqa: ARG001 - as above
    dock: TunerDock,  # noqa: ARG001 - as above
    reviewer: Reviewer,  # noqa: ARG001 - as above
) -> list[Part]:
    """Return the parts of the review."""
    return []
