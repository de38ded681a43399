"""Processing parameters made from declared options, and what is given for them read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from qgis.core import (
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingUtils,
    QgsProperty,
)

from ...core.errors import InputError
from ...core.option import EXTENT, FIELD, FOLDER, MODEL_FILE, POLYGONS, RASTER, Option

#: What QGIS hands to an algorithm and takes back, by the names of parameters and outputs.
Values = dict[str, Any]
MODEL_FILES = "Model card (*.json);;Weights (*.safetensors)"
#: What is no value: an algorithm looks at it itself.
LAYERS = (EXTENT, POLYGONS, RASTER)


def make_parameter(option: Option, text: str) -> QgsProcessingParameterDefinition:
    """Return the parameter of an option, called ``text``; it is optional where the option's default is empty."""
    name, is_optional = option.parameter_id, option.default in (None, "", ())
    if option.kind:
        return _KINDS[option.kind](name, text, is_optional)
    if option.choices:
        choices = list(option.choices)
        return QgsProcessingParameterEnum(name, text, choices, False, option.default, True, usesStaticStrings=True)
    if option.type is bool:
        return QgsProcessingParameterBoolean(name, text, option.default)
    if option.type in (int, float):
        number = QgsProcessingParameterNumber
        limits = [limit for limit in (option.least, option.most) if limit is not None]
        kind = number.Integer if option.type is int else number.Double
        return number(name, text, kind, option.default, is_optional, *limits)
    default = option.default if isinstance(option.default, str) else None
    return QgsProcessingParameterString(name, text, default, False, is_optional)


def read_value(
    algorithm: QgsProcessingAlgorithm, option: Option, parameters: Values, context: QgsProcessingContext
) -> Any:
    """Return what is given for an option, in the option's type; raises InputError for bands that are none."""
    name = option.parameter_id
    if option.choices:
        return algorithm.parameterAsEnumString(parameters, name, context)
    if option.type is bool:
        return algorithm.parameterAsBoolean(parameters, name, context)
    if option.type in (int, float):
        if option.default is None and parameters.get(name) is None:
            return None
        read = algorithm.parameterAsInt if option.type is int else algorithm.parameterAsDouble
        return read(parameters, name, context)
    text = algorithm.parameterAsString(parameters, name, context)
    if option.is_list:
        return read_bands(text) if option.item_type is int else tuple(filter(None, map(str.strip, text.split(","))))
    return Path(text).absolute() if option.type is Path else text


def find_layer(value: Any, context: QgsProcessingContext) -> QgsMapLayer | None:
    """Return the layer that is given for a parameter of features, None for what is no layer of the project or file."""
    if isinstance(value, QgsProcessingFeatureSourceDefinition):
        value = value.source
    if isinstance(value, QgsProperty):
        value = value.staticValue()
    if isinstance(value, str):
        return QgsProcessingUtils.mapLayerFromString(value, context)
    return value if isinstance(value, QgsMapLayer) else None


def read_bands(text: str) -> tuple[int, ...]:
    """Return the bands that a text such as "3,2,1" names; raises InputError for another text."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() for part in parts):
        raise InputError(f'"{text}" names no bands.', "Write their numbers with commas between, such as 3,2,1.")
    return tuple(map(int, parts))


def _make_polygons(name: str, text: str, is_optional: bool) -> QgsProcessingParameterDefinition:
    return QgsProcessingParameterFeatureSource(name, text, [QgsProcessing.TypeVectorPolygon], None, is_optional)


def _make_field(name: str, text: str, is_optional: bool) -> QgsProcessingParameterDefinition:
    field = QgsProcessingParameterField
    return field(name, text, None, "FOOTPRINTS", field.Any, False, is_optional)


_KINDS: dict[str, Callable[[str, str, bool], QgsProcessingParameterDefinition]] = {
    EXTENT: lambda name, text, is_optional: QgsProcessingParameterExtent(name, text, None, is_optional),
    FIELD: _make_field,
    FOLDER: lambda name, text, _: QgsProcessingParameterFile(name, text, QgsProcessingParameterFile.Folder),
    MODEL_FILE: lambda name, text, is_optional: QgsProcessingParameterFile(
        name, text, optional=is_optional, fileFilter=MODEL_FILES
    ),
    POLYGONS: _make_polygons,
    RASTER: lambda name, text, _: QgsProcessingParameterRasterLayer(name, text),
}
