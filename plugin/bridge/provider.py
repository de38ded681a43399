"""The plugin's algorithms in the Processing toolbox."""

from __future__ import annotations

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from ..core.paths import RESOURCES
from .algorithms.check import CheckAlgorithm
from .algorithms.compare import CompareAlgorithm
from .algorithms.export import ExportAlgorithm
from .algorithms.finetune import FinetuneAlgorithm
from .algorithms.improve import ImproveAlgorithm
from .algorithms.predict import PredictAlgorithm
from .algorithms.report import ReportAlgorithm
from .algorithms.retrace import RetraceAlgorithm
from .algorithms.score import ScoreAlgorithm
from .algorithms.send import SendAlgorithm
from .algorithms.spacenet import SpaceNetAlgorithm
from .algorithms.split import SplitAlgorithm

ICON = RESOURCES / "icon.svg"


class TunerProvider(QgsProcessingProvider):
    """The provider ``footprint_tuner``."""

    def id(self) -> str:
        """Return the part before the colon in an algorithm's id."""
        return "footprint_tuner"

    def name(self) -> str:
        """Return the name in the toolbox."""
        return "Footprint Tuner"

    def icon(self) -> QIcon:
        """Return the plugin's icon."""
        return QIcon(str(ICON))

    def svgIconPath(self) -> str:
        """Return the icon's path."""
        return str(ICON)

    def loadAlgorithms(self) -> None:
        """Add the algorithms; called by QGIS."""
        tuning = (FinetuneAlgorithm, CheckAlgorithm, SplitAlgorithm, PredictAlgorithm, ScoreAlgorithm)
        for algorithm in (
            *tuning,
            ImproveAlgorithm,
            RetraceAlgorithm,
            CompareAlgorithm,
            SendAlgorithm,
            ReportAlgorithm,
            ExportAlgorithm,
            SpaceNetAlgorithm,
        ):
            self.addAlgorithm(algorithm())
