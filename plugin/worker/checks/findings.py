"""All that is found before a run: stops, warnings and advice, each with a sentence, a next step and its places."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...core.errors import InputError
from ...core.events import STOP, Finding
from ..dataset.improved_split import ImprovedSplit
from ..dataset.inputs import Inputs
from ..dataset.split import Split
from ..runtime.channel import Channel
from .area_faults import find_area_faults
from .imagery_faults import describe_shift, find_blank, find_extremes
from .label_crops import look_at_labels
from .label_faults import find_faults
from .misregistration import find_shift
from .sample_size import find_shortage


def tell_findings(inputs: Inputs, channel: Channel) -> None:
    """Tell what is found in the labels and in the imagery around them; raises InputError for the first stop.

    It takes a few seconds whatever the raster's size: up to 400 labels are looked at.
    """
    raster, labels, settings = inputs.raster, inputs.labels, inputs.job.settings
    if inputs.improved_split is not None:
        _tell(_find_in_corrections(inputs, inputs.improved_split), channel)
        return
    crops = look_at_labels(raster, labels.polygons, settings.seed, lambda _: channel.raise_if_cancelled())
    found = [
        *describe_shift(find_shift(crops, settings.seed), labels, raster),
        *find_blank(crops, labels, raster),
        *find_faults(labels, raster, inputs.card, settings.min_area_m2),
        *find_extremes(crops, raster),
    ]
    if inputs.job.areas:
        found += find_area_faults(inputs.job.areas, inputs.job.areas_layer, raster, labels.polygons)
    _tell(found, channel)


def tell_shortage(inputs: Inputs, split: Split, channel: Channel) -> None:
    """Tell whether there are enough buildings on each ground, and how many more would help.

    An improving run takes its held-out ground as it is, and tells of checked ground among its findings.
    """
    if inputs.improved_split is None:
        _tell(find_shortage(split, has_areas=bool(inputs.job.areas)), channel)


def _find_in_corrections(inputs: Inputs, improved_split: ImprovedSplit) -> list[Finding]:
    """Return what is to be said of corrections and checked ground; the earlier labels were looked at in their run."""
    faults = []
    if len(improved_split.corrected.polygons):
        faults = find_faults(improved_split.corrected, inputs.raster, inputs.card, inputs.job.settings.min_area_m2)
    return [*improved_split.findings, *faults]


@contextmanager
def refusal_found(channel: Channel) -> Iterator[None]:
    """Tell an input that cannot be used as a finding that stops the run, too, and pass the error on."""
    try:
        yield
    except InputError as error:
        if not any(finding.level == STOP for finding in channel.findings):
            channel.emit(Finding("refused", STOP, error.message, error.hint))
        raise


def _tell(found: list[Finding], channel: Channel) -> None:
    for finding in found:
        channel.emit(finding)
    stop = next((finding for finding in found if finding.level == STOP), None)
    if stop is not None:
        raise InputError(stop.message, stop.hint)
