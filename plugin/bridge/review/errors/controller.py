"""Steps through the buildings of held-out ground on the map. Main thread only, but for the reading."""

from __future__ import annotations

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCsException,
    QgsGeometry,
    QgsLayerTreeLayer,
    QgsProject,
    QgsWkbTypes,
)
from qgis.gui import QgsMapCanvas, QgsRubberBand
from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QWidget

from .....ui.fields.actions import QAction
from .....ui.review.error_browser import ErrorBrowser
from ....core.building_outcomes import TUNED, Outcome, read_outcomes
from ....core.errors import RunError, TunerError
from ....core.run_record import RunRecord
from ...layers.results import locate_errors
from ...worker_client.background import BackgroundJobs
from ..keys import forget, register
from .outline import StaleError, read_outline
from .visited import read_seen, write_seen
from .zoom import aim

#: The outline of the building at hand, and what it stands out by from any ground.
COLOUR, CASING = "#39ff14", "#0a1f05"
_KEYS = {1: "Alt+Right", -1: "Alt+Left"}


class ErrorController(QObject):
    """The part of the review that shows one building after another, the model's errors first."""

    def __init__(
        self, canvas: QgsMapCanvas, window: QWidget, panel: ErrorBrowser, parent: QObject | None = None
    ) -> None:
        """Wait for a run; the keys for the map are QGIS's own shortcuts, which the user may change."""
        super().__init__(parent)
        self._canvas, self._panel = canvas, panel
        self._record: RunRecord | None = None
        self._layer = TUNED
        self._jobs = BackgroundJobs(self)
        self._band: QgsRubberBand | None = None
        self._shown: tuple[QgsGeometry, QgsCoordinateReferenceSystem] | None = None
        self._actions = actions = [self._make_action(window, by) for by in _KEYS]
        self.destroyed.connect(lambda: forget(actions))
        panel.layer_chosen.connect(self._read)
        panel.stepped.connect(self._show)
        panel.seen_changed.connect(self._keep_seen)
        panel.layer_shown.connect(self._show_layer)
        panel.destroyed.connect(self._let_go)  # the project and its map outlive the dock
        QgsProject.instance().layerTreeRoot().visibilityChanged.connect(self._tell_layer)
        QgsProject.instance().layersRemoved.connect(self._tell_layer)
        canvas.destinationCrsChanged.connect(self._mark)

    def open(self, record: RunRecord) -> None:
        """Begin with a run's tuned model."""
        self._record = record
        self._panel.name_models(is_improved=record.folder.earlier.is_file())
        self._panel.show_model(TUNED)
        self._tell_layer()
        self._read(TUNED)

    def renew(self, record: RunRecord) -> None:
        """Read the buildings anew, of the model at hand."""
        self._record = record
        self._tell_layer()
        self._read(self._layer)

    def close(self) -> None:
        """End with the run, and leave nothing on the map; a second time does nothing."""
        self._jobs.stop()
        self._record = None
        self._unmark()
        for action in self._actions:
            action.setEnabled(False)
        self._panel.show_none()

    def stop(self) -> None:
        """End for good: the keys leave QGIS's list of shortcuts."""
        forget(self._actions)

    def _make_action(self, window: QWidget, by: int) -> QAction:
        text = self.tr("Next error (Footprint Tuner)") if by > 0 else self.tr("Previous error (Footprint Tuner)")
        action = QAction(text, self)
        action.setObjectName("FootprintTunerNextError" if by > 0 else "FootprintTunerPreviousError")
        action.setEnabled(False)
        action.triggered.connect(lambda: self._panel.step(by))
        window.addAction(action)
        register(action, _KEYS[by])
        return action

    def _read(self, layer: str) -> None:
        """Read the buildings as a model left them; what was read before stays until then."""
        if self._record is None:
            return
        self._jobs.stop()  # a reader that is asked to end has ended within a slice of the file
        self._unmark()
        self._layer = layer
        path = self._record.folder.errors
        self._jobs.start(lambda _, is_cancelled: read_outcomes(path, layer, is_cancelled), self._take)

    def _take(self, outcomes: list[Outcome] | TunerError) -> None:
        is_read = not isinstance(outcomes, TunerError)
        for action in self._actions:
            action.setEnabled(is_read)
        if isinstance(outcomes, TunerError):
            self._panel.show_none(outcomes.message, outcomes.hint)
        elif self._record is not None:
            self._panel.show_outcomes(outcomes, read_seen(self._record))

    def _show(self, outcome: Outcome, is_zooming: bool) -> None:
        """Mark a building and bring it into the middle of the map."""
        if self._record is None:
            return
        self._unmark()
        try:
            outline, crs = self._shown = read_outline(self._record.folder.errors, self._layer, outcome)
            self._mark()
            aim(self._canvas, outline.boundingBox(), crs, is_zooming=is_zooming)
        except StaleError:
            self._read(self._layer)
        except RunError as error:
            self._panel.show_problem(error.message, error.hint)
        except QgsCsException:
            message = self.tr("The map's coordinate system does not cover this building.")
            self._panel.show_problem(message, self.tr("Choose another one for the project."))

    def _mark(self) -> None:
        if self._shown is None:
            return
        if self._band is None:
            self._band = QgsRubberBand(self._canvas, QgsWkbTypes.PolygonGeometry)
            self._band.setColor(QColor(COLOUR))
            self._band.setSecondaryStrokeColor(QColor(CASING))
            self._band.setFillColor(QColor(0, 0, 0, 0))
            self._band.setWidth(3)
        self._band.setToGeometry(*self._shown)

    def _unmark(self) -> None:
        self._shown = None
        if self._band is not None:
            self._canvas.scene().removeItem(self._band)
            self._band = None

    def _show_layer(self, is_shown: bool) -> None:
        node = self._find_layer()
        if node is not None:
            node.setItemVisibilityCheckedParentRecursive(True) if is_shown else node.setItemVisibilityChecked(False)

    def _tell_layer(self, *_: object) -> None:
        if self._record is None:
            return
        node = self._find_layer()
        self._panel.show_layer(None if node is None else node.isVisible())

    def _find_layer(self) -> QgsLayerTreeLayer | None:
        """Return the place of the run's errors in the project's layer tree, where the user left them there."""
        if self._record is None:
            return None
        source = locate_errors(self._record.folder)
        nodes = QgsProject.instance().layerTreeRoot().findLayers()
        return next((node for node in nodes if node.layer() is not None and node.layer().source() == source), None)

    def _let_go(self) -> None:
        self._record = None

    def _keep_seen(self, marks: frozenset[str]) -> None:
        if self._record is not None:
            write_seen(self._record, marks)
