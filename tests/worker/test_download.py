"""A file comes over HTTPS whole, or as far as it came, or not at all: tried on a real server that misbehaves."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import select
import shutil
import socket
import socketserver
import threading
import time
from collections import namedtuple
from dataclasses import replace

import pytest

from plugin.core.errors import InputError, RunError
from plugin.core.events import Notice, Progress
from plugin.worker import download as subject
from plugin.worker import transfer
from plugin.worker.download import Expected, Part, describe_size, download
from plugin.worker.wire import CancelRequested
from tests.conftest import Reply

BODY = random.Random(4).randbytes(3_000_000)
SHA256 = hashlib.sha256(BODY).hexdigest()
EXPECTED = Expected(len(BODY), len(BODY) + 1000, SHA256)


class Shelf:
    """A file on the server that can be asked for in parts; ``sent`` counts the bytes of its answers' bodies."""

    def __init__(self, body=BODY, **headers):
        self.body, self.headers = body, headers or {"ETag": '"one"'}
        self.sent, self.statuses = 0, []
        self.cuts = []  # after how many bytes the first answers break off
        self.knows_ranges = True

    def __call__(self, asked):
        reply = self._choose(asked)
        reply.cut = self.cuts.pop(0) if self.cuts else -1
        self.sent += len(reply.body) if reply.cut < 0 else reply.cut
        self.statuses.append(reply.status)
        return reply

    def _choose(self, asked):
        start = re.fullmatch(r"bytes=(\d+)-", asked.get("Range", ""))
        is_same = asked.get("If-Range") in (None, *self.headers.values())
        if not start or not self.knows_ranges or not is_same:
            return Reply(self.body, headers=self.headers)
        first, size = int(start[1]), len(self.body)
        if first >= size:
            return Reply(b"", status=416, headers={"Content-Range": f"bytes */{size}"})
        place = {"Content-Range": f"bytes {first}-{size - 1}/{size}"}
        return Reply(self.body[first:], status=206, headers={**self.headers, **place})


@pytest.fixture(autouse=True)
def is_quick(monkeypatch):
    monkeypatch.setattr(subject, "PAUSE_S", 0.01)
    monkeypatch.setattr(subject, "_WAIT_S", 0.01)


@pytest.fixture
def shelf(secure_server, certificate, monkeypatch):
    """The file at /weights.pth on a server whose certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    made = Shelf()
    secure_server.replies["/weights.pth"] = made
    return made


@pytest.fixture
def target(tmp_path):
    return tmp_path / "models" / "weights.pth"


@pytest.fixture
def fetch(secure_server, target, ear):
    """Return a function that fetches what lies at a path of the server."""
    return lambda expected=EXPECTED, path="/weights.pth": download(
        secure_server.locate(path), target, expected, ear.wire
    )


def list_left(target):
    return sorted(path.name for path in target.parent.iterdir()) if target.parent.exists() else []


def fail(fetch, kind, match, **options):
    """Fetch what must fail, and return the error, which has a next step."""
    with pytest.raises(kind, match=match) as caught:
        fetch(**options)
    assert caught.value.hint
    return caught.value


def break_off(fetch, shelf, monkeypatch, cut):
    """Let a fetch end in the middle, as where the worker is killed: no further attempt is made."""
    shelf.cuts = [cut]
    with monkeypatch.context() as patch:
        patch.setattr(subject, "ATTEMPTS", 1)
        fail(fetch, RunError, "broke off", expected=EXPECTED)
    shelf.sent = 0


def test_a_file_comes_whole_and_its_hash_is_told(fetch, shelf, target):
    assert fetch() == SHA256
    assert target.read_bytes() == BODY
    assert list_left(target) == ["weights.pth"]
    assert shelf.sent == len(BODY)


def test_progress_is_told_in_megabytes(fetch, shelf, ear, monkeypatch):
    monkeypatch.setattr(ear.wire, "_told_at", -1e9)
    monkeypatch.setattr("plugin.worker.wire._SILENCE_S", 0)
    fetch()
    told = [event for event in ear.events if isinstance(event, Progress)]
    shares = [event.done for event in told]
    assert len(shares) > 10
    assert shares == sorted(shares)
    assert told[-1].text == "3.0 of 3.0 MB"
    assert "1.5 of 3.0 MB" in [event.text for event in told]


def test_a_connection_that_breaks_off_is_taken_up_again_where_it_broke(fetch, shelf, target, ear):
    shelf.cuts = [1_000_000, 700_000]
    fetch()
    assert target.read_bytes() == BODY
    assert shelf.statuses == [200, 206, 206]
    assert shelf.sent <= len(BODY) + 2 * (1 << 16)  # of what came last before a break, a piece may be lost
    assert len([event for event in ear.events if isinstance(event, Notice) and "It goes on" in event.message]) == 2


def test_a_later_worker_goes_on_where_an_earlier_one_ended(fetch, shelf, target, monkeypatch, secure_server):
    break_off(fetch, shelf, monkeypatch, 2_000_000)
    assert list_left(target) == ["weights.part.json", "weights.part.pth"]
    fetch()
    assert target.read_bytes() == BODY
    assert secure_server.requests[-1][1]["If-Range"] == '"one"'
    assert len(BODY) - 2_000_000 <= shelf.sent <= len(BODY) - 2_000_000 + (1 << 16)
    assert list_left(target) == ["weights.pth"]


def test_a_server_that_knows_no_ranges_is_asked_from_the_start(fetch, shelf, target, monkeypatch):
    break_off(fetch, shelf, monkeypatch, 2_000_000)
    shelf.knows_ranges = False
    fetch()
    assert target.read_bytes() == BODY
    assert shelf.sent == len(BODY)


@pytest.mark.parametrize("name", ["ETag", "Last-Modified"])
def test_a_file_that_has_changed_meanwhile_is_fetched_from_the_start(name, fetch, shelf, target, monkeypatch):
    shelf.headers = {name: "Mon, 01 Jan 2024 00:00:00 GMT"}
    break_off(fetch, shelf, monkeypatch, 2_000_000)
    shelf.body = BODY[::-1]
    shelf.headers = {name: "Tue, 02 Jan 2024 00:00:00 GMT"}
    fetch(Expected(len(BODY), len(BODY)))
    assert target.read_bytes() == BODY[::-1]
    assert shelf.statuses[-1] == 200


@pytest.mark.parametrize("headers", [{"Server": "plain"}, {"ETag": 'W/"weak"'}])
def test_a_part_is_not_gone_on_with_where_nothing_tells_whether_the_rest_belongs_to_it(
    headers, fetch, shelf, target, monkeypatch, secure_server
):
    shelf.headers = headers
    break_off(fetch, shelf, monkeypatch, 2_000_000)
    fetch(replace(EXPECTED, sha256=""))
    assert "Range" not in secure_server.requests[-1][1]
    assert target.read_bytes() == BODY


def test_a_part_without_a_version_is_gone_on_with_where_the_hash_will_tell(fetch, shelf, target, monkeypatch):
    shelf.headers = {"Server": "plain"}
    break_off(fetch, shelf, monkeypatch, 2_000_000)
    fetch()
    assert shelf.statuses[-1] == 206
    assert target.read_bytes() == BODY


def test_a_part_that_is_whole_is_not_fetched_again(fetch, shelf, target, secure_server, ear):
    def cancel(_path):
        raise CancelRequested

    with pytest.raises(CancelRequested):
        download(secure_server.locate("/weights.pth"), target, EXPECTED, ear.wire, cancel)
    fetch()
    assert shelf.statuses == [200]
    assert target.read_bytes() == BODY


def test_a_part_that_is_longer_than_the_file_is_fetched_anew(fetch, shelf, target, monkeypatch):
    break_off(fetch, shelf, monkeypatch, 2_000_000)
    with Part(target).path.open("ab") as file:
        file.write(bytes(1_500_000))
    fetch()
    assert shelf.statuses == [200, 416, 200]
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("note", ["{", "[]", '{"address": 3}', '{"address": "https://elsewhere/", "validator": "x"}'])
def test_a_part_whose_note_tells_nothing_is_fetched_anew(note, fetch, shelf, target):
    target.parent.mkdir()
    target.with_name("weights.part.pth").write_bytes(bytes(1000))
    target.with_name("weights.part.json").write_text(note)
    fetch()
    assert shelf.statuses == [200]
    assert target.read_bytes() == BODY


def test_wrong_bytes_are_refused_with_both_hashes_and_nothing_is_left(fetch, shelf, target):
    shelf.body = BODY[:-1] + bytes([BODY[-1] ^ 1])
    error = fail(fetch, InputError, "another file than expected")
    assert SHA256[:12] in error.message
    assert hashlib.sha256(shelf.body).hexdigest()[:12] in error.message
    assert list_left(target) == []


def test_what_does_not_pass_the_inspection_is_never_used(secure_server, shelf, target, ear):
    def refuse(path):
        assert path.read_bytes() == BODY
        raise InputError("The file holds no weights.", "Choose another.")

    with pytest.raises(InputError, match="holds no weights"):
        download(secure_server.locate("/weights.pth"), target, EXPECTED, ear.wire, refuse)
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
def test_a_web_page_in_the_place_of_the_file_is_refused(start, kind, fetch, shelf, secure_server, target):
    secure_server.replies["/weights.pth"] = Reply(start.ljust(len(BODY)), kind)
    error = fail(fetch, InputError, "is a web page, not the weights")
    assert "sign-in" in error.hint
    assert list_left(target) == []


@pytest.mark.parametrize("size", [len(BODY) - 1, len(BODY) + 1001])
def test_a_file_of_another_size_is_refused_before_it_is_fetched(size, fetch, shelf, target):
    shelf.body = bytes(size)
    fail(fetch, InputError, f"has {size:,} bytes, the weights have 3,000,000")
    assert list_left(target) == []


def chunk(body):
    return Reply(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), headers={"Transfer-Encoding": "chunked"})


def test_a_file_of_unknown_size_is_left_when_it_grows_too_large(fetch, shelf, secure_server, target):
    secure_server.replies["/weights.pth"] = chunk(bytes(20_000_000))
    error = fail(fetch, InputError, "has 3,0[0-9]{2},[0-9]{3} bytes")
    assert "another file" in error.hint
    assert list_left(target) == []


def test_a_file_of_unknown_size_that_ends_too_early_is_refused(fetch, shelf, secure_server, target):
    secure_server.replies["/weights.pth"] = chunk(BODY[:-1])
    fail(fetch, InputError, "has 2,999,999 bytes")
    assert list_left(target) == []


def test_a_server_that_stumbles_is_asked_again(fetch, shelf, secure_server, target):
    answers = [Reply(b"", status=503), Reply(b"", status=429)]
    secure_server.replies["/weights.pth"] = lambda asked: answers.pop() if answers else shelf(asked)
    fetch()
    assert target.read_bytes() == BODY


def test_a_server_that_stumbles_for_good_is_given_up_with_a_next_step(fetch, shelf, secure_server):
    secure_server.replies["/weights.pth"] = Reply(b"", status=503)
    error = fail(fetch, RunError, "could not be fetched: the server answered 503")
    assert "--file" in error.hint
    assert len(secure_server.requests) == subject.ATTEMPTS


def test_a_file_that_is_not_there_is_asked_for_once(fetch, shelf, secure_server):
    fail(fetch, RunError, "answered 404", path="/gone.pth")
    assert len(secure_server.requests) == 1


class Deaf(socketserver.BaseRequestHandler):
    """Takes a connection and says nothing."""

    def handle(self):
        self.server.heard.wait(30)


@pytest.fixture
def deaf(shelf):
    """The address of a server that never answers."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Deaf) as server:
        server.daemon_threads, server.heard = True, threading.Event()
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"https://localhost:{server.server_address[1]}/weights.pth"
        server.heard.set()
        server.shutdown()


def test_a_server_that_never_answers_is_given_up_after_a_while(deaf, target, ear, monkeypatch):
    monkeypatch.setattr(transfer, "CONNECT_S", 0.2)
    monkeypatch.setattr(transfer, "SILENCE_S", 0.2)
    with pytest.raises(RunError, match="localhost did not answer within 0 s") as caught:
        download(deaf, target, EXPECTED, ear.wire)
    assert "Check the network and the proxy" in caught.value.hint


def test_a_server_that_falls_silent_is_left(fetch, shelf, secure_server, monkeypatch):
    monkeypatch.setattr(transfer, "SILENCE_S", 0.2)
    monkeypatch.setattr(subject, "ATTEMPTS", 2)
    secure_server.replies["/weights.pth"] = Reply(BODY, wait=threading.Event())
    fail(fetch, RunError, "did not answer within")


def test_a_transfer_that_sleeps_is_left(fetch, shelf, secure_server, monkeypatch):
    monkeypatch.setattr(transfer, "SLOW_S", 0.3)
    monkeypatch.setattr(subject, "ATTEMPTS", 2)
    secure_server.replies["/weights.pth"] = Reply(BODY, wait=threading.Event())
    fail(fetch, RunError, "next to nothing came")


@pytest.mark.parametrize("where", ["before the answer", "in the middle"])
def test_a_cancel_is_heard_within_a_second_while_the_server_is_silent(where, deaf, secure_server, target, ear):
    secure_server.replies["/silent.pth"] = Reply(BODY, wait=threading.Event())
    address = deaf if where == "before the answer" else secure_server.locate("/silent.pth")
    asked = []

    def cancel():
        asked.append(time.monotonic())
        ear.wire._cancelled.set()

    threading.Timer(0.5, cancel).start()
    with pytest.raises(CancelRequested):
        download(address, target, EXPECTED, ear.wire)
    assert time.monotonic() - asked[0] < 0.5


def test_a_cancel_keeps_what_has_come(fetch, shelf, target, ear, monkeypatch):
    def tell(done, text=""):
        if done > 0.5:
            raise CancelRequested

    monkeypatch.setattr(ear.wire, "tell", tell)
    with pytest.raises(CancelRequested):
        fetch()
    assert 1_500_000 < Part(target).size < 1_700_000


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(fetch, secure_server, target):
    secure_server.replies["/weights.pth"] = Shelf()
    error = fail(fetch, RunError, "The certificate of localhost is not trusted")
    assert "SSL_CERT_FILE" in error.hint
    assert secure_server.requests == []


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_companys_authority_may_be_named_as_requests_does(name, fetch, secure_server, certificate, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(name, str(certificate))
    secure_server.replies["/weights.pth"] = Shelf()
    assert fetch() == SHA256


def test_a_certificate_file_that_is_gone_is_named(fetch, shelf, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/gone.pem")
    error = fail(fetch, RunError, "certificates cannot be read.*gone.pem")
    assert "REQUESTS_CA_BUNDLE" in error.hint


def test_a_redirect_is_followed_only_to_an_address_with_tls(fetch, shelf, secure_server, server, target):
    server.replies["/weights.pth"] = Reply(BODY)
    secure_server.replies["/here"] = Reply(status=302, headers={"Location": "/weights.pth"})
    secure_server.replies["/plain"] = Reply(status=302, headers={"Location": server.locate("/weights.pth")})
    secure_server.replies["/round"] = Reply(status=302, headers={"Location": "/round"})
    fail(fetch, RunError, "leads to an address without TLS", path="/plain")
    assert server.requests == []
    fail(fetch, RunError, "round in circles", path="/round")
    assert list_left(target) == []
    assert fetch(path="/here") == SHA256


def test_an_address_without_tls_is_refused(server, target, ear):
    with pytest.raises(RunError, match="is no https address"):
        download(server.locate("/weights.pth"), target, EXPECTED, ear.wire)
    assert server.requests == []


def test_what_a_hub_promises_is_held_to(fetch, shelf, target, secure_server):
    wrong = {"X-Linked-ETag": f'"{"0" * 64}"', "Location": "/weights.pth"}
    secure_server.replies["/hub"] = Reply(status=302, headers=wrong)
    fail(fetch, InputError, "expected is 000000000000", path="/hub", expected=Expected())
    assert list_left(target) == []
    right = {"X-Linked-ETag": f'"{SHA256}"', "Location": "/weights.pth"}
    secure_server.replies["/hub"] = Reply(status=302, headers=right)
    assert fetch(Expected(), "/hub") == SHA256


def test_a_promise_of_another_file_is_refused_before_anything_is_kept(fetch, shelf, secure_server, target):
    promise = {"X-Linked-ETag": f'"{"0" * 64}"', "Location": "/weights.pth"}
    secure_server.replies["/hub"] = Reply(status=302, headers=promise)
    fail(fetch, InputError, "begins with 000000000000", path="/hub")
    assert list_left(target) == []


def test_only_the_first_host_may_promise(fetch, shelf, secure_server):
    shelf.headers = {"X-Linked-ETag": f'"{"0" * 64}"'}
    secure_server.replies["/hub"] = Reply(status=302, headers={"Location": "/weights.pth"})
    assert fetch(path="/hub") == SHA256


def test_a_disk_without_room_is_told_before_anything_is_fetched(fetch, shelf, monkeypatch):
    usage = namedtuple("usage", "total used free")(10**9, 10**9, 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)
    error = fail(fetch, RunError, "has 1 MB free; the weights need 3 MB")
    assert "Make room" in error.hint


class Tunnel(socketserver.StreamRequestHandler):
    """A proxy that knows CONNECT, and writes down whom it was asked for."""

    def handle(self):
        place = self.rfile.readline().split()[1].decode()
        headers = dict(line.decode().strip().split(": ", 1) for line in iter(self.rfile.readline, b"\r\n"))
        self.server.asked.append((place, headers.get("Proxy-Authorization")))
        if self.server.wants and headers.get("Proxy-Authorization") != self.server.wants:
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        host, port = place.split(":")
        with socket.create_connection((host, int(port))) as far:
            self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            self.wfile.flush()
            ends = {self.connection: far, far: self.connection}
            while True:
                ready, _, _ = select.select(list(ends), [], [], 5)
                for end in ready:
                    data = end.recv(1 << 16)
                    if not data:
                        return
                    ends[end].sendall(data)


@pytest.fixture
def proxy(monkeypatch, shelf):
    """A proxy that the environment names for every host."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tunnel) as made:
        made.daemon_threads, made.asked, made.wants = True, [], None
        threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.delenv("no_proxy")
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{made.server_address[1]}")
        yield made
        made.shutdown()


def test_the_proxy_of_the_environment_is_used_and_the_certificate_still_looked_at(proxy, fetch, secure_server):
    assert fetch() == SHA256
    assert [place for place, _ in proxy.asked] == [secure_server.locate("").removeprefix("https://")]


def test_hosts_that_need_no_proxy_are_asked_without_it(proxy, fetch, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert fetch() == SHA256
    assert proxy.asked == []


def test_a_proxy_gets_the_name_and_the_password_of_its_address(proxy, fetch, monkeypatch):
    proxy.wants = "Basic " + base64.b64encode("Jörg:p@ss/word".encode("latin1")).decode()
    monkeypatch.setenv("HTTPS_PROXY", f"http://J%C3%B6rg:p%40ss%2Fword@127.0.0.1:{proxy.server_address[1]}")
    assert fetch() == SHA256


def test_a_proxy_that_wants_a_name_is_told_so(proxy, fetch):
    proxy.wants = "Basic eA=="
    error = fail(fetch, RunError, "The proxy asks for a name and a password")
    assert "QGIS" in error.hint


def test_a_proxy_that_is_not_there_is_named_without_its_password(fetch, shelf, monkeypatch):
    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv("HTTPS_PROXY", "http://jane:secret@127.0.0.1:9")
    error = fail(fetch, RunError, "the proxy could not be reached")
    assert "secret" not in error.message + error.hint


def test_a_socks_proxy_is_refused_in_words_and_never_passed_by(fetch, shelf, monkeypatch, secure_server):
    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv("HTTPS_PROXY", "socks5h://127.0.0.1:1080")
    error = fail(fetch, RunError, "A SOCKS proxy cannot be used")
    assert "--file" in error.hint
    assert secure_server.requests == []


@pytest.mark.parametrize(
    ("done", "total", "text"),
    [(34_400_000, 117_225_860, "34 of 117 MB"), (1_234_567, 3_000_000, "1.2 of 3.0 MB"), (5_000_000, 0, "5.0 MB")],
)
def test_sizes_are_told_in_megabytes(done, total, text):
    assert describe_size(done, total) == text
