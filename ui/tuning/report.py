"""The end of a run: the score before and after, in large figures."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from ...plugin.core.folder import RunFolder
from ...plugin.core.report import Link
from ...plugin.core.score import BuildingScore, Difference, Interval, Score
from ..fields.colours import choose_colour
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel, format_change, format_count, format_score


class ReportPage(QWidget):
    """Shows two scores on the same held-out ground, opens the run's folder and report, asks to export its model."""

    folder_opened = pyqtSignal(str)
    export_requested = pyqtSignal(str)
    pdf_requested = pyqtSignal(str)
    review_requested = pyqtSignal()

    beforeLabel: QLabel
    arrowLabel: QLabel
    afterLabel: QLabel
    beforeInterval: QLabel
    afterInterval: QLabel
    beforeTitle: QLabel
    afterTitle: QLabel
    chainLabel: WrapLabel
    gainLabel: WrapLabel
    countsGrid: QGridLayout
    reviewButton: QPushButton
    reportButton: QPushButton
    pdfButton: QPushButton
    folderButton: QPushButton
    exportButton: QPushButton

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without scores."""
        super().__init__(parent)
        self._folder = ""
        load_form(self, "tuning/report")
        self.folderButton.setIcon(QgsApplication.getThemeIcon("/mActionFileOpen.svg"))
        self.folderButton.clicked.connect(lambda: self.folder_opened.emit(self._folder))
        self.exportButton.clicked.connect(lambda: self.export_requested.emit(self._folder))
        self.pdfButton.clicked.connect(lambda: self.pdf_requested.emit(self._folder))
        self.reviewButton.clicked.connect(self.review_requested)
        self.reportButton.clicked.connect(lambda: self.folder_opened.emit(str(RunFolder(Path(self._folder)).page)))

    def show_scores(
        self,
        before: Score,
        after: Score,
        folder: str,
        difference: Difference,
        chain: Sequence[Link] = (),
        mark: str = "",
    ) -> None:
        """Show two scores; what is not known is a dash.

        Intervals, and whether the difference is more than noise, are shown where the worker told them. ``chain`` are
        the links of a report's chain: the models that led to this one, each with its role and its score. ``mark`` is
        a sentence on figures that did not come about as usual.
        """
        self._folder = folder
        self._show_chain(chain)
        for button in (self.reportButton, self.pdfButton):
            button.setVisible(RunFolder(Path(folder)).page.is_file())
        old, new = before.building, after.building
        for label, title, score in (
            (self.beforeLabel, self.beforeTitle, old),
            (self.afterLabel, self.afterTitle, new),
        ):
            self._show_figure(label, title.text(), score)
        for label, score in ((self.beforeInterval, old), (self.afterInterval, new)):
            label.setText(self._write_interval(score.interval))
            label.setVisible(bool(label.text()))
        self._show_gain(old.f1, new.f1, f"{self._judge(difference)} {mark}".strip())
        pixels = before.pixel, after.pixel
        self._show_counts(
            ("", self.tr("before"), self.tr("after")),
            (self.tr("Buildings found"), *(format_count(score.tp) for score in (old, new))),
            (self.tr("Buildings missed"), *(format_count(score.fn) for score in (old, new))),
            (self.tr("Footprints on no building"), *(format_count(score.fp) for score in (old, new))),
            (self.tr("F1 by pixel"), *(format_score(score.f1) for score in pixels)),
        )

    def _show_chain(self, links: Sequence[Link]) -> None:
        """Name the two models, and show how an improved one came about where more than these two led to it."""
        roles = [link.role for link in links] if len(links) > 1 else ["base", "tuned"]
        names = {"base": self.tr("base model"), "tuned": self.tr("tuned model"), "improved": self.tr("improved model")}
        before, after = (names.get(role, role) for role in roles[-2:])
        self.beforeTitle.setText(self.tr("earlier model") if before == after else before)
        self.afterTitle.setText(after)
        steps = [self._write_link(names.get(role, role), link) for role, link in zip(roles, links)]
        text = self.tr("All on the same held-out area:\n{}").format("\n\N{RIGHTWARDS ARROW} ".join(steps))
        self.chainLabel.setText(text if len(links) > 2 else "")
        self.chainLabel.setVisible(len(links) > 2)

    def _write_link(self, name: str, link: Link) -> str:
        interval = self._write_interval(link.building.interval)
        return f"{name} {format_score(link.building.f1)}" + (f" ({interval})" if interval else "")

    def _show_figure(self, label: QLabel, model: str, score: BuildingScore) -> None:
        f1 = format_score(score.f1)
        text = self.tr("{model}: F1 {f1}, precision {precision}, recall {recall}").format(
            model=model, f1=f1, precision=format_score(score.precision), recall=format_score(score.recall)
        )
        label.setText(f1)
        label.setToolTip(text)
        label.setAccessibleName(text)

    def _write_interval(self, interval: Interval | None) -> str:
        if not interval:
            return ""
        return self.tr("{low} to {high}").format(low=format_score(interval[0]), high=format_score(interval[1]))

    def _judge(self, difference: Difference) -> str:
        """Return whether the difference is more than noise, "" where the worker did not say."""
        if not difference.interval:
            return difference.sentence
        low, high = (format_change(end) for end in difference.interval)
        if difference.is_more_than_noise:
            return self.tr("This is more than noise: {low} to {high} (95 % interval).").format(low=low, high=high)
        return self.tr("This is no more than noise: {low} to {high} (95 % interval).").format(low=low, high=high)

    def _show_gain(self, before: float | None, after: float | None, verdict: str) -> None:
        if before is None or after is None:
            self.gainLabel.setText("")
            self.afterLabel.setStyleSheet("")
            return
        text = self.tr("F1 {} on an area that the model never learned from.")
        if after < before:
            text = self.tr("F1 {} on an area that the model never learned from: add labels, or keep the {model}.")
        text = text.replace("{model}", self.beforeTitle.text())
        self.gainLabel.setText(f"{text.format(format_change(after - before))} {verdict}".strip())
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
