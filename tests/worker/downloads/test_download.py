"""A file comes over HTTPS whole, or as far as it came, or not at all: tried on a real server that misbehaves."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest

from plugin.core.errors import InputError, RunError
from plugin.core.events import Notice, Progress
from plugin.worker.downloads import download as subject
from plugin.worker.downloads.download import Expected, Part, describe_size, download
from plugin.worker.runtime.progress import CancelRequested
from tests.conftest import Reply
from tests.worker.file_server import BODY, EXPECTED, SHA256, fail, list_left


@pytest.fixture(autouse=True)
def is_quick(monkeypatch):
    monkeypatch.setattr(subject, "PAUSE_S", 0.01)
    monkeypatch.setattr(subject, "_WAIT_S", 0.01)


def break_off(fetch, file_server, monkeypatch, cut):
    """Let a fetch end in the middle, as where the worker is killed: no further attempt is made."""
    file_server.cuts = [cut]
    with monkeypatch.context() as area:
        area.setattr(subject, "ATTEMPTS", 1)
        fail(fetch, RunError, "connection was lost", expected=EXPECTED)
    file_server.sent = 0


def test_a_file_comes_whole_and_its_hash_is_told(fetch, file_server, target):
    assert fetch() == SHA256
    assert target.read_bytes() == BODY
    assert list_left(target) == ["weights.pth"]
    assert file_server.sent == len(BODY)


def test_progress_is_told_in_megabytes(fetch, file_server, ear, monkeypatch):
    monkeypatch.setattr(ear.channel, "_reported_at", -1e9)
    monkeypatch.setattr("plugin.worker.runtime.channel._SILENCE_S", 0)
    fetch()
    told = [event for event in ear.events if isinstance(event, Progress)]
    shares = [event.done for event in told]
    assert len(shares) > 10
    assert shares == sorted(shares)
    assert told[-1].text == "3.0 of 3.0 MB"
    assert "1.5 of 3.0 MB" in [event.text for event in told]


def test_a_connection_that_breaks_off_is_taken_up_again_where_it_broke(fetch, file_server, target, ear):
    file_server.cuts = [1_000_000, 700_000]
    fetch()
    assert target.read_bytes() == BODY
    assert file_server.statuses == [200, 206, 206]
    assert file_server.sent <= len(BODY) + 2 * (1 << 16)  # of what came last before a break, a piece may be lost
    assert len([event for event in ear.events if isinstance(event, Notice) and "It continues" in event.message]) == 2


def test_a_later_worker_goes_on_where_an_earlier_one_ended(fetch, file_server, target, monkeypatch, secure_server):
    break_off(fetch, file_server, monkeypatch, 2_000_000)
    assert list_left(target) == ["weights.part.json", "weights.part.pth"]
    fetch()
    assert target.read_bytes() == BODY
    assert secure_server.requests[-1][1]["If-Range"] == '"one"'
    assert len(BODY) - 2_000_000 <= file_server.sent <= len(BODY) - 2_000_000 + (1 << 16)
    assert list_left(target) == ["weights.pth"]


def test_a_server_that_knows_no_ranges_is_asked_from_the_start(fetch, file_server, target, monkeypatch):
    break_off(fetch, file_server, monkeypatch, 2_000_000)
    file_server.knows_ranges = False
    fetch()
    assert target.read_bytes() == BODY
    assert file_server.sent == len(BODY)


@pytest.mark.parametrize("name", ["ETag", "Last-Modified"])
def test_a_file_that_has_changed_meanwhile_is_fetched_from_the_start(name, fetch, file_server, target, monkeypatch):
    file_server.headers = {name: "Mon, 01 Jan 2024 00:00:00 GMT"}
    break_off(fetch, file_server, monkeypatch, 2_000_000)
    file_server.body = BODY[::-1]
    file_server.headers = {name: "Tue, 02 Jan 2024 00:00:00 GMT"}
    fetch(Expected(len(BODY), len(BODY)))
    assert target.read_bytes() == BODY[::-1]
    assert file_server.statuses[-1] == 200


@pytest.mark.parametrize("headers", [{"Server": "plain"}, {"ETag": 'W/"weak"'}])
def test_a_part_is_not_gone_on_with_where_nothing_tells_whether_the_rest_belongs_to_it(
    headers, fetch, file_server, target, monkeypatch, secure_server
):
    file_server.headers = headers
    break_off(fetch, file_server, monkeypatch, 2_000_000)
    fetch(replace(EXPECTED, sha256=""))
    assert "Range" not in secure_server.requests[-1][1]
    assert target.read_bytes() == BODY


def test_a_part_without_a_version_is_gone_on_with_where_the_hash_will_tell(fetch, file_server, target, monkeypatch):
    file_server.headers = {"Server": "plain"}
    break_off(fetch, file_server, monkeypatch, 2_000_000)
    fetch()
    assert file_server.statuses[-1] == 206
    assert target.read_bytes() == BODY


def test_a_part_that_is_whole_is_not_fetched_again(fetch, file_server, target, secure_server, ear):
    def cancel(_path):
        raise CancelRequested

    with pytest.raises(CancelRequested):
        download(secure_server.locate("/weights.pth"), target, EXPECTED, ear.channel, cancel)
    fetch()
    assert file_server.statuses == [200]
    assert target.read_bytes() == BODY


def test_a_part_that_is_longer_than_the_file_is_fetched_anew(fetch, file_server, target, monkeypatch):
    break_off(fetch, file_server, monkeypatch, 2_000_000)
    with Part(target).path.open("ab") as file:
        file.write(bytes(1_500_000))
    fetch()
    assert file_server.statuses == [200, 416, 200]
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("note", ["{", "[]", '{"address": 3}', '{"address": "https://elsewhere/", "validator": "x"}'])
def test_a_part_whose_note_tells_nothing_is_fetched_anew(note, fetch, file_server, target):
    target.parent.mkdir()
    target.with_name("weights.part.pth").write_bytes(bytes(1000))
    target.with_name("weights.part.json").write_text(note)
    fetch()
    assert file_server.statuses == [200]
    assert target.read_bytes() == BODY


def test_wrong_bytes_are_refused_with_both_hashes_and_nothing_is_left(fetch, file_server, target):
    file_server.body = BODY[:-1] + bytes([BODY[-1] ^ 1])
    error = fail(fetch, InputError, "another file than expected")
    assert SHA256[:12] in error.message
    assert hashlib.sha256(file_server.body).hexdigest()[:12] in error.message
    assert list_left(target) == []


def test_what_does_not_pass_the_inspection_is_never_used(secure_server, file_server, target, ear):
    def refuse(path):
        assert path.read_bytes() == BODY
        raise InputError("The file holds no weights.", "Choose another.")

    with pytest.raises(InputError, match="holds no weights"):
        download(secure_server.locate("/weights.pth"), target, EXPECTED, ear.channel, refuse)
    assert list_left(target) == []


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"<!DOCTYPE html><html>Sign in</html>", "text/html; charset=utf-8"),
        (b"\xef\xbb\xbf\r\n <!doctype HTML>", "application/octet-stream"),
        (b"<html><body>", "application/octet-stream"),
        (b"anything", "application/xhtml+xml"),
    ],
)
def test_a_web_page_in_the_place_of_the_file_is_refused(start, kind, fetch, file_server, secure_server, target):
    secure_server.replies["/weights.pth"] = Reply(start.ljust(len(BODY)), kind)
    error = fail(fetch, InputError, "is a web page, not the weights")
    assert "sign-in" in error.hint
    assert list_left(target) == []


@pytest.mark.parametrize("size", [len(BODY) - 1, len(BODY) + 1001])
def test_a_file_of_another_size_is_refused_before_it_is_fetched(size, fetch, file_server, target):
    file_server.body = bytes(size)
    fail(fetch, InputError, f"has {size:,} bytes, the weights have 3,000,000")
    assert list_left(target) == []


def chunk(body):
    return Reply(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), headers={"Transfer-Encoding": "chunked"})


def test_a_file_of_unknown_size_is_left_when_it_grows_too_large(fetch, file_server, secure_server, target):
    secure_server.replies["/weights.pth"] = chunk(bytes(20_000_000))
    error = fail(fetch, InputError, "has 3,0[0-9]{2},[0-9]{3} bytes")
    assert "another file" in error.hint
    assert list_left(target) == []


def test_a_file_of_unknown_size_that_ends_too_early_is_refused(fetch, file_server, secure_server, target):
    secure_server.replies["/weights.pth"] = chunk(BODY[:-1])
    fail(fetch, InputError, "has 2,999,999 bytes")
    assert list_left(target) == []


def test_a_server_that_stumbles_is_asked_again(fetch, file_server, secure_server, target):
    answers = [Reply(b"", status=503), Reply(b"", status=429)]
    secure_server.replies["/weights.pth"] = lambda asked: answers.pop() if answers else file_server(asked)
    fetch()
    assert target.read_bytes() == BODY


def test_a_server_that_stumbles_for_good_is_given_up_with_a_next_step(fetch, file_server, secure_server):
    secure_server.replies["/weights.pth"] = Reply(b"", status=503)
    error = fail(fetch, RunError, "could not be fetched: the server answered 503")
    assert "--file" in error.hint
    assert len(secure_server.requests) == subject.ATTEMPTS


def test_a_file_that_is_not_there_is_asked_for_once(fetch, file_server, secure_server):
    fail(fetch, RunError, "answered 404", path="/gone.pth")
    assert len(secure_server.requests) == 1


def test_what_a_hub_promises_is_held_to(fetch, file_server, target, secure_server):
    wrong = {"X-Linked-ETag": f'"{"0" * 64}"', "Location": "/weights.pth"}
    secure_server.replies["/hub"] = Reply(status=302, headers=wrong)
    fail(fetch, InputError, "expected is 000000000000", path="/hub", expected=Expected())
    assert list_left(target) == []
    right = {"X-Linked-ETag": f'"{SHA256}"', "Location": "/weights.pth"}
    secure_server.replies["/hub"] = Reply(status=302, headers=right)
    assert fetch(Expected(), "/hub") == SHA256


def test_a_promise_of_another_file_is_refused_before_anything_is_kept(fetch, file_server, secure_server, target):
    promise = {"X-Linked-ETag": f'"{"0" * 64}"', "Location": "/weights.pth"}
    secure_server.replies["/hub"] = Reply(status=302, headers=promise)
    fail(fetch, InputError, "begins with 000000000000", path="/hub")
    assert list_left(target) == []


def test_only_the_first_host_may_promise(fetch, file_server, secure_server):
    file_server.headers = {"X-Linked-ETag": f'"{"0" * 64}"'}
    secure_server.replies["/hub"] = Reply(status=302, headers={"Location": "/weights.pth"})
    assert fetch(path="/hub") == SHA256


def test_a_cancel_keeps_what_has_come(fetch, file_server, target, ear, monkeypatch):
    def report(done, text=""):
        if done > 0.5:
            raise CancelRequested

    monkeypatch.setattr(ear.channel, "report", report)
    with pytest.raises(CancelRequested):
        fetch()
    assert 1_500_000 < Part(target).size < 1_700_000


def test_a_disk_without_room_is_told_before_anything_is_fetched(fetch, file_server, monkeypatch):
    usage = SimpleNamespace(free=10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)
    error = fail(fetch, RunError, "has 1 MB free; the weights need 3 MB")
    assert "Make room" in error.hint


@pytest.mark.parametrize(
    ("done", "total", "text"),
    [(34_400_000, 117_225_860, "34 of 117 MB"), (1_234_567, 3_000_000, "1.2 of 3.0 MB"), (5_000_000, 0, "5.0 MB")],
)
def test_sizes_are_told_in_megabytes(done, total, text):
    assert describe_size(done, total) == text
