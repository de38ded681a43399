"""The check before the main job, as an algorithm."""

from __future__ import annotations

import html
import tempfile
from pathlib import Path

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputBoolean,
    QgsProcessingOutputString,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFileDestination,
    QgsWkbTypes,
)

from ...core.atomic_file import replacing
from ...core.errors import TunerError
from ...core.events import LEVELS, STOP, WARNING, Finding
from ...core.folder import RunFolder
from ..tuning.findings import find_crs, list_features, list_fields
from ..worker_client.messages import join
from .feedback import FeedbackAdapter
from .job_algorithm import TuningAlgorithm, run_delivery
from .outputs import style_output
from .parameters import Values
from .worker_algorithm import refuse

FINDINGS = "FINDINGS"
_POLYGON = QgsWkbTypes.Type.Polygon


class CheckAlgorithm(TuningAlgorithm):
    """Say whether a job's inputs can be used, without running it."""

    ID = "check"

    _refusal = ""

    def initAlgorithm(self, configuration: Values | None = None) -> None:  # noqa: ARG002 - QGIS's signature
        """Declare inputs and outputs; called by QGIS."""
        self.add_job_parameters()
        report = QgsProcessingParameterFileDestination("REPORT", self.tr("Report"), "HTML (*.html)", None, True)
        self.addParameter(report)
        kind = QgsProcessing.TypeVectorPolygon
        places = QgsProcessingParameterFeatureSink(
            FINDINGS, self.tr("Places of what was found"), kind, None, True, False
        )
        self.addParameter(places)
        self.addOutput(QgsProcessingOutputBoolean("OK", self.tr("Can be used")))
        self.addOutput(QgsProcessingOutputString("TEXT", self.tr("What was found")))

    def prepareAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Look at the layers; called by QGIS on the main thread."""
        try:
            super().prepareAlgorithm(parameters, context, feedback)
        except QgsProcessingException as error:
            self._refusal = str(error)
        return True

    def processAlgorithm(
        self, parameters: Values, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Values:
        """Check the job; called by QGIS, usually in a thread."""
        adapter = FeedbackAdapter(feedback)
        if not self._refusal:
            try:
                with tempfile.TemporaryDirectory(prefix="footprint_tuner_check_") as folder:
                    run_delivery(self._inputs, RunFolder(Path(folder)), "check", adapter, self.client)
            except QgsProcessingException as error:
                self._refusal = str(error)
        if feedback.isCanceled():
            return {}
        if self._refusal:
            feedback.pushWarning(self._refusal)
        verdict = self._refusal or self.tr("The raster, the labels and the settings can be used.")
        found = [finding for finding in adapter.findings if join(finding.message, finding.hint) != self._refusal]
        found.sort(key=lambda finding: LEVELS.index(finding.level))
        lines = [f"{_name_level(finding.level)}: {join(finding.message, finding.hint)}" for finding in found]
        results = {"OK": not self._refusal, "TEXT": "\n".join([verdict, *adapter.notices, *lines])}
        path = self.parameterAsFileOutput(parameters, "REPORT", context)
        if path:
            try:
                _write_page(Path(path).absolute(), self.displayName(), [verdict, *adapter.notices], found)
            except TunerError as error:
                refuse(error)
            results["REPORT"] = path
        return {**results, **self._send_findings(adapter.findings, parameters, context)}

    def _send_findings(self, found: list[Finding], parameters: Values, context: QgsProcessingContext) -> dict[str, str]:
        crs = find_crs(found)
        sink, destination = self.parameterAsSink(parameters, FINDINGS, context, list_fields(), _POLYGON, crs)
        if sink is None:
            return {}
        if not sink.addFeatures(list(list_features(found))):
            raise QgsProcessingException(f"The findings could not be written: {sink.lastError()}")
        style_output(destination, "findings", context)
        return {FINDINGS: destination}


def _name_level(level: str) -> str:
    names = {STOP: "Stops the run", WARNING: "Warning"}
    return names.get(level, "Advice")


def _write_page(path: Path, title: str, lines: list[str], found: list[Finding]) -> None:
    head = f'<!doctype html><meta charset="utf-8"><title>{html.escape(title)}</title><h1>{html.escape(title)}</h1>'
    said = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    items = "".join(
        f"<li><b>{_name_level(each.level)}.</b> {html.escape(each.message)} <i>{html.escape(each.hint)}</i></li>"
        for each in found
    )
    with replacing(path) as partial:
        partial.write_text(f"{head}{said}<ul>{items}</ul>" if items else head + said, encoding="utf-8")
