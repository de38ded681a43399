"""The charts of a report; None for one whose figures the report does not hold."""

from __future__ import annotations

import math

from markupsafe import Markup

from ....core.events import EpochEnded
from .lineage import name_models
from .scores import MODELS, read_classes, read_curves, read_difference
from .source import ReportSource
from .svg import AFTER, BEFORE, Line, Row, draw_lines, draw_pairs, draw_rows
from .text import write_change, write_interval, write_score


def draw_f1(facts: ReportSource) -> Markup | None:
    """Return the F1 by building of both models, with their intervals where they are known."""
    rows, said = [], []
    for name, model, colour in zip(name_models(facts), MODELS, (BEFORE, AFTER), strict=True):
        f1, interval = facts.score(model).building.f1, facts.score(model).building.interval
        if f1 is None:
            return None
        rows.append(Row(name, colour, f1, interval, write_score(f1)))
        said.append(f"{name} {write_score(f1)}" + (f", interval {write_interval(interval)}" if interval else ""))
    return draw_rows(f"F1 by building: {'; '.join(said)}", rows, most=1.0)


def draw_difference(facts: ReportSource) -> Markup | None:
    """Return the difference of the F1 with its interval, beside the line of no difference."""
    change, interval = read_difference(facts.report)
    if change is None or interval is None:
        return None
    title = f"Difference of the F1: {write_change(change)}, interval {write_interval(interval, is_change=True)}"
    return draw_rows(title, [Row("Difference", AFTER, change, interval, write_change(change))], must_hold=0.0)


def draw_classes(facts: ReportSource) -> Markup | None:
    """Return the F1 of both models by the buildings' size."""
    classes = read_classes(facts.report)
    if not classes:
        return None
    groups = [(each.name, f"{each.labels:,} labels", each.before, each.after) for each in classes]
    said = [f"{each.name} {write_score(each.before)} to {write_score(each.after)}" for each in classes]
    return draw_pairs(f"F1 by size, before to after: {'; '.join(said)}", groups, name_models(facts))


def draw_curves(facts: ReportSource) -> Markup | None:
    """Return the F1 of both models against the IoU that makes a footprint right."""
    curves = read_curves(facts)
    if not curves:
        return None
    colours = zip(name_models(facts), MODELS, (BEFORE, AFTER), strict=True)
    lines = [Line(name, colour, curves[model]) for name, model, colour in colours if curves.get(model)]
    return draw_lines("F1 by building against the IoU asked for", lines, across="IoU above", up="F1", most=1.0)


def draw_loss(facts: ReportSource) -> Markup | None:
    """Return the losses by epoch."""
    history = facts.report.tuning.history
    if not history:
        return None
    lines = [
        Line("Training", BEFORE, [_place(epoch, epoch.train_loss) for epoch in history], None),
        Line("Validation", AFTER, [_place(epoch, epoch.validation_loss) for epoch in history], "6 3"),
    ]
    if not any(y is not None for line in lines for _, y in line.points):
        return None
    return draw_lines("Loss by epoch", lines, across="epoch", up="Loss")


def draw_validation(facts: ReportSource) -> Markup | None:
    """Return the F1 on validation ground by epoch; the epoch that was kept is marked."""
    tuning = facts.report.tuning
    points = [_place(epoch, epoch.validation_f1) for epoch in tuning.history]
    if not any(y is not None for _, y in points):
        return None
    mark = tuning.best_epoch if any(epoch.epoch == tuning.best_epoch for epoch in tuning.history) else None
    title = "F1 by building on validation ground, by epoch"
    lines = [Line("Validation ground", AFTER, points)]
    return draw_lines(title, lines, across="epoch", up="F1 by building", marked=mark, most=1.0)


def _place(epoch: EpochEnded, value: float) -> tuple[float, float | None]:
    """Return a point of a chart; a loss that is no number has no height."""
    return epoch.epoch, value if math.isfinite(value) else None
