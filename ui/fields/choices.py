"""What the user chose in the dock, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field

from qgis.core import QgsRasterLayer, QgsVectorLayer

from ...plugin.core.job import DEFAULT_BASE_MODEL, Settings


@dataclass(frozen=True)
class Choices:
    """The dock's form: layers as they stand in the project, None where none is chosen.

    ``base_model`` is a model's name in the registry, a start's, or the path of a model's card. ``bands`` are the
    raster's for each of the model's, 0 where none serves; empty where that is not known. ``block_roles`` are the blocks
    of the split whose role was changed, as a job says it.
    """

    raster_layer: QgsRasterLayer | None = None
    label_layer: QgsVectorLayer | None = None
    only_selected: bool = False
    areas_layer: QgsVectorLayer | None = None
    base_model: str = DEFAULT_BASE_MODEL
    bands: tuple[int, ...] = ()
    settings: Settings = field(default_factory=Settings)
    block_roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportedModel:
    """What has to be known of a file of weights: all that its card will say.

    ``mean`` and ``std`` are shares of ``value_range``, one for each band; ``gsd_m`` is in metres, None where it is not
    known.
    """

    path: str
    title: str
    architecture: str
    encoder: str
    outputs: tuple[str, ...]
    bands: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    value_range: tuple[float, float]
    gsd_m: float | None = None
    licence: str = ""


#: Where a model maps footprints.
WHOLE, VISIBLE, DRAWN, POLYGONS = "whole", "visible", "drawn", "polygons"


@dataclass(frozen=True)
class PredictChoices:
    """What is to be mapped with which model: layers as they stand in the project, None where none is chosen.

    ``bands`` are as in ``Choices``; ``are_bands_confirmed`` tells whether the user said so. ``ground`` is one of the
    four kinds, ``ground_layer`` the layer of polygons. ``threshold`` (0 to 1) and ``min_area_m2`` are None where the
    model's card holds. ``out`` is the path of a GeoPackage, "" for a new one.
    """

    raster_layer: QgsRasterLayer | None = None
    model: str = DEFAULT_BASE_MODEL
    bands: tuple[int, ...] = ()
    are_bands_confirmed: bool = False
    ground: str = WHOLE
    ground_layer: QgsVectorLayer | None = None
    threshold: float | None = None
    min_area_m2: float | None = None
    out: str = ""
