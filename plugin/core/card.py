"""Model cards: everything that is needed to use a model's weights correctly."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Optional

from .atomic_file import write_json
from .imagery import Imagery
from .json_codec import described, encode
from .paths import locate_models

#: What a model may say of a pixel: a footprint alone, or all three.
OUTPUTS = ("footprint", "boundary", "contact")
#: Imagery whose ground sample distance differs by no more than this factor from the working one is not resampled.
NEAR_ENOUGH = 1.15
#: How a raster's values are brought to those that a model was trained on.
ADAPTATIONS = ("stretch", "moments")
#: What the weights of a start begin with: an encoder's published weights, or none at all, and a decoder at random.
PRETRAINED, NO_WEIGHTS = "pretrained:", "none"


@dataclass(frozen=True)
class Recipe:
    """How a model was trained, and how it is tuned.

    ``learning_rate`` is that of its own training. Tuning takes ``tune_epochs`` of ``crops_per_epoch`` crops of
    ``tile_px`` pixels a side, and ``tune_learning_rate`` (None: a tenth of the training's); the encoder's rate is
    ``encoder_share`` of it. ``ema_decay`` is that of the weights' exponential moving average (0: none).
    """

    learning_rate: float
    batch_size: int = 8
    tile_px: int = 256
    weight_decay: float = 1e-4
    crops_per_epoch: int = field(default=100, metadata={"key": "samples_per_epoch"})
    tune_epochs: int = 3
    tune_learning_rate: Optional[float] = None
    encoder_share: float = 1.0
    ema_decay: float = field(default=0.0, metadata={"key": "averaging"})

    @property
    def tuning_rate(self) -> float:
        """The learning rate of a fine-tuning by this recipe."""
        return self.learning_rate / 10 if self.tune_learning_rate is None else self.tune_learning_rate

    def as_solaris(self) -> Recipe:
        """Return the recipe of CosmiQ Works' Solaris tutorial of 2019 for the same model.

        All layers at a tenth of the training's rate, three epochs, the weights as they come out.
        """
        return replace(self, tune_epochs=3, tune_learning_rate=None, encoder_share=1.0, ema_decay=0.0)


@dataclass(frozen=True)
class Seeds:
    """How a model's touching buildings come apart; chosen on validation ground when it is tuned.

    A pixel is sure where the footprint's probability, less ``boundary_share`` of the boundary's and ``contact_share``
    of the contact's, reaches ``threshold``. Sure pixels that share an edge are the seed of one building if they cover
    at least ``min_area_m2``.
    """

    threshold: float = described("from which a pixel is sure", default=0.5)
    boundary_share: float = described("how much of the boundary's probability counts against it", default=1.0)
    contact_share: float = described("how much of the contact's", default=1.0)
    min_area_m2: float = described("the least area of a seed", default=1.0)


@dataclass(frozen=True)
class SeparationParams:
    """How probabilities become buildings: from which one a pixel is building, and how touching ones come apart.

    Without ``seeds``, pixels that share an edge are one building.
    """

    threshold: float = described("from which probability on a pixel is building", default=0.5, least=0, most=1)
    seeds: Optional[Seeds] = described("how touching buildings come apart", default=None, null="they do not")


@dataclass(frozen=True)
class Card:
    """A model: its network, its weights, what it reads and what it says.

    A raster's value v becomes (clip((v - low) / (high - low), 0, 1) - mean) / std, band by band, where ``stretch``
    holds (low, high) for each band; an empty stretch is measured on the raster (8-bit: 0 and 255). Where
    ``adaptation`` is ``moments``, ``mean`` and ``std`` are those of the imagery that the model learnt from, as shares
    of ``value_range``; a raster of other values is brought to them band by band, and nothing is clipped. ``weights`` is
    ``imagenet:PACKAGE`` for an encoder from the package registry, ``pretrained:TAG`` for an encoder's published
    weights, ``none``, or the name of a file: beside the card, or fetched once from ``source`` (``size_bytes`` large).
    ``threshold`` is the probability from which a pixel is building, ``seeds`` tells touching buildings apart. ``gsd_m``
    is the range of ground sample distances, in metres a pixel, of the imagery that the model was trained on (empty:
    none); imagery is resampled to ``working_gsd_m`` (None: taken as it is). ``boundary_m`` and ``contact_m`` are how
    wide the lines inside buildings' walls and the ground between neighbours were drawn that it learnt.
    ``uses_tta`` (test-time augmentation) averages its outputs for a window and its mirror images. ``imagery`` describes
    the raster that it was tuned on (None: not known). ``training``, ``scores`` and ``limits`` are for people. Files
    keep the ``key`` of fields that have one.
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
    adaptation: str = ADAPTATIONS[0]
    value_range: tuple[float, float] = (0.0, 255.0)
    outputs: tuple[str, ...] = ("footprint",)
    working_gsd_m: Optional[float] = None
    boundary_m: float = 0.5
    contact_m: float = 1.5
    uses_tta: bool = field(default=False, metadata={"key": "looks_mirrored"})
    gsd_m: tuple[float, ...] = ()
    threshold: float = 0.5
    seeds: Optional[Seeds] = None
    min_area_m2: float = 5.0
    is_finetuned: bool = field(default=True, metadata={"key": "has_seen_roofs"})
    imagery: Optional[Imagery] = None
    parent: str = ""
    licence: str = ""
    attribution: str = ""
    training: str = ""
    scores: str = ""
    limits: str = ""
    citation: str = ""
    source: str = ""
    size_bytes: int = 0
    sha256: str = ""
    folder: str = field(default="", compare=False)

    @property
    def weights_path(self) -> Path:
        """Where the weights lie, for a card whose weights are a file; those of a ``source`` lie there once fetched."""
        return (locate_models(os.environ) / self.name if self.source else Path(self.folder)) / self.weights

    @property
    def is_start(self) -> bool:
        """Whether only the encoder knows anything, if at all: such a model takes any bands."""
        return self.weights.startswith(PRETRAINED) or self.weights == NO_WEIGHTS

    @property
    def separation(self) -> SeparationParams:
        """How what the model says becomes buildings."""
        return SeparationParams(self.threshold, self.seeds)

    def with_separation(self, separation: SeparationParams) -> Card:
        """Return the card with another way from probabilities to buildings."""
        return replace(self, threshold=separation.threshold, seeds=separation.seeds)

    def save(self, path: Path) -> None:
        """Write the card as JSON, by a temporary name; raises RunError."""
        write_json(path, self.to_json())

    def to_json(self) -> dict[str, object]:
        """Return the card as JSON holds it; where it lies is not in it."""
        return {name: value for name, value in encode(self).items() if name != "folder"}
