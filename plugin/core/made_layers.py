"""How a layer of a GeoPackage says that the plugin made it, and what it holds: an item of GDAL's layer metadata."""

from __future__ import annotations

MADE_KEY = "FOOTPRINT_TUNER"
FOOTPRINTS, ERRORS, SPLIT = "footprints", "errors", "split"
