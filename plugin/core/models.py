"""The registry of models: one card a model. Adding a model is adding a card to ``resources/models``."""

from __future__ import annotations

import difflib
import json
import math
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from .errors import InputError
from .replace import write_json

#: What a model may say of a pixel: a footprint alone, or all three.
OUTPUTS = ("footprint", "boundary", "contact")
#: Imagery whose ground sample distance differs by no more than this factor from the working one is not resampled.
NEAR_ENOUGH = 1.15
MODELS_FOLDER = Path(__file__).resolve().parents[2] / "resources" / "models"


@dataclass(frozen=True)
class Recipe:
    """How a model was trained, and how it is tuned.

    ``learning_rate`` is that of its own training. Tuning takes ``tune_epochs`` of ``samples_per_epoch`` crops of
    ``tile_px`` pixels a side, and ``tune_learning_rate`` (None: a tenth of the training's); the encoder's rate is
    ``encoder_share`` of it. ``averaging`` is what one step leaves of the running mean of the weights (0: no mean).
    """

    learning_rate: float
    batch_size: int = 8
    tile_px: int = 256
    weight_decay: float = 1e-4
    samples_per_epoch: int = 100
    tune_epochs: int = 3
    tune_learning_rate: float | None = None
    encoder_share: float = 1.0
    averaging: float = 0.0

    @property
    def tuning_rate(self) -> float:
        """The learning rate of a fine-tuning by this recipe."""
        return self.learning_rate / 10 if self.tune_learning_rate is None else self.tune_learning_rate

    def as_solaris(self) -> Recipe:
        """Return the recipe of CosmiQ Works' Solaris tutorial of 2019 for the same model.

        All layers at a tenth of the training's rate, three epochs, the weights as they come out.
        """
        return replace(self, tune_epochs=3, tune_learning_rate=None, encoder_share=1.0, averaging=0.0)


@dataclass(frozen=True)
class Seeds:
    """How a model's touching buildings come apart; chosen on validation ground when it is tuned.

    A pixel is sure where the footprint's probability, less ``boundary_share`` of the boundary's and ``contact_share``
    of the contact's, reaches ``threshold``. Sure pixels that share an edge are the seed of one building if they cover
    at least ``min_area_m2``.
    """

    threshold: float = 0.5
    boundary_share: float = 1.0
    contact_share: float = 1.0
    min_area_m2: float = 1.0


@dataclass(frozen=True)
class Parting:
    """How probabilities become buildings: from which one a pixel is building, and how touching ones come apart.

    Without ``seeds``, pixels that share an edge are one building.
    """

    threshold: float = 0.5
    seeds: Seeds | None = None


@dataclass(frozen=True)
class Card:
    """All that has to be known to use a model's weights as they were meant.

    A raster's value v becomes (clip((v - low) / (high - low), 0, 1) - mean) / std, band by band, where ``stretch``
    holds (low, high) for each band; an empty stretch is measured on the raster (8-bit: 0 and 255). ``weights`` is
    ``imagenet:PACKAGE`` for an encoder from the package registry, else the name of a file beside the card.
    ``threshold`` is the probability from which a pixel is building, ``seeds`` tells touching buildings apart. ``gsd_m``
    is the range of ground sample distances, in metres a pixel, of the imagery that the model was trained on (empty:
    none); imagery is resampled to ``working_gsd_m`` (None: taken as it is). ``boundary_m`` and ``contact_m`` are how
    wide the lines inside buildings' walls and the ground between neighbours were drawn that it learnt.
    ``looks_mirrored`` averages what it says of a window and of its mirror images. ``training``, ``scores`` and
    ``limits`` are for people.
    """

    name: str
    title: str
    description: str
    encoder: str
    weights: str
    recipe: Recipe
    architecture: str = "unet"
    bands: tuple[str, ...] = ("red", "green", "blue")
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    stretch: tuple[tuple[float, float], ...] = ()
    outputs: tuple[str, ...] = ("footprint",)
    working_gsd_m: float | None = None
    boundary_m: float = 0.5
    contact_m: float = 1.5
    looks_mirrored: bool = False
    gsd_m: tuple[float, ...] = ()
    threshold: float = 0.5
    seeds: Seeds | None = None
    min_area_m2: float = 5.0
    has_seen_roofs: bool = True
    parent: str = ""
    licence: str = ""
    attribution: str = ""
    training: str = ""
    scores: str = ""
    limits: str = ""
    sha256: str = ""
    folder: str = field(default="", compare=False)

    @property
    def weights_path(self) -> Path:
        """Where the weights lie, for a card whose weights are a file."""
        return Path(self.folder) / self.weights

    @property
    def parting(self) -> Parting:
        """How what the model says becomes buildings."""
        return Parting(self.threshold, self.seeds)

    def with_parting(self, parting: Parting) -> Card:
        """Return the card with another way from probabilities to buildings."""
        return replace(self, threshold=parting.threshold, seeds=parting.seeds)

    def save(self, path: Path) -> None:
        """Write the card as JSON, by a temporary name; raises RunError."""
        write_json(path, {name: value for name, value in asdict(self).items() if name != "folder"})


def read_parting(content: Any) -> Parting:
    """Return the parting that ``asdict`` made into JSON."""
    seeds = content["seeds"]
    return Parting(content["threshold"], None if seeds is None else Seeds(**seeds))


def load_card(path: Path) -> Card:
    """Read a card, passing over fields of a newer plugin; raises InputError where it is missing or absurd."""
    try:
        content = _pick_known(json.loads(path.read_text(encoding="utf-8-sig")), Card)
        content["recipe"] = Recipe(**_pick_known(content["recipe"], Recipe))
        if content.get("seeds"):
            content["seeds"] = Seeds(**_pick_known(content["seeds"], Seeds))
        card = replace(Card(**content), folder=str(path.resolve().parent))
        is_sound = _is_sound(card)
    except FileNotFoundError:
        raise InputError(f"There is no model card {path}.", "Choose another base model.") from None
    except KeyError as error:
        raise InputError(f"The model card {path} has no {error}.", "Choose another base model.") from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"The model card {path} cannot be used: {error}", "Choose another base model.") from error
    if not is_sound:
        raise InputError(
            f'The card of the model "{card.name}" contradicts itself.',
            "Compare its bands, mean, std, stretch, outputs, threshold and recipe with a card of the plugin's.",
        )
    return card


def list_cards(folder: Path = MODELS_FOLDER) -> list[Card]:
    """Return the cards of the models that come with the plugin, by name."""
    return [load_card(path) for path in sorted(folder.glob("*.json"))]


def find_card(name: str) -> Card:
    """Return the card of a model by its name in the registry or by its card's path; raises InputError."""
    if name.endswith(".json"):
        return load_card(Path(name))
    if name.endswith(".safetensors"):
        return load_card(Path(name).with_suffix(".json"))
    known = {path.stem: path for path in sorted(MODELS_FOLDER.glob("*.json"))}
    if name in known:
        return load_card(known[name])
    near = difflib.get_close_matches(name, known, n=1)
    guess = f'Did you mean "{near[0]}"? ' if near else ""
    raise InputError(
        f'There is no model named "{name}".',
        f"{guess}Known models: {', '.join(known)}. A tuned model is named by its card.",
    )


def _pick_known(content: Any, kind: type[Any]) -> dict[str, Any]:
    known = {item.name for item in fields(kind)} - {"folder"}
    return {name: _freeze(value) for name, value in content.items() if name in known}


def _freeze(value: Any) -> Any:
    return tuple(_freeze(item) for item in value) if isinstance(value, list) else value


def _is_sound(card: Card) -> bool:
    """Tell whether the card's parts fit together; raises TypeError or ValueError where one is of the wrong kind."""
    recipe, texts = card.recipe, (card.name, card.title, card.encoder, card.weights, card.architecture, *card.bands)
    return (
        all(isinstance(text, str) and text for text in texts)
        and isinstance(card.bands, tuple)
        and len(card.mean) == len(card.std) == len(card.bands) > 0
        and all(math.isfinite(value) for value in (*card.mean, *card.std, *card.gsd_m))
        and all(std > 0 for std in card.std)
        and len(card.stretch) in (0, len(card.bands))
        and all(math.isfinite(high - low) and low < high for low, high in card.stretch)
        and 0 < card.threshold < 1
        and card.min_area_m2 >= 0
        and all(gsd_m > 0 for gsd_m in card.gsd_m)
        and (card.working_gsd_m is None or 0 < card.working_gsd_m < math.inf)
        and card.boundary_m >= 0
        and card.contact_m >= 0
        and (card.seeds is None or _are_sound(card.seeds))
        and recipe.tile_px >= 32
        and recipe.tile_px % 32 == 0
        and all(count >= 1 for count in (recipe.batch_size, recipe.samples_per_epoch, recipe.tune_epochs))
        and recipe.learning_rate > 0
        and recipe.tuning_rate > 0
        and recipe.weight_decay >= 0
        and 0 <= recipe.encoder_share <= 1
        and 0 <= recipe.averaging < 1
        and card.outputs in (OUTPUTS[:1], OUTPUTS)
        and (card.seeds is None or card.outputs == OUTPUTS)
    )


def _are_sound(seeds: Seeds) -> bool:
    shares = (seeds.boundary_share, seeds.contact_share, seeds.min_area_m2)
    return 0 < seeds.threshold < 1 and all(0 <= share < math.inf for share in shares)
