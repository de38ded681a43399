"""A file of weights without a card becomes a model: what can be worked out is, what cannot is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ...core.card import ADAPTATIONS, OUTPUTS, Card, Recipe, Seeds
from ...core.card_check import find_problems
from ...core.errors import InputError
from ...core.json_codec import read_object
from ...core.model_specs import IdentifiedModel
from ...core.models import list_cards
from ...core.output_files import require_folder, require_free
from .build import build_network
from .identify import guess_architecture
from .networks import save_network
from .weights import Tensors, fit_tensors, read_tensors

#: What so many bands usually are.
_USUAL_BANDS = {1: ("grey",), 3: ("red", "green", "blue"), 4: ("red", "green", "blue", "nir")}
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_EIGHT_BITS = (0.0, 255.0)
_MOST_OF_A_SHARE = 1.5
_RECIPE = Recipe(learning_rate=1e-4, crops_per_epoch=320)


@dataclass(frozen=True)
class ImportAnswers:
    """What is known of the weights beyond what their tensors tell; empty: not told.

    ``mean`` and ``std`` are shares of ``value_range``, or values in it where they are too large for shares.
    ``stretch`` is one pair for all bands, or one for each. One ``gsd_m`` is that of the imagery and of the work.
    """

    architecture: str = ""
    encoder: str = ""
    bands: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    value_range: tuple[float, float] | None = None
    stretch: tuple[tuple[float, float], ...] = ()
    gsd_m: tuple[float, ...] = ()
    licence: str = ""
    title: str = ""


def guess_model(path: Path) -> IdentifiedModel:
    """Return the network that a file of weights belongs to; raises InputError where it is none that is known."""
    return _guess(read_tensors(path), ImportAnswers())


def adopt_model(path: Path, card_path: Path, answers: ImportAnswers, *, may_replace: bool = False) -> Card:
    """Write a card for the weights in ``path`` and, beside it, the weights as safetensors; return the card.

    The file itself is only read. Raises InputError where it holds no weights of a known network, or an answer
    contradicts them, and where a file is there already unless it ``may_replace`` it (weights only where the card there
    names them); RunError where the files cannot be written.
    """
    if card_path.suffix.lower() != ".json":
        raise InputError(f'"{card_path.name}" is no name of a model card.', "Give it a name that ends in .json.")
    require_folder(card_path)
    weights_path = card_path.with_suffix(".safetensors")
    for written in (card_path, weights_path):
        require_free(written, [str(path)], may_replace=may_replace)
    if weights_path.exists() and (read_object(card_path) or {}).get("weights") != weights_path.name:
        raise InputError(f"{weights_path} is there, and no card {card_path.name} is its own.", "Give another name.")
    tensors = read_tensors(path)
    _refuse_broken(tensors, path)
    guess = _guess(tensors, answers)
    card = replace(
        _fill_card(_find_template(guess, answers), guess, answers, path.name),
        name=card_path.stem,
        weights=weights_path.name,
        folder=str(card_path.resolve().parent),
    )
    problems = find_problems(card)
    if problems:
        raise InputError(" ".join(problems), "Correct the answers.")
    network = build_network(card)
    fit_tensors(network, tensors, path)
    card = replace(card, sha256=save_network(network, weights_path))
    card.save(card_path)
    return card


def _guess(tensors: Tensors, answers: ImportAnswers) -> IdentifiedModel:
    shapes = {name: tuple(value.shape) for name, value in tensors.items()}
    return guess_architecture(shapes, answers.architecture, answers.encoder)


def _find_template(guess: IdentifiedModel, answers: ImportAnswers) -> Card | None:
    """Return the card of a published model of this very network: it knows what would have to be asked for."""
    for card in list_cards():
        same = (card.architecture, card.encoder, len(card.bands), len(card.outputs))
        if card.source and same == (guess.architecture, guess.encoder, guess.bands, guess.outputs):
            bands = answers.bands or card.bands
            if sorted(bands) == sorted(card.bands):
                order = [card.bands.index(band) for band in bands]
                mean, std = (tuple(values[place] for place in order) for values in (card.mean, card.std))
                return replace(card, bands=bands, mean=mean, std=std)
    return None


def _fill_card(template: Card | None, guess: IdentifiedModel, answers: ImportAnswers, file_name: str) -> Card:
    bands = _choose_bands(template, guess, answers)
    outputs = _choose_outputs(guess, answers)
    told = f"Taken from {file_name}."
    card = template or Card(
        name="",
        title="",
        description="",
        encoder=guess.encoder,
        weights="",
        recipe=_RECIPE,
        architecture=guess.architecture,
        mean=tuple(_MEAN[place % 3] for place in range(guess.bands)),
        std=tuple(_STD[place % 3] for place in range(guess.bands)),
        seeds=Seeds() if outputs == OUTPUTS else None,
    )
    if template is None and not (answers.mean and answers.std):
        told += " Its mean and standard deviation were not given: those of ImageNet are used."
    return replace(
        _take_values(card, answers),
        title=answers.title or f"{guess.architecture} over {guess.encoder} ({file_name})",
        description=f"Your own weights: reads {', '.join(bands)}, gives {', '.join(outputs)}.",
        bands=bands,
        outputs=outputs,
        gsd_m=answers.gsd_m or card.gsd_m,
        working_gsd_m=answers.gsd_m[0] if len(answers.gsd_m) == 1 else None if answers.gsd_m else card.working_gsd_m,
        licence=answers.licence or "Not given.",
        limits=told,
        source="",
        size_bytes=0,
        sha256="",
    )


def _take_values(card: Card, answers: ImportAnswers) -> Card:
    """Return the card with the statistics and the range of values that were answered."""
    count = len(card.mean)
    low, high = answers.value_range or card.value_range
    mean, std = answers.mean or card.mean, answers.std or card.std
    for name, values in (("mean", mean), ("std", std)):
        if len(values) != count:
            raise InputError(f"{len(values)} numbers are given as {name}; the weights read {count} bands.", _ONE_EACH)
    if answers.mean and max(mean) > _MOST_OF_A_SHARE:
        if answers.value_range is None:
            raise InputError(
                f"A mean of {max(mean):g} is not between 0 and 1.",
                "Give the range of values, too (such as --value-range 0,255): mean and std are then values in it.",
            )
        mean = tuple((value - low) / (high - low) for value in mean)
        std = tuple(value / (high - low) for value in std)
    stretch = answers.stretch * (count if len(answers.stretch) == 1 else 1)
    if answers.value_range is not None:
        is_plain = answers.value_range == _EIGHT_BITS or bool(stretch)
        card = replace(card, value_range=(low, high), adaptation=ADAPTATIONS[0] if is_plain else ADAPTATIONS[1])
    elif stretch:
        card = replace(card, adaptation=ADAPTATIONS[0])
    return replace(card, mean=mean, std=std, stretch=stretch or card.stretch)


_ONE_EACH = "Give one for each band."


def _choose_bands(template: Card | None, guess: IdentifiedModel, answers: ImportAnswers) -> tuple[str, ...]:
    bands = answers.bands or (template.bands if template else _USUAL_BANDS.get(guess.bands, ()))
    if not bands:
        raise InputError(f"The weights read {guess.bands} bands.", "Name them, such as --bands blue,green,red,...")
    if len(bands) != guess.bands:
        named = f"{len(bands)} {'is' if len(bands) == 1 else 'are'} named ({', '.join(bands)})"
        raise InputError(f"The weights read {guess.bands} bands, {named}.", _ONE_EACH)
    return bands


def _choose_outputs(guess: IdentifiedModel, answers: ImportAnswers) -> tuple[str, ...]:
    outputs = answers.outputs or {1: OUTPUTS[:1], 3: OUTPUTS}.get(guess.outputs, ())
    if len(outputs) == guess.outputs and outputs in (OUTPUTS[:1], OUTPUTS):
        return outputs
    raise InputError(
        f"The weights give {guess.outputs} outputs" + (f", {len(outputs)} are named." if outputs else "."),
        f"A model can be used that gives one ({OUTPUTS[0]}) or three ({', '.join(OUTPUTS)}), in this order.",
    )


def _refuse_broken(tensors: Tensors, path: Path) -> None:
    broken = [name for name, value in tensors.items() if value.is_floating_point() and not torch.isfinite(value).all()]
    if broken:
        raise InputError(
            f"The weights {path} hold values that are not numbers, in {broken[0]}.", "Take an earlier checkpoint."
        )
