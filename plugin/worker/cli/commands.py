"""What the command line can do, one function a command."""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.command_options import (
    AdoptOptions,
    CheckOptions,
    DoctorOptions,
    EncodersOptions,
    ExportOptions,
    FetchOptions,
    LikenOptions,
    ModelsOptions,
    PredictOptions,
    ReportOptions,
    RunOptions,
    ScoreOptions,
    SpaceNetOptions,
    SplitOptions,
)
from ...core.errors import RunError
from ...core.events import STOP, Finished, Started
from ...core.folder import RunFolder
from ...core.job import load_job
from ...core.json_codec import encode
from ...core.lock import hold_lock, is_held
from ...core.model_specs import load_encoders
from ...core.models import find_card, list_cards
from ...core.output_files import require_folder, require_free
from ...core.paths import locate_models
from ...core.run_guard import refuse_foreign, set_aside
from ...core.run_state import read_made, record_file
from ...core.score import Rates
from ..runtime.channel import Channel, print_json

if TYPE_CHECKING:
    from ..inference.request import PredictRequest


def run(options: RunOptions, channel: Channel) -> None:
    """Run a job in the folder of its ``job.json``, or go on with it."""
    from ..pipeline.resume import forget
    from ..pipeline.run import run_job
    from ..runtime.disk import check_writable
    from ..runtime.logs import log_to

    job, folder = load_job(options.job), RunFolder(options.job.resolve().parent)
    refuse_foreign(folder, job, options.job)
    check_writable(folder.path)
    with hold_lock(folder.lock, _refuse_second(folder)):
        if options.fresh:
            for name in forget(folder):
                channel.send_notice(f"What was changed since the earlier run is kept as {name}.")
        log_to(folder.log)
        channel.copy_to(folder.events)
        run_job(job, folder, channel)


def _refuse_second(folder: RunFolder) -> RunError:
    return RunError(f"Another worker is running in {folder.path}.", "Wait for it, or give the job its own folder.")


def check(options: CheckOptions, channel: Channel) -> None:
    """Check a job without running it."""
    from ..pipeline.findings import refusal_found

    try:
        with refusal_found(channel):
            _check(options.job, channel)
    finally:
        if options.json:
            can_run = all(finding.level != STOP for finding in channel.findings)
            findings, notices = (list(map(asdict, told)) for told in (channel.findings, channel.notices))
            print_json({"can_run": can_run, "findings": findings, "notices": notices})


def _check(path: Path, channel: Channel) -> None:
    from ..checks.findings import find_in_inputs, find_in_split
    from ..dataset.inputs import check_inputs, split_inputs
    from ..models.obtain import describe_fetch
    from ..pipeline.findings import send_findings
    from ..spacenet.convert import take_in

    job, folder = load_job(path), path.resolve().parent
    channel.emit(Started(str(folder)))
    channel.start_stage("check")
    refuse_foreign(RunFolder(folder), job, path)
    with tempfile.TemporaryDirectory(prefix="footprint_tuner_") as passing:
        inputs = check_inputs(take_in(job, Path(passing), channel), folder, channel)
        if sentence := describe_fetch(inputs.card):
            channel.send_notice(sentence)
        send_findings(find_in_inputs(inputs, channel), channel)
        channel.start_stage("split")
        split = split_inputs(inputs, channel)
        send_findings(find_in_split(inputs, split), channel)
        if inputs.card.is_finetuned and inputs.card.weights_path.is_file():
            from ..pipeline.missing_labels import tell_gaps

            tell_gaps(inputs, split, channel)
    channel.emit(Finished())


def spacenet(options: SpaceNetOptions, channel: Channel) -> None:
    """Turn a folder in SpaceNet's layout into a raster, labels and areas."""
    from ..spacenet.convert import convert_folder

    channel.emit(Started(str(options.out)))
    channel.start_stage("convert")
    done = convert_folder(
        options.folder,
        options.out,
        channel,
        options.product,
        held_out_share=options.held_out_share,
        seed=options.seed,
        may_replace=options.overwrite,
    )
    if options.events:
        channel.send_notice(done.describe())
    else:
        print("\n".join([done.describe(), *done.files.values()]))
    channel.emit(Finished(done.files))


def split(options: SplitOptions, channel: Channel) -> None:
    """Write the split of a job without running it."""
    from ..dataset.inputs import check_inputs, split_inputs
    from ..pipeline.outputs import write_split
    from ..spacenet.convert import take_in

    job, folder = load_job(options.job), RunFolder(options.job.resolve().parent)
    refuse_foreign(folder, job, options.job)
    channel.emit(Started(str(folder.path)))
    channel.start_stage("check")
    with tempfile.TemporaryDirectory(prefix="footprint_tuner_") as passing:
        inputs = check_inputs(take_in(job, Path(passing), channel), folder.path, channel)
        channel.start_stage("split")
        drawn = split_inputs(inputs, channel)
        if is_held(folder.lock):
            raise _refuse_second(folder)
        set_aside(folder.split, read_made(folder))
        write_split(folder.split, inputs, drawn)
    record_file(folder, folder.split)
    channel.emit(Finished({"split": str(folder.split)}))


def predict(options: PredictOptions, channel: Channel) -> None:
    """Predict the footprints of a raster, or of a part of it, with a model."""
    from ..pipeline.predict_raster import predict_footprints

    card = find_card(options.model)
    if options.threshold is not None:
        card = replace(card, threshold=options.threshold)
    if options.min_area_m2 is not None:
        card = replace(card, min_area_m2=options.min_area_m2)
    channel.emit(Started(str(options.out)))
    order, kept, device = _read_order(options), options.probability, options.device
    count = predict_footprints(
        card, order, options.out, channel, probability=kept, device=device, may_replace=options.overwrite
    )
    if options.events:
        channel.send_notice(f"{count} footprints.")
    files = {"footprints": str(options.out), **({"probability": str(kept)} if kept else {})}
    channel.emit(Finished(files, figures={"footprints": count}))
    if not options.events:
        print(f"{count} footprints: {options.out}")


def liken(options: LikenOptions, _: Channel) -> None:
    """Tell in what a raster differs from the imagery that a model learnt from."""
    from ..checks.domain_shift import find_differences

    card = find_card(options.model)
    raster, ground = _read_order(options).open(card)
    notices = find_differences(raster, card, ground)
    if options.json:
        print_json({"differences": [asdict(notice) for notice in notices]})
    else:
        print("\n".join(f"{notice.message} {notice.hint}" for notice in notices) or "No difference was found.")


def _read_order(options: PredictOptions | LikenOptions) -> PredictRequest:
    """Return what is asked of a model."""
    from ..inference.aoi import AreaOfInterest
    from ..inference.request import PredictRequest

    area = None
    if options.box is not None or options.ground:
        area = AreaOfInterest(options.box, options.box_crs, options.ground)
    return PredictRequest(options.raster, options.bands, area)


def export(options: ExportOptions, channel: Channel) -> None:
    """Write a model as an ONNX file for other tools, and its card for people."""
    from ..export.bundle import write_bundle
    from ..models.obtain import obtain_weights

    card = find_card(options.model)
    obtain_weights(card, channel)
    channel.emit(Started(str(options.out)))
    channel.start_stage("export")
    bundle = write_bundle(card, options.out, options.format, options.tile_px, channel, may_replace=options.overwrite)
    channel.emit(Finished(bundle.files, figures=bundle.figures))
    if not options.events:
        print("\n".join(bundle.describe()))


def score(options: ScoreOptions, channel: Channel) -> None:
    """Score footprints against the truth."""
    from ..evaluation.bootstrap import bound_f1, explain_absence
    from ..evaluation.scored_layers import Comparison
    from ..evaluation.vector_files import LAYER, match_files
    from ..geodata.vector import require_vector_name

    if options.errors is not None:
        require_vector_name(options.errors)
        require_folder(options.errors)
        given = [options.truth, options.footprints]
        require_free(options.errors, given, may_replace=options.overwrite, layer=LAYER)
    how = Comparison(options.iou, options.min_area_m2, options.confidence, options.by, options.as_written)
    matched = match_files(options.truth, options.footprints, how)
    for sentence in matched.notices:
        channel.send_notice(sentence, level="warning")
    result = matched.counts
    counts = matched.count_blocks() if options.interval else None
    interval = None if counts is None else bound_f1(counts)
    if options.errors is not None:
        matched.write_errors(options.errors)
    if options.json:
        told = {"notices": list(matched.notices), "handled": matched.handled} if matched.notices else {}
        print_json({**encode(result.rate(Rates)), **({"interval": interval} if options.interval else {}), **told})
        return
    print(f"F1 {result.f1:.3f}  precision {result.precision:.3f}  recall {result.recall:.3f}")
    print(f"TP {result.tp}  FP {result.fp}  FN {result.fn}")
    if interval is not None:
        print(f"95 % interval of F1 {interval[0]:.3f} to {interval[1]:.3f}")
    elif counts is not None:
        print(explain_absence(counts) or "There is no interval of an F1 of 0 or 1.")


def adopt(options: AdoptOptions, _: Channel) -> None:
    """Make a base model of a file of weights that has no card."""
    from ..models.import_weights import ImportAnswers, adopt_model, guess_model

    if options.out is None:
        print_json(asdict(guess_model(options.file)))
        return
    answers = ImportAnswers(**{item.name: getattr(options, item.name) for item in fields(ImportAnswers)})
    card = adopt_model(options.file, options.out, answers, may_replace=options.overwrite)
    print(f"{card.title}. {card.description} {card.limits}")
    print(options.out)


def report(options: ReportOptions, _: Channel) -> None:
    """Write report.html anew from report.json and what else a run's folder holds."""
    from ..report.html.page import renew_page

    page = renew_page(RunFolder(options.run), may_replace=options.overwrite)
    print_json({"page": str(page)}) if options.json else print(page)


def models(options: ModelsOptions, _: Channel) -> None:
    """List the base models."""
    cards = list_cards()
    if options.json:
        print_json([card.to_json() for card in cards])
    else:
        for card in cards:
            print(f"{card.name}: {card.title}. {card.description}")


def fetch(options: FetchOptions, channel: Channel) -> None:
    """Fetch a model's weights, or take a file for them that was fetched by hand."""
    from ..models.obtain import obtain_weights, pick_weights
    from ..runtime.hashing import hash_file

    card = find_card(options.model)
    channel.emit(Started(str(locate_models(os.environ)), pid=os.getpid()))
    if options.file is not None:
        path: Path | None = pick_weights(card, options.file, channel, is_forgetful=options.forget)
    else:
        path = obtain_weights(card, channel, is_forgetful=options.forget)
    channel.emit(Finished({"weights": str(path)} if path else {}))
    if options.events:
        return
    if path is None:
        print(f'Nothing is to be fetched: the weights of "{card.name}" come with it.')
    else:
        print(f"{path}\n{path.stat().st_size:,} bytes, SHA-256 {hash_file(path, channel.raise_if_cancelled)}")


def encoders(options: EncodersOptions, channel: Channel) -> None:
    """List the encoders that any decoder may stand on, with the tags of their published weights."""
    if options.write:
        from ..models.encoders import survey_encoders, write_encoders

        write_encoders(survey_encoders(channel.send_notice))
    known = load_encoders()
    if options.json:
        print_json(known)
    else:
        for name, tags in known.items():
            print(f"{name}: {', '.join(tags) or 'no published weights'}")


def doctor(options: DoctorOptions, _: Channel) -> int:
    """Examine the worker's environment."""
    from ..runtime.doctor import main

    return main(options.json)
