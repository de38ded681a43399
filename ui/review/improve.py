"""Corrections in three steps: begin, mark ground as checked, improve."""

from __future__ import annotations

from qgis.core import QgsMapLayerProxyModel, QgsVectorLayer
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QPushButton, QWidget

from ..fields.layer_combo import LayerCombo
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel, format_count


class ImprovePanel(QWidget):
    """A button for each step, and what there is so far. Corrections are the run's own, or other layers' where asked."""

    correct_requested = pyqtSignal()
    mark_toggled = pyqtSignal(bool)
    layers_changed = pyqtSignal()
    improve_requested = pyqtSignal()

    correctButton: QPushButton
    markButton: QPushButton
    checkedLabel: WrapLabel
    otherCheck: QCheckBox
    otherBox: QWidget
    correctedCombo: LayerCombo
    groundCombo: LayerCombo
    improveButton: QPushButton
    improveLabel: WrapLabel

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without corrections."""
        super().__init__(parent)
        load_form(self, "review/improve")
        self._is_open = self._is_copying = False
        for combo in (self.correctedCombo, self.groundCombo):
            combo.setFilters(QgsMapLayerProxyModel.PolygonLayer)
            combo.show_none_as(self.tr("choose a layer"))
            combo.layerChanged.connect(self._change_layers)
        self.correctButton.clicked.connect(self.correct_requested)
        self.markButton.toggled.connect(self.mark_toggled)
        self.otherCheck.toggled.connect(self._offer)
        self.otherCheck.toggled.connect(self.layers_changed)
        self.improveButton.clicked.connect(self.improve_requested)
        self.show_none()

    @property
    def takes_other_layers(self) -> bool:
        """Whether the corrections are taken from other layers than the run's own."""
        return bool(self.otherCheck.isChecked())

    @property
    def other_layers(self) -> tuple[QgsVectorLayer | None, QgsVectorLayer | None]:
        """The other layers of corrected footprints and of checked ground, None where none is chosen."""
        return self.correctedCombo.currentLayer(), self.groundCombo.currentLayer()

    def show_none(self) -> None:
        """Offer to begin."""
        self._is_open = self._is_copying = False
        self.correctButton.setText(self.tr("&1. Correct the footprints"))
        self.checkedLabel.setText(self.tr("Nothing is corrected yet."))
        self.show_problem("")
        self._offer()

    def show_begun(self, is_open: bool, areas: int = 0) -> None:
        """Offer to go on with corrections; ``is_open`` where their layers are in the project.

        Where they are not, ``areas`` tells how many areas are marked as checked.
        """
        self._is_open, self._is_copying = is_open, False
        self.correctButton.setText(self.tr("&1. Continue correcting"))
        if not is_open:
            self.checkedLabel.setText(self.tr("Corrections were started. {}").format(self._count_areas(areas)))
        self._offer()

    def show_copying(self) -> None:
        """Say that the footprints are copied."""
        self._is_copying = True
        self.checkedLabel.setText(self.tr("Copying the footprints..."))
        self._offer()

    def show_checked(self, areas: int, footprints: int) -> None:
        """Say how much ground is checked, and how many footprints lie on it."""
        if areas == 0:
            self.checkedLabel.setText(self._count_areas(areas))
            return
        found = self.tr("1 footprint") if footprints == 1 else self.tr("{} footprints").format(format_count(footprints))
        self.checkedLabel.setText(self.tr("{} In the checked area: {}.").format(self._count_areas(areas), found))

    def show_marking(self, is_on: bool) -> None:
        """Show whether ground is being marked on the map."""
        self.markButton.blockSignals(True)
        self.markButton.setChecked(is_on)
        self.markButton.blockSignals(False)

    def show_problem(self, sentence: str) -> None:
        """Say why something cannot be done, or what to heed."""
        self.improveLabel.setText(sentence)
        self.improveLabel.setVisible(bool(sentence))

    def _count_areas(self, areas: int) -> str:
        if areas == 0:
            return self.tr("No area is marked as checked yet.")
        return self.tr("1 area is checked.") if areas == 1 else self.tr("{} areas are checked.").format(areas)

    def _change_layers(self) -> None:
        if self.takes_other_layers:
            self.layers_changed.emit()

    def _offer(self) -> None:
        """Let be pressed what leads somewhere."""
        is_own = not self.takes_other_layers
        self.otherBox.setVisible(not is_own)
        self.correctButton.setEnabled(is_own and not self._is_copying)
        self.markButton.setEnabled(is_own and self._is_open)
        self.improveButton.setEnabled(not is_own or self._is_open)
