"""The worker's command line: ``python -m plugin.worker COMMAND``. Exit codes: 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

import argparse
import logging
import sys
import traceback
from pathlib import Path
from typing import Any

from ..core.errors import TunerError
from ..core.events import Cancelled, Failed
from .cli import commands, improve, live, runs
from .runtime.channel import Channel
from .runtime.progress import CancelRequested


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    options = build_parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("pyogrio").setLevel(logging.WARNING)
    is_spoken = (options.is_spoken and not getattr(options, "json", False)) or getattr(options, "events", False)
    channel = Channel(is_spoken=is_spoken, listens=options.listens)
    try:
        return options.do(options, channel) or 0
    except (CancelRequested, KeyboardInterrupt):
        channel.emit(Cancelled(channel.stage))
        return _tell("Cancelled.", "What was finished is kept.")
    except TunerError as error:
        channel.emit(Failed(error.message, error.hint, channel.stage, error.code))
        return _tell(error.message, error.hint)
    except Exception as error:  # noqa: BLE001 - the border: whatever happened is said, never only printed as a trace
        traceback.print_exc()
        message = f"Something unforeseen went wrong: {type(error).__name__}: {error}"
        hint = "Look into the log; attach the run's folder to a bug report."
        channel.emit(Failed(message, hint, channel.stage))
        return _tell(message, hint)


def build_parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    parser = argparse.ArgumentParser(prog="python -m plugin.worker", description="Footprint Tuner's worker.")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    run = _add(verbs, "run", commands.run, is_spoken=True, listens=True)
    run.add_argument("job", type=Path, metavar="JOB.json")
    run.add_argument("--fresh", action="store_true", help="forget what an earlier run left in the folder")
    check = _add(verbs, "check", commands.check, is_spoken=True, listens=True)
    check.add_argument("job", type=Path, metavar="JOB.json")
    check.add_argument("--json", action="store_true", help="print the findings as one JSON object, and no events")
    split = _add(verbs, "split", commands.split, is_spoken=True, listens=True)
    split.add_argument("job", type=Path, metavar="JOB.json")
    improve.add_arguments(_add(verbs, "improve", improve.improve, is_spoken=True, listens=True))
    _add_predict(_add(verbs, "predict", commands.predict, listens=True))
    likeness = _add(verbs, "liken", commands.liken)
    _add_order(likeness)
    likeness.add_argument("--json", action="store_true", help="print one JSON object")
    _add_export(_add(verbs, "export", commands.export, listens=True))
    _add_score(_add(verbs, "score", commands.score))
    _add_spacenet(_add(verbs, "spacenet", commands.spacenet, listens=True))
    _add_adopt(_add(verbs, "adopt", commands.adopt))
    fetch = _add(verbs, "fetch", commands.fetch, listens=True)
    fetch.add_argument("model", metavar="NAME", help="a model's name, or its card")
    fetch.add_argument("--file", type=Path, help="take this file, which was fetched by hand, after the same checks")
    fetch.add_argument("--forget", action="store_true", help="forget the recorded hash: take what comes for right")
    fetch.add_argument("--events", action="store_true", help="print events instead of a summary")
    encoders = _add(verbs, "encoders", commands.encoders)
    encoders.add_argument("--json", action="store_true", help="print one JSON value")
    encoders.add_argument("--write", action="store_true", help="try all that smp and timm know and write the list anew")
    review = _add(verbs, "review", live.review)
    review.add_argument("run", type=Path, metavar="RUN_FOLDER", help="the folder of a run; its raster may be gone")
    _add_retrace(_add(verbs, "retrace", live.retrace, is_spoken=True, listens=True))
    report = _add(verbs, "report", commands.report)
    report.add_argument("run", type=Path, metavar="RUN_FOLDER", help="the folder of a run, wherever it lies now")
    report.add_argument("--json", action="store_true", help="print one JSON value")
    runs.add_commands(verbs, _add)
    for name, do in (("models", commands.models), ("doctor", commands.doctor)):
        _add(verbs, name, do).add_argument("--json", action="store_true", help="print one JSON value")
    return parser


def _add(verbs: Any, name: str, do: Any, is_spoken: bool = False, listens: bool = False) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=do.__doc__, description=do.__doc__)
    parser.set_defaults(do=do, is_spoken=is_spoken, listens=listens)
    return parser


def _add_retrace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN_FOLDER", help="the folder of a run that has come to its end")
    parser.add_argument("--threshold", type=_share, help="default: the one in force")
    parser.add_argument("--min-area-m2", type=_area, help="default: the one in force")
    parser.add_argument("--chosen", action="store_true", help="go back to what the run itself had chosen")


def _add_order(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--raster", required=True)
    parser.add_argument("--model", required=True, help="a model's name, or the card or weights of a tuned model")
    parser.add_argument(
        "--bands", type=_bands, default=(), help="the raster's bands, such as 1,2,3; 0: none, filled with the mean"
    )
    where = parser.add_mutually_exclusive_group()
    corners = ("XMIN", "YMIN", "XMAX", "YMAX")
    where.add_argument("--box", type=float, nargs=4, metavar=corners, help="only this ground")
    where.add_argument("--ground", default="", metavar="FILE[|LAYER]", help="only the ground of these polygons")
    parser.add_argument("--box-crs", default="", metavar="CRS", help="such as EPSG:4326; default: the raster's")


def _add_predict(parser: argparse.ArgumentParser) -> None:
    _add_order(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="F.gpkg")
    parser.add_argument("--probability", type=Path, metavar="F.tif", help="keep the probabilities in this file")
    parser.add_argument("--min-area-m2", type=float, help="default: as the model's card says")
    parser.add_argument(
        "--threshold", type=_share, help="probability from which a pixel is building; default: the card's"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--events", action="store_true", help="print events instead of a summary")


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, help="a model's name, or the card or weights of a tuned model")
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER_OR_FILE.onnx")
    parser.add_argument("--tile-px", type=int, help="side of the tiles in pixels; default: as the model's recipe says")
    parser.add_argument("--format", choices=("onnx", "card", "both"), default="both")
    parser.add_argument("--events", action="store_true", help="print events instead of a summary")


def _add_score(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--truth", required=True)
    parser.add_argument("--footprints", required=True)
    parser.add_argument("--iou", type=float, default=0.5, help="a match overlaps by more than this (default 0.5)")
    parser.add_argument(
        "--min-area-m2",
        type=float,
        default=0.0,
        help="smaller ones are passed over on both sides (without a coordinate system: in square units of the files)",
    )
    parser.add_argument("--confidence", default="", metavar="FIELD", help="most confident first, by this field")
    parser.add_argument("--by", default="", metavar="FIELD", help="score group by group and sum the counts")
    parser.add_argument(
        "--errors", type=Path, metavar="F.gpkg", help="write every building as TP, FP or FN, with its IoU"
    )
    parser.add_argument("--interval", action="store_true", help="a 95 %% interval of F1, over groups or square blocks")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_spacenet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="as SpaceNet releases it, unpacked")
    parser.add_argument("--out", required=True, type=Path, metavar="OUT", help="folder for raster, labels and areas")
    parser.add_argument("--product", default="", help="folder of tiles, such as RGB-PanSharpen; default: the best")
    parser.add_argument("--held-out-share", type=_share, default=0.25, help="of the buildings (default 0.25)")
    parser.add_argument("--seed", type=int, default=1, help="which ground is held out (default 1)")
    parser.add_argument("--events", action="store_true", help="print events instead of a summary")


def _add_adopt(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a .safetensors file, or a state dict in .pth or .pt")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="CARD.json", help="the card; the weights are copied beside it")
    what.add_argument("--guess", action="store_true", help="only print, as JSON, which network the weights are of")
    parser.add_argument("--architecture", default="", help="such as unet; default: found by the weights' names")
    parser.add_argument("--encoder", default="", help="such as resnet34; default: found by the weights' names")
    parser.add_argument("--bands", type=_words, default=(), help="what the model reads, such as red,green,blue")
    parser.add_argument("--outputs", type=_words, default=(), help="footprint, or footprint,boundary,contact")
    parser.add_argument("--mean", type=_numbers, default=(), help="of each band, as shares of the value range")
    parser.add_argument("--std", type=_numbers, default=(), help="of each band, as shares of the value range")
    parser.add_argument("--value-range", type=_pair, metavar="LOW,HIGH", help="of the imagery it learnt from")
    parser.add_argument("--stretch", type=_pairs, default=(), metavar="LOW,HIGH[;...]", help="what becomes 0 and 1")
    parser.add_argument("--gsd-m", type=_numbers, default=(), help="metres a pixel, or the least and the most")
    parser.add_argument("--licence", default="")
    parser.add_argument("--title", default="", help="its name for people")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def _pair(text: str) -> tuple[float, float]:
    low, high = _numbers(text)
    if not low < high:
        raise argparse.ArgumentTypeError("must be a lower and a higher number")
    return low, high


def _pairs(text: str) -> tuple[tuple[float, float], ...]:
    return tuple(_pair(part) for part in text.split(";"))


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError("must be between 0 and 1")
    return value


def _area(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1e6:
        raise argparse.ArgumentTypeError("must be from 0 to 1,000,000 square metres")
    return value


def _bands(text: str) -> tuple[int, ...]:
    bands = tuple(int(part) for part in text.split(","))
    if min(bands) < 0 or not any(bands):
        raise argparse.ArgumentTypeError("bands are counted from 1; 0 stands for one that the raster lacks")
    return bands


def _tell(message: str, hint: str) -> int:
    print(f"{message} {hint}".strip(), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
