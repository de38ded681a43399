"""A run as one zip to send: without imagery, without probabilities, and without the sender's paths."""

from __future__ import annotations

import contextlib
import html
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping

from .atomic_file import replacing
from .child_process import never
from .errors import InputError, RunError, TunerError
from .folder import RunFolder
from .output_files import require_free
from .run_guard import list_run_files
from .run_list import read_name

#: What is sent as it is, by the names of ``RunFolder``. The rest of a run is imagery, can be computed again, or is a
#: log full of the sender's paths.
_WHOLE = ("corrections", "split", "base_footprints", "footprints", "errors", "model", "note")
#: What is sent without the sender's paths.
_TEXTS = ("report", "earlier_report", "card", "page")
_PICTURE = re.compile(r"<image\b[^>]*>\s*</image>")
#: Folders of an absolute path; with a space in its name only a plain one, lest it be prose.
_PART = r"(?:[^\s\"'<>|\\/]+|[\w()-]+(?: [\w()-]+){1,4})"
_ABSOLUTE = re.compile(rf"(?<![\w:/\\.<])(?:[A-Za-z]:[\\/]|[\\/]{{1,2}})(?:{_PART}[\\/]+)+")
_STORED = {".safetensors"}
_VECTORS = {".gpkg", ".geojson", ".json", ".fgb"}
_PATHS = ("raster", "labels", "areas", "parent", "earlier", "base_model")
_AT_ONCE = 1 << 20


class PackingCancelled(TunerError):  # noqa: N818 - it is no error
    """The user stopped the packing; no zip is left."""

    def __init__(self) -> None:
        """Say the one sentence that there is to say."""
        super().__init__("The zip was not written: it was cancelled.")


@dataclass(frozen=True)
class RunArchive:
    """What is sent of a run: ``files`` as they are, each with its name in the zip, and ``texts``, which are cleaned.

    ``inputs`` are the job's files by its fields, as the zip names them; ``size`` is in bytes before they are pressed.
    """

    folder: RunFolder
    job: Mapping[str, object]
    files: tuple[tuple[Path, str], ...]
    texts: tuple[Path, ...]
    inputs: Mapping[str, str]
    size: int


def plan_archive(folder: RunFolder) -> RunArchive:
    """Return what would be sent of a run; raises InputError where there is nothing that makes a run of it."""
    if not folder.job.is_file():
        raise InputError(f"{folder.path.name} has no job.json: there is no run to send.", "Choose another run.")
    job = _read_object(folder.job)
    files = {path.name: path for path in (getattr(folder, name) for name in _WHOLE) if path.is_file()}
    inputs = {}
    for field in ("labels", "areas", "earlier"):
        given = folder.path / str(job.get(field) or ".")
        name = getattr(folder, field).with_suffix(given.suffix).name
        is_own = given.parent.resolve() == folder.path.resolve()  # a file of the user's may hold what nobody should see
        if is_own and given.suffix in _VECTORS and given.is_file():
            files[name], inputs[field] = given, name
    texts = tuple(path for path in (getattr(folder, name) for name in _TEXTS) if path.is_file())
    size = sum(path.stat().st_size for path in (folder.job, *files.values(), *texts))
    return RunArchive(folder, job, tuple((path, name) for name, path in files.items()), texts, inputs, size)


def pack_run(
    plan: RunArchive,
    target: Path,
    tell: Callable[[float], object] = lambda _: None,
    is_cancelled: Callable[[], bool] = never,
    *,
    may_replace: bool = False,
) -> Path:
    """Write a run as a zip with one folder in it, by a temporary name, and return its path.

    ``tell`` hears the share that is done. Raises InputError where the target lies in the run itself, is an input of the
    run, or is there already unless it ``may_replace`` it; RunError where it cannot be written or a file of the run
    cannot be read, PackingCancelled.
    """
    run = plan.folder.path
    if run.resolve() in target.resolve().parents:
        raise InputError("The zip cannot be written into the run's own folder.", "Choose another folder for it.")
    require_free(target, list_run_files(plan.folder), may_replace=may_replace)
    hide = _Hider(plan)
    done = 0

    def count(size: int) -> None:
        nonlocal done
        if is_cancelled():
            raise PackingCancelled
        done += size
        tell(min(1.0, done / max(1, plan.size)))

    with replacing(target, zipfile.BadZipFile) as partial, zipfile.ZipFile(partial, "w") as archive:
        archive.writestr(_describe(run, plan.folder.job.name), hide.clean_job())
        for path in plan.texts:
            archive.writestr(_describe(run, path.name), hide.clean(path))
        for path, name in plan.files:
            _copy(path, archive, _describe(run, name), count)
    return target


class _Hider:
    """Takes the sender's paths out of a run's texts, and the imagery out of its page."""

    def __init__(self, plan: RunArchive) -> None:
        self._plan, self._job = plan, plan.job
        folder = plan.folder
        own = [str(self._job.get(name) or "") for name in _PATHS]
        paths = {path: read_name(path) for path in own if "\\" in path or "/" in path}
        parents = {f"{path[: -len(name)]}": "" for path, name in paths.items()}
        folders = {str(folder.path): ".", str(folder.path.resolve()): ".", str(Path.home()): "~"}
        known = {path: name for path, name in {**parents, **folders, **paths}.items() if len(path) > 1}
        self._names = {**known, **{html.escape(path): html.escape(name) for path, name in known.items()}}

    def clean_job(self) -> str:
        """Return the job as it is valid in the zip: its files beside it, its raster by name, its parent a sibling."""
        job = dict(self._job)
        for field in ("raster", "labels", "areas", "earlier"):
            if job.get(field):
                job[field] = self._plan.inputs.get(field) or read_name(str(job[field]))
        if job.get("parent"):
            job["parent"] = f"../{read_name(str(job['parent']))}"
        if str(job.get("base_model", "")).endswith((".json", ".safetensors")):
            model = str(job["base_model"]).replace("\\", "/")
            job["base_model"] = "/".join(["..", *model.split("/")[-2:]])
        return json.dumps({name: self._hide(value) for name, value in job.items()}, indent=2, ensure_ascii=False) + "\n"

    def clean(self, path: Path) -> str:
        """Return a text of the run, JSON or HTML, without paths and imagery."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise RunError(f"{path} cannot be read: {error}", "Check that the run's folder is complete.") from error
        if path.suffix == ".json":
            with contextlib.suppress(ValueError):
                return json.dumps(self._hide(json.loads(text)), indent=2, ensure_ascii=False) + "\n"
        return str(self._hide(_PICTURE.sub("", text)))

    def _hide(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._hide(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._hide(item) for item in value]
        if not isinstance(value, str):
            return value
        for path in sorted(self._names, key=len, reverse=True):
            value = value.replace(path, self._names[path])
        return _ABSOLUTE.sub("", value)


def _describe(folder: Path, name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(f"{folder.name}/{name}", date_time=(1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_STORED if Path(name).suffix in _STORED else zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def _copy(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, count: Callable[[int], None]) -> None:
    """Copy a file into the zip; ``count`` hears the size of each piece."""
    with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
        while piece := source.read(_AT_ONCE):
            target.write(piece)
            count(len(piece))


def _read_object(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}", "Check that the run's folder is complete.") from error
    return content if isinstance(content, dict) else {}
