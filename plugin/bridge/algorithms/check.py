"""The check before the main job, as an algorithm."""

from __future__ import annotations

import html
import tempfile
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputBoolean,
    QgsProcessingOutputString,
    QgsProcessingParameterFileDestination,
)

from ...core.errors import TunerError
from ...core.folder import RunFolder
from ..delivery import Delivery
from ..messages import join
from .narrator import Narrator
from .tuning import TuningAlgorithm, run_delivery


class CheckAlgorithm(TuningAlgorithm):
    """Say whether a job's inputs can be used, without running it."""

    _delivery: Delivery | None = None
    _refusal = ""

    def name(self) -> str:
        """Return the part after the colon in the id."""
        return "check"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return self.tr("Check raster and labels")

    def tags(self) -> list[str]:
        """Return what else people search for."""
        return self.tr("building,footprint,validate,labels,quality,input").split(",")

    def shortHelpString(self) -> str:
        """Return the help beside the dialog."""
        return self.tr(
            "Tells in less than a minute whether a raster, labels, areas and settings can be used for fine-tuning: what"
            " was found, what is repaired on the way, and what is in the way, each with a next step. Inputs that cannot"
            " be used are no error here: OK is then false."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        self.add_job_parameters()
        report = QgsProcessingParameterFileDestination("REPORT", self.tr("Report"), "HTML (*.html)", None, True)
        self.addParameter(report)
        self.addOutput(QgsProcessingOutputBoolean("OK", self.tr("Can be used")))
        self.addOutput(QgsProcessingOutputString("TEXT", self.tr("What was found")))

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Look at the layers; called by QGIS on the main thread."""
        super().prepareAlgorithm(parameters, context, feedback)
        try:
            self._delivery = self.read_delivery(parameters, context)
        except TunerError as error:
            self._refusal = join(error.message, error.hint)
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Check the job; called by QGIS, usually in a thread."""
        narrator = Narrator(feedback)
        if self._delivery is not None:
            try:
                with tempfile.TemporaryDirectory(prefix="footprint_tuner_check_") as folder:
                    run_delivery(self._delivery, RunFolder(Path(folder)), "check", narrator, self.environ)
            except QgsProcessingException as error:
                self._refusal = str(error)
        if feedback.isCanceled():
            return {}
        if self._refusal:
            feedback.pushWarning(self._refusal)
        verdict = self._refusal or self.tr("The raster, the labels and the settings can be used.")
        lines = [verdict, *narrator.notices]
        results = {"OK": not self._refusal, "TEXT": "\n".join(lines)}
        path = self.parameterAsFileOutput(parameters, "REPORT", context)
        if path:
            _write_page(Path(path), self.displayName(), lines)
            results["REPORT"] = path
        return results


def _write_page(path: Path, title: str, lines: list[str]) -> None:
    head = f'<!doctype html><meta charset="utf-8"><title>{html.escape(title)}</title><h1>{html.escape(title)}</h1>'
    path.write_text(head + "".join(f"<p>{html.escape(line)}</p>" for line in lines), encoding="utf-8")
