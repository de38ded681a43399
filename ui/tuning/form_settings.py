"""What the dock remembers from one session of QGIS to the next."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, fields

from qgis.core import QgsSettings

from ...plugin.core.errors import InputError
from ...plugin.core.job import Settings
from .form import FormPage

_PREFIX = "footprint_tuner/"
_MOST_MODELS = 8


class FormSettings:
    """Stores the form with QgsSettings and fills it again; what cannot be used any more is left out."""

    def __init__(self, form: FormPage) -> None:
        """Remember nothing yet."""
        self._form = form

    def store(self) -> None:
        """Store the form."""
        settings, picker = QgsSettings(), self._form.modelPicker
        settings.setValue(_PREFIX + "settings", json.dumps(asdict(self._form.settingsGroup.read_settings())))
        settings.setValue(_PREFIX + "base_model", picker.base_model)
        settings.setValue(_PREFIX + "tuned_models", json.dumps(_keep_newest(picker.added_models, picker.base_model)))
        settings.setValue(_PREFIX + "bands", json.dumps(self._form.bandsRow.kept))
        settings.setValue(_PREFIX + "only_selected", self._form.selectedCheck.isChecked())

    def restore(self) -> None:
        """Fill the form; its layers are the project's to remember."""
        settings, picker = QgsSettings(), self._form.modelPicker
        self._form.settingsGroup.show_settings(_parse_settings(str(settings.value(_PREFIX + "settings", "{}"))))
        for path in _parse_list(str(settings.value(_PREFIX + "tuned_models", "[]"))):
            with contextlib.suppress(InputError):
                picker.add_model(path)
        self._form.bandsRow.show_kept(parse_bands(str(settings.value(_PREFIX + "bands", "{}"))))
        picker.choose(str(settings.value(_PREFIX + "base_model", "")) or picker.base_model)
        self._form.selectedCheck.setChecked(settings.value(_PREFIX + "only_selected", False, type=bool))


def _parse_settings(text: str) -> Settings:
    """Return stored settings, the defaults where they cannot be used."""
    known = {item.name for item in fields(Settings)}
    try:
        settings = Settings(**{name: value for name, value in json.loads(text).items() if name in known})
        return Settings() if settings.find_problems() else settings
    except (ValueError, TypeError, AttributeError):
        return Settings()


def _keep_newest(models: list[str], chosen: str) -> list[str]:
    """Return the models that were added last, and the chosen one in any case."""
    return [name for name in models if name == chosen or name in models[-_MOST_MODELS:]]


def parse_bands(text: str) -> dict[str, tuple[int, ...]]:
    """Return stored choices of bands; what is none is left out."""
    try:
        items = json.loads(text).items()
    except (ValueError, AttributeError):
        return {}
    return {key: tuple(bands) for key, bands in items if isinstance(bands, list) and _are_bands(bands)}


def _are_bands(bands: list[object]) -> bool:
    return any(bands) and all(isinstance(band, int) and band >= 0 for band in bands)


def _parse_list(text: str) -> list[str]:
    try:
        items = json.loads(text)
    except ValueError:
        return []
    return [item for item in items if isinstance(item, str)] if isinstance(items, list) else []
