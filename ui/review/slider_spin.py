"""A slider and a spin box that are one number."""

from __future__ import annotations

import bisect
from typing import Sequence

from qgis.gui import QgsDoubleSpinBox
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QSlider


class SliderSpin(QObject):
    """Keeps both at the same value: the slider steps through ``steps`` (rising), the spin box takes what lies between.

    ``value_changed`` tells what the user chose, not what was shown.
    """

    value_changed = pyqtSignal(float)

    def __init__(self, slider: QSlider, spin: QgsDoubleSpinBox, steps: Sequence[float]) -> None:
        """Take over both widgets, where they stand."""
        super().__init__(spin)
        self._slider, self._spin, self._steps = slider, spin, list(steps)
        slider.setRange(0, len(self._steps) - 1)
        spin.setKeyboardTracking(False)  # a number that is being typed is not meant yet
        slider.valueChanged.connect(self._slide)
        spin.valueChanged.connect(self._spin_to)
        self.show(spin.value())

    @property
    def value(self) -> float:
        """The number."""
        return float(self._spin.value())

    def show(self, value: float) -> None:
        """Show a number, as near as both can."""
        for widget, at in ((self._spin, value), (self._slider, self._find_step(value))):
            widget.blockSignals(True)
            widget.setValue(at)
            widget.blockSignals(False)

    def choose(self, value: float) -> None:
        """Take a number as if the user had typed it."""
        self._spin.setValue(value)

    def _slide(self, step: int) -> None:
        self._spin.setValue(self._steps[step])

    def _spin_to(self, value: float) -> None:
        self._slider.blockSignals(True)
        self._slider.setValue(self._find_step(value))
        self._slider.blockSignals(False)
        self.value_changed.emit(value)

    def _find_step(self, value: float) -> int:
        """Return the step nearest to a value, the lower one of two."""
        upper = min(bisect.bisect_left(self._steps, value), len(self._steps) - 1)
        lower = max(0, upper - 1)
        return lower if value - self._steps[lower] <= self._steps[upper] - value else upper
