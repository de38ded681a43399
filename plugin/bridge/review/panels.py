"""The ways to look at a run, each wired to its panel."""

from __future__ import annotations

from qgis.gui import QgisInterface

from ....ui.dock import TunerDock
from ...core.environment import Environment
from .errors.controller import ErrorController
from .improve.controller import Improver
from .run_opener import Part, Reviewer
from .swipe.controller import Swipe
from .threshold.controller import LiveThreshold


def make_parts(
    iface: QgisInterface,
    environment: Environment,
    dock: TunerDock,
    reviewer: Reviewer,
) -> list[Part]:
    """Return the parts of the review."""
    page, canvas = dock.reviewPage, iface.mapCanvas()
    errors = ErrorController(canvas, iface.mainWindow(), page.errorPanel, reviewer)
    swipe = Swipe(canvas, iface.mainWindow(), page.swipePanel, reviewer)
    improver = Improver(iface, page.improvePanel, reviewer)
    improver.run_requested.connect(reviewer.run_requested)
    for part in (errors, swipe, improver):
        reviewer.stopped.connect(part.stop)
    return [errors, swipe, LiveThreshold(iface, environment, page.thresholdPanel, reviewer), improver]
