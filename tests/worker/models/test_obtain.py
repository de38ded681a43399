"""Weights that do not come with the plugin: had once, by whatever road, and held to what is known of them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import load_file, save, save_file

from plugin.core.card import Card
from plugin.core.errors import InputError, RunError
from plugin.core.events import Cancelled, Failed, Finished, Notice, Progress, StageStarted, parse_event
from plugin.core.lock import hold_lock
from plugin.core.model_specs import make_start
from plugin.core.models import find_card, load_card
from plugin.core.paths import locate_models
from plugin.worker.downloads.known_hashes import locate_hashes
from plugin.worker.inference.request import PredictRequest
from plugin.worker.models import pretrained
from plugin.worker.models.networks import load_network
from plugin.worker.models.obtain import describe_fetch, obtain_weights, pick_weights
from plugin.worker.pipeline.predict_raster import predict_footprints
from tests.conftest import ROOT, Reply
from tests.waiting import wait_until
from tests.worker.spawn import BOUND_S

STARTER = find_card("starter")
BODY = STARTER.weights_path.read_bytes()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, certificate):
    """A home of the test's own, and trust in its server."""
    monkeypatch.setenv("FOOTPRINT_TUNER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@pytest.fixture
def file_server(secure_server):
    """The server's answer for the weights; the test may change it."""
    secure_server.replies["/distant.safetensors"] = Reply(BODY, headers={"ETag": '"one"'})
    return secure_server.replies["/distant.safetensors"]


@pytest.fixture
def path(tmp_path, secure_server):
    """The card of a model whose weights lie on the server, and for which no hash is published."""
    made = replace(
        STARTER,
        name="distant",
        weights="distant.safetensors",
        source=secure_server.locate("/distant.safetensors"),
        size_bytes=len(BODY) - 40_000,
        sha256="",
    )
    made.save(tmp_path / "distant.json")
    return tmp_path / "distant.json"


@pytest.fixture
def card(path) -> Card:
    return load_card(path)


def read_record(card):
    return json.loads(locate_hashes().read_text())[card.source]


def list_left():
    return sorted(
        path.name for path in locate_models(os.environ).rglob("*") if path.suffix != ".lock" and path.is_file()
    )


def change(folder, factor=2.0):
    """Return the bytes of weights of the same network that are not the same."""
    tensors = load_file(STARTER.weights_path)
    save_file({name: value * factor for name, value in tensors.items()}, folder / "other.safetensors")
    return (folder / "other.safetensors").read_bytes()


def test_what_comes_with_the_plugin_is_not_fetched(ear):
    assert obtain_weights(STARTER, ear.channel) is None
    assert describe_fetch(STARTER) == ""
    assert ear.events == []


def test_weights_are_fetched_once_and_their_hash_is_recorded(card, file_server, ear, secure_server):
    for _ in range(2):
        assert obtain_weights(card, ear.channel) == card.weights_path
    assert card.weights_path.read_bytes() == BODY
    assert len(secure_server.requests) == 1
    record = read_record(card)
    assert (record["sha256"], record["size_bytes"]) == (STARTER.sha256, len(BODY))
    assert record["how"] == "fetched"
    assert [event.stage for event in ear.events if isinstance(event, StageStarted)] == ["fetch"]
    assert list_left() == ["distant.safetensors", "hashes.json"]


def test_a_check_tells_what_would_be_fetched(card, file_server, ear, secure_server):
    assert describe_fetch(card) == ('At its first run the weights of "distant" (11 MB) from localhost are fetched.')
    assert secure_server.requests == []
    obtain_weights(card, ear.channel)
    assert describe_fetch(card) == ""


def test_later_files_of_the_address_are_held_to_the_first_unless_that_is_forgotten(card, file_server, ear, tmp_path):
    obtain_weights(card, ear.channel)
    card.weights_path.unlink()
    file_server.body = change(tmp_path)
    with pytest.raises(InputError) as caught:
        obtain_weights(card, ear.channel)
    assert STARTER.sha256[:12] in caught.value.message
    assert hashlib.sha256(file_server.body).hexdigest()[:12] in caught.value.message
    assert "fetch distant --forget" in caught.value.hint
    assert list_left() == ["hashes.json"]
    obtain_weights(card, ear.channel, is_forgetful=True)
    assert card.weights_path.read_bytes() == file_server.body
    assert read_record(card)["sha256"] == hashlib.sha256(file_server.body).hexdigest()


def test_a_forgetting_that_fails_forgets_nothing(card, file_server, ear, secure_server):
    obtain_weights(card, ear.channel)
    secure_server.replies["/distant.safetensors"] = Reply(b"", status=404)
    with pytest.raises(RunError, match="404"):
        obtain_weights(card, ear.channel, is_forgetful=True)
    assert card.weights_path.read_bytes() == BODY
    assert read_record(card)["sha256"] == STARTER.sha256


def test_weights_that_lie_there_changed_are_refused(card, file_server, ear, tmp_path):
    obtain_weights(card, ear.channel)
    card.weights_path.write_bytes(change(tmp_path))
    with pytest.raises(InputError, match="is another file than expected"):
        obtain_weights(card, ear.channel)


def test_weights_that_were_put_there_are_examined_and_recorded(card, ear, secure_server):
    card.weights_path.parent.mkdir(parents=True)
    card.weights_path.write_bytes(BODY)
    obtain_weights(card, ear.channel)
    assert secure_server.requests == []
    assert read_record(card)["how"] == "found"


def test_a_published_hash_is_held_to_and_not_recorded(card, file_server, ear):
    with pytest.raises(InputError, match="expected is 000000000000") as caught:
        obtain_weights(replace(card, sha256="0" * 64), ear.channel)
    assert "--forget" not in caught.value.hint
    assert list_left() == []
    obtain_weights(replace(card, sha256=STARTER.sha256), ear.channel)
    assert list_left() == ["distant.safetensors"]


def test_weights_of_another_network_are_refused_and_nothing_is_left(card, file_server, ear, tmp_path):
    tensors = load_file(STARTER.weights_path)
    name = "segmentation_head.0.weight"
    tensors["another.weight"] = tensors.pop(name)
    save_file(tensors, tmp_path / "other.safetensors")
    file_server.body = (tmp_path / "other.safetensors").read_bytes()
    with pytest.raises(InputError, match='holds no weights of "distant"') as caught:
        obtain_weights(card, ear.channel)
    assert name in caught.value.message
    assert caught.value.hint
    assert list_left() == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<!doctype html>Sign in".ljust(len(BODY)), "is a web page"),
        (BODY[:-50_000], "has [0-9,]+ bytes"),
        (BODY + bytes(1 << 20), "has [0-9,]+ bytes"),
        (bytes(len(BODY)), "holds no weights"),
    ],
)
def test_a_file_picked_by_hand_goes_through_the_same_checks(body, why, card, ear, tmp_path):
    (tmp_path / "picked.safetensors").write_bytes(body)
    with pytest.raises(InputError, match=why) as caught:
        pick_weights(card, tmp_path / "picked.safetensors", ear.channel)
    assert caught.value.hint
    assert list_left() == []
    assert (tmp_path / "picked.safetensors").read_bytes() == body


def test_an_unfinished_download_is_not_taken_for_a_file_that_was_picked(card, ear):
    part = card.weights_path.with_name("distant.part.safetensors")
    part.parent.mkdir(parents=True)
    part.write_bytes(BODY[:1000])
    with pytest.raises(InputError, match="unfinished download"):
        pick_weights(card, part, ear.channel)
    assert part.read_bytes() == BODY[:1000]


def test_a_file_picked_by_hand_is_taken_recorded_and_held_to(card, file_server, ear, tmp_path, secure_server):
    (tmp_path / "first").write_bytes(BODY)
    (tmp_path / "second").write_bytes(change(tmp_path))
    assert pick_weights(card, tmp_path / "first", ear.channel) == card.weights_path
    assert card.weights_path.read_bytes() == BODY
    assert read_record(card)["how"] == "handed over"
    with pytest.raises(InputError, match="is another file than expected"):
        pick_weights(card, tmp_path / "second", ear.channel)
    assert card.weights_path.read_bytes() == BODY
    pick_weights(card, tmp_path / "second", ear.channel, is_forgetful=True)
    assert card.weights_path.read_bytes() == (tmp_path / "second").read_bytes()
    assert secure_server.requests == []


def test_a_file_that_is_not_there_or_not_needed_is_refused(card, ear, tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        pick_weights(card, tmp_path / "gone", ear.channel)
    with pytest.raises(InputError, match="come with it"):
        pick_weights(STARTER, STARTER.weights_path, ear.channel)


def test_a_record_that_cannot_be_read_is_said(card, ear, file_server):
    locate_hashes().parent.mkdir(parents=True)
    locate_hashes().write_text("[]")
    with pytest.raises(InputError, match="recorded hashes"):
        obtain_weights(card, ear.channel)


def test_two_workers_fetch_one_after_the_other_and_only_one_asks(card, file_server, ear, secure_server):
    folder = locate_models(os.environ)
    folder.mkdir(parents=True)
    done = []
    with hold_lock(folder / "fetch.lock", RunError("busy")):
        threads = [threading.Thread(target=lambda: done.append(obtain_weights(card, ear.channel))) for _ in range(2)]
        for thread in threads:
            thread.start()
        wait_until(lambda: any(isinstance(event, Progress) and "waiting" in event.text for event in ear.events))
        assert secure_server.requests == []
    for thread in threads:
        thread.join(BOUND_S)
    assert done == [card.weights_path] * 2
    assert len(secure_server.requests) == 1


def test_an_encoders_weights_come_by_the_same_road_held_to_what_their_hub_promises(secure_server, monkeypatch, ear):
    start = make_start("unet:resnet18:imagenet")
    assert 'weights of "unet:resnet18:imagenet" from huggingface.co' in describe_fetch(start)
    monkeypatch.setattr(pretrained, "_HUB", secure_server.locate("").rstrip("/"))
    encoder = smp.encoders.get_encoder("resnet18", weights=None)
    body = save(encoder.state_dict())
    promise = {"Location": "/far", "X-Linked-ETag": f'"{hashlib.sha256(body).hexdigest()}"'}
    address = pretrained.locate_pretrained(start)[0]
    secure_server.replies[urlsplit(address).path] = Reply(status=302, headers=promise)
    secure_server.replies["/far"] = Reply(body[:-1] + b"x")
    with pytest.raises(InputError, match="another file than expected"):
        obtain_weights(start, ear.channel)
    assert list_left() == []
    secure_server.replies["/far"] = Reply(body)
    path = obtain_weights(start, ear.channel)
    assert path == pretrained.pretrained_path(start)
    assert torch.equal(load_network(start).encoder.conv1.weight, encoder.conv1.weight)
    path.unlink()
    with pytest.raises(InputError, match="another file than expected"):
        pick_weights(start, STARTER.weights_path, ear.channel)


# -- the command line -------------------------------------------------------------------------------------------------


def command(*arguments):
    return [sys.executable, "-m", "plugin.worker", *map(str, arguments)]


def start(*arguments, shell=()):
    return subprocess.Popen(
        [*shell, *command(*arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments, shell=()):
    """Run a worker to its end; its input is at its end from the start, so that nobody follows it."""
    process = start(*arguments, shell=shell)
    out, err = process.communicate(timeout=BOUND_S)
    return process.returncode, out, err


def read_events(out):
    return [event for line in out.splitlines() if (event := parse_event(line)) is not None]


@pytest.fixture
def published(path, card):
    """The path of the same card with a published hash: no network is built to look into the file."""
    replace(card, sha256=STARTER.sha256).save(path)
    return path


def test_fetch_tells_where_the_weights_lie_their_size_and_their_hash(published, card, file_server):
    code, out, err = run("fetch", published)
    assert code == 0, err
    assert str(card.weights_path) in out
    assert f"{len(BODY):,} bytes, SHA-256 {STARTER.sha256}" in out


def test_fetch_takes_a_file_that_was_fetched_by_hand(published, card, secure_server):
    code, out, err = run("fetch", published, "--file", STARTER.weights_path)
    assert code == 0, err
    assert str(card.weights_path) in out
    assert secure_server.requests == []


def test_fetch_says_where_there_is_nothing_to_fetch():
    code, out, _ = run("fetch", "starter")
    assert (code, out) == (0, 'Nothing is to be fetched: the weights of "starter" come with it.\n')


def test_fetch_tells_its_progress_as_events(published, file_server):
    events = read_events(run("fetch", published, "--events")[1])
    assert any(isinstance(event, StageStarted) and event.stage == "fetch" for event in events)
    assert any(isinstance(event, Notice) and "(11 MB) from localhost" in event.message for event in events)
    assert [event for event in events if isinstance(event, Progress)][-1].done == 1
    assert isinstance(events[-1], Finished)


def test_a_full_disk_is_said_and_the_fetch_goes_on_once_there_is_room(published, card, file_server):
    """A limit on the size of files stands in for the full disk: writing fails in the same way."""
    limited = ["bash", "-c", 'ulimit -f 2000; trap "" XFSZ; exec "$@"', "-"]
    code, out, _ = run("fetch", published, "--events", shell=limited)
    assert code == 1
    failure = read_events(out)[-1]
    assert isinstance(failure, Failed)
    assert "could not be written" in failure.message
    assert "disk full" in failure.hint
    assert not card.weights_path.exists()
    assert run("fetch", published)[0] == 0
    assert card.weights_path.read_bytes() == BODY


def test_a_cancel_is_heard_while_the_server_is_silent(published, file_server, secure_server):
    file_server.wait = threading.Event()
    process = start("fetch", published, "--events")
    process.stdin.write("follow\n")
    process.stdin.flush()
    for line in process.stdout:
        if isinstance(parse_event(line), Notice):
            break
    wait_until(lambda: "distant.part.safetensors" in list_left())
    process.stdin.write("cancel\n")
    process.stdin.flush()
    rest = process.stdout.read()
    assert process.wait(BOUND_S) == 1
    assert isinstance(read_events(rest)[-1], Cancelled)
    assert list_left() == ["distant.part.json", "distant.part.safetensors"]


@pytest.mark.parametrize("verb", ["run", "check"])
def test_a_run_fetches_what_its_base_model_needs_and_a_check_only_tells(
    verb, town, published, card, file_server, tmp_path
):
    job = town.write_job(tmp_path / "run", {"epochs": 1, "batch_size": 1}, base_model=str(published))
    process = start(verb, job)
    process.stdin.write("follow\n")
    process.stdin.flush()
    heard = []
    for line in process.stdout:
        heard.append(parse_event(line))
        if isinstance(heard[-1], StageStarted) and heard[-1].stage == "split":
            process.stdin.close()
            break
    process.wait(BOUND_S)
    stages = [event.stage for event in heard if isinstance(event, StageStarted)]
    told = [event.message for event in heard if isinstance(event, Notice)]
    if verb == "run":
        assert stages == ["check", "fetch", "split"]
        assert card.weights_path.exists()
    else:
        assert stages == ["check", "split"]
        assert 'At its first run the weights of "distant" (11 MB) from localhost are fetched.' in told
        assert not card.weights_path.exists()


def test_predicting_fetches_too(town, card, file_server, ear, tmp_path):
    file_server.status = 404
    with pytest.raises(RunError, match="answered 404"):
        predict_footprints(card, PredictRequest(str(town.raster)), tmp_path / "f.gpkg", ear.channel, device="cpu")
    assert [event.stage for event in ear.events if isinstance(event, StageStarted)] == ["check", "fetch"]
