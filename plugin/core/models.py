"""The registry of models: one card a model. To add a model, add a card to ``resources/models``."""

from __future__ import annotations

import difflib
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from .card import Card, Recipe, Seeds
from .card_check import find_problems
from .errors import InputError
from .imagery import Imagery
from .model_specs import is_start, make_start
from .paths import RESOURCES

MODELS_FOLDER = RESOURCES / "models"


def load_card(path: Path) -> Card:
    """Read a card, passing over fields of a newer plugin; raises InputError where it is missing or absurd."""
    try:
        content = _pick_known(json.loads(path.read_text(encoding="utf-8-sig")), Card)
        content["recipe"] = Recipe(**_pick_known(content["recipe"], Recipe))
        if content.get("seeds"):
            content["seeds"] = Seeds(**_pick_known(content["seeds"], Seeds))
        if content.get("imagery"):
            content["imagery"] = Imagery(**_pick_known(content["imagery"], Imagery))
        card = replace(Card(**content), folder=str(path.resolve().parent))
        problems = find_problems(card)
    except FileNotFoundError:
        raise InputError(f"There is no model card {path}.", "Choose another base model.") from None
    except KeyError as error:
        raise InputError(f"The model card {path} has no {error}.", "Choose another base model.") from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"The model card {path} cannot be used: {error}", "Choose another base model.") from error
    if problems:
        raise InputError(
            f'The card of the model "{card.name}" contradicts itself. {" ".join(problems)}',
            "Correct it; the cards in the plugin's resources/models show how one looks.",
        )
    return card


def list_cards(folder: Path = MODELS_FOLDER) -> list[Card]:
    """Return the cards of the models that come with the plugin, by name."""
    return [load_card(path) for path in sorted(folder.glob("*.json"))]


def find_card(name: str) -> Card:
    """Return the card of a model by its name in the registry, as a start, or by its card's path; raises InputError."""
    if name.endswith(".json"):
        return load_card(Path(name))
    if name.endswith(".safetensors"):
        return load_card(Path(name).with_suffix(".json"))
    if is_start(name):
        return make_start(name)
    known = {path.stem: path for path in sorted(MODELS_FOLDER.glob("*.json"))}
    if name in known:
        return load_card(known[name])
    near = difflib.get_close_matches(name, known, n=1)
    guess = f'Did you mean "{near[0]}"? ' if near else ""
    raise InputError(
        f'There is no model named "{name}".',
        f"{guess}Known models: {', '.join(known)}. A tuned model is named by its card.",
    )


def _pick_known(content: Any, kind: type[Any]) -> dict[str, Any]:
    known = {item.name for item in fields(kind)} - {"folder"}
    return {name: _freeze(value) for name, value in content.items() if name in known}


def _freeze(value: Any) -> Any:
    return tuple(_freeze(item) for item in value) if isinstance(value, list) else value
