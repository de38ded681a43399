"""The main job as an algorithm."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingFeedback

from .job_algorithm import TuningAlgorithm
from .run_algorithm import declare_ending, run_to_end


class FinetuneAlgorithm(TuningAlgorithm):
    """Fine-tune a model and map the footprints of the whole raster."""

    def name(self) -> str:
        """Return the part after the colon in the id."""
        return "finetune"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return self.tr("Fine-tune a footprint model")

    def tags(self) -> list[str]:
        """Return what else people search for."""
        return self.tr("building,buildings,footprint,fine-tune,train,deep learning,segmentation,digitize").split(",")

    def shortHelpString(self) -> str:
        """Return the help beside the dialog."""
        return self.tr(
            "Fine-tunes a pre-trained building-footprint model with labels drawn on a part of a raster, then maps the"
            " footprints of the whole raster.\n\n"
            "Base model and tuned model are scored on the same held-out ground, which training never sees: F1 before"
            " and after, by building. Without areas the labelled ground is divided into blocks; with areas, those whose"
            ' role is "held-out" are scored and everything inside an area counts as labelled.\n\n'
            "The run's folder keeps all that went in and came out: job, labels, log, tuned model, footprints, report."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        self.add_job_parameters()
        declare_ending(self, self.tr("F1 by building, base model"), self.tr("F1 by building, tuned model"))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run the job; called by QGIS, usually in a thread."""
        return run_to_end(self, self._inputs, parameters, context, feedback, self.client)
