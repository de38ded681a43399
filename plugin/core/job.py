"""Jobs: what a run is to do. A job validates itself and is saved as ``job.json`` in the run's folder."""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Mapping

from .atomic_file import write_json
from .block_roles import read_block_roles
from .errors import InputError

DEFAULT_BASE_MODEL = "starter"
RECIPES = ("model", "solaris_2019")
MOST_SHIFT_M = 100.0
_MOST_WITHHELD = 0.8

#: What a field's annotation means, in words.
_KINDS = {
    "str": "text",
    "bool": "true or false",
    "int": "a whole number",
    "int | None": "a whole number or null",
    "float": "a number",
    "float | None": "a number or null",
    "tuple[int, ...]": "a list of whole numbers",
    "tuple[str, ...]": "a list of texts",
}


@dataclass(frozen=True)
class Settings:
    """The few choices of a run. None means: as the recipe says.

    ``recipe`` is the base model's own (``model``) or the plain one of CosmiQ Works' Solaris tutorial of 2019
    (``solaris_2019``: three epochs, a tenth of the base training's learning rate, nothing else). ``square`` gives
    footprints right angles where they fit. ``learning_rate`` is per step of AdamW, an epoch takes ``samples`` crops of
    ``tile_px`` pixels a side (a multiple of 32), ``min_area_m2`` in square metres on
    the ground, ``simplify_m`` in metres (None: one pixel), shares from 0 to 1 of the labelled ground, ``threads`` 0
    means all cores. ``replay_share`` of an improving run's crops are of ground that was learnt earlier. The run's copy
    of the labels is moved by ``shift_east_m`` and ``shift_north_m`` metres on the ground.
    """

    recipe: str = RECIPES[0]
    epochs: int | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    tile_px: int | None = None
    samples: int | None = None
    min_area_m2: float = 5.0
    simplify_m: float | None = None
    square: bool = True
    held_out_share: float = 0.25
    validation_share: float = 0.15
    seed: int = 1
    device: str = "auto"
    threads: int = 0
    shift_east_m: float = 0.0
    shift_north_m: float = 0.0
    replay_share: float = 0.5

    def find_problems(self) -> list[str]:
        """Return one sentence for each setting that cannot be used."""
        checks = [
            (self.recipe in RECIPES, f"The recipe must be one of {', '.join(RECIPES)}."),
            (self.epochs is None or 1 <= self.epochs <= 1000, "Epochs must be from 1 to 1000."),
            (
                self.learning_rate is None or 0 < self.learning_rate <= 1,
                "The learning rate must be above 0 and at most 1.",
            ),
            (self.batch_size is None or 1 <= self.batch_size <= 512, "The batch size must be from 1 to 512."),
            (
                self.tile_px is None or (64 <= self.tile_px <= 2048 and self.tile_px % 32 == 0),
                "The tiles must be a multiple of 32 pixels, from 64 to 2048.",
            ),
            (self.samples is None or 1 <= self.samples <= 100_000, "The crops of an epoch must be 1 to 100,000."),
            (0 <= self.min_area_m2 <= 1e6, "The minimum area must be from 0 to 1,000,000 square metres."),
            (
                self.simplify_m is None or 0 <= self.simplify_m <= 100,
                "The simplification must be from 0 to 100 metres.",
            ),
            (0.05 <= self.held_out_share <= 0.6, "The held-out share must be from 0.05 to 0.6."),
            (0.05 <= self.validation_share <= 0.4, "The validation share must be from 0.05 to 0.4."),
            (
                not self.held_out_share + self.validation_share > _MOST_WITHHELD,
                f"The held-out and the validation share together must be at most {_MOST_WITHHELD}.",
            ),
            (0 <= self.replay_share <= 0.9, "The share of replayed ground must be from 0 to 0.9."),
            (self.seed >= 0, "The seed must not be negative."),
            (self.device in ("auto", "cpu", "cuda"), "The device must be auto, cpu or cuda."),
            (0 <= self.threads <= 1024, "The number of threads must be from 0 to 1024."),
            (
                abs(self.shift_east_m) <= MOST_SHIFT_M and abs(self.shift_north_m) <= MOST_SHIFT_M,
                f"The shift of the labels must be at most {MOST_SHIFT_M:g} metres either way.",
            ),
        ]
        return [sentence for is_fine, sentence in checks if not is_fine]


@dataclass(frozen=True)
class Job:
    """One fine-tuning job.

    ``raster`` and ``labels`` are files, or ``raster`` is a folder in SpaceNet's layout: then labels and areas may be
    left out, and those of the folder are taken.
    ``labels_layer`` names a layer inside the labels' file (empty: its first).
    ``areas`` is an optional polygon file whose ``role`` field says ``training`` or ``held-out``: inside an area
    everything is labelled, outside nothing is learnt or scored. ``base_model`` is a model's name in the registry, or
    the path of a tuned model's card. ``bands`` are the raster's bands, counted from 1, in the order in which the base
    model takes them (0: the raster has none like it; empty: chosen by their
    colours). ``block_roles`` are the blocks of the split whose role is not as it was drawn, each like
    ``12=held-out`` (see ``roles``; blocks are numbered as the command ``split`` shows them).

    A job that improves a tuned model names in ``parent`` the folder of the run that tuned it, and in ``earlier`` that
    run's ``split.gpkg`` (a copy): its held-out and validation ground are taken over with their labels. Then ``labels``
    are the corrected footprints and ``areas`` the ground where they are right (role ``training``); beside ``earlier``
    lies ``earlier.json``, that run's ``report.json``. Corrections are never shifted, and ``block_roles`` are none.

    Paths in a saved job may be relative to the job's own folder.
    """

    raster: str
    labels: str
    labels_layer: str = ""
    areas: str = ""
    areas_layer: str = ""
    base_model: str = DEFAULT_BASE_MODEL
    bands: tuple[int, ...] = ()
    block_roles: tuple[str, ...] = ()
    name: str = ""
    parent: str = ""
    earlier: str = ""
    settings: Settings = field(default_factory=Settings)

    def check(self) -> None:
        """Raise InputError with every problem that can be seen without opening a file."""
        problems = [*self.settings.find_problems(), *self._find_problems_of_improving()]
        if not self.raster:
            problems.append("No raster is chosen.")
        if not self.labels and not (self.raster and Path(self.raster).is_dir()):
            problems.append("No labels are chosen.")
        if any(band < 0 for band in self.bands) or (self.bands and not any(self.bands)):
            problems.append("Bands are counted from 1; a 0 says that the raster has no such band.")
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
            (bool(self.areas), "No ground is marked as checked (areas)."),
            (
                self.base_model.endswith((".json", ".safetensors")),
                "A run that improves a model begins with the card of a tuned model.",
            ),
            (not self.block_roles, "A run that improves a model takes its blocks as they were."),
        ]
        return [sentence for is_fine, sentence in checks if not is_fine]

    def save(self, path: Path) -> None:
        """Write the job as JSON, by a temporary name; raises RunError."""
        write_json(path, asdict(self))


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
        raise InputError(f"The job file {path} cannot be read: {error}", "Write it anew.") from error
    if not isinstance(content, dict):
        raise InputError(f"The job file {path} holds no JSON object.", "Write it anew.")
    settings = content.pop("settings", None) or {}
    if not isinstance(settings, dict):
        raise InputError(f'The "settings" of the job file {path} are no JSON object.', "Correct them.")
    _refuse_unknown_fields(content, Job, path)
    _refuse_unknown_fields(settings, Settings, path)
    problems = [*_find_wrong_types(content, Job), *_find_wrong_types(settings, Settings)]
    if problems:
        raise InputError(f"The job file {path} holds values of the wrong type. {' '.join(problems)}", "Correct them.")
    lists = {name: tuple(content.get(name) or ()) for name in ("bands", "block_roles")}
    content = {"raster": "", "labels": "", **content, **lists}
    job = _resolve_paths(Job(**content, settings=Settings(**settings)), path.resolve().parent)
    job.check()
    return job


def _refuse_unknown_fields(content: Mapping[str, Any], kind: type[Any], path: Path) -> None:
    known = [item.name for item in fields(kind)]
    for name in content:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f'Did you mean "{near[0]}"?' if near else "Known fields: " + ", ".join(known) + "."
            raise InputError(f'The job file {path} has a field "{name}" that a job does not have.', hint)


def _find_wrong_types(content: Mapping[str, Any], kind: type[Any]) -> list[str]:
    types = {item.name: str(item.type) for item in fields(kind)}
    return [
        f'"{name}" must be {_KINDS[types[name]]}, not {json.dumps(value)}.'
        for name, value in content.items()
        if not _is_of_type(value, types[name])
    ]


def _is_of_type(value: Any, annotation: str) -> bool:
    if annotation.startswith("tuple"):
        kind = annotation[len("tuple[") : annotation.index(",")]
        return value is None or (isinstance(value, list) and all(_is_of_type(item, kind) for item in value))
    if annotation == "bool" or isinstance(value, bool):
        return annotation == "bool" and isinstance(value, bool)
    if value is None:
        return annotation.endswith("None")
    accepted = {"str": (str,), "int": (int,), "float": (int, float)}
    return isinstance(value, accepted[annotation.partition(" ")[0]])


def _resolve_paths(job: Job, folder: Path) -> Job:
    def resolve(text: str) -> str:
        return str(folder / text) if text else ""

    is_file = job.base_model.endswith((".json", ".safetensors"))
    base_model = resolve(job.base_model) if is_file else job.base_model
    job = replace(job, raster=resolve(job.raster), labels=resolve(job.labels), areas=resolve(job.areas))
    return replace(job, parent=resolve(job.parent), earlier=resolve(job.earlier), base_model=base_model)
