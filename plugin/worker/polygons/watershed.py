"""From what a network says to buildings that come apart: seeds, grown over the footprint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label
from skimage.segmentation import watershed

from ...core.card import Seeds, SeparationParams
from ..geodata.probability import FULL, NODATA, find_buildings


def find_instances(values: NDArray[np.uint8], separation: SeparationParams, pixel_m2: float) -> NDArray[np.int32]:
    """Return the number of the building at each pixel (height, width), from 1, and 0 where there is none.

    ``values`` (channels, height, width) are probabilities as bytes: footprint, boundary, contact. Footprint is where
    the first reaches the threshold. Without seeds, pixels that share an edge are one building. Otherwise seeds are
    where the footprint's probability, less those of boundary and contact, reaches the seeds' threshold; they grow over
    the footprint from the surest pixels to the least sure ones (watershed), and meet where walls are likeliest. A piece
    of footprint without a seed is a building of its own. A seed that touches the edge of the window is kept however
    small.
    """
    is_building, seeds = find_buildings(values[0], separation.threshold), separation.seeds
    if seeds is None or len(values) < 3:
        return np.asarray(label(is_building)[0], dtype="int32")
    certainty = measure_certainty(values, seeds)
    markers, count = label(is_building & (certainty >= seeds.threshold * FULL))
    markers = _drop_small(markers, count, seeds.min_area_m2 / pixel_m2)
    grown = watershed(255 - certainty, markers, mask=is_building)
    rest, _ = label(is_building & (grown == 0))
    rest[rest > 0] += grown.max(initial=0)
    return np.asarray(grown + rest, dtype="int32")


def measure_certainty(values: NDArray[np.uint8], seeds: Seeds) -> NDArray[np.uint8]:
    """Return how surely each pixel lies inside a single building (0..254): footprint less boundary and contact."""
    footprint, boundary, contact = (np.where(plane == NODATA, 0, plane).astype("float32") for plane in values[:3])
    certainty = footprint - seeds.boundary_share * boundary - seeds.contact_share * contact
    return np.clip(certainty, 0, FULL).astype("uint8")


def _drop_small(markers: NDArray[np.int32], count: int, least_px: float) -> NDArray[np.int32]:
    keep = np.bincount(markers.ravel(), minlength=count + 1) >= least_px
    for edge in (markers[0], markers[-1], markers[:, 0], markers[:, -1]):
        keep[edge] = True
    keep[0] = False
    return np.asarray(np.where(keep, np.cumsum(keep), 0)[markers], dtype="int32")
