"""The stages of a run that compute: each is a method, in the order of the story that ``run`` tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from ...core.atomic_file import passing_folder, write_json
from ...core.block_roles import HELD_OUT, TRAINING, VALIDATION
from ...core.card import Card, Recipe, SeparationParams
from ...core.events import EpochEnded
from ...core.folder import RunFolder
from ...core.job import Job
from ...core.json_codec import encode
from ...core.report import ManualThreshold, ThresholdChange
from ...core.score import BlockScore, Difference
from ..dataset.inputs import Inputs
from ..dataset.previous_split import read_earlier_report
from ..dataset.split import Split
from ..geodata.raster import open_grid
from ..geodata.statistics import measure_imagery
from ..inference.predict import Predictor, write_probability
from ..models.networks import load_network, save_network
from ..report.build import RunResults, Spent, TuningStage, build_report
from ..report.html.page import write_page
from ..runtime.channel import Channel
from ..runtime.determinism import Determinism
from ..runtime.device import choose_device, describe_device
from ..runtime.energy import open_meter
from ..training.learner import Learner, Plan
from ..training.sampler import Sampler
from ..training.train import Tuning, draw_held_samples
from .evaluator import Evaluator
from .no_footprints import explain_none
from .outputs import write_footprints, write_outcomes


class Stages:
    """What a run does with its checked inputs and their split; files are left in the run's folder."""

    def __init__(self, inputs: Inputs, split: Split, folder: RunFolder, channel: Channel) -> None:
        """Choose the device."""
        self._inputs, self._split, self._folder, self._channel = inputs, split, folder, channel
        settings = inputs.job.settings
        self._device = choose_device(settings.device)
        self.energy = open_meter(self._device)
        self._determinism = Determinism(self._device)
        if settings.threads:
            torch.set_num_threads(settings.threads)
        channel.send_notice(f"Computing on {describe_device(self._device)}.")
        self._evaluator = Evaluator(inputs, split, channel)

    def score_base(self) -> BlockScore:
        """Predict with the base model where it is scored, choose how its buildings part, and return its score."""
        inputs, path = self._inputs, self._folder.base_probability
        predictor = self._make_predictor(inputs.card)
        ground = self._split.ground(VALIDATION, HELD_OUT)
        around = ground.buffer(self._split.buffer_px)  # a building on the border is seen whole, as the tuned model does
        write_probability(predictor, inputs.raster, path, self._channel.report, around, is_kept=True)
        separation = inputs.card.separation  # of a tuned model, chosen on the same validation ground
        if inputs.improved_split is None:
            _, separation = self._evaluator.choose(path, separation)
        footprints = self._evaluator.trace_held_out(path, separation)
        write_footprints(self._folder.base_footprints, [(1.0, footprints)], inputs.raster, self._channel)
        score, outcomes = self._evaluator.score_held_out(path, footprints, separation)
        write_outcomes(self._folder.errors, {"before": outcomes}, inputs.raster)
        return score

    def tune(self) -> TuningStage:
        """Tune all layers, keep the best epoch by validation building F1, and write the tuned model."""
        inputs, split = self._inputs, self._split
        card = replace(inputs.card, stretch=inputs.raster.stretch)
        learner = Learner(self._load(card), self._device, make_plan(inputs.job, card))
        tuning = Tuning(learner, card.separation, self._folder.checkpoint)
        quick = replace(card, uses_tta=False)
        with open_grid(inputs.raster) as dataset:
            share = inputs.job.settings.replay_share
            sampler = Sampler(dataset, inputs.raster, card, inputs.labels, split, replay_share=share)
            held = draw_held_samples(Sampler(dataset, inputs.raster, card, inputs.labels, split, VALIDATION))

            def validate(network: nn.Module, start: SeparationParams) -> tuple[float, SeparationParams]:
                return self._validate(network, start, quick, is_thorough=False)

            outcome = tuning.run(sampler, held, validate, self._channel)
        f1, separation = self._validate(tuning.network, outcome.separation, card, is_thorough=True)
        sha256 = save_network(tuning.network, self._folder.model)
        self._folder.checkpoint.unlink(missing_ok=True)
        history = tuple(_round_epoch(ended) for ended in outcome.history)
        return TuningStage(outcome.best_epoch, round(f1, 4), separation, history, sha256, self._determinism.unsure)

    def write_card(self, tuning: TuningStage, by_hand: ManualThreshold | None = None) -> Card:
        """Write the tuned model's card beside its weights, and return it; ``by_hand`` is what was set by hand."""
        base, job, raster = self._inputs.card, self._inputs.job, self._inputs.raster
        place = Path(raster.path).stem
        card = replace(
            base,
            name=job.name or self._folder.path.name,
            title=self._title,
            description=f"{base.title}, tuned on {place}.",
            weights=self._folder.model.name,
            stretch=raster.stretch,
            gsd_m=(round(raster.native_gsd_m, 4),),
            min_area_m2=job.settings.min_area_m2,
            is_finetuned=True,
            imagery=measure_imagery(raster),
            parent=base.name,
            training=self._tell_training(),
            scores="",
            source="",
            size_bytes=0,
            sha256=tuning.sha256,
            recipe=_continue_recipe(base.recipe),
            folder=str(self._folder.path),
        ).with_separation(tuning.parting)
        card = by_hand.put_on(card) if by_hand else card
        card.save(self._folder.card)
        return card

    @property
    def _title(self) -> str:
        deed = "Tuned" if self._inputs.improved_split is None else "Improved"
        return f"{deed} on {Path(self._inputs.raster.path).stem}"

    def _tell_training(self) -> str:
        base, place = self._inputs.card, Path(self._inputs.raster.path).stem
        labels = int((self._split.label_roles == TRAINING).sum())
        if self._inputs.improved_split is None:
            return f"Tuned from {base.name} with {labels} labels of {place}."
        count = self._inputs.improved_split.count
        again = f"and {labels - count} labels again"
        return f"Improved from {base.name} with {count} corrected footprints of {place}, {again}."

    def predict(self, card: Card) -> None:
        """Write the tuned model's probability of the whole raster."""
        path = self._folder.probability
        write_probability(self._make_predictor(card), self._inputs.raster, path, self._channel.report, is_kept=True)

    def trace(self, card: Card) -> int:
        """Write the tuned model's footprints of the whole raster, and return their count."""
        parts = self._evaluator.trace(self._folder.probability, card)
        count = write_footprints(self._folder.footprints, parts, self._inputs.raster, self._channel)
        if not count:
            self._channel.emit(explain_none(self._folder.probability, card))
        return count

    def score_tuned(self, card: Card) -> BlockScore:
        """Return the tuned model's score on held-out ground."""
        path = self._folder.probability
        footprints = self._evaluator.trace_held_out(path, card.separation, card.min_area_m2)
        score, outcomes = self._evaluator.score_held_out(path, footprints, card.separation)
        write_outcomes(self._folder.errors, {"after": outcomes}, self._inputs.raster)
        return score

    def write(
        self,
        before: BlockScore,
        after: BlockScore,
        tuning: TuningStage,
        spent: Spent,
        by_hand: ThresholdChange | None,
    ) -> Difference:
        """Write the report and its page, and return the report's difference between before and after."""
        earlier = None if self._inputs.improved_split is None else read_earlier_report(self._inputs.job.earlier)
        device, run = describe_device(self._device), self._folder.path.name
        results = RunResults(
            before, after, tuning, spent, device, self._device.type, run, self._title, by_hand, earlier
        )
        report = build_report(self._inputs, self._split, self._evaluator.evaluation, results)
        write_json(self._folder.report, encode(report))
        write_page(self._folder)
        return report.difference

    def _validate(
        self, network: nn.Module, start: SeparationParams, card: Card, *, is_thorough: bool
    ) -> tuple[float, SeparationParams]:
        """Return the building F1 on validation ground and the separation that gives it."""
        predictor = Predictor(network, card, self._device)
        ground = self._split.ground(VALIDATION)
        with passing_folder(self._folder.path, "validation") as passing:
            path = passing / "validation.tif"
            write_probability(
                predictor, self._inputs.raster, path, lambda _: self._channel.raise_if_cancelled(), ground
            )
            return self._evaluator.choose(path, start, is_thorough=is_thorough)

    def _make_predictor(self, card: Card) -> Predictor:
        return Predictor(self._load(card), card, self._device)

    def _load(self, card: Card) -> nn.Module:
        torch.manual_seed(self._inputs.job.settings.seed)  # a decoder without weights begins at random
        return load_network(card)


def make_plan(job: Job, card: Card) -> Plan:
    """Return how the job tunes: what its settings leave open is as its recipe says."""
    settings = job.settings
    recipe = card.recipe.as_solaris() if settings.recipe == "solaris_2019" else card.recipe
    batch_size = settings.batch_size or recipe.batch_size
    return Plan(
        epochs=settings.epochs or recipe.tune_epochs,
        steps=max(1, round((settings.samples or recipe.crops_per_epoch) / batch_size)),
        batch_size=batch_size,
        learning_rate=settings.learning_rate or recipe.tuning_rate,
        weight_decay=recipe.weight_decay,
        seed=settings.seed,
        encoder_share=recipe.encoder_share,
        ema_decay=recipe.ema_decay,
    )


def _continue_recipe(recipe: Recipe) -> Recipe:
    """Return how a tuned model is tuned further: at the rate of its own tuning."""
    return replace(recipe, learning_rate=10 * recipe.tuning_rate, tune_epochs=3, tune_learning_rate=None)


def _round_epoch(ended: EpochEnded) -> EpochEnded:
    train, validation, f1 = (round(each, 4) for each in (ended.train_loss, ended.validation_loss, ended.validation_f1))
    return EpochEnded(ended.epoch, ended.epochs, train, validation, f1, ended.is_best)
