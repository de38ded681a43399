"""Two runs against each other on the same held-out ground, as an algorithm."""

from __future__ import annotations

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
)

from ...core.child_process import SetupCancelled
from ...core.command_options import CompareOptions
from ...core.comparability import pair_blocks
from ...core.errors import TunerError
from ...core.json_codec import decode
from ...core.option import list_arguments, list_options
from ...core.run_comparison import RunComparison
from ...core.run_record import read_record
from .parameters import Values
from .worker_algorithm import WorkerAlgorithm, refuse


class CompareAlgorithm(WorkerAlgorithm):
    """Say by how much the F1 of two runs differs, and whether that is more than noise."""

    ID = "compare"

    def initAlgorithm(self, configuration: Values | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        self.add_options(list_options(CompareOptions))
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
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Values:
        """Compare; called by QGIS, usually in a thread. Without an interval there are no LOW and HIGH."""
        options = CompareOptions(**self.read_options(list_options(CompareOptions), parameters, context), json=True)
        try:
            pair_blocks(read_record(options.first), read_record(options.second))
            told = self.client.ask(["compare", *list_arguments(options)], feedback.isCanceled)
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
