"""Two runs against each other on the same held-out ground, as an algorithm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFile,
)

from ...core.child_process import SetupCancelled
from ...core.comparability import pair_blocks
from ...core.errors import TunerError
from ...core.json_codec import decode
from ...core.run_comparison import RunComparison
from ...core.run_record import read_record
from .worker_algorithm import WorkerAlgorithm, refuse


class CompareAlgorithm(WorkerAlgorithm):
    """Say by how much the F1 of two runs differs, and whether that is more than noise."""

    def name(self) -> str:
        """Return the part after the colon in the id."""
        return "compare"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return self.tr("Compare two runs")

    def tags(self) -> list[str]:
        """Return what else people search for."""
        return self.tr("building,footprint,accuracy,F1,history,bootstrap,difference,significance").split(",")

    def shortHelpString(self) -> str:
        """Return the help beside the dialog."""
        return self.tr(
            "Compares the tuned models of two fine-tunings by their F1 by building, block by block of the held-out"
            " ground, with a 95 % interval of the difference (second minus first).\n\n"
            "They must have been scored on the same ground, against the same labels; else it says what differs."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        folder = QgsProcessingParameterFile.Folder
        self.addParameter(QgsProcessingParameterFile("FIRST", self.tr("Folder of the first run"), folder))
        self.addParameter(QgsProcessingParameterFile("SECOND", self.tr("Folder of the second run"), folder))
        for name, text in (
            ("F1_FIRST", self.tr("F1 of the first")),
            ("F1_SECOND", self.tr("F1 of the second")),
            ("DIFFERENCE", self.tr("Difference of the F1")),
            ("LOW", self.tr("Lower limit of the difference")),
            ("HIGH", self.tr("Upper limit of the difference")),
        ):
            self.addOutput(QgsProcessingOutputNumber(name, text))
        self.addOutput(QgsProcessingOutputString("SENTENCE", self.tr("Verdict")))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Compare; called by QGIS, usually in a thread. Without an interval there are no LOW and HIGH."""
        folders = [Path(self.parameterAsString(parameters, name, context)).absolute() for name in ("FIRST", "SECOND")]
        try:
            pair_blocks(*map(read_record, folders))
            told = self.client.ask(["compare", *map(str, folders), "--json"], feedback.isCanceled)
        except SetupCancelled:
            return {}
        except TunerError as error:
            refuse(error)
        answer = decode(RunComparison, told)
        difference, (first, second) = answer.difference, answer.runs
        feedback.pushInfo(difference.sentence)
        limits = dict(zip(("LOW", "HIGH"), difference.interval or ()))
        f1s = {"F1_FIRST": first.f1, "F1_SECOND": second.f1, "DIFFERENCE": difference.f1}
        return {**f1s, "SENTENCE": difference.sentence, **limits}
