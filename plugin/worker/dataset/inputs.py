"""Everything that can be said against a job before long work starts."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from ...core.block_roles import ROLES, read_block_roles
from ...core.card import Card
from ...core.errors import InputError
from ...core.job import Job, Settings
from ...core.model_specs import fit_bands
from ...core.models import find_card
from ..geodata.raster import Raster, describe_raster
from ..runtime.disk import check_writable
from ..runtime.progress import NotifyingProgress
from .improved_split import ImprovedSplit, renew_split
from .labels import Labels, read_labels
from .split import Split, split_ground

_BYTES_PER_PIXEL = 2
_BYTES_AT_LEAST = 200_000_000


@dataclass(frozen=True)
class Inputs:
    """A job whose inputs can be used; ``improved_split`` holds the split of one that improves a tuned model."""

    job: Job
    card: Card
    raster: Raster
    labels: Labels
    improved_split: ImprovedSplit | None = None


def check_inputs(job: Job, folder: Path, progress: NotifyingProgress) -> Inputs:
    """Open and check the job's inputs, tell what was noticed, and return them; raises InputError."""
    job.check()
    card = _apply_settings(fit_bands(find_card(job.base_model), job.bands), job.settings)
    check_writable(folder)
    progress.report(0.1)
    raster = describe_raster(job.raster, card, job.bands)
    check_space(folder, raster, len(card.outputs))
    progress.report(0.4)
    shift_m = (job.settings.shift_east_m, job.settings.shift_north_m)
    improved_split = renew_split(job, raster) if job.earlier else None
    labels = improved_split.labels if improved_split else read_labels(job.labels, job.labels_layer, raster, shift_m)
    progress.send_notice(describe_bands(raster, card))
    if any(labels.shift_m):
        progress.send_notice(labels.describe_shift())
    for sentence in improved_split.notices if improved_split else ():
        progress.send_notice(sentence)
    progress.report(1.0)
    return Inputs(job, card, raster, labels, improved_split)


def _apply_settings(card: Card, settings: Settings) -> Card:
    """Return the card with the size of crops that the job asks for."""
    return replace(card, recipe=replace(card.recipe, tile_px=settings.tile_px or card.recipe.tile_px))


def split_inputs(inputs: Inputs, progress: NotifyingProgress) -> Split:
    """Part the ground of the inputs into roles and tell how many labels each holds; raises InputError."""
    job = inputs.job
    if inputs.improved_split is not None:
        split = inputs.improved_split.split
    else:
        changes = read_block_roles(job.block_roles)
        split = split_ground(inputs.raster, inputs.labels, job.settings, job.areas, job.areas_layer, changes)
    counts = ", ".join(f"{int((split.label_roles == role).sum())} {role}" for role in ROLES)
    progress.send_notice(f"Labels by area: {counts}.")
    return split


def check_space(folder: Path, raster: Raster, outputs: int, pixels: float | None = None) -> None:
    """Raise InputError where the disk has too little room for the run's rasters and models.

    ``pixels`` of the raster are predicted (None: all of them).
    """
    needed = (pixels or raster.width * raster.height) * _BYTES_PER_PIXEL * outputs + _BYTES_AT_LEAST
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"The disk of {folder} has {free / 1e9:.1f} GB free; the run needs about {needed / 1e9:.1f} GB.",
            "Make room, or choose a folder on another disk.",
        )


def describe_bands(raster: Raster, card: Card) -> str:
    """Return at which scale the model works, which band serves for which of its own, and what happens to the values."""
    pairs = zip(raster.bands, card.bands, strict=True)
    used = ", ".join(f"band {band} as {name}" for band, name in pairs if band)
    worked = f"{raster.native_gsd_m:.2f} m imagery"
    if raster.is_resampled:
        worked += f", resampled to {raster.gsd_m:.2f} m for the model ({raster.width} x {raster.height} pixels)"
    return f"{worked}; {used}. {raster.adapted}".strip()
