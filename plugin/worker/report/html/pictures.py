"""Pictures of held-out blocks before and after, and a map of what was learnt on and scored on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import shapely
from markupsafe import Markup
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from ....core.block_roles import HELD_OUT, TRAINING, VALIDATION
from ....core.errors import InputError, RunError
from ....core.report import Block
from ...geodata.crs import measure_ground
from ...geodata.vector import Layer, read_layer
from ...runtime.templates import render
from .imagery import WIDTH, Imagery, View, choose_view, take_imagery
from .scores import MODELS
from .source import ReportSource

#: Colours that stay apart for the colour-blind (Okabe and Ito); FN is dashed as well.
FOUND, WRONG, MISSED = "#56b4e9", "#f0a000", "#ff7fc4"
ROLE_COLOURS = {TRAINING: "#56b4e9", VALIDATION: "#f0e442", HELD_OUT: "#ff7fc4"}
#: What the colours of a block stand for: text, colour, dash.
LEGEND = (
    ("right (TP)", FOUND, None),
    ("no match (FP)", WRONG, None),
    ("missed (FN)", MISSED, "5 3"),
    ("label", "#ffffff", None),
)
_BLOCK_PX, _MAP_PX = 560, 800
_MARGIN = 0.04


@dataclass(frozen=True)
class ReportPictures:
    """The pictures of a run: ``blocks`` hold (name, block, before, after), ``map`` is None where it cannot be drawn.

    ``missing`` says in a sentence why something is not there ("": all is there).
    """

    blocks: tuple[tuple[str, Block, Markup, Markup], ...]
    map: Markup | None
    missing: str


def draw_pictures(facts: ReportSource, shown: Sequence[tuple[str, Block]]) -> ReportPictures:
    """Return the pictures that can be drawn from what the run's folder still holds."""
    if facts.raster is None:
        return _leave_out(f"The raster {facts.raster_name} was not found, neither where it was nor beside the run.")
    try:
        with _open(facts.raster) as dataset:
            view = choose_view(dataset, facts.report.raster.bands)
            drawn = _draw_map(facts, dataset, view, shown)
            return _add_blocks(facts, dataset, view, shown, drawn)
    except (InputError, RunError, RasterioError, OSError, ValueError) as error:
        return _leave_out(f"The raster or the run's layers could not be read ({type(error).__name__}).")


def _leave_out(why: str) -> ReportPictures:
    return ReportPictures(
        (), None, f"{why} So there are no pictures and no map here; the figures do not depend on them."
    )


def _add_blocks(
    facts: ReportSource, dataset: DatasetReader, view: View, shown: Sequence[tuple[str, Block]], drawn: Markup | None
) -> ReportPictures:
    path = facts.folder.path / "errors.gpkg"
    if drawn is None:
        return _leave_out(f"{facts.raster_name} does not lie where the run's blocks are.")
    if not shown:
        return ReportPictures((), drawn, "This report holds no counts by block, so there are no pictures of blocks.")
    if not path.is_file():
        return ReportPictures(
            (), drawn, f"{path.name} is gone from the run's folder, so there are no pictures of blocks."
        )
    labels = _read(facts.folder.split, "labels").geometries
    layers = [_read(path, model) for model in MODELS]
    blocks = []
    for name, block in shown:
        imagery = take_imagery(dataset, view, _widen(block.bounds), _BLOCK_PX)
        if imagery is not None:
            texts = [f"{name} block, {model} tuning: footprints over the imagery" for model in MODELS]
            common = {"bar": _fit_bar(imagery, dataset), "labels": imagery.trace(labels)}
            common["outside"] = _trace_outside(imagery, block)
            before, after = (
                _draw("block", text, imagery, outcomes=_trace_outcomes(imagery, layer), **common)
                for text, layer in zip(texts, layers, strict=True)
            )
            blocks.append((name, block, before, after))
    return ReportPictures(tuple(blocks), drawn, "")


@contextlib.contextmanager
def _open(path: Path) -> Iterator[DatasetReader]:
    with rasterio.open(path) as dataset:
        yield dataset


def _read(path: Path, layer: str) -> Layer:
    content = read_layer(str(path), layer)
    is_there = ~shapely.is_missing(content.geometries) & ~shapely.is_empty(content.geometries)
    columns = {name: values[is_there] for name, values in content.columns.items()}
    return Layer(content.geometries[is_there], columns, content.crs)


def _widen(frame: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, bottom, right, top = frame
    margin = _MARGIN * max(right - left, top - bottom)
    return left - margin, bottom - margin, right + margin, top + margin


@dataclass(frozen=True)
class _ScaleBar:
    """A length on the ground, drawn at the height ``y`` of a picture up to ``end``."""

    length_m: int
    y: float
    end: float


def _draw(template: str, title: str, imagery: Imagery, **values: object) -> Markup:
    size = {"width": WIDTH, "height": imagery.height}
    return render(f"svg/{template}.svg.jinja", title=title, imagery=imagery, **size, **values)


def _trace_outside(imagery: Imagery, block: Block) -> str:
    """Return the path of what is not of the block."""
    corners = [(0, 0), (WIDTH, 0), (WIDTH, imagery.height), (0, imagery.height)]
    return "M" + "L".join(f"{x:g},{y:.1f}" for x, y in corners) + "Z" + _trace_frame(imagery, block)


def _trace_frame(imagery: Imagery, block: Block) -> str:
    return imagery.trace(np.array([shapely.box(*block.bounds)], dtype=object))


def _trace_outcomes(imagery: Imagery, layer: Layer) -> list[tuple[str, str, str | None]]:
    """Return path, colour and dash of what was found, found wrongly and missed."""
    outcomes = np.array([str(value).upper() for value in layer.columns.get("outcome", [])], dtype=object)
    styles = (("TP", FOUND, None), ("FP", WRONG, None), ("FN", MISSED, "7 4"))
    return [(imagery.trace(layer.geometries[outcomes == name]), colour, dash) for name, colour, dash in styles]


def _fit_bar(imagery: Imagery, dataset: DatasetReader) -> _ScaleBar:
    """Return a scale bar of a round length for the lower left corner."""
    gsd_m = measure_ground(dataset.crs, dataset.transform, dataset.width, dataset.height).gsd_m
    unit_m = gsd_m * abs(imagery.to_picture.determinant * dataset.transform.determinant) ** -0.5
    length_m = next(m for m in (1000, 500, 200, 100, 50, 20, 10, 5, 2, 1) if m < 0.35 * WIDTH * unit_m or m == 1)
    return _ScaleBar(length_m, imagery.height - 14, 14 + length_m / unit_m)


def _draw_map(
    facts: ReportSource, dataset: DatasetReader, view: View, shown: Sequence[tuple[str, Block]]
) -> Markup | None:
    """Return the ground of each role over the imagery, with the frames of the blocks that are shown."""
    blocks = _read(facts.folder.split, "blocks")
    if len(blocks.geometries) == 0 or blocks.crs != dataset.crs:
        return None
    left, bottom, right, top = map(float, shapely.total_bounds(blocks.geometries))
    imagery = take_imagery(dataset, view, _widen((left, bottom, right, top)), _MAP_PX)
    if imagery is None:
        return None
    roles = np.array([str(role) for role in blocks.columns.get("role", [])], dtype=object)
    return _draw(
        "map",
        "Map of the ground that was learnt on, validated on and held out",
        imagery,
        bar=_fit_bar(imagery, dataset),
        roles=[(imagery.trace(blocks.geometries[roles == role]), colour) for role, colour in ROLE_COLOURS.items()],
        blocks=[(name[0], _trace_frame(imagery, block), *imagery.find_middle(block.bounds)) for name, block in shown],
    )
