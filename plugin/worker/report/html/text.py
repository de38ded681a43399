"""The sentences of a page, and how its figures are written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ....core.block_roles import HELD_OUT, ROLES, TRAINING, VALIDATION
from ....core.counts import Counts
from ....core.report import Ground
from .scores import read_difference
from .source import ReportSource, name_file

UNKNOWN = "\u2013"
STAGE_WORDS = {
    "base": "score the base model",
    "tune": "tune",
    "predict": "predict the whole raster",
    "trace": "trace footprints",
    "score": "score the tuned model",
    "write": "write the report",
}
_SETTING_WORDS = {
    "min_area_m2": "minimum area (m²)",
    "simplify_m": "simplification (m)",
    "square": "right angles",
    "tile_px": "crops (px)",
    "samples": "crops of an epoch",
    "held_out_share": "held-out share",
}
_OPEN_WORDS = {"simplify_m": "one pixel", "min_area_m2": "none"}
_ROLE_WORDS = {TRAINING: "learnt on", VALIDATION: "chosen on", HELD_OUT: "scored on"}


def write_score(value: float | None) -> str:
    """Return a share with three digits."""
    return UNKNOWN if value is None else f"{value:.3f}"


def write_change(value: float | None) -> str:
    """Return a difference with its sign."""
    return UNKNOWN if value is None else f"{value:+.3f}".replace("-", "\u2212")


def write_count(value: float | None) -> str:
    """Return a whole number with commas."""
    return UNKNOWN if value is None else f"{round(value):,}"


def write_interval(interval: tuple[float, float] | None, *, is_change: bool = False) -> str:
    """Return "0.480 to 0.557", "" where there is no interval."""
    return (
        "" if interval is None else " to ".join((write_change if is_change else write_score)(end) for end in interval)
    )


def write_percent(value: float | None) -> str:
    """Return a signed percentage of one digit."""
    return UNKNOWN if value is None else f"{value:+.1f} %".replace("-", "\u2212")


def write_metres(value: float | None) -> str:
    """Return metres with two digits."""
    return UNKNOWN if value is None else f"{value:.2f} m"


def write_area(value: float | None) -> str:
    """Return square metres as hectares, or as square kilometres where it is wide."""
    if value is None:
        return UNKNOWN
    return f"{value / 1e6:,.2f} km²" if value >= 1e6 else f"{value / 1e4:,.2f} ha"


def write_seconds(value: float | None) -> str:
    """Return "330.6 s", with minutes where there are many."""
    if value is None:
        return UNKNOWN
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes else f"{value:.1f} s"


def write_value(value: Any) -> str:
    """Return a setting in words: nobody's folders are told."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(write_value, value)) or "none"
    return name_file(value) if isinstance(value, str) and ("/" in value or "\\" in value) else str(value)


def tell_setting(facts: ReportSource, name: str, value: Any) -> tuple[str, str]:
    """Return a setting's name and value in words; what was left open is as the recipe says."""
    said = _OPEN_WORDS.get(name, "as the recipe says") if value is None else write_value(value)
    history = facts.report.tuning.history
    if name == "epochs" and value is None and history:
        said = f"{history[0].epochs}, as the recipe says"
    return _SETTING_WORDS.get(name, name.replace("_", " ")), said


def write_job(facts: ReportSource) -> str:
    """Return the job as JSON, its paths shortened to file names."""
    content = {name: write_value(value) if isinstance(value, str) else value for name, value in facts.job_text.items()}
    return json.dumps(content, indent=2, ensure_ascii=False)


def tell_when(facts: ReportSource) -> str:
    """Return the tuned model's name and when the report was written."""
    name = facts.card.name or facts.job.name or facts.folder.path.resolve().name
    return f"Tuned model {name}. Written {facts.report.written[:16].replace('T', ' ')} UTC."


def tell_counts(counts: Counts) -> str:
    """Return the F1 of a block and the counts it comes from."""
    return f"F1 {write_score(counts.f1)}. {counts.tp} TP, {counts.fp} FP, {counts.fn} FN."


def tell_best_epoch(facts: ReportSource) -> str:
    """Return which epoch was kept, "" where that is not known."""
    best = facts.report.tuning.best_epoch
    return "" if best is None else f" The epoch that was kept is {best} (dotted)."


def tell_difference(facts: ReportSource) -> str:
    """Return whether the difference is more than noise, in one sentence."""
    if facts.report.difference.sentence:
        return facts.report.difference.sentence
    change, interval = read_difference(facts.report)
    if change is None:
        return "The scores before and after are not both known, so nothing can be said of their difference."
    if interval is None:
        return (
            f"The F1 by building changed by {write_change(change)}; the report holds no interval, so it cannot say "
            "whether that is more than noise."
        )
    where = f"{write_change(change)}, 95 % interval {write_interval(interval, is_change=True)}"
    if interval[0] > 0:
        return f"The tuned model is better by more than noise (F1 by building {where})."
    if interval[1] < 0:
        return f"The tuned model is worse by more than noise (F1 by building {where})."
    return f"The difference is not more than noise (F1 by building {where}, which holds 0)."


def tell_by_hand(facts: ReportSource) -> str:
    """Return that the tuned model's threshold was set manually, and what that does to its figures; "": it was not."""
    return facts.report.by_hand.sentence if facts.report.by_hand else ""


def mark_by_hand(facts: ReportSource) -> str:
    """Return what stands beside the tuned model's figures where something was set after they could be seen, else ""."""
    by_hand = facts.report.by_hand
    if by_hand is None or not by_hand.sentence:
        return ""
    is_threshold = by_hand.threshold != by_hand.chosen_threshold
    return "threshold set manually" if is_threshold else "minimum area set manually"


def tell_scored(facts: ReportSource) -> str:
    """Return on how many buildings and how much ground the scores stand."""
    ground, blocks = facts.report.ground.get(HELD_OUT, Ground()), facts.report.blocks
    said = f"{write_count(ground.buildings)} buildings on {write_area(ground.area_m2)} of held-out ground"
    if blocks:
        said += f" in {len(blocks)} blocks"
    return said + " that the tuning never saw; both models are scored on it by the same rule."


def tell_grounds(facts: ReportSource) -> list[tuple[str, str, str]]:
    """Return for each role what it is for, how many buildings it holds, and how wide it is."""
    rows = []
    for role in ROLES:
        ground = facts.report.ground.get(role, Ground())
        rows.append((f"{role} ({_ROLE_WORDS[role]})", write_count(ground.buildings), write_area(ground.area_m2)))
    return rows


def tell_split(facts: ReportSource) -> list[str]:
    """Return how the ground got its roles, a sentence each."""
    areas, seed = facts.job.areas, facts.report.settings.get("seed")
    said = [
        f"The areas of {name_file(areas)} say what is held out; validation ground is a compact part of the rest."
        if areas
        else f"The ground that holds labels was parted by the plugin, by chance with the seed {seed}."
    ]
    if facts.job.earlier:
        run = name_file(facts.job.parent)
        rest = "ground that was checked since is learnt on, beside what was learnt on before."
        said = [f"Held-out and validation ground are those of the run {run}, unchanged; {rest}"]
    buffer_m = facts.report.buffer_m
    if buffer_m:
        said.append(
            f"Between ground of different roles lies a buffer of {buffer_m:.0f} m: no pixel and no building is on both."
        )
    return said


def tell_imagery(facts: ReportSource) -> list[str]:
    """Return what was done to the imagery, a sentence each."""
    raster = facts.report.raster
    native, working = raster.gsd_m, raster.working_gsd_m
    said = []
    if native is not None and working is not None:
        is_same = abs(native / working - 1) < 1e-3 if working else True
        how = "averaged" if native < working else "interpolated by cubic convolution"
        said.append(
            f"A pixel is {native:.2f} m on the ground; the model worked on it as it is."
            if is_same
            else f"A pixel is {native:.2f} m on the ground; it was {how} to {working:.2f} m, at which the model works."
        )
    said += _tell_bands(facts)
    return [*said, raster.adapted or _tell_stretch(raster.stretch)]


def _tell_bands(facts: ReportSource) -> list[str]:
    bands, names = facts.report.raster.bands, facts.card.bands
    if not bands:
        return []
    known = names if len(names) == len(bands) else ("",) * len(bands)
    read = [
        f"band {band} as {name}" if name else f"band {band}" for band, name in zip(bands, known, strict=True) if band
    ]
    lacking = [name for band, name in zip(bands, known, strict=True) if not band and name]
    rest = f"; the raster has no {' and no '.join(lacking)}" if lacking else ""
    return [f"Read: {', '.join(read)}{rest}."]


def _tell_stretch(stretch: Sequence[tuple[float, float]]) -> str:
    if not stretch:
        return "How the values were stretched is not told."
    if all(limits == (0.0, 255.0) for limits in stretch):
        return "The values are those of the file, 0 to 255."
    return "Values were stretched from " + "; ".join(f"{low:g} to {high:g}" for low, high in stretch) + "."


def tell_limits(facts: ReportSource) -> list[str]:
    """Return what the figures do not say, a sentence each."""
    buffer_m = facts.report.buffer_m
    apart = (
        f"at least {buffer_m:.0f} m from ground that was learnt on" if buffer_m else "beside ground that was learnt on"
    )
    said = [
        f"Held-out ground lies {apart}, in the same imagery.",
        "Expect less in another town, season or sensor's imagery: label some ground there, and score anew.",
        "The labels are taken for the truth. Where they are wrong, late or shifted, the score is wrong with them.",
        "The interval tells how much the F1 hangs on which blocks were held out, not on the training or the labels.",
    ]
    unlike = facts.card.limits or facts.report.base_model.limits
    said += [f"Of the base model: {unlike}"] if unlike else []
    return [*said, _tell_repeatable(facts)]


def _tell_repeatable(facts: ReportSource) -> str:
    if facts.report.repeatability.sentence:
        return facts.report.repeatability.sentence
    if facts.report.device.startswith("CPU"):
        return "On the CPU the same job gives the same figures, with the same versions on the same machine."
    return (
        "On a CUDA device sums are added in an order that changes from run to run (gradients of convolutions and of "
        "resampling): the same job may end with a slightly different F1."
    )


def tell_energy(joules: float | None) -> str:
    """Return the energy that the device tells to have used, "" where it tells none."""
    return "" if joules is None else f"{joules / 3600:.1f} Wh ({joules:,.0f} J), as the GPU itself counts it"
