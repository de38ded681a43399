"""Every command of the worker: its options, its aliases, and the Processing algorithm that does the same in QGIS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import command_options


@dataclass(frozen=True)
class Algorithm:
    """How a command is offered in QGIS's toolbox: its id, its title, what else people search for, and its help."""

    id: str
    title: str
    tags: str
    help: str


@dataclass(frozen=True)
class Command:
    """A command of the worker's command line.

    Its options are a dataclass, whose docstring says what it does. It always ``writes_events`` on standard output, or
    only where it is asked to, and ``reads_input`` where it listens for a cancel.
    """

    name: str
    options: type[Any]
    aliases: tuple[str, ...] = ()
    writes_events: bool = False
    reads_input: bool = False
    algorithm: Algorithm | None = None

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return str(self.options.__doc__)


COMMANDS = (
    Command(
        "run",
        command_options.RunOptions,
        writes_events=True,
        reads_input=True,
        algorithm=Algorithm(
            "finetune",
            "Fine-tune a footprint model",
            "building,buildings,footprint,fine-tune,train,deep learning,segmentation,digitize",
            "Fine-tunes a pre-trained building-footprint model with labels drawn on a part of a raster, then maps the "
            "footprints of the whole raster.\n\n"
            "Base model and tuned model are scored in the same held-out area, which training never sees: F1 before "
            "and after, by building. Without areas the labelled ground is divided into blocks; with areas, those whose"
            ' role is "held-out" are scored and everything inside an area counts as labelled.\n\n'
            "The run's folder keeps all that went in and came out: job, labels, log, tuned model, footprints, report.",
        ),
    ),
    Command(
        "check",
        command_options.CheckOptions,
        writes_events=True,
        reads_input=True,
        algorithm=Algorithm(
            "check",
            "Check raster and labels",
            "building,footprint,validate,labels,quality,input",
            "Tells in less than a minute whether a raster, labels, areas and settings can be used for fine-tuning: "
            "what was found (labels that are invalid, doubled, overlapping, without imagery or off it, buildings "
            "without a label, too few of them), as what stops a run, a warning or advice, each with a next step. "
            "Inputs that cannot be used are no error here: OK is then false.",
        ),
    ),
    Command(
        "split",
        command_options.SplitOptions,
        writes_events=True,
        reads_input=True,
        algorithm=Algorithm(
            "split",
            "Show the split before fine-tuning",
            "building,footprint,blocks,held-out,training,validation,spatial split",
            "Draws the blocks of a run without running it: ground to learn on, ground that chooses the threshold, "
            "ground that is only scored, and the buffer between them, with the number of buildings on each. The same "
            "inputs and the same seed give the same blocks.\n\n"
            "A block's role is changed by its id in the parameter "
            '"Changed blocks", here and in Fine-tune: for example 12=held-out,14=left-out.',
        ),
    ),
    Command(
        "improve",
        command_options.ImproveOptions,
        writes_events=True,
        reads_input=True,
        algorithm=Algorithm(
            "improve",
            "Improve a tuned model by corrections",
            "building,footprint,fine-tune,correct,review,active learning,deep learning",
            "Starts a new run from the model of an earlier one, with footprints that were corrected as labels.\n\n"
            "Checked ground says where they are right, and nothing else is a building. It is learnt from together with"
            " a share of the ground that the earlier run learnt from. Held-out ground stays held-out: what of the "
            "checked ground lies on it is never learnt from, and F1 before and after is that of the same exam.\n\n"
            "Where no corrections are named, those that were made in the dock are taken from the earlier run's folder,"
            " as they are saved there.",
        ),
    ),
    Command(
        "predict",
        command_options.PredictOptions,
        reads_input=True,
        algorithm=Algorithm(
            "predict",
            "Map footprints with a tuned model",
            "building,footprint,inference,detect,extract,deep learning,segmentation",
            "Maps the building footprints of a raster with a model that was fine-tuned before, for example those of "
            "the next town. The model is the file model.json (or model.safetensors) in a run's folder.\n\n"
            "Give an extent, or polygons as the ground, to map a part of the raster: those footprints are written that"
            " lie at least half on it. Where the raster differs from the imagery that the model was tuned on, the log "
            "warns before the work begins.\n\n"
            "Each footprint carries a confidence from 0 to 1. An empty minimum area means: as the model's card says.",
        ),
    ),
    Command("liken", command_options.LikenOptions, aliases=("check-imagery",)),
    Command(
        "export",
        command_options.ExportOptions,
        reads_input=True,
        algorithm=Algorithm(
            "export",
            "Export a footprint model",
            "building,footprint,onnx,deepness,model card,share,convert,deep learning",
            "Writes a model as an ONNX file, which the plugin Deepness, onnxruntime and other tools open, and beside "
            "it a card for people: what it is, which imagery it takes, how good it is, its limits and its licence.\n\n"
            "The file is checked against the model itself: DIFFERENCE is the largest between two probabilities; a file"
            " that differs by more than 0.0001 is refused. It says which pixels are building; how touching buildings "
            "part, and right angles, are not in it.",
        ),
    ),
    Command(
        "score",
        command_options.ScoreOptions,
        algorithm=Algorithm(
            "score",
            "Score footprints",
            "building,footprint,accuracy,evaluate,F1,precision,recall,IoU,SpaceNet",
            "Counts, building by building, how well footprints agree with labels (the SpaceNet rule): footprints are "
            "taken in the order of falling confidence, and one is right (TP) where its intersection over union with a "
            "label that is still free is greater than the threshold. The other footprints are FP, the labels left over"
            " FN; F1 = 2 TP / (2 TP + FP + FN).\n\n"
            "With a group field the score is taken group by group, for example image by image, and the counts are "
            "added up. Buildings smaller than the minimum area are passed over; in layers without a coordinate system "
            "it is in their own square units.\n\n"
            "The layer of errors holds every building as TP, FP or FN, with its IoU and area: what was found, what "
            "matches no label, and what was missed.",
        ),
    ),
    Command(
        "spacenet",
        command_options.SpaceNetOptions,
        reads_input=True,
        algorithm=Algorithm(
            "spacenet",
            "Read a SpaceNet folder",
            "building,footprint,SpaceNet,tiles,mosaic,VRT,GeoJSON,import",
            "Makes of a folder of tiles with labels, as the SpaceNet challenges released it (unpacked), what the fine-"
            "tuning takes: one raster (a VRT that names the tiles and copies nothing), one layer of labels, and areas:"
            " the labelled ground, a part of which is held out.\n\n"
            "The product is the name of a folder of tiles, such as RGB-PanSharpen, PS-RGB or 3band. Left empty, the "
            "one that suits best is taken; the log names the others. Tiles that do not fit, or have no labels, are "
            "told there, too.",
        ),
    ),
    Command("adopt", command_options.AdoptOptions, aliases=("import-weights",)),
    Command("fetch", command_options.FetchOptions, reads_input=True),
    Command("encoders", command_options.EncodersOptions),
    Command("review", command_options.ReviewOptions),
    Command(
        "retrace",
        command_options.RetraceOptions,
        aliases=("set-threshold",),
        writes_events=True,
        reads_input=True,
        algorithm=Algorithm(
            "retrace",
            "Set the threshold of a run",
            "building,footprint,confidence,probability,cut-off,minimum area,review",
            "Traces the footprints of a finished fine-tuning anew from its stored probability, with another threshold "
            "or another minimum area, and scores them in the same held-out area. The run's files are replaced all "
            "together; footprints that were edited are kept beside them.\n\n"
            "The score had been seen when the threshold was chosen: the report, its page and the model's card say that"
            " it was set manually. Leave both empty to go back to what the run chose itself in the validation area.",
        ),
    ),
    Command(
        "report",
        command_options.ReportOptions,
        algorithm=Algorithm(
            "report",
            "Write the report of a run",
            "building,footprint,accuracy,F1,print,PDF,HTML,document",
            "Writes report.html of a fine-tuning's run folder anew, and as a PDF where a file is named for it: the F1 "
            "before and after with its interval, pictures of the best, the median and the worst block, a map of what "
            "was learnt on and scored on, settings, versions, licences and limits.\n\n"
            "The folder may have been moved. The raster is looked for where it was, in the folder, and up to two "
            "folders above; without it the report has no pictures.",
        ),
    ),
    Command("runs", command_options.RunsOptions),
    Command(
        "compare",
        command_options.CompareOptions,
        algorithm=Algorithm(
            "compare",
            "Compare two runs",
            "building,footprint,accuracy,F1,history,bootstrap,difference,significance",
            "Compares the tuned models of two fine-tunings by their F1 by building, block by block of the held-out "
            "ground, with a 95 % interval of the difference (second minus first).\n\n"
            "They must have been scored on the same ground, against the same labels; else it says what differs.",
        ),
    ),
    Command(
        "send",
        command_options.SendOptions,
        aliases=("pack",),
        algorithm=Algorithm(
            "send",
            "Write a run as a zip to send",
            "building,footprint,share,archive,zip,export,history",
            "Writes a fine-tuning's run folder as one zip: job, report, model, labels, footprints and errors. Imagery,"
            " probabilities and logs are left out, and so are the names of your folders. Labels that lie outside the "
            "run stay where they are.",
        ),
    ),
    Command("models", command_options.ModelsOptions),
    Command("doctor", command_options.DoctorOptions),
)


def find_algorithm(name: str) -> Algorithm:
    """Return what is declared of a Processing algorithm."""
    declared = [command.algorithm for command in COMMANDS if command.algorithm is not None]
    return next(algorithm for algorithm in declared if algorithm.id == name)
