"""A worker that computes nothing and keeps the protocol: it lets the bridge's tests choose how a run goes.

STAND_IN says how: "" (goes to its end), "fails", "refuses" its inputs, "silent in STAGE" (waits for an order there),
"deaf in STAGE" (hears none), "dies in STAGE" (by kill -9). A review's stage "trace" may be "slow", too, or "errs".
"""

import base64
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from osgeo import ogr, osr

from plugin.core.block_roles import read_block_roles
from plugin.core.events import (
    STAGES,
    Cancelled,
    EpochEnded,
    Failed,
    Finding,
    Finished,
    Notice,
    Progress,
    Scored,
    StageStarted,
    Started,
    format_event,
)
from plugin.core.folder import RunFolder
from plugin.core.job import load_job
from plugin.core.json_codec import decode
from plugin.core.paths import RESOURCES
from plugin.core.score import Score

ogr.UseExceptions()
BEHAVIOUR, _, WHERE = os.environ.get("STAND_IN", "").partition(" in ")
PIXEL = {"tp": 1, "fp": 1, "fn": 1, "precision": 0.5, "recall": 0.5, "f1": 0.5}
BEFORE = {"building": {**PIXEL, "tp": 1, "fp": 3, "fn": 3, "f1": 0.25}, "pixel": PIXEL, "threshold": 0.5}
AFTER = {"building": {**PIXEL, "tp": 3, "fp": 1, "fn": 1, "f1": 0.75}, "pixel": PIXEL, "threshold": 0.5}
orders = set()


def emit(event):
    print(format_event(event), flush=True)


def listen():
    pending = b""
    while chunk := os.read(0, 1024):
        pending += chunk
        orders.update(line.decode() for line in pending.split(b"\n")[:-1] if line != b"follow")
    orders.add("cancel")


def enter(stage):
    emit(StageStarted(stage))
    emit(Progress(stage, 0.5, 1.0))
    print(f"now in {stage}", file=sys.stderr, flush=True)
    if stage == WHERE and BEHAVIOUR == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    while stage == WHERE and (BEHAVIOUR == "deaf" or (BEHAVIOUR == "silent" and not orders)):
        time.sleep(0.02)
    if "cancel" in orders:
        emit(Cancelled(stage))
        sys.exit(1)


def write_squares(path, layer, field, values):
    driver, crs = ogr.GetDriverByName("GPKG"), osr.SpatialReference()
    crs.ImportFromEPSG(32645)
    source = driver.Open(str(path), 1) if path.exists() else driver.CreateDataSource(str(path))
    made = source.CreateLayer(layer, crs, ogr.wkbPolygon)
    made.CreateField(ogr.FieldDefn(field, ogr.OFTString if isinstance(values[0], str) else ogr.OFTReal))
    for place, value in enumerate(values):
        feature = ogr.Feature(made.GetLayerDefn())
        feature.SetField(field, value)
        x, y = 500000 + 20 * place, 3000000
        ring = f"{x} {y},{x + 9} {y},{x + 9} {y + 9},{x} {y + 9},{x} {y}"
        feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POLYGON(({ring}))"))
        made.CreateFeature(feature)


def run(path):
    job, folder = load_job(path), RunFolder(path.parent)
    Path(folder.state).write_text("{}", encoding="utf-8")
    emit(Started(str(folder.path), pid=os.getpid()))
    emit(Notice("warning", "2 invalid labels were repaired for this run."))
    if BEHAVIOUR in ("fails", "refuses"):
        is_refusal = BEHAVIOUR == "refuses"
        emit(Failed("No label touches the raster.", "Choose labels of the same place.", "check", "", is_refusal))
        sys.exit(1)
    for stage in STAGES:
        enter(stage)
        if stage == "tune":
            emit(EpochEnded(1, 1, 0.5, 0.6, 0.7, is_best=True))
    emit(Scored("before", decode(Score, BEFORE)))
    emit(Scored("after", decode(Score, AFTER)))
    for name in (folder.footprints, folder.base_footprints):
        if not name.exists():
            write_squares(name, name.stem, "confidence", [0.9, 0.8])
    if not folder.split.exists():
        write_squares(folder.split, "labels", "role", ["training"])
        write_squares(folder.split, "blocks", "role", ["training", "held-out"])
    report = {"job": job.name}
    if job.parent:
        report = improve(job, folder)
    folder.report.write_text(json.dumps(report), encoding="utf-8")
    emit(Finished({}, decode(Score, BEFORE), decode(Score, AFTER)))


def improve(job, folder):
    """Write what the review of an improved run asks for besides, and return its report."""
    for name in ("before", "after"):
        write_squares(folder.errors, name, "outcome", ["TP", "FN"])
    for mine, earlier in ((folder.card, Path(job.base_model)), (folder.split, Path(job.earlier))):
        mine.write_bytes(earlier.read_bytes())
    folder.model.write_bytes(b"weights")
    chain = [{"role": role, **score} for role, score in (("base", BEFORE), ("tuned", BEFORE), ("improved", AFTER))]
    difference = {"sentence": "The improved model is better."}
    return {"schema": 2, "before": BEFORE, "after": AFTER, "difference": difference, "chain": chain}


def write_blocks(path, changes):
    """Write four blocks of 10 x 10 m side by side; where the second is held out, the first loses half to the buffer."""
    driver, crs = ogr.GetDriverByName("GPKG"), osr.SpatialReference()
    crs.ImportFromEPSG(32645)
    path.unlink(missing_ok=True)
    source = driver.CreateDataSource(str(path))
    made = source.CreateLayer("blocks", crs, ogr.wkbPolygon)
    for name, kind in (("id", ogr.OFTInteger64), ("role", ogr.OFTString), ("block_role", ogr.OFTString)):
        made.CreateField(ogr.FieldDefn(name, kind))
    made.CreateField(ogr.FieldDefn("buildings", ogr.OFTInteger64))
    roles = {1: "training", 2: "training", 3: "validation", 4: "held-out", **changes}
    for number, role in roles.items():
        left = 500000 + 10 * (number - 1)
        pieces = [(left, left + 10, role, 10 * number)]
        if number == 1 and roles[2] == "held-out":
            pieces = [(left, left + 5, role, 4), (left + 5, left + 10, "buffer", 0)]
        for start, end, shown, buildings in pieces:
            feature = ogr.Feature(made.GetLayerDefn())
            for name, value in (("id", number), ("role", shown), ("block_role", role), ("buildings", buildings)):
                feature.SetField(name, value)
            ring = f"{start} 3000000,{end} 3000000,{end} 2999990,{start} 2999990,{start} 3000000"
            feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POLYGON(({ring}))"))
            made.CreateFeature(feature)


def split(path):
    job, changes = load_job(path), read_block_roles(load_job(path).block_roles)
    emit(Started(str(path.parent)))
    enter("split")
    source = ogr.Open(job.labels)
    emit(Notice("info", f"{source.GetLayer(0).GetFeatureCount()} labels."))
    if BEHAVIOUR == "fails" or "held-out" not in {4: "held-out", **changes}.values():
        emit(Failed("No building lies in the held-out area.", "Give another block the role held-out.", "split"))
        sys.exit(1)
    write_blocks(RunFolder(path.parent).split, changes)
    emit(Finished({"split": str(RunFolder(path.parent).split)}))


def check(path):
    job = load_job(path)
    emit(Started(str(path.parent)))
    enter("check")
    if BEHAVIOUR == "fails":
        emit(Failed("No label touches the raster.", "Choose labels of the same place.", "check"))
        sys.exit(1)
    box = [500002.0, 2999988.0, 500010.0, 2999996.0]
    emit(Finding("tiny", "advice", "One label is tiny.", "Delete it."))
    emit(Finding("twins", "warning", "One label lies exactly on another.", "Delete it.", 1, [box], "EPSG:32645"))
    source = ogr.Open(job.labels)
    emit(Notice("info", f"{source.GetLayer(0).GetFeatureCount()} labels."))
    emit(Finished())


def predict(options):
    emit(Started(options["--out"]))
    enter("check")
    if BEHAVIOUR == "fails":
        emit(Failed("The area lies outside the raster.", "Draw it where the raster is.", "check"))
        sys.exit(1)
    Path(os.environ["FOOTPRINT_TUNER_HOME"], "asked.json").write_text(json.dumps(options), encoding="utf-8")
    if "--ground" in options:
        source = ogr.Open(options["--ground"])
        layer = source.GetLayer(0)
        place = {"extent": layer.GetExtent(), "crs": layer.GetSpatialRef().GetAuthorityCode(None)}
        Path(os.environ["FOOTPRINT_TUNER_HOME"], "ground.json").write_text(json.dumps(place), encoding="utf-8")
    emit(Notice("info", "0.50 m imagery."))
    emit(Notice("warning", "The raster is finer.", "Correct some footprints."))
    enter("predict")
    enter("trace")
    write_squares(Path(options["--out"]), "footprints", "confidence", [0.9, 0.8, 0.7])
    emit(Finished({"footprints": options["--out"]}, figures={"footprints": 3}))


def liken(options):
    if BEHAVIOUR == "fails":
        sys.exit("The area lies outside the raster. Draw it where the raster is.")
    notices = [{"level": "warning", "message": json.dumps(options), "hint": "Look."}] if BEHAVIOUR == "differs" else []
    print(json.dumps({"differences": notices}))


def export(options):
    emit(Started(options["--out"]))
    enter("export")
    if BEHAVIOUR == "fails":
        emit(Failed("This network cannot be written as ONNX.", "Export only its card.", "export"))
        sys.exit(1)
    out = Path(options["--out"])
    out.write_text(json.dumps(options), encoding="utf-8")
    out.with_suffix(".md").write_text("# A model", encoding="utf-8")
    emit(Finished({"onnx": str(out), "model_card": str(out.with_suffix(".md"))}, figures={"difference": 2e-6}))


def adopt(path, options):
    enter("adopt")
    if BEHAVIOUR == "fails":
        print("2026-01-01 WARNING a line of the log", file=sys.stderr)
        sys.exit("This is a pickled module. Save its state_dict instead.")
    if "--guess" in options:
        print(json.dumps({"architecture": "fpn", "encoder": "resnet34", "bands": 4, "outputs": 3}, indent=2))
        return
    given = dict(option[2:].split("=", 1) for option in options)
    card = json.loads((RESOURCES / "models" / "starter.json").read_text("utf-8"))
    bands = given["bands"].split(",")
    card.update(name="own", title=given["title"], weights=Path(path).name, bands=bands)
    card.update(mean=[float(v) for v in given["mean"].split(",")], std=[float(v) for v in given["std"].split(",")])
    card["training"] = json.dumps(given)
    Path(given["out"]).write_text(json.dumps(card), encoding="utf-8")


def fetch(name, options):
    enter("fetch")
    if BEHAVIOUR == "fails":
        emit(Failed("The file is not the one that is published.", "Fetch it anew.", "fetch"))
        sys.exit(1)
    Path(os.environ["FOOTPRINT_TUNER_HOME"], f"fetched {name}").write_bytes(Path(options[1]).read_bytes())
    emit(Finished({"weights": options[1]}))


def spacenet(folder, options):
    out = Path(options["--out"])
    out.mkdir()
    emit(Started(str(out)))
    enter("convert")
    emit(Notice("info", f"{folder}: {options.get('--product', 'the best')}."))
    files = {name: str(out / f"{name}.gpkg") for name in ("labels", "areas")}
    for name, path in files.items():
        write_squares(Path(path), name, "role", ["training", "held-out"])
    emit(Finished({"raster": folder + "/town.tif", **files}))


def report(folder):
    if BEHAVIOUR == "fails":
        sys.exit(f"The folder {folder} holds no report.json. Give the folder of a run.")
    page = RunFolder(Path(folder)).page
    page.write_text("<html><body><main><h1>Report</h1></main></body></html>", encoding="utf-8")
    print(json.dumps({"page": str(page)}, indent=2))


def score(options):
    if BEHAVIOUR == "fails":
        sys.exit("The file is broken. Choose another.")
    sources = [ogr.Open(options[name]) for name in ("--truth", "--footprints")]
    counts = [source.GetLayer(0).GetFeatureCount() for source in sources]
    said = {"tp": min(counts), "fp": 0, "fn": counts[0] - min(counts), "precision": 1.0, "recall": 0.5, "f1": 0.66}
    if "--errors" in options:
        write_squares(Path(options["--errors"]), "errors", "outcome", ["TP", "FN"])
    print(json.dumps({**said, "options": options}, indent=2))


def list_houses(threshold, least):
    """Return squares of 6 m and 4 m in turns, 16 of them in the raster, that are surer the further south they lie."""
    houses = []
    for number in range(16):
        side, sure = (6, 4)[number % 2], (number + 1) / 17
        x, y = 500001 + 8 * (number % 4), 2999999 - 8 * (number // 4)
        if sure >= threshold and side * side >= least:
            houses.append((x, y - side, x + side, y))
    return houses


def draw_houses(houses):
    shape = ogr.Geometry(ogr.wkbMultiPolygon)
    for left, bottom, right, top in houses:
        ring = f"{left} {bottom},{right} {bottom},{right} {top},{left} {top},{left} {bottom}"
        shape.AddGeometry(ogr.CreateGeometryFromWkt(f"POLYGON(({ring}))"))
    return shape


def say(**content):
    print(json.dumps(content), flush=True)


def review(folder):
    if BEHAVIOUR == "fails" or not RunFolder(folder).probability.exists():
        say(failed={"message": "The run's probability is gone.", "hint": "Run the job again."})
        sys.exit(1)
    by_hand = json.loads(RunFolder(folder).report.read_text("utf-8")).get("by_hand") or {}
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32645)
    chosen = {"chosen_threshold": 0.5, "chosen_min_area_m2": 5.0}
    force = {"threshold": by_hand.get("threshold", 0.5), "min_area_m2": by_hand.get("min_area_m2", 5.0)}
    bounds = [500000.0, 2999968.0, 500032.0, 3000000.0]
    say(ready={**force, **chosen, "crs": crs.ExportToWkt(), "gsd_m": 0.5, "bounds": bounds})
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        with Path(folder, "asked.jsonl").open("a", encoding="utf-8") as log:
            log.write(line)
        {"trace": answer_trace, "curve": answer_curve}[request["do"]](request)


def answer_trace(request):
    if WHERE == "trace" and BEHAVIOUR == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if WHERE == "trace" and BEHAVIOUR == "errs":
        say(answer=request["id"], error={"message": "The probability cannot be read.", "hint": "Run the job again."})
        return
    time.sleep(0.1 if BEHAVIOUR == "slow" else 0)
    shape = draw_houses(list_houses(request["threshold"], request["min_area_m2"]))
    wkb = base64.b64encode(bytes(shape.ExportToIsoWkb())).decode()
    say(answer=request["id"], wkb=wkb, count=shape.GetGeometryCount(), is_coarse=False, seconds=0.0)


def answer_curve(request):
    """F1 is highest at 0.4, and the higher the less small ones count."""
    least = request["min_area_m2"]
    points = [[t / 10, 0.5 - (t / 10 - 0.4) ** 2 + least / 1000, 0.5, None] for t in range(1, 10)]
    for done in (0.5, 1.0):
        best = [0.4, 0.5 + least / 1000]
        say(curve={"min_area_m2": least, "points": points[: round(9 * done)], "best": best, "done": done})


def retrace(folder, options):
    folder = RunFolder(folder)
    emit(Started(str(folder.path), pid=os.getpid()))
    report = json.loads(folder.report.read_text("utf-8"))
    if BEHAVIOUR == "fails":
        emit(Failed("The held-out area is another one.", "Run the job again.", "check"))
        sys.exit(1)
    for stage in ("check", "split", "trace", "score", "write"):
        enter(stage)
    is_chosen = "--chosen" in options
    given = {} if is_chosen else dict(zip(options[::2], map(float, options[1::2])))
    threshold, least = given.get("--threshold", 0.5), given.get("--min-area-m2", 5.0)
    made = folder.path / "made.gpkg"
    houses = draw_houses(list_houses(threshold, least))
    driver, crs = ogr.GetDriverByName("GPKG"), osr.SpatialReference()
    crs.ImportFromEPSG(32645)
    source = driver.CreateDataSource(str(made))
    layer = source.CreateLayer("footprints", crs, ogr.wkbPolygon)
    for number in range(houses.GetGeometryCount()):
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(houses.GetGeometryRef(number).Clone())
        layer.CreateFeature(feature)
    layer = source = None
    made.replace(folder.footprints)
    hand = {"threshold": threshold, "min_area_m2": least, "chosen_threshold": 0.5, "chosen_min_area_m2": 5.0}
    hand["sentence"] = f"The threshold was set manually to {threshold:g}."
    after = {"building": {**AFTER["building"], "f1": 0.5 if is_chosen else 0.7}, "pixel": PIXEL}
    written = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    report.update(after=after, by_hand=None if is_chosen else hand, written=written)
    folder.report.write_text(json.dumps(report), encoding="utf-8")
    emit(Finished({}, decode(Score, report["before"]), decode(Score, after)))


def collect(values):
    options, name = {}, ""
    for value in values:
        if value.startswith("--"):
            name = value
        options[name] = "" if value == name else f"{options[name]} {value}".strip()
    return options


verb, *arguments = sys.argv[sys.argv.index("plugin.worker") + 1 :]
if verb in ("run", "check", "split"):
    threading.Thread(target=listen, daemon=True).start()
    {"run": run, "check": check, "split": split}[verb](Path(arguments[0]).resolve())
elif verb in ("adopt", "fetch"):
    {"adopt": adopt, "fetch": fetch}[verb](arguments[0], arguments[1:])
elif verb == "report":
    report(arguments[0])
elif verb == "review":
    review(Path(arguments[0]))
elif verb == "retrace":
    threading.Thread(target=listen, daemon=True).start()
    retrace(Path(arguments[0]), arguments[1:])
else:
    threading.Thread(target=listen, daemon=True).start()
    flags = [name for name in arguments if name in ("--events", "--json")]
    values = [name for name in arguments if name not in flags]
    does = {"predict": predict, "liken": liken, "score": score, "export": export, "spacenet": spacenet}
    first = [values.pop(0)] if verb == "spacenet" else []
    does[verb](*first, collect(values))
