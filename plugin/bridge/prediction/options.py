"""What is chosen in the tab for predicting, as the worker's command line takes it. Main thread only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qgis.core import QgsGeometry, QgsProject
from qgis.gui import QgsMapCanvas

from ....ui.fields.choices import DRAWN, POLYGONS, VISIBLE, PredictChoices
from ...core.command_options import LikenOptions, PredictOptions
from ...core.errors import InputError
from ...core.imagery import require_bands
from ...core.models import find_card
from ..layers.area_of_interest import AreaOfInterest, measure_ground, read_corners, require_on, see_map, write_crs
from ..layers.layer_checks import Polygons, locate_raster, take_ground
from ..tuning.run_folders import make_output

_ENDING = ".gpkg"


def make_options(choices: PredictChoices) -> PredictOptions:
    """Return what the command ``predict`` is asked, but for ground and output; raises InputError.

    What becomes a footprint is said only where the model's card is not to say it.
    """
    raster, bands = _read_raster(choices)
    least, threshold = choices.min_area_m2, choices.threshold
    return PredictOptions(
        raster, choices.model, Path(), bands=bands, min_area_m2=least, threshold=threshold, events=True
    )


def make_comparison(choices: PredictChoices, area: AreaOfInterest | None) -> LikenOptions:
    """Return what the command ``liken`` is asked: on an area or a layer's polygons, the box around them."""
    raster, bands = _read_raster(choices)
    options = LikenOptions(raster, choices.model, bands=bands, json=True)
    if choices.ground == DRAWN and area is not None:
        area.require_on(choices.raster_layer)
        box, crs = area.geometry.boundingBox(), area.crs
    elif choices.ground == POLYGONS and choices.ground_layer is not None and choices.ground_layer.crs().isValid():
        box, crs = measure_ground(choices.ground_layer), choices.ground_layer.crs()
        if box.isEmpty():
            return options
        require_on(choices.raster_layer, QgsGeometry.fromRect(box), crs)
    else:
        return options
    return replace(options, box=read_corners(box), box_crs=write_crs(crs))


def _read_raster(choices: PredictChoices) -> tuple[str, tuple[int, ...]]:
    """Return the raster and its bands; raises InputError where one cannot be used."""
    card = find_card(choices.model)
    raster = locate_raster(choices.raster_layer)
    if choices.bands and not choices.are_bands_confirmed:
        require_bands(card.bands, choices.bands, card.imagery)
    return raster, tuple(choices.bands)


def take_where(choices: PredictChoices, area: AreaOfInterest | None, canvas: QgsMapCanvas) -> Polygons | None:
    """Return the ground that is chosen, None for the whole raster; raises InputError with a next step."""
    if choices.ground == POLYGONS:
        layer = choices.ground_layer
        if layer is None:
            raise InputError("No layer of polygons is chosen.", "Add one to the project, or draw an area.")
        ground = take_ground(layer)
        require_on(choices.raster_layer, QgsGeometry.fromRect(measure_ground(layer)), layer.crs())
        return ground
    if choices.ground == DRAWN and area is None:
        raise InputError("No area is drawn yet.", 'Press "Draw an area" and draw one on the map.')
    area_of_interest = area if choices.ground == DRAWN else see_map(canvas) if choices.ground == VISIBLE else None
    if area_of_interest is None:
        return None
    area_of_interest.require_on(choices.raster_layer)
    return area_of_interest.take()


def name_out(choices: PredictChoices, project: QgsProject) -> Path:
    """Return where the footprints go: a file that is not there yet; raises InputError for one that is."""
    if not choices.out:
        return make_output(locate_raster(choices.raster_layer), project)
    out = Path(choices.out).expanduser()
    out = out if out.suffix.lower() == _ENDING else out.with_name(out.name + _ENDING)
    if out.exists():
        raise InputError(f"{out} is there already.", "Choose another name: nothing is overwritten.")
    if not out.is_absolute() or not out.parent.is_dir():
        raise InputError(f"There is no folder {out.parent}.", "Choose one that is there, with the button beside it.")
    return out
