"""The end of a run: the score before and after, in large figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QLocale, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from ..plugin.core.folder import RunFolder
from .colours import choose_colour
from .load import load_form
from .text import WrapLabel, format_count, format_score


class ReportPage(QWidget):
    """Shows two scores on the same held-out ground, opens the run's folder and report, asks to export its model."""

    folder_opened = pyqtSignal(str)
    export_requested = pyqtSignal(str)
    pdf_requested = pyqtSignal(str)

    beforeLabel: QLabel
    arrowLabel: QLabel
    afterLabel: QLabel
    gainLabel: WrapLabel
    countsGrid: QGridLayout
    reportButton: QPushButton
    pdfButton: QPushButton
    folderButton: QPushButton
    exportButton: QPushButton

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without scores."""
        super().__init__(parent)
        self._folder = ""
        load_form(self, "report")
        self.folderButton.setIcon(QgsApplication.getThemeIcon("/mActionFileOpen.svg"))
        self.folderButton.clicked.connect(lambda: self.folder_opened.emit(self._folder))
        self.exportButton.clicked.connect(lambda: self.export_requested.emit(self._folder))
        self.pdfButton.clicked.connect(lambda: self.pdf_requested.emit(self._folder))
        self.reportButton.clicked.connect(lambda: self.folder_opened.emit(str(RunFolder(Path(self._folder)).page)))

    def show_scores(self, before: Mapping[str, Any], after: Mapping[str, Any], folder: str) -> None:
        """Show the scores ``{"building": {...}, "pixel": {...}}``; what is not known is a dash."""
        self._folder = folder
        for button in (self.reportButton, self.pdfButton):
            button.setVisible(RunFolder(Path(folder)).page.is_file())
        old, new = before.get("building", {}), after.get("building", {})
        self._show_figure(self.beforeLabel, self.tr("Base model"), old)
        self._show_figure(self.afterLabel, self.tr("Tuned model"), new)
        self._show_gain(old.get("f1"), new.get("f1"))
        pixels = before.get("pixel", {}), after.get("pixel", {})
        self._show_counts(
            ("", self.tr("before"), self.tr("after")),
            (self.tr("Buildings found"), *(format_count(score.get("tp")) for score in (old, new))),
            (self.tr("Buildings missed"), *(format_count(score.get("fn")) for score in (old, new))),
            (self.tr("Footprints on no building"), *(format_count(score.get("fp")) for score in (old, new))),
            (self.tr("F1 by pixel"), *(format_score(score.get("f1")) for score in pixels)),
        )

    def _show_figure(self, label: QLabel, model: str, score: Mapping[str, Any]) -> None:
        f1 = format_score(score.get("f1"))
        text = self.tr("{model}: F1 {f1}, precision {precision}, recall {recall}").format(
            model=model, f1=f1, precision=format_score(score.get("precision")), recall=format_score(score.get("recall"))
        )
        label.setText(f1)
        label.setToolTip(text)
        label.setAccessibleName(text)

    def _show_gain(self, before: float | None, after: float | None) -> None:
        if before is None or after is None:
            self.gainLabel.setText("")
            self.afterLabel.setStyleSheet("")
            return
        change = QLocale().toString(abs(after - before), "f", 3)
        if after >= before:
            self.gainLabel.setText(self.tr("F1 {} on ground that the tuning never saw.").format(f"+{change}"))
        else:
            text = self.tr("F1 {} on ground that the tuning never saw: add labels, or keep the base model.")
            self.gainLabel.setText(text.format(f"\u2212{change}"))
        colour = choose_colour(self.gainLabel.palette(), "success" if after >= before else "error")
        self.afterLabel.setStyleSheet(f"color: {colour.name()};")

    def _show_counts(self, *rows: tuple[str, ...]) -> None:
        while (item := self.countsGrid.takeAt(0)) is not None:
            item.widget().hide()
            item.widget().deleteLater()
        for row, (name, *values) in enumerate(rows):
            title = WrapLabel(self)
            title.setText(name)
            self.countsGrid.addWidget(title, row, 0)
            for column, value in enumerate(values, 1):
                figure = QLabel(value, self)
                figure.setAccessibleName(f"{name} {value}")
                self.countsGrid.addWidget(figure, row, column, Qt.AlignmentFlag.AlignRight)
