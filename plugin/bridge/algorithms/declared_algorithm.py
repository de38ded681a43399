"""An algorithm whose name, texts and inputs are those that its command declares."""

from __future__ import annotations

from typing import Iterable

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext, QgsProcessingParameterDefinition
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtGui import QIcon

from ...core.commands import find_algorithm
from ...core.option import Option
from ...core.paths import RESOURCES
from .output_clash import find_clash
from .parameters import LAYERS, Values, make_parameter, read_value

ICON = RESOURCES / "icon.svg"


class DeclaredAlgorithm(QgsProcessingAlgorithm):
    """What QGIS asks of every algorithm; ``ID`` is the part after the colon in its id."""

    ID = ""

    def createInstance(self) -> QgsProcessingAlgorithm:
        """Return another one; called by QGIS."""
        return type(self)()

    def name(self) -> str:
        """Return the part after the colon in the id."""
        return self.ID

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return self.tr(find_algorithm(self.ID).title)

    def tags(self) -> list[str]:
        """Return what else people search for."""
        return self.tr(find_algorithm(self.ID).tags).split(",")

    def shortHelpString(self) -> str:
        """Return the help beside the dialog."""
        return self.tr(find_algorithm(self.ID).help)

    def group(self) -> str:
        """Return the group in the toolbox."""
        return self.tr("Building footprints")

    def groupId(self) -> str:
        """Return the group's id."""
        return "footprints"

    def icon(self) -> QIcon:
        """Return the plugin's icon."""
        return QIcon(str(ICON))

    def tr(self, text: str) -> str:
        """Return the text in the user's language."""
        return QCoreApplication.translate("Algorithms", text)

    def checkParameterValues(self, parameters: Values, context: QgsProcessingContext) -> tuple[bool, str]:
        """Say why the values cannot be used, before anything begins; called by QGIS."""
        is_fine, why = super().checkParameterValues(parameters, context)
        clash = find_clash(self, parameters, context) if is_fine else ""
        return (is_fine, why) if not clash else (False, clash)

    def add_options(self, options: Iterable[Option], note: str = "", is_advanced: bool = False) -> None:
        """Declare options as inputs; those that have a label. ``note`` is said of numbers that may be left empty."""
        for option in options:
            if not option.label:
                continue
            is_noted = note and option.default is None and not option.kind
            text = f"{self.tr(option.label)} {note}" if is_noted else self.tr(option.label)
            parameter = make_parameter(option, text)
            parameter.setHelp(self.tr(option.help))
            if is_advanced:
                parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.FlagAdvanced)
            self.addParameter(parameter)

    def read_options(self, options: Iterable[Option], parameters: Values, context: QgsProcessingContext) -> Values:
        """Return what is given for those options that have a label and are no layers; raises InputError."""
        return {
            option.name: read_value(self, option, parameters, context)
            for option in options
            if option.label and option.kind not in LAYERS
        }
