"""Where the base model is sure of a building and no label is: ground that is labelled only in part."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window
from scipy.ndimage import find_objects, mean

from ...core.block_roles import ROLES
from ...core.events import ADVICE, WARNING, Finding
from ..dataset.inputs import Inputs
from ..dataset.locate import locate_finding
from ..dataset.split import Split
from ..geodata.probability import FULL, encode_probability
from ..geodata.raster import Raster, open_grid, read_window
from ..geodata.rasterize import PolygonIndex
from ..geodata.vector import Geometries
from ..geodata.windows import cut_windows, keep_meeting
from ..inference.predict import Predictor
from ..models.networks import load_network
from ..polygons.watershed import find_instances
from ..runtime.channel import Channel
from ..runtime.device import choose_device

_SIDE_PX = 512
_MARGIN_PX = 64
_MOST_WINDOWS = 10
_MOST_S = 30.0
_LEAST_M2 = 20.0
_SURE = 0.75
_KNOWN_SHARE = 0.1
_LEAST_COUNT = 5
_MANY, _SOME = 0.15, 0.05


@dataclass(frozen=True)
class MissingLabels:
    """Buildings that the base model is sure of: ``boxes`` (n, 4; pixels) of those without a label, ``labelled`` others.

    ``windows`` of ``all_windows`` pieces of the labelled ground were looked at.
    """

    boxes: NDArray[np.float64]
    labelled: int
    windows: int
    all_windows: int

    @property
    def share(self) -> float:
        """The share of the buildings that have no label."""
        total = len(self.boxes) + self.labelled
        return len(self.boxes) / total if total else 0.0


def tell_gaps(inputs: Inputs, split: Split, channel: Channel) -> None:
    """Tell where the base model is sure of buildings without a label; it takes some 15 seconds on two cores.

    Raises InputError where the model's weights cannot be used.
    """
    settings = inputs.job.settings
    card = replace(inputs.card, uses_tta=False)
    predictor = Predictor(load_network(card), card, choose_device(settings.device))
    ground, labels = split.ground(*ROLES), inputs.labels.polygons
    gaps = find_gaps(predictor, inputs.raster, labels, ground, settings.seed, channel.report)
    for finding in describe_gaps(gaps, inputs.raster):
        channel.emit(finding)


def describe_gaps(gaps: MissingLabels, raster: Raster) -> list[Finding]:
    """Return ground that is labelled only in part as a finding, where at least 5 buildings and 5 % lack a label."""
    count = len(gaps.boxes)
    if count < _LEAST_COUNT or gaps.share < _SOME:
        return []
    part = "" if gaps.windows == gaps.all_windows else f" ({gaps.windows} of its {gaps.all_windows} parts were checked)"
    sentence = (
        f"{count} buildings that the base model is sure of have no label, {gaps.share:.0%} of those it detects "
        f"in the labelled area{part}."
    )
    hint = "Label them, or draw areas where every building is labelled: inside an area, no label means no building."
    finding = Finding("unlabelled", WARNING if gaps.share >= _MANY else ADVICE, sentence, hint, count)
    return [locate_finding(finding, gaps.boxes, raster)]


def find_gaps(
    predictor: Predictor, raster: Raster, labels: Geometries, ground: Any, seed: int, report: Callable[[float], None]
) -> MissingLabels:
    """Look at up to 10 windows of the ground, for at most about 30 seconds, for buildings without a label.

    ``labels`` and ``ground`` are in the raster's pixels. A building counts where the model's mean probability is at
    least 0.75 over at least 20 m2, and has no label where labels cover less than a tenth of it.
    """
    labelled_ground = PolygonIndex(labels)
    inside = PolygonIndex(np.asarray(shapely.get_parts(ground), dtype=object))
    windows = _choose_windows(raster, ground, seed)
    boxes, labelled, looked, began = [], 0, 0, time.monotonic()
    with open_grid(raster) as dataset:
        for window in windows[:_MOST_WINDOWS]:
            values, valid = read_window(dataset, raster, window)
            probability = predictor.predict([values])[0]
            sure = _find_sure(encode_probability(probability, valid), predictor, raster, window)
            count = int(sure.max(initial=0))
            numbers = np.arange(1, count + 1)
            is_inside = mean(inside.draw(window) > 0, sure, numbers) >= 0.5
            is_known = mean(labelled_ground.draw(window) > 0, sure, numbers) >= _KNOWN_SHARE
            boxes += [
                _frame_box(place, window)
                for place, counts in zip(find_objects(sure), is_inside & ~is_known, strict=True)
                if counts
            ]
            labelled += int((is_inside & is_known).sum())
            looked += 1
            report(looked / min(len(windows), _MOST_WINDOWS))
            if time.monotonic() - began > _MOST_S:
                break
    return MissingLabels(np.array(boxes, dtype="float64").reshape(-1, 4), labelled, looked, len(windows))


def _choose_windows(raster: Raster, ground: Any, seed: int) -> list[Window]:
    """Return the windows that meet the ground, each with a margin, drawn by the seed."""
    meeting = keep_meeting(cut_windows(Window(0, 0, raster.width, raster.height), _SIDE_PX), ground)
    drawn = [meeting[place] for place in np.random.default_rng(seed).permutation(len(meeting))]
    side = _SIDE_PX + 2 * _MARGIN_PX
    return [Window(core.col_off - _MARGIN_PX, core.row_off - _MARGIN_PX, side, side) for core in drawn]


def _find_sure(values: NDArray[np.uint8], predictor: Predictor, raster: Raster, window: Window) -> NDArray[np.int32]:
    """Return the numbers, from 1, of the buildings that the model is sure of and whose middle lies off the margin."""
    pixel_m2 = float(raster.scale.pixel_area_m2(window.row_off + window.height / 2))
    found = find_instances(values, predictor.card.separation, pixel_m2)
    numbers = np.arange(1, int(found.max(initial=0)) + 1)
    if len(numbers) == 0:
        return found
    is_sure = mean(values[0], found, numbers) >= _SURE * FULL
    is_large = np.bincount(found.ravel(), minlength=len(numbers) + 1)[1:] * pixel_m2 >= _LEAST_M2
    places = find_objects(found)
    middles = np.array([[(part.start + part.stop) / 2 for part in place] for place in places])
    is_core = ((middles >= _MARGIN_PX) & (middles < _MARGIN_PX + _SIDE_PX)).all(axis=1)
    keep = np.concatenate([[False], is_sure & is_large & is_core])
    return np.where(keep, np.cumsum(keep), 0).astype("int32")[found]


def _frame_box(place: tuple[slice, slice], window: Window) -> tuple[float, float, float, float]:
    rows, cols = place
    left, top = window.col_off, window.row_off
    return (left + cols.start, top + rows.start, left + cols.stop, top + rows.stop)
