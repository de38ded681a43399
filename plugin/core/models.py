"""The registry of models: one card a model. To add a model, add a card to ``resources/models``."""

from __future__ import annotations

import difflib
import json
from dataclasses import replace
from pathlib import Path

from .card import Card
from .card_check import find_problems
from .errors import InputError
from .json_codec import MissingValueError, decode
from .model_specs import is_start, make_start
from .paths import RESOURCES

MODELS_FOLDER = RESOURCES / "models"


def load_card(path: Path) -> Card:
    """Read a card, passing over fields of a newer plugin; raises InputError where it is missing or absurd."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        card = replace(decode(Card, content), folder=str(path.resolve().parent))
        problems = find_problems(card)
    except FileNotFoundError:
        raise InputError(f"There is no model card {path}.", "Choose another base model.") from None
    except MissingValueError as error:
        raise InputError(f"The model card {path} has no {error.name!r}.", "Choose another base model.") from error
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
