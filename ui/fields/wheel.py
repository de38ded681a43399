"""The mouse wheel scrolls, and changes no value in passing."""

from __future__ import annotations

from qgis.PyQt.QtCore import QEvent, QObject, Qt
from qgis.PyQt.QtWidgets import QAbstractSlider, QAbstractSpinBox, QComboBox, QScrollBar, QWidget

_GUARDED = "footprint_tuner_wheel"


class WheelGuard(QObject):
    """Hands the wheel on to the area that scrolls.

    A list never takes it, for it keeps the focus after a choice; spin boxes and sliders take it with the focus alone.
    """

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hold the wheel back; called by Qt."""
        if event.type() != QEvent.Type.Wheel or not isinstance(watched, QWidget):
            return False
        if watched.hasFocus() and not isinstance(watched, QComboBox):
            return False
        event.ignore()
        return True


def guard_fields(root: QWidget) -> None:
    """Guard every list, spin box and slider in a widget, itself included; a second time does nothing."""
    guard: WheelGuard | None = None
    for kind in (QComboBox, QAbstractSpinBox, QAbstractSlider):
        for field in [*root.findChildren(kind), *([root] if isinstance(root, kind) else [])]:
            if isinstance(field, QScrollBar) or field.property(_GUARDED):
                continue
            guard = guard or WheelGuard(root)
            field.setProperty(_GUARDED, True)
            field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # so that the wheel does not give the focus, either
            field.installEventFilter(guard)
