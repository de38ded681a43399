"""Two runs side by side: what each scored on the same ground, and whether they differ by more than noise."""

from __future__ import annotations

from typing import Callable, Iterator

from qgis.PyQt.QtCore import QLocale, Qt
from qgis.PyQt.QtWidgets import QDialog, QDialogButtonBox, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from ...plugin.core.run_comparison import ComparedRun, RunComparison
from ...plugin.core.score import Interval
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel, format_change, format_clock, format_score
from .run_table_model import shorten

_WIDTH, _HEIGHT = 700, 520


class CompareDialog(QDialog):
    """Shows the answer of the worker's command ``compare``."""

    verdictLabel: WrapLabel
    groundLabel: WrapLabel
    rivalsTable: QTableWidget
    rivalsButtons: QDialogButtonBox

    def __init__(self, answer: RunComparison, parent: QWidget | None = None) -> None:
        """Show both runs' figures."""
        super().__init__(parent)
        load_form(self, "runs/compare_dialog")
        self.rivalsButtons.rejected.connect(self.reject)
        first, second = answer.runs
        self.verdictLabel.setText(answer.difference.sentence)
        self.groundLabel.setText(self._describe_ground(answer))
        table, rows = self.rivalsTable, list(self._list_rows(answer, first, second))
        table.setColumnCount(3)
        table.setRowCount(len(rows))
        table.setHorizontalHeaderLabels([*_name(first, second), self.tr("Change")])
        for place, run in enumerate((first, second)):
            table.horizontalHeaderItem(place).setToolTip(run.folder)
        table.setVerticalHeaderLabels([title for title, *_ in rows])
        for row, (_, *texts) in enumerate(rows):
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                table.setItem(row, column, item)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        self.resize(_WIDTH, _HEIGHT)
        self.rivalsButtons.button(QDialogButtonBox.StandardButton.Close).setFocus()

    def _describe_ground(self, answer: RunComparison) -> str:
        counts = answer.blocks
        text = self.tr("On the same {blocks} blocks of the held-out area: better in {better}, worse in {worse}.")
        total = counts.better + counts.worse + counts.same
        sentences = [text.format(blocks=total, better=counts.better, worse=counts.worse)]
        sentences += [f"{run.name}: {run.by_hand}" for run in answer.runs if run.by_hand]
        return " ".join(sentences)

    def _list_rows(
        self, answer: RunComparison, first: ComparedRun, second: ComparedRun
    ) -> Iterator[tuple[str, str, str, str]]:
        difference = answer.difference
        change = format_change(difference.f1 or 0.0) + self._bracket(difference.interval, format_change)
        yield self.tr("F1 by building"), self._write_f1(first), self._write_f1(second), change
        yield self._row(self.tr("Precision"), first.precision, second.precision)
        yield self._row(self.tr("Recall"), first.recall, second.recall)
        for item in answer.by_size:
            yield self._row(self._name_size(item.from_m2 or 0.0, item.to_m2), *item.f1)
        for pair in answer.by_iou[1::4]:
            title = self.tr("F1 at IoU {}").format(QLocale().toString(pair.iou, "f", 2))
            yield self._row(title, *pair.f1)
        models = [run.base_model for run in (first, second)]
        yield self.tr("Base model"), models[0], models[1], ""
        clocks = ["" if run.seconds is None else format_clock(round(run.seconds)) for run in (first, second)]
        yield self.tr("Time"), clocks[0], clocks[1], ""

    def _row(self, title: str, first: float | None, second: float | None) -> tuple[str, str, str, str]:
        change = "" if first is None or second is None else format_change(second - first)
        return title, format_score(first), format_score(second), change

    def _write_f1(self, run: ComparedRun) -> str:
        return format_score(run.f1) + self._bracket(run.interval, format_score)

    def _bracket(self, interval: Interval | None, write: Callable[[float], str]) -> str:
        if not interval:
            return ""
        return " " + self.tr("({low} to {high})").format(low=write(interval[0]), high=write(interval[1]))

    def _name_size(self, low: float, high: float | None) -> str:
        if high is None:
            return self.tr("F1 from {} m²").format(f"{low:g}")
        return self.tr("F1 of {low}\u2013{high} m²").format(low=f"{low:g}", high=f"{high:g}")


def _name(first: ComparedRun, second: ComparedRun) -> list[str]:
    """Return both runs' names, short where that tells them apart."""
    names = [run.name for run in (first, second)]
    short = [shorten(name) for name in names]
    return names if short[0] == short[1] else short
