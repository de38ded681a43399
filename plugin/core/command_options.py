"""The options of every command, a dataclass each; its docstring is the command's summary in every help."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Optional

from .job import Bands, Device, Epochs, LearningRate, ReplayShare, Samples, Seed, Threads
from .option import EXTENT, FIELD, FOLDER, MODEL_FILE, POLYGONS, RASTER, Option

_RUN = Option("the folder of a run, wherever it lies now", metavar="RUN_FOLDER", is_positional=True)
_RUN_IN_QGIS = replace(_RUN, label="Folder of the run", parameter="RUN_FOLDER", kind=FOLDER)
_MODEL = Option("a model's name, or the card or weights of a tuned model")
_LEAST_AREA = Option(label="Minimum area (m²)", parameter="MIN_AREA", unit="m²", least=0, most=1_000_000)
_SHARE = Option(least=0, most=1, bounds="()", is_strict=True)
_CORNERS = ("XMIN", "YMIN", "XMAX", "YMAX")
_WHERE = Option(group="where")

#: Without it nothing that is there is replaced; an input never is.
Overwrite = Annotated[bool, Option("replace what is there; of a GeoPackage only the layer that is written")]

JobFile = Annotated[Path, Option("the job, in the folder of its run", metavar="JOB.json", is_positional=True)]
Json = Annotated[bool, Option("print one JSON value, and nothing else")]
Events = Annotated[bool, Option("print events instead of a summary")]
Raster = Annotated[str, Option("a georeferenced raster file", label="Raster", kind=RASTER)]
#: A box: xmin, ymin, xmax, ymax.
Corners = tuple[float, float, float, float]
Box = Annotated[
    Optional[Corners],
    replace(_WHERE, help="only this ground", label="Extent", parameter="EXTENT", kind=EXTENT, metavar=_CORNERS),
]
Ground = Annotated[
    str,
    replace(
        _WHERE,
        help="only the ground of these polygons",
        label="Or the ground, as polygons",
        kind=POLYGONS,
        metavar="FILE[|LAYER]",
    ),
]
BoxCrs = Annotated[str, Option("such as EPSG:4326; default: the raster's", metavar="CRS")]


@dataclass(frozen=True)
class RunOptions:
    """Run a job in the folder of its ``job.json``, or go on with it."""

    job: JobFile
    fresh: Annotated[bool, Option("forget what an earlier run left in the folder")] = False


@dataclass(frozen=True)
class CheckOptions:
    """Check a job without running it."""

    job: JobFile
    json: Annotated[bool, Option("print the findings as one JSON object, and no events")] = False


@dataclass(frozen=True)
class SplitOptions:
    """Write the split of a job without running it."""

    job: JobFile


@dataclass(frozen=True)
class ImproveOptions:
    """Improve a run's model: corrected footprints become labels in checked areas."""

    run: Annotated[
        Path,
        replace(
            _RUN,
            help="the folder of the run whose model is improved",
            label="Folder of the run whose model is improved",
            kind=FOLDER,
        ),
    ]
    out: Annotated[Path, Option("the folder of the new run", metavar="NEW_RUN_FOLDER")]
    corrections: Annotated[
        str,
        Option(
            "footprints as corrected; default: the run's own",
            label="Corrected footprints (empty: the run's own)",
            kind=POLYGONS,
            metavar="FILE[|LAYER]",
        ),
    ] = ""
    checked: Annotated[
        str,
        Option(
            "ground where they are right; default: the run's own",
            label="Checked ground (empty: the run's own)",
            kind=POLYGONS,
            metavar="FILE[|LAYER]",
        ),
    ] = ""
    epochs: Epochs = None
    learning_rate: LearningRate = None
    samples: Samples = None
    replay_share: Optional[ReplayShare] = None
    seed: Optional[Seed] = None
    device: Optional[Device] = None
    threads: Optional[Threads] = None


@dataclass(frozen=True)
class PredictOptions:
    """Predict the footprints of a raster, or of a part of it, with a model."""

    raster: Raster
    model: Annotated[str, replace(_MODEL, label="Tuned model", kind=MODEL_FILE)]
    out: Annotated[Path, Option("a GeoPackage for the footprints", metavar="F.gpkg")]
    box: Box = None
    ground: Ground = ""
    box_crs: BoxCrs = ""
    bands: Bands = ()
    min_area_m2: Annotated[Optional[float], replace(_LEAST_AREA, help="default: as the model's card says")] = None
    device: Device = "auto"
    probability: Annotated[Optional[Path], Option("keep the probabilities in this file", metavar="F.tif")] = None
    threshold: Annotated[
        Optional[float], replace(_SHARE, help="probability from which a pixel is building; default: the card's")
    ] = None
    overwrite: Overwrite = False
    events: Events = False


@dataclass(frozen=True)
class LikenOptions:
    """Tell in what a raster differs from the imagery that a model learnt from."""

    raster: Raster
    model: Annotated[str, _MODEL]
    box: Box = None
    ground: Ground = ""
    box_crs: BoxCrs = ""
    bands: Bands = ()
    json: Json = False


@dataclass(frozen=True)
class ExportOptions:
    """Write a model as an ONNX file for other tools, and its card for people."""

    model: Annotated[str, replace(_MODEL, label="Model")]
    out: Annotated[Path, Option("a folder, or the ONNX file", metavar="FOLDER_OR_FILE.onnx")]
    tile_px: Annotated[
        Optional[int],
        Option(
            "side of the tiles; default: as the model's recipe says",
            label="Tiles' side in pixels (empty: as the recipe says)",
            unit="px",
            least=64,
            most=2048,
        ),
    ] = None
    format: Annotated[str, Option("what is written", choices=("onnx", "card", "both"))] = "both"
    overwrite: Overwrite = False
    events: Events = False


@dataclass(frozen=True)
class ScoreOptions:
    """Score footprints against the truth."""

    truth: Annotated[str, Option("a vector file, the labels", label="Labels", kind=POLYGONS, metavar="FILE[|LAYER]")]
    footprints: Annotated[
        str, Option("a vector file, the footprints", label="Footprints", kind=POLYGONS, metavar="FILE[|LAYER]")
    ]
    iou: Annotated[
        float,
        Option("a match overlaps by more than this", label="Threshold of intersection over union", least=0, most=1),
    ] = 0.5
    min_area_m2: Annotated[
        float,
        replace(
            _LEAST_AREA,
            help="smaller ones are passed over on both sides; without a coordinate system in the files' square units",
        ),
    ] = 0.0
    confidence: Annotated[
        str,
        Option("most confident first, by this field", label="Field with the confidence", kind=FIELD, metavar="FIELD"),
    ] = ""
    by: Annotated[
        str,
        Option(
            "score group by group and sum the counts",
            label="Field with the group (in both layers)",
            kind=FIELD,
            metavar="FIELD",
        ),
    ] = ""
    errors: Annotated[
        Optional[Path], Option("write every building as TP, FP or FN, with its IoU", metavar="F.gpkg")
    ] = None
    interval: Annotated[bool, Option("a 95 % interval of F1, over groups or square blocks")] = False
    as_written: Annotated[
        bool,
        Option(
            "every feature as it stands, by the letter of SpaceNet's rule: nothing is repaired, taken apart or counted"
            " once, and an invalid label cannot be matched",
            label="Every feature as it stands",
        ),
    ] = False
    overwrite: Overwrite = False
    json: Json = False


@dataclass(frozen=True)
class SpaceNetOptions:
    """Turn a folder in SpaceNet's layout into a raster, labels and areas."""

    folder: Annotated[
        Path,
        Option(
            "as SpaceNet releases it, unpacked",
            label="Folder of tiles and labels",
            kind=FOLDER,
            metavar="FOLDER",
            is_positional=True,
        ),
    ]
    out: Annotated[Path, Option("folder for raster, labels and areas", metavar="OUT")]
    product: Annotated[
        str,
        Option(
            "folder of tiles, such as RGB-PanSharpen; default: the best",
            label="Product (empty: the one that suits best)",
        ),
    ] = ""
    held_out_share: Annotated[float, replace(_SHARE, help="of the buildings")] = 0.25
    seed: Annotated[int, Option("which ground is held out")] = 1
    overwrite: Annotated[
        bool,
        Option(
            "replace what is there; of a GeoPackage only the layer that is written",
            label="Replace layers that are there",
        ),
    ] = False
    events: Events = False


@dataclass(frozen=True)
class AdoptOptions:
    """Make a base model of a file of weights that has no card."""

    file: Annotated[
        Path, Option("a .safetensors file, or a state dict in .pth or .pt", metavar="FILE", is_positional=True)
    ]
    out: Annotated[
        Optional[Path],
        Option("the card; the weights are copied beside it", metavar="CARD.json", group="what", is_required=True),
    ] = None
    guess: Annotated[
        bool, Option("only print, as JSON, which network the weights are of", group="what", is_required=True)
    ] = False
    architecture: Annotated[str, Option("such as unet; default: found by the weights' names")] = ""
    encoder: Annotated[str, Option("such as resnet34; default: found by the weights' names")] = ""
    bands: Annotated[tuple[str, ...], Option("what the model reads, such as red,green,blue")] = ()
    outputs: Annotated[tuple[str, ...], Option("footprint, or footprint,boundary,contact")] = ()
    mean: Annotated[tuple[float, ...], Option("of each band, as shares of the value range")] = ()
    std: Annotated[tuple[float, ...], Option("of each band, as shares of the value range")] = ()
    value_range: Annotated[
        Optional[tuple[float, float]], Option("of the imagery it learnt from", metavar="LOW,HIGH")
    ] = None
    stretch: Annotated[tuple[tuple[float, float], ...], Option("what becomes 0 and 1", metavar="LOW,HIGH[;...]")] = ()
    gsd_m: Annotated[tuple[float, ...], Option("metres a pixel, or the least and the most", unit="m")] = ()
    licence: Annotated[str, Option("under which the weights may be used")] = ""
    title: Annotated[str, Option("its name for people")] = ""
    overwrite: Overwrite = False


@dataclass(frozen=True)
class FetchOptions:
    """Fetch a model's weights, or take a file for them that was fetched by hand."""

    model: Annotated[str, Option("a model's name, or its card", metavar="NAME", is_positional=True)]
    file: Annotated[Optional[Path], Option("take this file, which was fetched by hand, after the same checks")] = None
    forget: Annotated[bool, Option("forget the recorded hash: take what comes for right")] = False
    events: Events = False


@dataclass(frozen=True)
class EncodersOptions:
    """List the encoders that any decoder may stand on, with the tags of their published weights."""

    json: Json = False
    write: Annotated[bool, Option("try all that smp and timm know and write the list anew")] = False


@dataclass(frozen=True)
class ReviewOptions:
    """Answer questions about a run while sliders move: JSON lines in and out, until the input ends."""

    run: Annotated[Path, replace(_RUN, help="the folder of a run; its raster may be gone")]


@dataclass(frozen=True)
class RetraceOptions:
    """Trace a run's footprints anew with another threshold or least area, and score them again."""

    run: Annotated[Path, replace(_RUN_IN_QGIS, help="the folder of a run that has come to its end")]
    threshold: Annotated[
        Optional[float], replace(_SHARE, help="default: the one in force", label="Confidence from (0 to 1)")
    ] = None
    min_area_m2: Annotated[Optional[float], replace(_LEAST_AREA, help="default: the one in force", is_strict=True)] = (
        None
    )
    chosen: Annotated[bool, Option("go back to what the run itself had chosen")] = False


@dataclass(frozen=True)
class ReportOptions:
    """Write report.html anew from report.json and what else a run's folder holds."""

    run: Annotated[Path, _RUN_IN_QGIS]
    overwrite: Annotated[bool, Option("replace a report.html that the run has not written")] = False
    json: Json = False


@dataclass(frozen=True)
class RunsOptions:
    """List the runs in folders, the newest first, each read from its own folder."""

    folder: Annotated[
        tuple[Path, ...], Option("of runs, of projects, or of one run", metavar="FOLDER", is_positional=True)
    ]
    json: Json = False


@dataclass(frozen=True)
class CompareOptions:
    """Compare two runs that were scored in the same held-out area: the second one against the first."""

    first: Annotated[Path, replace(_RUN, label="Folder of the first run", kind=FOLDER)]
    second: Annotated[Path, replace(_RUN, label="Folder of the second run", kind=FOLDER)]
    json: Json = False


@dataclass(frozen=True)
class SendOptions:
    """Write a run as one zip, without imagery, probabilities and the paths of this machine."""

    run: Annotated[Path, _RUN_IN_QGIS]
    out: Annotated[Path, Option("the zip", metavar="F.zip")]
    overwrite: Overwrite = False


@dataclass(frozen=True)
class ModelsOptions:
    """List the base models."""

    json: Json = False


@dataclass(frozen=True)
class DoctorOptions:
    """Examine the worker's environment."""

    json: Json = False
