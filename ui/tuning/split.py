"""The form's row about ground: the split before the run, its blocks changed by a click, and areas that are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QMenu, QPushButton, QWidget

from ...plugin.core.block_roles import HELD_OUT, LEFT_OUT, TRAINING, VALIDATION
from ..fields.ui_loader import load_form
from ..fields.wrapped_text import WrapLabel, format_count


@dataclass(frozen=True)
class RoleCount:
    """How many blocks have a role, and how many buildings count on their ground."""

    role: str
    blocks: int
    buildings: int


class SplitRow(QWidget):
    """Asks for the split and for tools on the map; ``block_roles`` are the changes that the next run takes along."""

    show_requested = pyqtSignal()
    hide_requested = pyqtSignal()
    change_toggled = pyqtSignal(bool)
    drawn_requested = pyqtSignal()
    area_requested = pyqtSignal(str)

    splitButton: QPushButton
    areaButton: QPushButton
    splitLine: WrapLabel
    splitTools: QWidget
    changeButton: QPushButton
    drawnButton: QPushButton

    def __init__(self, parent: QWidget | None = None) -> None:
        """Show no split."""
        super().__init__(parent)
        self._is_shown = False
        self._counts = ""
        self._block_roles: tuple[str, ...] = ()
        load_form(self, "tuning/split")
        self._names = {
            TRAINING: self.tr("Training"),
            VALIDATION: self.tr("Validation"),
            HELD_OUT: self.tr("Held-out"),
            LEFT_OUT: self.tr("Left out"),
        }
        menu = QMenu(self.areaButton)
        for role, text in (
            (TRAINING, self.tr("Training area: the model learns here")),
            (HELD_OUT, self.tr("Held-out area: only scored")),
        ):
            menu.addAction(text).triggered.connect(lambda _, role=role: self.area_requested.emit(role))
        self.areaButton.setMenu(menu)
        self.splitButton.clicked.connect(self._ask)
        self.changeButton.toggled.connect(self.change_toggled)
        self.drawnButton.clicked.connect(self.drawn_requested)
        self.clear()

    @property
    def block_roles(self) -> tuple[str, ...]:
        """The blocks whose role was changed, as a job says it."""
        return self._block_roles

    def show_drawing(self) -> None:
        """Say that the split is being drawn."""
        self._tell(self.tr("Drawing the split..."))
        self.splitButton.setEnabled(False)

    def show_split(self, counts: Sequence[RoleCount], block_roles: tuple[str, ...]) -> None:
        """Say what the split on the map holds, and offer to change it."""
        self._block_roles = block_roles
        self._is_shown = True
        lines = [self._describe(count) for count in counts if count.blocks or count.role != LEFT_OUT]
        if block_roles:
            lines.append(self.tr("Changed: {}").format(_count_blocks(self, len(block_roles))))
        self._counts = "\n".join(lines)
        self._tell(self._counts)
        self._offer()

    def show_problem(self, sentence: str) -> None:
        """Say beneath the counts why a run could not take the split as it was changed."""
        self._tell(f"{self._counts}\n{sentence}" if self._is_shown else sentence)
        self._offer()

    def show_tool(self, is_active: bool) -> None:
        """Show whether clicks on the map change blocks."""
        self.changeButton.blockSignals(True)
        self.changeButton.setChecked(is_active)
        self.changeButton.blockSignals(False)

    def clear(self, sentence: str = "") -> None:
        """Forget the split and its changes; ``sentence`` says why."""
        self._is_shown, self._counts, self._block_roles = False, "", ()
        self.show_tool(False)
        self._tell(sentence)
        self._offer()

    def _ask(self) -> None:
        (self.hide_requested if self._is_shown else self.show_requested).emit()

    def _offer(self) -> None:
        self.splitButton.setText(self.tr("Hide the split") if self._is_shown else self.tr("Show the split"))
        self.splitButton.setEnabled(True)
        self.splitTools.setVisible(self._is_shown)
        self.drawnButton.setEnabled(bool(self._block_roles))

    def _tell(self, text: str) -> None:
        self.splitLine.setText(text)
        self.splitLine.setVisible(bool(text))

    def _describe(self, count: RoleCount) -> str:
        text = f"{self._names[count.role]}: {_count_blocks(self, count.blocks)}"
        if count.role == LEFT_OUT:
            return text
        buildings = self.tr("1 building") if count.buildings == 1 else self.tr("{} buildings")
        return f"{text}, {buildings.format(format_count(count.buildings))}"


def _count_blocks(widget: QWidget, count: int) -> str:
    return widget.tr("1 block") if count == 1 else widget.tr("{} blocks").format(format_count(count))
