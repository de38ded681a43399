"""What the user chose in the dock, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field

from qgis.core import QgsRasterLayer, QgsVectorLayer

from ..plugin.core.job import DEFAULT_BASE_MODEL, Settings


@dataclass(frozen=True)
class Choices:
    """The dock's form: layers as they stand in the project, None where none is chosen.

    ``base_model`` is a model's name in the registry, or the path of a tuned model's card.
    """

    raster_layer: QgsRasterLayer | None = None
    label_layer: QgsVectorLayer | None = None
    only_selected: bool = False
    areas_layer: QgsVectorLayer | None = None
    base_model: str = DEFAULT_BASE_MODEL
    settings: Settings = field(default_factory=Settings)
