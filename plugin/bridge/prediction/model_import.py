"""What the worker does for the list of base models: look into weights, make a card for them, take a given file."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from typing import Callable, Iterator, Sequence

from qgis.PyQt.QtCore import QObject

from ....ui.fields.choices import ImportedModel
from ....ui.model.model_picker import ModelPicker
from ...core.environment import Environment
from ...core.errors import TunerError
from ...core.json_codec import decode
from ...core.model_specs import IdentifiedModel
from ...core.paths import locate_models
from ..worker_client.background import BackgroundJobs
from ..worker_client.client import WorkerClient
from ..worker_client.messages import WARNING, join, log

_Answer = Callable[[object], None]
_Refusal = Callable[[TunerError], None]


class ModelImporter(QObject):
    """Wires a list of base models to the worker; nothing here holds QGIS up. Main thread only."""

    def __init__(self, environment: Environment, picker: ModelPicker, parent: QObject | None = None) -> None:
        """Connect the list."""
        super().__init__(parent)
        self._environment = environment
        self._picker = picker
        self._jobs = BackgroundJobs(self)
        picker.guess_requested.connect(self._guess)
        picker.own_model_requested.connect(self._adopt)
        picker.weights_given.connect(self._fetch)

    def stop(self) -> None:
        """Stop what is under way and wait for it; nothing is shown any more."""
        self._jobs.stop()

    def _guess(self, path: str) -> None:
        self._send(
            ["adopt", path, "--guess"],
            lambda guess: self._picker.show_guess(path, decode(IdentifiedModel, guess, [])),
            lambda error: self._picker.show_no_guess(path, join(error.message, error.hint)),
        )

    def _adopt(self, model: ImportedModel) -> None:
        card = locate_card(Path(model.path))
        self._picker.show_work(self.tr("Making a card for {}").format(Path(model.path).name))
        self._send(list_answers(model, card), lambda _: self._open(card), self._refuse)

    def _fetch(self, name: str, path: str) -> None:
        self._picker.show_work(self.tr("Checking {}").format(Path(path).name))
        self._send(["fetch", name, "--file", path, "--events"], lambda _: self._picker.show_work(""), self._refuse)

    def _open(self, card: Path) -> None:
        self._picker.show_work("")
        self._picker.open_model(str(card))

    def _refuse(self, error: TunerError) -> None:
        self._picker.show_work("")
        self._picker.card_refused.emit(error.message, error.hint)
        log(join(error.message, error.hint), WARNING)

    def _send(self, arguments: Sequence[str], answer: _Answer, refuse: _Refusal) -> None:
        client = WorkerClient(self._environment)
        self._jobs.start(
            lambda _, is_cancelled: client.ask(arguments, is_cancelled),
            lambda outcome: refuse(outcome) if isinstance(outcome, TunerError) else answer(outcome),
        )


def locate_card(weights: Path) -> Path:
    """Return where the card of the user's own weights goes, with the copy of them that the worker makes beside it.

    That is beside the weights, or among the models where nobody may write; nothing that is there is overwritten.
    """
    folder = weights.parent
    if not os.access(folder, os.W_OK):
        folder = locate_models(os.environ) / "own"
        folder.mkdir(parents=True, exist_ok=True)
    names = (weights.stem if number == 1 else f"{weights.stem}_{number}" for number in count(1))
    return next(folder / f"{name}.json" for name in names if not any(_list_taken(folder, name)))


def _list_taken(folder: Path, name: str) -> Iterator[bool]:
    return ((folder / f"{name}{ending}").exists() for ending in (".json", ".safetensors"))


def list_answers(model: ImportedModel, card: Path) -> list[str]:
    """Return the worker's command that makes the card."""
    given = {
        "--out": str(card),
        "--title": model.title,
        "--architecture": model.architecture,
        "--encoder": model.encoder,
        "--outputs": ",".join(model.outputs),
        "--bands": ",".join(model.bands),
        "--mean": _join(model.mean),
        "--std": _join(model.std),
        "--value-range": _join(model.value_range),
        "--gsd-m": "" if model.gsd_m is None else f"{model.gsd_m:g}",
        "--licence": model.licence,
    }
    # with "=", so that a negative number is no option
    return ["adopt", model.path, *(f"{option}={value}" for option, value in given.items() if value)]


def _join(values: Sequence[float]) -> str:
    return ",".join(f"{value:.10g}" for value in values)
