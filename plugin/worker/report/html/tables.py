"""The rows of a page's tables: names, and figures or texts."""

from __future__ import annotations

from typing import Any

from .scores import MODELS
from .source import ReportSource, name_file, pick, read_number
from .text import (
    STAGE_WORDS,
    UNKNOWN,
    tell_energy,
    tell_setting,
    write_count,
    write_metres,
    write_percent,
    write_score,
    write_seconds,
    write_value,
)

_Figure = tuple[str, tuple[str, ...], Any]
_FIGURES: tuple[_Figure, ...] = (
    ("F1 by building", ("building", "f1"), write_score),
    ("Precision", ("building", "precision"), write_score),
    ("Recall", ("building", "recall"), write_score),
    ("Buildings found (TP)", ("building", "tp"), write_count),
    ("Footprints that match no building (FP)", ("building", "fp"), write_count),
    ("Buildings missed (FN)", ("building", "fn"), write_count),
    ("F1, mean over IoU 0.5 to 0.95", ("mean_f1",), write_score),
    ("F1 by pixel", ("pixel", "f1"), write_score),
    ("IoU by pixel", ("pixel", "iou"), write_score),
    ("Error of the number of buildings", ("count_error_percent",), write_percent),
    ("Error of the built-up area", ("area_error_percent",), write_percent),
    ("Distance of outlines from the labels', median", ("boundary_m", "median"), write_metres),
)


def list_scores(facts: ReportSource) -> list[tuple[str, ...]]:
    """Return the scores before and after, those that are known."""
    rows = []
    for name, place, write in _FIGURES:
        values = [facts.pick_number(model, *place) for model in MODELS]
        if any(value is not None for value in values):
            rows.append((name, *map(write, values)))
    return rows


def list_model(facts: ReportSource) -> list[tuple[str, str]]:
    """Return what is known of the models and their inputs ("": not known)."""
    card = facts.card
    base = filter(None, (facts.pick_text("base_model", "title"), facts.pick_text("base_model", "name")))
    return [
        ("Base model", " \u00b7 ".join(base)),
        ("Tuned model", str(card.get("name", "")) or "its card is gone from the run's folder"),
        ("Network", " with ".join(str(card[name]) for name in ("architecture", "encoder") if card.get(name))),
        ("Learnt", str(card.get("training", ""))),
        ("Says of a pixel", write_value(card["outputs"]) if isinstance(card.get("outputs"), list) else ""),
        ("Weights (SHA-256)", facts.pick_text("tuning", "sha256") or str(card.get("sha256", ""))),
        ("Raster", f"{facts.raster_name}, {facts.pick_text('raster', 'crs')}"),
        ("Labels", _tell_labels(facts)),
    ]


def _tell_labels(facts: ReportSource) -> str:
    used, notes = facts.pick_number("labels", "used"), facts.pick_list("labels", "notes")
    said = f"{name_file(facts.pick_text('labels', 'path')) or UNKNOWN}, {write_count(used)} used"
    return ". ".join([said, *map(str, notes)])


def list_settings(facts: ReportSource) -> list[tuple[str, str]]:
    """Return the job's settings in words."""
    return [tell_setting(facts, name, value) for name, value in facts.pick_object("settings").items()]


def list_times(facts: ReportSource) -> list[tuple[str, str]]:
    """Return how long each stage took, and all of them."""
    seconds = {name: read_number(value) for name, value in facts.pick_object("seconds").items()}
    total = sum(value for value in seconds.values() if value is not None)
    rows = [(STAGE_WORDS.get(name, name), write_seconds(value)) for name, value in seconds.items()]
    return [*rows, ("together", write_seconds(total))]


def list_versions(facts: ReportSource) -> list[tuple[str, str]]:
    """Return what computed, the energy it took, and the versions of the libraries."""
    versions = [(name, str(value)) for name, value in facts.pick_object("versions").items()]
    return [("Computed on", facts.pick_text("device")), ("Energy", tell_energy(facts)), *versions]


def list_licences(facts: ReportSource) -> list[tuple[str, str]]:
    """Return under which licence each part of the run stands."""
    licence = str(pick(facts.report, "base_model", "licence") or facts.card.get("licence") or "")
    attribution = facts.pick_text("base_model", "attribution") or str(facts.card.get("attribution") or "")
    return [
        ("Raster", f"{facts.raster_name}: as the raster's owner states."),
        (
            "Labels",
            "As the labels' owner states. Footprints of a model that learnt from them may count as derived from them.",
        ),
        ("Base model", licence or "as its maker states"),
        ("Attribution", attribution),
        ("Tuned model", f"As the base model ({licence})." if licence else "As the base model."),
    ]
