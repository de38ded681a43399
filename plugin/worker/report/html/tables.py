"""The rows of a page's tables: names, and figures or texts."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from ....core.report import LabelFacts
from .scores import MODELS
from .source import ReportSource, name_file
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
)

_FIGURES: tuple[tuple[str, str, Callable[[float | None], str]], ...] = (
    ("F1 by building", "building.f1", write_score),
    ("Precision", "building.precision", write_score),
    ("Recall", "building.recall", write_score),
    ("Buildings found (TP)", "building.tp", write_count),
    ("Footprints that match no building (FP)", "building.fp", write_count),
    ("Buildings missed (FN)", "building.fn", write_count),
    ("F1, mean over IoU 0.5 to 0.95", "mean_f1", write_score),
    ("F1 by pixel", "pixel.f1", write_score),
    ("IoU by pixel", "pixel.iou", write_score),
    ("Error of the number of buildings", "count_error_percent", write_percent),
    ("Error of the built-up area", "area_error_percent", write_percent),
    ("Distance of outlines from the labels', median", "boundary_m.median", write_metres),
)


def list_scores(facts: ReportSource) -> list[tuple[str, ...]]:
    """Return the scores before and after, those that are known."""
    rows = []
    for name, place, write in _FIGURES:
        values = [attrgetter(place)(facts.score(model)) for model in MODELS]
        if any(value is not None for value in values):
            rows.append((name, *map(write, values)))
    return rows


def list_model(facts: ReportSource) -> list[tuple[str, str]]:
    """Return what is known of the models and their inputs ("": not known)."""
    card, report = facts.card, facts.report
    return [
        ("Base model", " \u00b7 ".join(filter(None, (report.base_model.title, report.base_model.name)))),
        ("Tuned model", card.name or "its card is gone from the run's folder"),
        ("Network", " with ".join(filter(None, (card.architecture, card.encoder)))),
        ("Learnt", card.training),
        ("Says of a pixel", ", ".join(card.outputs)),
        ("Weights (SHA-256)", report.tuning.sha256 or card.sha256),
        ("Raster", f"{facts.raster_name}, {report.raster.crs}"),
        ("Labels", _tell_labels(report.labels)),
    ]


def _tell_labels(labels: LabelFacts) -> str:
    said = f"{name_file(labels.path) or UNKNOWN}, {write_count(labels.used)} used"
    return ". ".join([said, *labels.notes])


def list_settings(facts: ReportSource) -> list[tuple[str, str]]:
    """Return the job's settings in words."""
    return [tell_setting(facts, name, value) for name, value in facts.report.settings.items()]


def list_times(facts: ReportSource) -> list[tuple[str, str]]:
    """Return how long each stage took, and all of them."""
    seconds = facts.report.seconds
    rows = [(STAGE_WORDS.get(name, name), write_seconds(value)) for name, value in seconds.items()]
    return [*rows, ("together", write_seconds(sum(seconds.values())))]


def list_versions(facts: ReportSource) -> list[tuple[str, str]]:
    """Return what computed, the energy it took, and the versions of the libraries."""
    report = facts.report
    return [("Computed on", report.device), ("Energy", tell_energy(report.energy_j)), *report.versions.items()]


def list_licences(facts: ReportSource) -> list[tuple[str, str]]:
    """Return under which licence each part of the run stands."""
    licence = facts.report.base_model.licence or facts.card.licence
    attribution = facts.report.base_model.attribution or facts.card.attribution
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
