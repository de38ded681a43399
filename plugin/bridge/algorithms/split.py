"""The split before the main job, as an algorithm."""

from __future__ import annotations

import tempfile
from pathlib import Path

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsVectorLayer,
)

from ...core.block_roles import ROLES
from ...core.folder import RunFolder
from .feedback import FeedbackAdapter
from .job_algorithm import TuningAlgorithm, run_delivery
from .outputs import send_layer
from .parameters import Values

BLOCKS = "BLOCKS"
_STAGES = ("check", "split")


class SplitAlgorithm(TuningAlgorithm):
    """Show which ground a run would learn on, and which it would hold out."""

    ID = "split"

    def initAlgorithm(self, configuration: Values | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        self.add_job_parameters()
        self.addParameter(QgsProcessingParameterFeatureSink(BLOCKS, self.tr("Blocks"), QgsProcessing.TypeVectorPolygon))
        for role in ROLES:
            self.addOutput(
                QgsProcessingOutputNumber(_name_output(role), self.tr("Buildings on {} ground").format(role))
            )

    def processAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Values:
        """Draw the split; called by QGIS, usually in a thread."""
        with tempfile.TemporaryDirectory(prefix="footprint_tuner_split_") as path:
            folder = RunFolder(Path(path))
            run_delivery(self._inputs, folder, "split", FeedbackAdapter(feedback, _STAGES), self.client)
            if feedback.isCanceled():
                return {}
            source = f"{folder.split.as_posix()}|layername=blocks"
            results: Values = {_name_output(role): 0 for role in ROLES}
            for feature in QgsVectorLayer(source, BLOCKS, "ogr").getFeatures():
                if feature["role"] in ROLES:
                    results[_name_output(feature["role"])] += feature["buildings"]
            return {**results, **send_layer(self, BLOCKS, "split", source, parameters, context, feedback)}


def _name_output(role: str) -> str:
    """Return what the output is called that counts a role's buildings."""
    return role.replace("-", "_").upper()
