"""``make bench ARGS=improve``: what corrections are worth, on ground that no model of the chain has learnt from.

A first run tunes the starter on the western part of the sample's training ground. Then a script corrects its footprints
on square patches of the rest, one patch after another, until so many buildings are corrected: missed ones added, wrong
ones deleted, badly outlined ones (IoU up to 0.7) drawn anew; and the improving run follows. All models are scored on
the sample's held-out ground. The labels are the oracle: what they have wrong, the corrections have, too.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from plugin.core.folder import RunFolder
from plugin.worker.dataset.split import is_mostly_inside
from plugin.worker.evaluation.metrics import match_footprints
from plugin.worker.geodata.vector import append_layer, read_layer, reproject_geometries

SAMPLE = Path("build/demo/sample").resolve()
OUT = Path("build/improve").resolve()
PATCH_M = 50.0
WELL_OUTLINED = 0.7
SEED = 5


def main(arguments: list[str]) -> int:
    """Print the chain for each count of corrected buildings."""
    parser = argparse.ArgumentParser(prog="make bench ARGS='improve ...'")
    parser.add_argument("--corrected", type=int, nargs="+", default=[30, 100])
    parser.add_argument(
        "--west-share", type=float, default=0.4, help="of the training ground's width, for the first run"
    )
    parser.add_argument("--epochs", type=int, help="of the first run; default: as the recipe says")
    parser.add_argument("--improve-epochs", type=int, help="default: as the tuned model's recipe says")
    parser.add_argument("--samples", type=int, help="crops of an epoch")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    if not (SAMPLE / "made").exists():
        print("The sample city is missing: run make demo once.", file=sys.stderr)
        return 1
    shutil.rmtree(options.out, ignore_errors=True)
    settings = {name: value for name in ("epochs", "samples") if (value := getattr(options, name))}
    first, rest = prepare_first(options.out / "tuned", options.west_share, settings)
    seconds = run(first)
    tell("tuned", seconds, first)
    settings = {**settings, "epochs": options.improve_epochs}
    for wanted in options.corrected:
        corrected = correct(first, rest, wanted)
        folder = prepare_improving(first, options.out / f"improved_{wanted}", corrected, settings)
        seconds = run(folder)
        tell(
            f"improved with {corrected['count']} corrected buildings on {corrected['patches']} patches", seconds, folder
        )
    return 0


def prepare_first(path: Path, west_share: float, settings: dict[str, Any]) -> tuple[RunFolder, Any]:
    """Fill the first run's folder; returns it and the training ground that it leaves out, in the raster's CRS."""
    path.mkdir(parents=True)
    areas = read_layer(str(SAMPLE / "areas.gpkg"))
    roles = areas.columns["role"].astype(str)
    training, held_out = (shapely.union_all(areas.geometries[roles == role]) for role in ("training", "held-out"))
    left, bottom, right, top = training.bounds
    west = shapely.box(left, bottom, left + west_share * (right - left), top)
    parts = np.array([training & west, held_out], dtype=object)
    append_layer(
        path / "areas.gpkg", parts, {"role": np.array(["training", "held-out"], dtype=object)}, areas.crs, "areas"
    )
    job = {
        "raster": str(SAMPLE / "raster.tif"),
        "labels": str(SAMPLE / "labels.gpkg"),
        "areas": "areas.gpkg",
        "settings": settings,
    }
    (path / "job.json").write_text(json.dumps(job), encoding="utf-8")
    return RunFolder(path), shapely.difference(training, west)


def correct(run_folder: RunFolder, rest: Any, wanted: int) -> dict[str, Any]:
    """Correct the footprints patch by patch; returns the polygons, the checked ground and the counts."""
    found = read_layer(str(run_folder.footprints))
    areas = read_layer(str(SAMPLE / "areas.gpkg"))
    labels = read_layer(str(SAMPLE / "labels.gpkg"))
    truths = shapely.get_parts(reproject_geometries(labels.geometries, labels.crs, found.crs))
    ground = reproject_geometries(np.array([rest], dtype=object), areas.crs, found.crs)[0]
    left, bottom, right, top = ground.bounds
    corners = [(x, y) for x in np.arange(left, right, PATCH_M) for y in np.arange(bottom, top, PATCH_M)]
    patches = shapely.box(*np.array([(x, y, x + PATCH_M, y + PATCH_M) for x, y in corners]).T)
    patches = patches[shapely.covers(ground, patches)]
    count, used = 0, []
    for area in np.random.default_rng(SEED).permutation(patches):
        asked, said = (each[is_mostly_inside(each, area)] for each in (truths, found.geometries))
        if len(asked) and count < wanted:
            matching = match_footprints(asked, said)
            is_hit = matching.taken >= 0
            poor = int((is_hit & (matching.iou <= WELL_OUTLINED)).sum())
            count += poor + int((~is_hit).sum()) + len(asked) - int(is_hit.sum())
            used.append(area)
    checked = shapely.union_all(used)
    left_alone = found.geometries[~is_mostly_inside(found.geometries, checked)]
    polygons = np.concatenate([left_alone, truths[is_mostly_inside(truths, checked)]])
    return {
        "polygons": polygons,
        "checked": np.array(used, dtype=object),
        "crs": found.crs,
        "count": count,
        "patches": len(used),
    }


def prepare_improving(first: RunFolder, path: Path, corrected: dict[str, Any], settings: dict[str, Any]) -> RunFolder:
    """Fill the folder of a run that improves the first one's model."""
    folder = RunFolder(path)
    path.mkdir(parents=True)
    shutil.copy(first.split, folder.earlier)
    shutil.copy(first.report, folder.earlier_report)
    append_layer(folder.labels, corrected["polygons"], {}, corrected["crs"], "labels")
    roles = np.full(len(corrected["checked"]), "training", dtype=object)
    append_layer(folder.areas, corrected["checked"], {"role": roles}, corrected["crs"], "areas")
    job = {
        "raster": str(SAMPLE / "raster.tif"),
        "labels": "labels.gpkg",
        "areas": "areas.gpkg",
        "base_model": str(first.card),
        "parent": str(first.path),
        "earlier": "earlier.gpkg",
        "settings": {name: value for name, value in settings.items() if value},
    }
    folder.job.write_text(json.dumps(job), encoding="utf-8")
    return folder


def run(folder: RunFolder) -> float:
    """Let the worker do the job, and return the seconds that it took."""
    began = time.monotonic()
    command = [sys.executable, "-m", "plugin.worker", "run", str(folder.job)]
    with (folder.path / "out.txt").open("w") as out:
        subprocess.run(command, check=True, stdout=out, stderr=subprocess.STDOUT)
    return time.monotonic() - began


def tell(name: str, seconds: float, folder: RunFolder) -> None:
    """Print what a run came to."""
    report = json.loads(folder.report.read_text(encoding="utf-8"))
    print(f"\n{name}: {seconds:.0f} s, of which tuning {report['seconds']['tune']:.0f} s")
    for link in report["chain"]:
        building, interval = link["building"], link["building"]["interval"]
        bounds = "no interval" if interval is None else f"95 % interval {interval[0]:.3f} to {interval[1]:.3f}"
        print(f"  {link['role']:9} F1 by building {building['f1']:.3f} ({bounds}), by pixel {link['pixel']['f1']:.3f}")
    print(f"  {report['difference']['sentence']}\n  In all: {report['gain']['sentence']}", flush=True)
