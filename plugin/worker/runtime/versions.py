"""The versions of what computes."""

from __future__ import annotations

import platform

import numpy as np
import rasterio
import shapely
import torch


def describe_versions() -> dict[str, str]:
    """Return the versions of what computed the figures."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "rasterio": rasterio.__version__,
        "gdal": rasterio.__gdal_version__,
        "shapely": shapely.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
    }
