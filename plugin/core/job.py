"""Jobs: what a run is to do. A job validates itself and is saved as ``job.json`` in the run's folder."""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Iterable, Optional

from .atomic_file import write_json
from .block_roles import read_block_roles
from .errors import InputError
from .json_codec import decode
from .option import POLYGONS, RASTER, Option, list_options
from .source_names import is_file_name, resolve_source
from .vector_source import split_source

DEFAULT_BASE_MODEL = "starter"
RECIPES = ("model", "solaris_2019")
MOST_SHIFT_M = 100.0
DEVICES = ("auto", "cpu", "cuda")
_MOST_WITHHELD = 0.8
_AS_RECIPE = "default: as the recipe says"

Bands = Annotated[
    tuple[int, ...],
    Option(
        "The raster's band for each band that the model reads, with commas between; 0 for one that the raster lacks."
        " Empty: by their colours, or as the layer is drawn.",
        label="Bands",
        metavar="1,2,3",
    ),
]
Epochs = Annotated[
    Optional[int], Option(f"training epochs; {_AS_RECIPE}", "Epochs", subject="Epochs", least=1, most=1000)
]
LearningRate = Annotated[
    Optional[float], Option(f"of AdamW, at its highest; {_AS_RECIPE}", "Learning rate", least=0, most=1, bounds="(]")
]
BatchSize = Annotated[Optional[int], Option(f"crops a step; {_AS_RECIPE}", "Batch size", least=1, most=512)]
Samples = Annotated[
    Optional[int],
    Option(
        f"crops an epoch; {_AS_RECIPE}", "Epoch size in tiles", subject="The crops of an epoch", least=1, most=100_000
    ),
]
ReplayShare = Annotated[
    float,
    Option(
        "in an improving run: the share of crops from areas that were learned before",
        "Share of the crops on ground that was learnt earlier",
        subject="The share of replayed ground",
        least=0,
        most=0.9,
    ),
]
Seed = Annotated[int, Option("of the split, the crops and the training", "Seed", least=0)]
Device = Annotated[str, Option("auto: the GPU if it can be used", "Device", choices=DEVICES)]
Threads = Annotated[int, Option("CPU threads; 0: all cores", subject="The number of threads", least=0, most=1024)]
_SHIFT = Option(
    "moves the run's copy of the labels",
    subject="The shift of the labels",
    unit="m",
    least=-MOST_SHIFT_M,
    most=MOST_SHIFT_M,
)


@dataclass(frozen=True)
class Settings:
    """The few choices of a run. None means: as the recipe says."""

    recipe: Annotated[
        str,
        Option(
            "model: the base model's own recipe. solaris_2019: that of CosmiQ Works' tutorial of 2019, three epochs of"
            " all layers at a tenth of the base learning rate, nothing else",
            "Recipe",
            choices=RECIPES,
        ),
    ] = RECIPES[0]
    epochs: Epochs = None
    learning_rate: LearningRate = None
    batch_size: BatchSize = None
    tile_px: Annotated[
        Optional[int],
        Option(
            f"side of a crop; {_AS_RECIPE}",
            "Tile size in pixels, a multiple of 32",
            subject="The tiles",
            unit="px",
            least=64,
            most=2048,
            multiple_of=32,
        ),
    ] = None
    samples: Samples = None
    min_area_m2: Annotated[
        float,
        Option(
            "smaller footprints are dropped",
            "Minimum area (m²)",
            "MIN_AREA",
            subject="The minimum area",
            unit="m²",
            least=0,
            most=1_000_000,
        ),
    ] = 5.0
    simplify_m: Annotated[
        Optional[float],
        Option(
            "how far simplification may move an outline; default: a pixel of the file, or 1.25 of the grid",
            subject="The simplification",
            unit="m",
            least=0,
            most=100,
        ),
    ] = None
    square: Annotated[bool, Option("right angles where they fit", "Right angles")] = True
    held_out_share: Annotated[
        float, Option("share of the labelled buildings", "Held-out share", least=0.05, most=0.6)
    ] = 0.25
    validation_share: Annotated[
        float, Option("share of the labelled buildings", subject="The validation share", least=0.05, most=0.4)
    ] = 0.15
    seed: Seed = 1
    device: Device = "auto"
    threads: Threads = 0
    shift_east_m: Annotated[
        float,
        replace(
            _SHIFT, help="moves the run's copy of the labels", label="Move the labels east (m)", parameter="SHIFT_EAST"
        ),
    ] = 0.0
    shift_north_m: Annotated[float, replace(_SHIFT, label="Move the labels north (m)", parameter="SHIFT_NORTH")] = 0.0
    replay_share: ReplayShare = 0.5

    def find_problems(self) -> list[str]:
        """Return one sentence for each setting that cannot be used."""
        wrong = [option for option in list_options(Settings) if not option.accepts(getattr(self, option.name))]
        problems = [f"{option.subject or f'The {option.label.lower()}'} {option.rule}." for option in wrong]
        if self.held_out_share + self.validation_share > _MOST_WITHHELD:
            problems.append(f"The held-out and the validation share together must be at most {_MOST_WITHHELD}.")
        return list(dict.fromkeys(problems))


@dataclass(frozen=True)
class Job:
    """One fine-tuning job; a file's paths may be relative to the job's own folder.

    A job that improves a tuned model names in ``parent`` the folder of the run that tuned it, and in ``earlier`` that
    run's ``split.gpkg`` (a copy): its held-out and validation ground are taken over with their labels. Then ``labels``
    are the corrected footprints and ``areas`` the ground where they are right (role ``training``); beside ``earlier``
    lies ``earlier.json``, that run's ``report.json``. Corrections are never shifted, and ``block_roles`` are none.
    """

    raster: Annotated[
        str,
        Option(
            "a georeferenced raster file: 8-bit, 16-bit or float values, any number of bands. In job.json also an"
            " unpacked folder in the layout of SpaceNet 1, 2, 4, 6 or 7: the tiles become a VRT, the GeoJSON files one"
            " layer, and the labelled tiles the areas",
            "Raster",
            kind=RASTER,
        ),
    ]
    labels: Annotated[
        str,
        Option(
            "polygons in any coordinate system, as FILE or FILE|LAYER; in job.json optional if the raster is a SpaceNet"
            " folder",
            "Labels (building polygons)",
            kind=POLYGONS,
        ),
    ]
    labels_layer: Annotated[str, Option("the layer in that file; default: the only one with polygons")] = ""
    areas: Annotated[
        str,
        Option(
            "polygons with a text field role: training or held-out, as FILE or FILE|LAYER. Inside an area every"
            " building is labelled; outside, nothing is learned or scored",
            'Areas, with a field "role": training or held-out',
            kind=POLYGONS,
        ),
    ] = ""
    areas_layer: Annotated[str, Option("the layer in that file; default: the only one with polygons")] = ""
    base_model: Annotated[
        str,
        Option(
            "a model's name, DECODER:ENCODER[:WEIGHTS] such as unet:resnet34:imagenet, or the path of a card",
            "Base model",
        ),
    ] = DEFAULT_BASE_MODEL
    bands: Bands = ()
    block_roles: Annotated[
        tuple[str, ...],
        Option(
            "blocks of the split whose role you changed, such as 12=held-out; the command split shows the numbers",
            "Changed blocks, such as 12=held-out,14=left-out",
        ),
    ] = ()
    name: Annotated[str, Option("the run's name")] = ""
    parent: Annotated[str, Option("in a run that improves a tuned model: the folder of the run that made it")] = ""
    earlier: Annotated[str, Option("and a copy of that run's split.gpkg")] = ""
    settings: Settings = field(default_factory=Settings)

    def check(self) -> None:
        """Raise InputError with every problem that can be seen without opening a file."""
        problems = [*self.settings.find_problems(), *self._find_problems_of_improving()]
        names = (self.raster, self.labels, self.areas, self.base_model, self.parent, self.earlier)
        problems += [f"{name!a} is no name of a file." for name in names if not is_file_name(name)]
        if not self.raster:
            problems.append("No raster is chosen.")
        if not self.labels and not (self.raster and Path(self.raster).is_dir()):
            problems.append("No labels are chosen.")
        if any(band < 0 for band in self.bands) or (self.bands and not any(self.bands)):
            problems.append("Bands are counted from 1; 0 means that the raster has no such band.")
        try:
            read_block_roles(self.block_roles)
        except InputError as error:
            problems.append(f"{error.message} {error.hint}")
        if problems:
            raise InputError(" ".join(problems), "Correct the job and start it again.")

    def _find_problems_of_improving(self) -> list[str]:
        if not self.parent and not self.earlier:
            return []
        checks = [
            (bool(self.earlier), "A parent is named, but not the split of its run (earlier)."),
            (bool(self.parent), "The split of an earlier run is named, but not that run (parent)."),
            (bool(self.areas), "No area is marked as checked (areas)."),
            (
                self.base_model.endswith((".json", ".safetensors")),
                "A run that improves a model must start from the card of a tuned model.",
            ),
            (not self.block_roles, "A run that improves a model keeps the blocks of the earlier run."),
        ]
        return [sentence for is_fine, sentence in checks if not is_fine]

    def save(self, path: Path) -> None:
        """Write the job as JSON, by a temporary name; raises RunError."""
        write_json(path, asdict(self))


#: A job of which nothing is known.
NO_JOB = Job("", "")


def load_job(path: Path) -> Job:
    """Read a job; relative paths in it are taken from its own folder.

    Raises InputError where the file is missing, is no JSON, names a field that a job does not have, or holds values
    that cannot be used: all of them are told together.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"There is no job file {path}.", "Give the path of a job.json.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"The job file {path} cannot be read: {error}", "Write the file again.") from error
    if not isinstance(content, dict):
        raise InputError(f"The job file {path} must hold a JSON object.", "Write the file again.")
    settings = content.pop("settings", None) or {}
    if not isinstance(settings, dict):
        raise InputError(f'"settings" in the job file {path} must be an object.', "Correct the file.")
    _refuse_unknown_fields(content, Job, path)
    _refuse_unknown_fields(settings, Settings, path)
    given = {
        name: value for name, value in content.items() if value is not None or name not in ("bands", "block_roles")
    }
    problems = list[str]()
    job = replace(decode(Job, given, problems, base=NO_JOB), settings=decode(Settings, settings, problems))
    if problems:
        raise InputError(f"The job file {path} holds values of the wrong type. {' '.join(problems)}", "Correct them.")
    job = _name_layers(_resolve_paths(job, path.resolve().parent))
    job.check()
    return job


def _name_layers(job: Job) -> Job:
    """Return the job with ``FILE|LAYER`` taken apart; raises InputError where two layers are named for one file."""
    labels, labels_layer = _name_layer(job.labels, job.labels_layer)
    areas, areas_layer = _name_layer(job.areas, job.areas_layer)
    return replace(job, labels=labels, labels_layer=labels_layer, areas=areas, areas_layer=areas_layer)


def _name_layer(source: str, layer: str) -> tuple[str, str]:
    file, named = split_source(source)
    if layer and named and layer != named:
        raise InputError(f'The job names two layers of {file}: "{named}" and "{layer}".', "Name one of them.")
    return file, layer or named


def _refuse_unknown_fields(content: Iterable[str], kind: type[Any], path: Path) -> None:
    known = [item.name for item in fields(kind)]
    for name in content:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f'Did you mean "{near[0]}"?' if near else "Known fields: " + ", ".join(known) + "."
            raise InputError(f'The job file {path} has a field "{name}" that a job does not have.', hint)


def _resolve_paths(job: Job, folder: Path) -> Job:
    def resolve(text: str) -> str:
        return resolve_source(text, folder)

    is_file = job.base_model.endswith((".json", ".safetensors"))
    base_model = resolve(job.base_model) if is_file else job.base_model
    job = replace(job, raster=resolve(job.raster), labels=resolve(job.labels), areas=resolve(job.areas))
    return replace(job, parent=resolve(job.parent), earlier=resolve(job.earlier), base_model=base_model)
