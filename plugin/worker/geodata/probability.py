"""How a probability is kept in a raster of bytes: 0 to 254 for 0 to 1, 255 where nothing is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NODATA = 255
FULL = 254


def encode_probability(share: NDArray[np.floating[Any]], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return probabilities (0..1) as bytes."""
    return np.where(valid, np.rint(share * FULL), NODATA).astype("uint8")


def find_buildings(values: NDArray[np.uint8], threshold: float) -> NDArray[np.bool_]:
    """Tell of each byte whether its probability reaches the threshold."""
    return (values >= np.ceil(threshold * FULL)) & (values != NODATA)
