"""The sentences of a page, and how its figures are written."""

from __future__ import annotations

import json
from typing import Any

from ....core.block_roles import HELD_OUT, ROLES, TRAINING, VALIDATION
from ....core.counts import Counts
from .scores import read_difference, read_interval
from .source import ReportSource, name_file, pick, read_number

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
    epochs = facts.pick_number("tuning", "history", 0, "epochs")
    if name == "epochs" and value is None and epochs is not None:
        said = f"{epochs:.0f}, as the recipe says"
    return _SETTING_WORDS.get(name, name.replace("_", " ")), said


def write_job(facts: ReportSource) -> str:
    """Return the job as JSON, its paths shortened to file names."""
    content = {name: write_value(value) if isinstance(value, str) else value for name, value in facts.job.items()}
    return json.dumps(content, indent=2, ensure_ascii=False)


def tell_when(facts: ReportSource) -> str:
    """Return the tuned model's name and when the report was written."""
    name = str(facts.card.get("name") or facts.job.get("name") or facts.folder.path.resolve().name)
    return f"Tuned model {name}. Written {facts.pick_text('written')[:16].replace('T', ' ')} UTC."


def tell_counts(counts: Counts) -> str:
    """Return the F1 of a block and the counts it comes from."""
    return f"F1 {write_score(counts.f1)}. {counts.tp} TP, {counts.fp} FP, {counts.fn} FN."


def tell_best_epoch(facts: ReportSource) -> str:
    """Return which epoch was kept, "" where that is not known."""
    best = facts.pick_number("tuning", "best_epoch")
    return "" if best is None else f" The epoch that was kept is {best:.0f} (dotted)."


def tell_difference(facts: ReportSource) -> str:
    """Return whether the difference is more than noise, in one sentence."""
    said = facts.pick_text("difference", "sentence")
    if said:
        return said
    change, interval = read_difference(facts)
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
    """Return that the tuned model's threshold was set by hand, and what that does to its figures; "": it was not."""
    return facts.pick_text("by_hand", "sentence")


def mark_by_hand(facts: ReportSource) -> str:
    """Return what stands beside the tuned model's figures where something was set after they could be seen, else ""."""
    if not tell_by_hand(facts):
        return ""
    threshold, chosen = (facts.pick_number("by_hand", name) for name in ("threshold", "chosen_threshold"))
    return "minimum area set by hand" if threshold == chosen else "threshold set by hand"


def tell_scored(facts: ReportSource) -> str:
    """Return on how many buildings and how much ground the scores stand."""
    buildings = facts.pick_number("ground", HELD_OUT, "buildings")
    area, blocks = facts.pick_number("ground", HELD_OUT, "area_m2"), facts.pick_list("blocks")
    said = f"{write_count(buildings)} buildings on {write_area(area)} of held-out ground"
    if blocks:
        said += f" in {len(blocks)} blocks"
    return said + " that the tuning never saw; both models are scored on it by the same rule."


def tell_grounds(facts: ReportSource) -> list[tuple[str, str, str]]:
    """Return for each role what it is for, how many buildings it holds, and how wide it is."""
    rows = []
    for role in ROLES:
        count = facts.pick_number("ground", role, "buildings")
        area = facts.pick_number("ground", role, "area_m2")
        rows.append((f"{role} ({_ROLE_WORDS[role]})", write_count(count), write_area(area)))
    return rows


def tell_split(facts: ReportSource) -> list[str]:
    """Return how the ground got its roles, a sentence each."""
    areas, seed = facts.job.get("areas"), facts.pick("settings", "seed")
    said = [
        f"The areas of {name_file(str(areas))} say what is held out; validation ground is a compact part of the rest."
        if areas
        else f"The ground that holds labels was parted by the plugin, by chance with the seed {seed}."
    ]
    if facts.job.get("earlier"):
        run = name_file(str(facts.job.get("parent") or ""))
        rest = "ground that was checked since is learnt on, beside what was learnt on before."
        said = [f"Held-out and validation ground are those of the run {run}, unchanged; {rest}"]
    buffer_m = facts.pick_number("buffer_m")
    if buffer_m:
        said.append(
            f"Between ground of different roles lies a buffer of {buffer_m:.0f} m: no pixel and no building is on both."
        )
    return said


def tell_imagery(facts: ReportSource) -> list[str]:
    """Return what was done to the imagery, a sentence each."""
    native, working = facts.pick_number("raster", "gsd_m"), facts.pick_number("raster", "working_gsd_m")
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
    adapted = facts.pick_text("raster", "adapted")
    return [*said, adapted or _tell_stretch(facts)]


def _tell_bands(facts: ReportSource) -> list[str]:
    bands, names = facts.pick_list("raster", "bands"), facts.card.get("bands")
    if not bands:
        return []
    known = names if isinstance(names, list) and len(names) == len(bands) else [""] * len(bands)
    read = [
        f"band {band} as {name}" if name else f"band {band}" for band, name in zip(bands, known, strict=True) if band
    ]
    lacking = [str(name) for band, name in zip(bands, known, strict=True) if not band and name]
    rest = f"; the raster has no {' and no '.join(lacking)}" if lacking else ""
    return [f"Read: {', '.join(read)}{rest}."]


def _tell_stretch(facts: ReportSource) -> str:
    limits = [read_interval(limit) for limit in facts.pick_list("raster", "stretch")]
    known = [limit for limit in limits if limit]
    if not known:
        return "How the values were stretched is not told."
    if all(limit == (0.0, 255.0) for limit in known):
        return "The values are those of the file, 0 to 255."
    return "Values were stretched from " + "; ".join(f"{low:g} to {high:g}" for low, high in known) + "."


def tell_limits(facts: ReportSource) -> list[str]:
    """Return what the figures do not say, a sentence each."""
    buffer_m = facts.pick_number("buffer_m")
    apart = (
        f"at least {buffer_m:.0f} m from ground that was learnt on" if buffer_m else "beside ground that was learnt on"
    )
    said = [
        f"Held-out ground lies {apart}, in the same imagery.",
        "Expect less in another town, season or sensor's imagery: label some ground there, and score anew.",
        "The labels are taken for the truth. Where they are wrong, late or shifted, the score is wrong with them.",
        "The interval tells how much the F1 hangs on which blocks were held out, not on the training or the labels.",
    ]
    unlike = str(facts.card.get("limits") or pick(facts.report, "base_model", "limits") or "")
    said += [f"Of the base model: {unlike}"] if unlike else []
    return [*said, _tell_repeatable(facts)]


def _tell_repeatable(facts: ReportSource) -> str:
    told = facts.pick_text("repeatability", "sentence")
    if told:
        return told
    if facts.pick_text("device").startswith("CPU"):
        return "On the CPU the same job gives the same figures, with the same versions on the same machine."
    return (
        "On a CUDA device sums are added in an order that changes from run to run (gradients of convolutions and of "
        "resampling): the same job may end with a slightly different F1."
    )


def tell_energy(facts: ReportSource) -> str:
    """Return the energy that the device tells to have used, "" where it tells none."""
    joules = read_number(facts.pick("energy_j"))
    return "" if joules is None else f"{joules / 3600:.1f} Wh ({joules:,.0f} J), as the GPU itself counts it"
