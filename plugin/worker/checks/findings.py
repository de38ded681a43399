"""All that is found before a run: stops, warnings and advice, each with a sentence, a next step and its places."""

from __future__ import annotations

from ...core.events import Finding
from ..dataset.improved_split import ImprovedSplit
from ..dataset.inputs import Inputs
from ..dataset.split import Split
from ..runtime.progress import Progress
from .area_faults import find_area_faults
from .domain_shift import find_foreign_values
from .imagery_faults import describe_shift, find_blank, find_extremes, find_remarks, find_specks
from .label_crops import look_at_labels
from .label_faults import find_faults
from .misregistration import find_shift
from .sample_size import find_shortage


def find_in_inputs(inputs: Inputs, progress: Progress) -> list[Finding]:
    """Return what is found in the labels and in the imagery around them.

    It takes a few seconds whatever the raster's size: up to 400 labels are looked at.
    """
    raster, labels, settings = inputs.raster, inputs.labels, inputs.job.settings
    if inputs.improved_split is not None:
        return _find_in_corrections(inputs, inputs.improved_split)
    crops = look_at_labels(raster, labels.polygons, settings.seed, lambda _: progress.raise_if_cancelled())
    foreign = find_foreign_values(raster, inputs.card)
    is_clipped = any(finding.kind == "clipped" for finding in foreign)
    found = [
        *find_remarks(raster),
        *foreign,
        *find_specks(labels, raster, settings.seed),
        *describe_shift(find_shift(crops, settings.seed), labels, raster),
        *find_blank(crops, labels, raster, is_clipped),
        *find_faults(labels, raster, inputs.card, settings.min_area_m2),
        *([] if is_clipped else find_extremes(crops, raster)),
    ]
    if inputs.job.areas:
        found += find_area_faults(inputs.job.areas, inputs.job.areas_layer, raster, labels.polygons)
    return found


def find_in_split(inputs: Inputs, split: Split) -> list[Finding]:
    """Return which ground of the split has too few buildings, and how many more would help.

    Nothing of an improving run: it takes its held-out ground as it is, and its inputs hold what is found of the rest.
    """
    return find_shortage(split, has_areas=bool(inputs.job.areas)) if inputs.improved_split is None else []


def _find_in_corrections(inputs: Inputs, improved_split: ImprovedSplit) -> list[Finding]:
    """Return what is to be said of corrections and checked ground; the earlier labels were looked at in their run."""
    faults = []
    if len(improved_split.corrected.polygons):
        faults = find_faults(improved_split.corrected, inputs.raster, inputs.card, inputs.job.settings.min_area_m2)
    return [*find_remarks(inputs.raster), *improved_split.findings, *faults]
