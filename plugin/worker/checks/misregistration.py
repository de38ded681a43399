"""How far the labels lie off the imagery: found from where their outlines meet the edges in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_laplace
from scipy.signal import correlate

from ..geodata.offsets import measure_frame
from .label_crops import LabelCrop, LabelCrops

_SMOOTH_M, _LEAST_SMOOTH_PX = 0.3, 0.7
_LEAST_VALID = 0.5
_DRAWS = 200
_LEAST_LABELS = 20
_LEAST_M, _LEAST_PX = 1.0, 2.0
_LEAST_SURE_M = 1.0


@dataclass(frozen=True)
class Misregistration:
    """How far the labels lie off: ``east_m`` and ``north_m`` from where the imagery shows them.

    ``within_m`` is how far the true one may lie from that: 95 % of 200 estimates from labels drawn anew lie within.
    ``labels`` is how many labels it rests on.
    """

    east_m: float
    north_m: float
    within_m: float
    labels: int

    @property
    def length_m(self) -> float:
        """How far the labels lie off."""
        return float(np.hypot(self.east_m, self.north_m))

    def is_certain(self, native_gsd_m: float) -> bool:
        """Tell whether the labels lie off beyond doubt, by at least a metre and two pixels."""
        is_known = self.labels >= _LEAST_LABELS and self.within_m <= max(_LEAST_SURE_M, 0.25 * self.length_m)
        return is_known and self.length_m - self.within_m >= max(_LEAST_M, _LEAST_PX * native_gsd_m)


def find_shift(crops: LabelCrops, seed: int) -> Misregistration | None:
    """Return how far the labels lie off the imagery, None where no label can be compared with it.

    For each label the contrast between its inside and its surroundings, along its outline, is taken at every offset
    within reach, in units of its own spread; their mean over the labels has its peak where the labels belong.
    """
    fits = [fit for crop in crops.items if (fit := _fit(crop, crops)) is not None]
    if not fits:
        return None
    stack = np.stack(fits)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(fits), np.full(len(fits), 1 / len(fits)), _DRAWS) / len(fits)
    drawn = (weights @ stack.reshape(len(fits), -1)).reshape(_DRAWS, *stack.shape[1:])
    peaks_px = np.array([_find_peak(surface) for surface in (stack.mean(axis=0), *drawn)])
    belongs_m = measure_frame(crops.raster).to_metres(peaks_px, crops.raster.height / 2)
    within_m = np.quantile(np.linalg.norm(belongs_m[1:] - belongs_m[0], axis=1), 0.95)
    return Misregistration(-float(belongs_m[0, 0]), -float(belongs_m[0, 1]), float(within_m), len(fits))


def _fit(crop: LabelCrop, crops: LabelCrops) -> NDArray[np.float64] | None:
    """Return how well the label fits the imagery at each offset (rows, columns), as a standard score."""
    if crop.valid.mean() < _LEAST_VALID or crop.blank_share > 0:
        return None
    sigma = max(_LEAST_SMOOTH_PX, _SMOOTH_M / crops.raster.gsd_m)
    outline = gaussian_laplace(crop.cover, sigma)
    total = np.zeros([2 * crops.reach_px + 1] * 2)
    for values in crop.values:
        filled = np.where(crop.valid, values, values[crop.valid].mean())
        total += correlate(gaussian_filter(filled, sigma), outline, mode="valid", method="fft") ** 2
    fit = np.sqrt(total)
    spread = float(fit.std())
    return (fit - fit.mean()) / spread if spread > 0 else None


def _find_peak(surface: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the offset (columns, rows) of the highest place from the middle, to a part of a pixel."""
    row, col = np.unravel_index(int(surface.argmax()), surface.shape)
    middle = surface.shape[0] // 2
    return np.array(
        [col - middle + _bend(surface[row], int(col)), row - middle + _bend(surface[:, col], int(row))], dtype="float64"
    )


def _bend(profile: NDArray[np.float64], top: int) -> float:
    """Return where the parabola through the highest place and its neighbours has its vertex, from -0.5 to 0.5."""
    if top in (0, len(profile) - 1):
        return 0.0
    before, here, after = profile[top - 1 : top + 2]
    curve = before - 2 * here + after
    return float(0.5 * (before - after) / curve) if curve < 0 else 0.0
