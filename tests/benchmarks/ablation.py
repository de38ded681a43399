"""What each part is worth: the same place tuned with one thing changed at a time, as a table in Markdown.

``make bench ARGS="ablation RASTER LABELS [--areas AREAS] [--samples N]"``. Scores are those of a run: on held-out
ground, with thresholds from validation ground.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from plugin.core.block_roles import HELD_OUT, VALIDATION
from plugin.core.card import Card
from plugin.core.folder import RunFolder
from plugin.core.job import Job, Settings
from plugin.core.models import find_card
from plugin.worker.dataset.inputs import Inputs, check_inputs, split_inputs
from plugin.worker.dataset.split import Split
from plugin.worker.inference.predict import Predictor, write_probability
from plugin.worker.models.networks import load_network
from plugin.worker.pipeline.evaluator import Evaluator
from plugin.worker.pipeline.stages import Stages
from plugin.worker.runtime.channel import Channel
from plugin.worker.runtime.device import choose_device

HEAD = "| | epochs | tuning, s | building F1 | pixel IoU | right angles |\n|---|---|---|---|---|---|"


@dataclass(frozen=True)
class Variant:
    """One way of doing it: base model and settings; ``forms`` are ways to part what it says."""

    name: str
    card: Card
    settings: Settings
    forms: tuple[str, ...] = ("",)


def list_variants(samples: int, epochs: int) -> Iterator[Variant]:
    """Yield the variants, one thing changed at a time."""
    starter, imagenet = (_with_samples(find_card(name), samples) for name in ("starter", "imagenet_lite0"))
    blank = replace(starter, name="blank", weights=imagenet.weights, sha256="", recipe=imagenet.recipe)
    plain = Settings(epochs=epochs)
    yield Variant("ImageNet, footprint alone, imagery as it is", imagenet, plain)
    yield Variant("ImageNet, footprint alone, at 0.25 m", replace(imagenet, working_gsd_m=0.25), plain)
    yield Variant("ImageNet, three channels, at 0.25 m", blank, plain, ("connected pixels", "instances"))
    yield Variant("Starter, not tuned", starter, Settings(epochs=None), ("connected pixels", "instances"))
    yield Variant("Starter, 1 epoch", starter, Settings(epochs=1))
    yield Variant("Starter, 3 epochs", starter, Settings(epochs=3))
    forms = ("connected pixels", "instances", "instances, not squared", "instances, not mirrored")
    yield Variant(f"Starter, {epochs} epochs", starter, plain, forms)
    yield Variant("Starter, 10 epochs", starter, Settings(epochs=10))
    yield Variant("Starter, Solaris 2019", starter, Settings(recipe="solaris_2019"))


def _with_samples(card: Card, samples: int) -> Card:
    return replace(card, recipe=replace(card.recipe, crops_per_epoch=samples))


def measure(variant: Variant, arguments: argparse.Namespace, folder: Path) -> Iterator[str]:
    """Tune by a variant and yield a row of the table for each of its forms."""
    torch.manual_seed(1)
    channel = Channel(is_spoken=False, listens=False)
    is_tuned = variant.settings.epochs is not None or variant.settings.recipe != "model"
    job = Job(str(arguments.raster), str(arguments.labels), areas=str(arguments.areas or ""), settings=variant.settings)
    inputs = replace(check_inputs(job, folder, channel), card=variant.card)
    inputs = _with_grid(inputs, folder, channel)
    split = split_inputs(inputs, channel)
    card, seconds, epochs = variant.card, 0.0, 0
    if is_tuned:
        began = time.monotonic()
        stages = Stages(inputs, split, RunFolder(folder), channel)
        result = stages.tune()
        seconds, epochs = time.monotonic() - began, len(result["history"])
        card = stages.write_card(result)
    for form in variant.forms:
        score = _score(card, form, is_tuned, Place(inputs, split, folder, channel))
        name = f"{variant.name}: {form}" if form else variant.name
        figures = f"{score.building.f1:.3f} | {score.pixel.iou:.3f} | {score.right_angles.share:.2f}"
        yield f"| {name} | {epochs} | {seconds:.0f} | {figures} |"


@dataclass(frozen=True)
class Place:
    """Where a variant is scored."""

    inputs: Inputs
    split: Split
    folder: Path
    channel: Channel


def _with_grid(inputs: Inputs, folder: Path, channel: Channel) -> Inputs:
    """Return the inputs on the grid that the variant's card works on."""
    path = folder / "variant.json"
    weights = inputs.card.weights
    is_file = not weights.startswith("imagenet:")
    named = replace(inputs.card, weights=str(inputs.card.weights_path) if is_file else weights)
    named.save(path)
    return check_inputs(replace(inputs.job, base_model=str(path)), folder, channel)


def _score(card: Card, form: str, is_tuned: bool, place: Place) -> dict[str, Any]:
    """Score a form; what was predicted for an earlier form of the same look is used again."""
    is_plain, is_mirrored = form == "connected pixels", card.uses_tta and "not mirrored" not in form
    path = place.folder / f"scored_{is_mirrored}.tif"
    if not path.exists():
        card = replace(card, uses_tta=is_mirrored)
        predictor = Predictor(load_network(card), card, choose_device("auto"))
        ground = place.split.ground(VALIDATION, HELD_OUT)
        write_probability(predictor, place.inputs.raster, path, lambda _: None, ground)
    settings = replace(place.inputs.job.settings, square="squared" not in form)
    evaluator = Evaluator(
        replace(place.inputs, job=replace(place.inputs.job, settings=settings)), place.split, place.channel
    )
    separation = card.separation
    if is_plain or not is_tuned:
        _, separation = evaluator.choose(path, replace(separation, seeds=None) if is_plain else separation)
    return evaluator.score_held_out(path, evaluator.trace_held_out(path, separation), separation)


def main(words: list[str]) -> None:
    """Print the table, row by row."""
    parser = argparse.ArgumentParser(prog="ablation", description=__doc__)
    parser.add_argument("raster", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--areas", type=Path)
    parser.add_argument("--samples", type=int, default=560, help="crops an epoch")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the variants, from 1")
    arguments = parser.parse_args(words)
    print(HEAD, flush=True)
    for number, variant in enumerate(list_variants(arguments.samples, arguments.epochs), 1):
        if arguments.only is None or number in arguments.only:
            with tempfile.TemporaryDirectory() as folder:
                for row in measure(variant, arguments, Path(folder)):
                    print(row, flush=True)
