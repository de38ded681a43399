"""A model as an ONNX file, which other tools open: checked against torch before it gets its name."""

from __future__ import annotations

import io
import json
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as refusals
from torch import nn
from torch.nn import functional

from ...core.atomic_file import replacing
from ...core.card import Card
from ...core.errors import InputError, RunError, first_line
from ...core.json_codec import encode
from ..models.networks import load_network, normalise
from .deepness import CLASSES, DeepnessMetadata, describe_for_deepness, is_clipped, read_stretch
from .pooling import fix_pools

#: onnxruntime 1.17 reads these and older ones.
OPSET, IR_VERSION = 17, 9
#: The key of the card's own JSON in the file's metadata.
CARD_KEY = "footprint_tuner_card"
#: A file whose probabilities differ by more from torch's is refused.
LARGEST_DIFFERENCE = 1e-4
TILES, CLASSES_OUT = "tiles", "classes"
_BATCHES = (1, 3)
_SIDES_PX = (64, 2048)


@dataclass(frozen=True)
class Exported:
    """What was written: the file at ``path``, tiles of ``tile_px`` pixels a side, and its ``metadata`` by key.

    ``difference`` is the largest between a probability of onnxruntime's and torch's.
    """

    path: Path
    tile_px: int
    difference: float
    metadata: DeepnessMetadata


class _Classes(nn.Module):
    """What the file computes: normalised tiles (n, bands, side, side) -> background and building (n, 2, side, side).

    Building is the footprint's probability p. Background is (1 - p) times the odds of the card's threshold: it is the
    larger of the two exactly where p is below the threshold, so that the larger channel is the card's answer, too.
    """

    def __init__(self, network: nn.Module, card: Card) -> None:
        super().__init__()
        self.network, self.odds = network, card.threshold / (1 - card.threshold)
        self.is_clipped = is_clipped(card)
        for name, end in (("lowest", 0.0), ("highest", 1.0)):
            self.register_buffer(name, normalise(torch.full((len(card.bands), 1, 1), end), card))

    def forward(self, tiles: torch.Tensor) -> torch.Tensor:
        if self.is_clipped:
            tiles = torch.minimum(torch.maximum(tiles, self.lowest), self.highest)
        building = self.network(tiles)[:, :1].sigmoid()
        return torch.cat(((self.odds * (1 - building)).clamp(max=1), building), dim=1)


def export_onnx(card: Card, out: Path, tile_px: int | None = None) -> Exported:
    """Write the card's network with its weights for square tiles of ``tile_px`` pixels (None: as the recipe says).

    The file takes any number of tiles, as Deepness gives them (see ``deepness``), and says background and building of
    each pixel. It computes in float32 and holds neither the way in which touching buildings part nor mirrored looks.
    Raises InputError for a side or weights that cannot be used, RunError where the network cannot be written as ONNX or
    the file says something else than torch.
    """
    side = card.recipe.tile_px if tile_px is None else tile_px
    if not _SIDES_PX[0] <= side <= _SIDES_PX[1] or side % 32:
        low, high = _SIDES_PX
        raise InputError(f"Tiles of {side} pixels do not fit.", f"Choose a multiple of 32 from {low} to {high}.")
    network = load_network(card).cpu().float().eval().to(memory_format=torch.contiguous_format)
    metadata = describe_for_deepness(card, side)
    probes = [make_probe(card, count, side) for count in _BATCHES]
    expected = [_ask_torch(network, card, probe) for probe in probes]
    with replacing(out) as partial:
        model = _trace(_Classes(network, card), len(card.bands), side)
        onnx.helper.set_model_props(model, _write_properties(card, metadata))
        onnx.save(model, partial)
        said = [_ask_onnxruntime(partial, metadata, probe) for probe in probes]
        difference = max(float(np.abs(a - b).max()) for a, b in zip(said, expected, strict=True))
        if not difference <= LARGEST_DIFFERENCE:
            raise RunError(
                f"The exported file does not agree with the model: probabilities differ by up to {difference:.2g}.",
                "It was not kept. Export with other tiles, or report this with the model's card.",
            )
    return Exported(out, side, difference, metadata)


def _trace(classes: nn.Module, bands: int, side: int) -> onnx.ModelProto:
    """Return the graph; raises RunError where ONNX has no form for a part of the network."""
    tiles, written = torch.zeros(2, bands, side, side), io.BytesIO()
    fix_pools(classes, tiles)
    axes = {TILES: {0: "batch"}, CLASSES_OUT: {0: "batch"}}
    names = {"input_names": [TILES], "output_names": [CLASSES_OUT], "dynamic_axes": axes}
    try:
        with torch.no_grad(), warnings.catch_warnings():
            # the newer exporter needs a package more; what the older one warns of is measured afterwards
            warnings.simplefilter("ignore")
            torch.onnx.export(classes.eval(), (tiles,), written, dynamo=False, opset_version=OPSET, **names)
        model = onnx.load_from_string(written.getvalue())
        onnx.checker.check_model(model, full_check=True)
    except (RuntimeError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = first_line(error)
        raise RunError(f"This network cannot be written as ONNX: {reason}", "Export only its card.") from error
    model.ir_version = min(model.ir_version, IR_VERSION)
    for place, size in zip(
        model.graph.output[0].type.tensor_type.shape.dim[1:], (len(CLASSES), side, side), strict=True
    ):
        place.dim_value = size  # the trace knows them by name only, and Deepness asks whether they are square
    return model


def _write_properties(card: Card, metadata: DeepnessMetadata) -> dict[str, str]:
    own = card.to_json()
    return {key: json.dumps(value) for key, value in {**encode(metadata), CARD_KEY: own}.items()}


def make_probe(card: Card, count: int, side: int) -> NDArray[np.float32]:
    """Return tiles (count, bands, side, side) of values like a raster's: blobs and grain, some too bright.

    Where nothing is clipped, they span six standard deviations around what the model takes for the mean.
    """
    chance = torch.Generator().manual_seed(count)
    shape = (count, len(card.bands))
    blobs = functional.interpolate(torch.rand(*shape, 9, 9, generator=chance), (side, side), mode="bicubic")
    values = (0.8 * blobs + 0.3 * torch.rand(*shape, side, side, generator=chance)).numpy()
    if not is_clipped(card):
        mean, std = (np.array(part, "float32")[:, None, None] for part in (card.mean, card.std))
        values = mean + (6 * values - 3) * std
    low, high = (np.array(ends, "float32")[:, None, None] for ends in zip(*read_stretch(card), strict=True))
    return np.asarray(low + (high - low) * values, "float32")


def _ask_torch(network: nn.Module, card: Card, values: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = (np.array(ends, "float32")[:, None, None] for ends in zip(*read_stretch(card), strict=True))
    shares = (values - low) / (high - low)
    with torch.inference_mode():
        logits = network(normalise(np.clip(shares, 0, 1) if is_clipped(card) else shares, card))
    return np.asarray(logits[:, 0].sigmoid().numpy())


def _ask_onnxruntime(path: Path, metadata: DeepnessMetadata, values: NDArray[np.float32]) -> NDArray[np.float32]:
    parts = (metadata.standardization_mean, metadata.standardization_std)
    mean, std = (np.array(part, "float32")[:, None, None] for part in parts)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        (said,) = session.run([CLASSES_OUT], {TILES: (values / np.float32(255) - mean) / std})
    except (refusals.Fail, refusals.InvalidArgument, refusals.NotImplemented, refusals.RuntimeException) as error:
        reason = first_line(error)
        raise RunError(f"onnxruntime cannot use the exported file: {reason}", "Export only its card.") from error
    return np.asarray(said[:, 1])
