"""The commands behind the live threshold: a look at other settings of a run, and taking them over."""

from __future__ import annotations

from ...core.command_options import RetraceOptions, ReviewOptions
from ..runtime.channel import Channel


def review(options: ReviewOptions, _: Channel) -> None:
    """Answer questions about a run while sliders move: JSON lines in and out, until the input ends."""
    from ..review.server import serve_review  # noqa: PLC0415 - other commands do not wait for its libraries

    serve_review(options.run)


def retrace(options: RetraceOptions, channel: Channel) -> None:
    """Trace a run's footprints anew with another threshold or least area, and score them again."""
    from ..pipeline.rethreshold import ThresholdRequest, retrace_run  # noqa: PLC0415 - as above

    retrace_run(
        options.run, ThresholdRequest(options.threshold, options.min_area_m2, is_chosen=options.chosen), channel
    )
