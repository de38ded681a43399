"""Pictures of held-out blocks before and after, and a map of what was learnt on and scored on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from ....core.block_roles import HELD_OUT, TRAINING, VALIDATION
from ....core.errors import InputError, RunError
from ...geodata.crs import measure_ground
from ...geodata.vector import Geometries, Layer, read_layer
from .imagery import WIDTH, Imagery, View, choose_view, take_imagery
from .markup import Markup, join, tag
from .scores import MODELS, Block
from .source import ReportSource
from .svg import draw_svg

#: Colours that stay apart for the colour-blind (Okabe and Ito); FN is dashed as well.
FOUND, WRONG, MISSED = "#56b4e9", "#f0a000", "#ff7fc4"
ROLE_COLOURS = {TRAINING: "#56b4e9", VALIDATION: "#f0e442", HELD_OUT: "#ff7fc4"}
_BLOCK_PX, _MAP_PX = 560, 800
_MARGIN = 0.04
_PICTURE: dict[str, Any] = {"width": WIDTH, "class_": "picture"}


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
            view = choose_view(dataset, _read_bands(facts))
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
        imagery = take_imagery(dataset, view, _widen(block.frame), _BLOCK_PX)
        if imagery is not None:
            texts = [f"{name} block, {model} tuning: footprints over the imagery" for model in MODELS]
            shade, bar = _shade_outside(imagery, block), _draw_bar(imagery, dataset)
            drawings = [
                draw_svg(text, imagery.height, *_draw_block(imagery, labels, layer), shade, bar, **_PICTURE)
                for layer, text in zip(layers, texts, strict=True)
            ]
            blocks.append((name, block, drawings[0], drawings[1]))
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


def _read_bands(facts: ReportSource) -> list[int]:
    return [band for band in facts.pick_list("raster", "bands") if isinstance(band, int)]


def _widen(frame: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, bottom, right, top = frame
    margin = _MARGIN * max(right - left, top - bottom)
    return left - margin, bottom - margin, right + margin, top + margin


def _shade_outside(imagery: Imagery, block: Block) -> Markup:
    """Return a veil over what is not of the block."""
    corners = [(0, 0), (WIDTH, 0), (WIDTH, imagery.height), (0, imagery.height)]
    around = "M" + "L".join(f"{x:g},{y:.1f}" for x, y in corners) + "Z"
    inside = imagery.trace(np.array([shapely.box(*block.frame)], dtype=object))
    return tag("path", d=around + inside, fill="#ffffff", fill_opacity=0.55, fill_rule="evenodd")


def _draw_block(imagery: Imagery, labels: Geometries, layer: Layer) -> list[Markup]:
    """Return the imagery with the labels in white and what was found, found wrongly and missed in colours."""
    outcomes = np.array([str(value).upper() for value in layer.columns.get("outcome", [])], dtype=object)
    drawn = [imagery.draw(), _outline(imagery.trace(labels), "#ffffff", 1.2)]
    for outcome, colour, dash in (("TP", FOUND, None), ("FP", WRONG, None), ("FN", MISSED, "7 4")):
        path = imagery.trace(layer.geometries[outcomes == outcome])
        drawn += [_outline(path, "#000000", 4.6, opacity=0.55), _outline(path, colour, 2.6, dash)]
    return drawn


def _outline(path: str, colour: str, width: float, dash: str | None = None, opacity: float | None = None) -> Markup:
    if not path:
        return Markup()
    how: dict[str, Any] = {"stroke_linejoin": "round", "stroke_dasharray": dash, "stroke_opacity": opacity}
    return tag("path", d=path, fill="none", stroke=colour, stroke_width=width, **how)


def _draw_bar(imagery: Imagery, dataset: DatasetReader) -> Markup:
    """Return a scale bar of a round length in the lower left corner."""
    gsd_m = measure_ground(dataset.crs, dataset.transform, dataset.width, dataset.height).gsd_m
    unit_m = gsd_m * abs(imagery.to_picture.determinant * dataset.transform.determinant) ** -0.5
    length_m = next(m for m in (1000, 500, 200, 100, 50, 20, 10, 5, 2, 1) if m < 0.35 * WIDTH * unit_m or m == 1)
    x, y, end = 14.0, imagery.height - 14, 14 + length_m / unit_m
    plate = tag("rect", x=6, y=y - 24, width=end + 2, height=34, fill="#000000", fill_opacity=0.55)
    bar = tag("line", x1=x, y1=y, x2=end, y2=y, stroke="#ffffff", stroke_width=3)
    return join(plate, bar, _letter(f"{length_m} m", x, y - 7, 15))


def _mark_block(imagery: Imagery, letter: str, block: Block) -> Markup:
    left, bottom, right, top = block.frame
    x, y = imagery.to_picture @ ((left + right) / 2, (bottom + top) / 2)
    return join(tag("circle", cx=x, cy=y, r=11, fill="#000000"), _letter(letter, x, y + 5.5, 16, "middle"))


def _letter(text: str, x: float, y: float, size: int, anchor: str | None = None) -> Markup:
    return tag("text", text, x=x, y=y, font_size=size, font_weight="bold", fill="#ffffff", text_anchor=anchor)


def _draw_map(
    facts: ReportSource, dataset: DatasetReader, view: View, shown: Sequence[tuple[str, Block]]
) -> Markup | None:
    """Return the ground of each role over the imagery, with the frames of the blocks that are shown."""
    blocks = _read(facts.folder.split, "blocks")
    if len(blocks.geometries) == 0 or blocks.crs != dataset.crs:
        return None
    frame = tuple(float(side) for side in shapely.total_bounds(blocks.geometries))
    imagery = take_imagery(dataset, view, _widen((frame[0], frame[1], frame[2], frame[3])), _MAP_PX)
    if imagery is None:
        return None
    drawn = [imagery.draw()]
    roles = np.array([str(role) for role in blocks.columns.get("role", [])], dtype=object)
    for role, colour in ROLE_COLOURS.items():
        path = imagery.trace(blocks.geometries[roles == role])
        style: dict[str, Any] = {
            "fill": colour,
            "fill_opacity": 0.32,
            "fill_rule": "evenodd",
            "stroke": colour,
            "stroke_width": 1.6,
        }
        drawn.append(tag("path", d=path, **style) if path else Markup())
    for name, block in shown:
        path = imagery.trace(np.array([shapely.box(*block.frame)], dtype=object))
        drawn += [_outline(path, "#000000", 4.6), _outline(path, "#ffffff", 2.2), _mark_block(imagery, name[0], block)]
    title = "Map of the ground that was learnt on, validated on and held out"
    return draw_svg(title, imagery.height, *drawn, _draw_bar(imagery, dataset), **_PICTURE)
