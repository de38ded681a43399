"""Correct and improve: the user's corrections become a run that goes on from this one's model. Main thread only."""

from __future__ import annotations

from qgis.core import QgsVectorLayer
from qgis.gui import QgisInterface
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, pyqtSignal

from .....ui.review.improve import ImprovePanel
from ....core.errors import InputError, TunerError
from ....core.folder import RunFolder
from ....core.run_record import RunRecord
from ...layers.layer_checks import take_checked, take_corrected
from ...worker_client.background import BackgroundJobs
from ...worker_client.messages import join
from .checked_count import CheckedCount
from .correction_inputs import prepare_improvement
from .corrections import Corrections, copy_footprints, count_checked, is_shown
from .mark_checked import CheckedMarker, switch_editing_on


class Improver(QObject):
    """Wires the panel to the corrections of one run; ``run_requested`` carries the delivery of an improving run."""

    run_requested = pyqtSignal(object)

    def __init__(self, iface: QgisInterface, panel: ImprovePanel, parent: QObject | None = None) -> None:
        """Wait for a run."""
        super().__init__(parent)
        self._iface, self._panel = iface, panel
        self._folder: RunFolder | None = None
        self._corrections: Corrections | None = None
        self._jobs = BackgroundJobs(self)
        self._tally = CheckedCount(self)
        self.marker = CheckedMarker(iface, self)
        self._connect()

    def _connect(self) -> None:
        self.marker.warned.connect(self._panel.show_problem)
        self.marker.ended.connect(lambda: self._panel.show_marking(False))
        self._tally.told.connect(self._panel.show_checked)
        self._panel.correct_requested.connect(self._correct)
        self._panel.mark_toggled.connect(self._toggle)
        self._panel.layers_changed.connect(self._change_layers)
        self._panel.improve_requested.connect(self._improve)

    def open(self, record: RunRecord) -> None:
        """Begin with a run; corrections that were begun are gone on with."""
        self._folder = record.folder
        self._show_start()
        if record.folder.corrections.is_file() and is_shown(record.folder):
            self._take_up(is_edited=False)
        self._change_layers()

    def renew(self, record: RunRecord) -> None:
        """Go on: corrections are not concerned."""

    def close(self) -> None:
        """End with the run; its corrections stay in the project, edits that are not saved, too."""
        self.marker.end()
        self._tally.stop()
        self._jobs.stop()
        self._let_go()
        self._folder = None
        self._panel.show_none()

    def stop(self) -> None:
        """End for good."""
        self.close()
        self.marker.stop()

    # -- 1: correct ---------------------------------------------------------------------------------------------------

    def _correct(self) -> None:
        if self._folder is None or self._jobs.is_busy:
            return
        self._panel.show_problem("")
        if self._folder.corrections.is_file():
            self._take_up(is_edited=True)
            return
        self._panel.show_copying()
        folder = self._folder
        self._jobs.start(lambda _, is_cancelled: copy_footprints(folder, is_cancelled), self._end_copy)

    def _end_copy(self, error: TunerError | None) -> None:
        if error is None:
            self._take_up(is_edited=True)
        else:
            self._show_start()
            self._refuse(error)

    def _take_up(self, *, is_edited: bool) -> None:
        """Show the corrections, and with ``is_edited`` let them be edited with QGIS's tools."""
        if self._folder is None:
            return
        self._let_go()
        try:
            self._corrections = corrections = Corrections(self._folder)
        except InputError as error:
            self._show_start()
            self._refuse(error)
            return
        for layer in corrections.layers:
            layer.willBeDeleted.connect(self._miss)
        self._panel.show_begun(is_open=True)
        self._tally.begin(*corrections.layers)
        if is_edited:
            self._iface.setActiveLayer(corrections.footprints)
            try:
                switch_editing_on(corrections.footprints)
            except InputError as error:
                self._refuse(error)

    def _miss(self) -> None:
        """Offer to take the corrections up again where somebody takes their layers out of the project."""
        self.marker.end()
        self._tally.stop()
        self._let_go()
        self._show_start()

    def _let_go(self) -> None:
        corrections, self._corrections = self._corrections, None
        for layer in corrections.layers if corrections is not None else ():
            if not sip.isdeleted(layer):
                layer.willBeDeleted.disconnect(self._miss)

    def _show_start(self) -> None:
        """Offer to begin, or to go on."""
        self._panel.show_none()
        if self._folder is not None and self._folder.corrections.is_file():
            self._panel.show_begun(is_open=False, areas=count_checked(self._folder))

    # -- 2: mark checked ground ---------------------------------------------------------------------------------------

    def _toggle(self, is_on: bool) -> None:
        if is_on and self._corrections is not None and self._folder is not None:
            self.marker.begin(self._corrections.checked, self._folder)
        else:
            self.marker.end()
            self._panel.show_marking(False)

    # -- 3: improve ---------------------------------------------------------------------------------------------------

    def _list_layers(self) -> tuple[QgsVectorLayer | None, QgsVectorLayer | None]:
        """Return the layers of corrected footprints and checked ground that count, None where there is none."""
        if self._panel.takes_other_layers:
            return self._panel.other_layers
        return (None, None) if self._corrections is None else self._corrections.layers

    def _change_layers(self) -> None:
        """Count the layers that count now."""
        if self._folder is None:
            return
        self.marker.end()
        self._panel.show_problem("")
        footprints, checked = self._list_layers()
        if footprints is not None and checked is not None:
            self._tally.begin(footprints, checked)
            return
        self._tally.stop()
        if not self._panel.takes_other_layers:
            self._show_start()

    def _improve(self) -> None:
        self._panel.show_problem("")
        footprints, checked = self._list_layers()
        if self._folder is None:
            return
        try:
            if footprints is None or checked is None:
                raise InputError(
                    self.tr("A layer is missing."),
                    self.tr("Choose the layer of corrected footprints and the layer of checked areas."),
                )
            self._require_file(footprints, checked)
            inputs = prepare_improvement(self._folder, take_corrected(footprints), take_checked(checked))
        except TunerError as error:
            self._refuse(error)
            return
        self.marker.end()
        self.run_requested.emit(inputs)

    def _require_file(self, *layers: QgsVectorLayer) -> None:
        """Raise InputError where the run's own corrections were deleted while their layers are shown."""
        is_own = self._corrections is not None and layers == self._corrections.layers
        if is_own and self._folder is not None and not self._folder.corrections.is_file():
            raise InputError(
                self.tr("The corrections are no longer in the run's folder: {}.").format(self._folder.corrections),
                self.tr("Put the file back, or save the two layers as other files and choose those."),
            )

    def _refuse(self, error: TunerError) -> None:
        self._panel.show_problem(join(error.message, error.hint))
