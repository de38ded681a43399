"""The command ``predict``: a model's footprints of a raster or a part of it, without any labels."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shapely

from ...core.atomic_file import passing_folder
from ...core.card import Card
from ...core.errors import InputError
from ...core.events import WARNING
from ...core.output_files import require_free
from ..checks.domain_shift import find_differences
from ..dataset.inputs import check_space, describe_bands
from ..geodata.raster import Raster
from ..geodata.vector import name_layer
from ..inference.overviews import name_sidecar
from ..inference.predict import Predictor, write_probability
from ..inference.request import PredictRequest
from ..models.networks import load_network
from ..models.obtain import obtain_weights
from ..polygons.vectorize import Footprints, make_rule, trace_footprints
from ..runtime.channel import Channel
from ..runtime.device import choose_device
from ..runtime.disk import check_writable
from .no_footprints import explain_none
from .outputs import write_footprints

#: So far around the ground the network's word is wanted, too: a building on the border is seen whole.
_MARGIN_PX = 128
_LEAST_SHARE = 0.5


def predict_footprints(
    card: Card,
    order: PredictRequest,
    out: Path,
    channel: Channel,
    *,
    probability: Path | None = None,
    device: str = "auto",
    may_replace: bool = False,
) -> int:
    """Write a raster's footprints to a GeoPackage and return their count; raises TunerError and CancelRequested.

    On a part of the raster time and memory follow the part, and its footprints are those that the whole raster would
    have there. What differs from the imagery that the model learnt from is told before the work. The probabilities are
    kept in the GeoTIFF ``probability``, if it is named. Files that are there are replaced only where it ``may_replace``
    them, and of a GeoPackage the layer that is named after it alone.
    """
    channel.start_stage("check")
    out, kept = out.absolute(), None if probability is None else probability.absolute()
    _check_names(out, kept)
    inputs = [order.raster, "" if order.area is None else order.area.file, str(card.weights_path)]
    require_free(out, inputs, may_replace=may_replace, layer=name_layer(out))
    for path in () if kept is None else (kept, name_sidecar(kept)):
        require_free(path, [*inputs, str(out)], may_replace=may_replace)
    for folder in dict.fromkeys((out.parent, (kept or out).parent)):
        check_writable(folder)
    raster, ground = order.open(card)
    around = None if ground is None else ground.buffer(_MARGIN_PX)
    check_space((kept or out).parent, raster, len(card.outputs), None if around is None else around.area)
    chosen = choose_device(device)
    channel.send_notice(describe_bands(raster, card))
    for notice in find_differences(raster, card, ground):
        channel.emit(notice)
    obtain_weights(card, channel)
    with _place_probability(out, kept) as path:
        channel.start_stage("predict")
        predictor, is_kept = Predictor(load_network(card), card, chosen), kept is not None
        write_probability(predictor, raster, path, channel.report, around, is_kept=is_kept)
        channel.start_stage("trace")
        parts = _trace(path, raster, card, ground, around)
        count = write_footprints(out, parts, raster, channel, are_others_kept=True)
        if not count:
            is_warned = any(notice.level == WARNING for notice in channel.notices)
            channel.emit(explain_none(path, card, ground, is_warned=is_warned))
        return count


def _trace(path: Path, raster: Raster, card: Card, ground: Any, around: Any) -> Iterator[tuple[float, Footprints]]:
    rule = make_rule(card.separation, card.min_area_m2, None, raster, is_squared=True)
    parts = trace_footprints(path, rule, raster.scale, around)
    return parts if ground is None else keep_on_ground(parts, ground)


def keep_on_ground(parts: Iterator[tuple[float, Footprints]], ground: Any) -> Iterator[tuple[float, Footprints]]:
    """Yield the parts of ``trace_footprints`` with those footprints alone that lie at least half on the ground."""
    shapely.prepare(ground)
    for done, part in parts:
        keep = shapely.contains_properly(ground, part.polygons)
        rest = ~keep & shapely.intersects(ground, part.polygons)
        shares = shapely.area(shapely.intersection(part.polygons[rest], ground)) / shapely.area(part.polygons[rest])
        keep[rest] = shares >= _LEAST_SHARE
        yield done, Footprints(part.polygons[keep], part.confidence[keep], part.area_m2[keep])


def _check_names(out: Path, probability: Path | None) -> None:
    """Raise InputError where a file has the wrong ending."""
    if out.suffix.lower() != ".gpkg":
        raise InputError(f"{out} is not a GeoPackage.", "Give the output a name that ends in .gpkg.")
    if probability is not None and probability.suffix.lower() not in (".tif", ".tiff"):
        raise InputError(f"{probability} is not a GeoTIFF.", "Give the probability a name that ends in .tif.")


@contextlib.contextmanager
def _place_probability(out: Path, kept: Path | None) -> Iterator[Path]:
    """Yield where the probability goes: to a file that stays, or to one that is gone afterwards."""
    if kept is not None:
        yield kept
        return
    with passing_folder(out.parent, f"probability {out.name}") as folder:
        yield folder / "probability.tif"
