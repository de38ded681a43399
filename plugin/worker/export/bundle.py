"""What is given away of a model: an ONNX file, a card for people, or both."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from ...core.card import Card
from ...core.errors import RunError
from ...core.json_codec import encode
from ...core.output_files import require_free
from ..runtime.progress import NotifyingProgress
from .model_card import write_model_card
from .onnx_file import CARD_KEY, Exported, export_onnx

_ONNX, _CARD = ".onnx", ".md"
#: What is in every file that was written here.
_MARKS = {_ONNX: CARD_KEY.encode(), _CARD: b"It maps the footprints of buildings from imagery"}


@dataclass(frozen=True)
class ModelBundle:
    """What was written: the ONNX file (None: not asked for), and the card for people (None: not asked for)."""

    exported: Exported | None
    card: Path | None

    @property
    def files(self) -> dict[str, str]:
        """The files by name, as a worker's last event tells them."""
        onnx = {} if self.exported is None else {"onnx": str(self.exported.path)}
        return onnx if self.card is None else {**onnx, "model_card": str(self.card)}

    @property
    def figures(self) -> dict[str, float]:
        """What was measured, by name."""
        return {} if self.exported is None else {"difference": self.exported.difference}

    def describe(self) -> list[str]:
        """Return it as lines for a person: the files, the largest difference, the metadata."""
        lines = [f"{name}: {path}" for name, path in self.files.items()]
        if self.exported is None:
            return lines
        told = [f"  {key} = {json.dumps(value)}" for key, value in encode(self.exported.metadata).items()]
        difference = f"largest difference of a probability, onnxruntime from torch: {self.exported.difference:.3g}"
        return [*lines, difference, "metadata:", *told]


def write_bundle(
    card: Card,
    out: Path,
    what: str,
    tile_px: int | None,
    progress: NotifyingProgress,
    *,
    may_replace: bool = False,
) -> ModelBundle:
    """Write ``onnx``, ``card`` or ``both`` to a folder, or to a file's name (``.onnx``, ``.md``) and beside it.

    Raises InputError and RunError as ``export_onnx`` does, where a file is there already unless it ``may_replace`` it
    (of what ``out`` does not name itself, only what an export has written), and where the folder cannot be made.
    """
    if not card.is_finetuned:
        progress.send_notice(f'The model "{card.name}" has not been trained on buildings.', "Tune it first.", "warning")
    place = _name_files(card, out)
    for ending in {"onnx": (_ONNX,), "card": (_CARD,)}.get(what, (_ONNX, _CARD)):
        path = place.with_suffix(ending)
        is_meant = may_replace and (path == out or _is_own(path))
        require_free(path, [str(card.weights_path)], may_replace=is_meant)
    exported = export_onnx(card, place.with_suffix(_ONNX), tile_px) if what != "card" else None
    progress.report(0.95)
    if exported is not None:
        progress.send_notice(f"onnxruntime's probabilities differ from torch's by at most {exported.difference:.1e}.")
    if what == "onnx":
        return ModelBundle(exported, None)
    write_model_card(card, place.with_suffix(_CARD), exported)
    return ModelBundle(exported, place.with_suffix(_CARD))


def _is_own(path: Path) -> bool:
    """Tell whether a file that nobody has named is one that an export has written."""
    return path.is_file() and _MARKS[path.suffix] in path.read_bytes()


def _name_files(card: Card, out: Path) -> Path:
    """Return the path that the files share but for their endings, in a folder that is there."""
    is_file = out.suffix in (_ONNX, _CARD)
    folder = out.parent if is_file else out
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"The folder {folder} cannot be made: {error}", "Choose another.") from error
    return out if is_file else folder / f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', card.name)}{_ONNX}"
