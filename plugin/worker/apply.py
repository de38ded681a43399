"""The command ``predict``: a model's footprints of a raster, without any labels."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..core.card import Card
from ..core.errors import InputError
from .check import check_space, check_writable
from .fetch import obtain_weights
from .networks import choose_device, load_network
from .predict import Predictor, write_probability
from .raster import describe_raster
from .trace import make_rule, trace_footprints
from .wire import Wire
from .write import write_footprints


def predict_footprints(card: Card, path: str, bands: tuple[int, ...], out: Path, device_wish: str, wire: Wire) -> int:
    """Write a raster's footprints to a GeoPackage and return their count; raises TunerError and CancelRequested."""
    if out.suffix.lower() != ".gpkg":
        raise InputError(f"{out} is no GeoPackage.", "Give the output a name that ends in .gpkg.")
    wire.begin("check")
    out = out.resolve()
    check_writable(out.parent)
    raster = describe_raster(path, card, bands)
    check_space(out.parent, raster, len(card.outputs))
    device = choose_device(device_wish)
    obtain_weights(card, wire)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".footprints-") as folder:
        probability = Path(folder) / "probability.tif"
        wire.begin("predict")
        predictor = Predictor(load_network(card), card, device)
        write_probability(predictor, raster, probability, wire.tell)
        wire.begin("trace")
        rule = make_rule(card.parting, card.min_area_m2, None, raster, is_squared=True)
        return write_footprints(out, trace_footprints(probability, rule, raster.scale), raster, wire)
