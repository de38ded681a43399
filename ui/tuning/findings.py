"""What a check found: a row for each finding, with its next step and its places on the map."""

from __future__ import annotations

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from ...plugin.core.events import LEVELS, STOP, WARNING, Finding
from ..fields.colours import choose_colour, fade
from ..fields.message import ICONS
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel

_KINDS = {STOP: "error", WARNING: "warning"}
_MOST = 50


class FindingRow(QFrame):
    """One finding. ``zoom_requested`` carries a box and its coordinate system, another one at every click."""

    zoom_requested = pyqtSignal(object, str)
    shift_chosen = pyqtSignal(float, float)

    levelLabel: QLabel
    sentenceLabel: WrapLabel
    stepLabel: WrapLabel
    zoomButton: QPushButton
    applyButton: QPushButton

    def __init__(self, finding: Finding, parent: QWidget | None = None) -> None:
        """Show the finding."""
        super().__init__(parent)
        self.finding = finding
        self._next = 0
        load_form(self, "tuning/finding")
        names = {STOP: self.tr("Stops the run"), WARNING: self.tr("Warning")}
        kind, name = _KINDS.get(finding.level, "info"), names.get(finding.level, self.tr("Tip"))
        self.levelLabel.setPixmap(QgsApplication.getThemeIcon(ICONS[kind]).pixmap(16, 16))
        self.levelLabel.setToolTip(name)
        self.setAccessibleName(name)
        self.setAccessibleDescription(f"{finding.message} {finding.hint}".strip())
        self.sentenceLabel.setText(finding.message)
        self.stepLabel.setText(finding.hint)
        self.stepLabel.setVisible(bool(finding.hint))
        colour = choose_colour(self.palette(), kind)
        ground = fade(colour, 20)
        self.setStyleSheet(
            f"#findingRow {{ border: 0; border-left: 3px solid {colour.name()}; "
            f"background: rgba({ground.red()}, {ground.green()}, {ground.blue()}, {ground.alpha()}); }}"
        )
        self.zoomButton.setVisible(bool(finding.places))
        self.zoomButton.clicked.connect(self._zoom)
        self.applyButton.setVisible(bool(finding.east_m or finding.north_m))
        self.applyButton.clicked.connect(lambda: self.shift_chosen.emit(finding.east_m, finding.north_m))

    def show_applied(self, is_applied: bool) -> None:
        """Say whether the finding's shift is applied."""
        self.applyButton.setEnabled(not is_applied)
        self.applyButton.setText(self.tr("Shift applied") if is_applied else self.tr("Apply this shift"))

    def _zoom(self) -> None:
        places = self.finding.places
        box, self._next = places[self._next], (self._next + 1) % len(places)
        if len(places) > 1:
            self.zoomButton.setText(self.tr("Zoom to {} of {}").format(self._next + 1, len(places)))
        self.zoom_requested.emit(box, self.finding.crs)


class FindingList(QWidget):
    """The findings, the heaviest first, under a title that counts them."""

    zoom_requested = pyqtSignal(object, str)
    shift_chosen = pyqtSignal(float, float)
    layer_requested = pyqtSignal(object)

    findingsTitle: WrapLabel
    findingRows: QVBoxLayout
    findingsLayerButton: QPushButton

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin empty and hidden."""
        super().__init__(parent)
        self._rows: list[FindingRow] = []
        self._is_outdated = False
        load_form(self, "tuning/findings")
        self.findingsLayerButton.clicked.connect(lambda: self.layer_requested.emit(self.findings))
        self.clear()

    @property
    def findings(self) -> list[Finding]:
        """The findings shown, in the order of their rows."""
        return [row.finding for row in self._rows]

    @property
    def rows(self) -> list[FindingRow]:
        """The rows shown."""
        return list(self._rows)

    def add(self, finding: Finding) -> None:
        """Show a finding below those that weigh as much, unless the same is there already."""
        if finding in self.findings or len(self._rows) >= _MOST:
            return
        place = sum(_weigh(other) <= _weigh(finding) for other in self.findings)
        row = FindingRow(finding, self)
        row.zoom_requested.connect(self.zoom_requested)
        row.shift_chosen.connect(self.shift_chosen)
        self._rows.insert(place, row)
        self.findingRows.insertWidget(place, row)
        self._tell()

    def show_none(self) -> None:
        """Say that a check found nothing, where that is so."""
        if not self._rows:
            self._show_title(self.tr("The check found no problems."))
            self.show()

    def show_outdated(self) -> None:
        """Say that the layers are no longer those that were checked; the findings stay, to be worked through."""
        if not self._is_outdated:
            self._is_outdated = True
            self._show_title(self.findingsTitle.text())

    def show_shift(self, east_m: float, north_m: float) -> None:
        """Mark the finding whose shift is applied, if there is one."""
        for row in self._rows:
            row.show_applied((row.finding.east_m, row.finding.north_m) == (east_m, north_m))

    def clear(self) -> None:
        """Forget every finding."""
        for row in self._rows:
            self.findingRows.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = []
        self._is_outdated = False
        self.findingsLayerButton.hide()
        self.hide()

    def _show_title(self, text: str) -> None:
        ending = self.tr("(before the layers were changed)")
        self.findingsTitle.setText(f"{text} {ending}" if self._is_outdated else text)

    def _tell(self) -> None:
        counts = [sum(finding.level == level for finding in self.findings) for level in LEVELS]
        names = (
            (self.tr("{} problem stops the run"), self.tr("{} problems stop the run")),
            (self.tr("{} warning"), self.tr("{} warnings")),
            (self.tr("{} tip"), self.tr("{} tips")),
        )
        told = ", ".join(name[count > 1].format(count) for name, count in zip(names, counts) if count)
        self._show_title(self.tr("Check: {}").format(told))
        self.findingsLayerButton.setVisible(any(finding.places for finding in self.findings))
        self.show()


def _weigh(finding: Finding) -> int:
    return LEVELS.index(finding.level) if finding.level in LEVELS else len(LEVELS)
