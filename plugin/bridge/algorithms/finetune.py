"""The main job as an algorithm."""

from __future__ import annotations

from qgis.core import QgsProcessingContext, QgsProcessingFeedback

from .job_algorithm import TuningAlgorithm
from .parameters import Values
from .run_algorithm import declare_ending, run_to_end


class FinetuneAlgorithm(TuningAlgorithm):
    """Fine-tune a model and map the footprints of the whole raster."""

    ID = "finetune"

    def initAlgorithm(self, configuration: Values | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        self.add_job_parameters()
        declare_ending(self, self.tr("F1 by building, base model"), self.tr("F1 by building, tuned model"))

    def processAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Values:
        """Run the job; called by QGIS, usually in a thread."""
        return run_to_end(self, self._inputs, parameters, context, feedback, self.client)
