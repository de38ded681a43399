"""How a server is reached: certificates, redirects, proxies, silence, and a cancel meanwhile."""

from __future__ import annotations

import base64
import select
import socket
import socketserver
import ssl
import threading
from urllib.parse import quote

import pytest
import truststore
from requests.exceptions import InvalidSchema

from plugin.core.errors import RunError
from plugin.worker.downloads import download as subject
from plugin.worker.downloads import http
from plugin.worker.downloads.download import download
from plugin.worker.runtime.progress import CancelRequested
from tests.conftest import Reply
from tests.worker.file_server import BODY, EXPECTED, SHA256, FileServer, fail, list_left


@pytest.fixture(autouse=True)
def is_quick(monkeypatch):
    monkeypatch.setattr(subject, "PAUSE_S", 0.01)
    monkeypatch.setattr(subject, "_WAIT_S", 0.01)


class Deaf(socketserver.BaseRequestHandler):
    """Takes a connection and says nothing."""

    def handle(self):
        self.server.heard.wait()


@pytest.fixture
def deaf(file_server):
    """The address of a server that never answers."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Deaf) as server:
        server.daemon_threads, server.heard = True, threading.Event()
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"https://localhost:{server.server_address[1]}/weights.pth"
        server.heard.set()
        server.shutdown()


def test_a_server_that_never_answers_is_given_up_after_a_while(deaf, target, ear, monkeypatch):
    monkeypatch.setattr(http, "CONNECT_S", 0.2)
    monkeypatch.setattr(http, "SILENCE_S", 0.2)
    with pytest.raises(RunError, match="localhost did not answer within 0 s") as caught:
        download(deaf, target, EXPECTED, ear.channel)
    assert "Check the network and the proxy" in caught.value.hint


def test_a_server_that_falls_silent_is_left(fetch, file_server, secure_server, monkeypatch):
    monkeypatch.setattr(http, "SILENCE_S", 0.2)
    monkeypatch.setattr(subject, "ATTEMPTS", 2)
    secure_server.replies["/weights.pth"] = Reply(BODY, wait=threading.Event())
    fail(fetch, RunError, "did not answer within")


def test_a_transfer_that_sleeps_is_left(fetch, file_server, secure_server, monkeypatch):
    monkeypatch.setattr(http, "SLOW_S", 0.3)
    monkeypatch.setattr(subject, "ATTEMPTS", 2)
    secure_server.replies["/weights.pth"] = Reply(BODY, wait=threading.Event())
    fail(fetch, RunError, "almost no data arrived")


@pytest.mark.parametrize("where", ["before the answer", "in the middle"])
def test_nothing_but_a_cancel_ends_the_wait_for_a_silent_server(where, deaf, secure_server, target, ear, monkeypatch):
    for name in ("CONNECT_S", "SILENCE_S", "SLOW_S"):
        monkeypatch.setattr(http, name, 10**6)
    held = threading.Event()
    secure_server.replies["/silent.pth"] = Reply(BODY, wait=held)
    address = deaf if where == "before the answer" else secure_server.locate("/silent.pth")
    threading.Timer(0.5, ear.channel._cancelled.set).start()
    with pytest.raises(CancelRequested):
        download(address, target, EXPECTED, ear.channel)
    held.set()


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(fetch, secure_server, target):
    secure_server.replies["/weights.pth"] = FileServer()
    error = fail(fetch, RunError, "The certificate of localhost is not trusted")
    assert "SSL_CERT_FILE" in error.hint
    assert secure_server.requests == []


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_companys_authority_may_be_named_as_requests_does(name, fetch, secure_server, certificate, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(name, str(certificate))
    secure_server.replies["/weights.pth"] = FileServer()
    assert fetch() == SHA256


def test_a_certificate_file_that_is_gone_is_named(fetch, file_server, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/gone.pem")
    error = fail(fetch, RunError, "certificates cannot be read.*gone.pem")
    assert "REQUESTS_CA_BUNDLE" in error.hint


def test_a_redirect_is_followed_only_to_an_address_with_tls(fetch, file_server, secure_server, server, target):
    server.replies["/weights.pth"] = Reply(BODY)
    secure_server.replies["/here"] = Reply(status=302, headers={"Location": "/weights.pth"})
    secure_server.replies["/plain"] = Reply(status=302, headers={"Location": server.locate("/weights.pth")})
    secure_server.replies["/round"] = Reply(status=302, headers={"Location": "/round"})
    fail(fetch, RunError, "redirects to an address without TLS", path="/plain")
    assert server.requests == []
    fail(fetch, RunError, "redirects in a loop", path="/round")
    assert list_left(target) == []
    assert fetch(path="/here") == SHA256


def test_an_address_without_tls_is_refused(server, target, ear):
    with pytest.raises(RunError, match="is no https address"):
        download(server.locate("/weights.pth"), target, EXPECTED, ear.channel)
    assert server.requests == []


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
def proxy(monkeypatch, file_server):
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
    user = quote("Jörg:p@ss/word", safe=":")
    monkeypatch.setenv("HTTPS_PROXY", f"http://{user}@127.0.0.1:{proxy.server_address[1]}")
    assert fetch() == SHA256


def test_a_proxy_that_wants_a_name_is_told_so(proxy, fetch):
    proxy.wants = "Basic eA=="
    error = fail(fetch, RunError, "The proxy asks for a name and a password")
    assert "QGIS" in error.hint


def test_a_proxy_that_is_not_there_is_named_without_its_password(fetch, file_server, monkeypatch):
    monkeypatch.delenv("no_proxy")
    user = "jane:secret"
    monkeypatch.setenv("HTTPS_PROXY", f"http://{user}@127.0.0.1:9")
    error = fail(fetch, RunError, "the proxy could not be reached")
    assert "secret" not in error.message + error.hint


def test_a_socks_proxy_is_refused_in_words_and_never_passed_by(fetch, file_server, monkeypatch, secure_server):
    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv("HTTPS_PROXY", "socks5h://127.0.0.1:1080")
    error = fail(fetch, RunError, "A SOCKS proxy cannot be used")
    assert "--file" in error.hint
    assert secure_server.requests == []


def test_the_system_is_asked_whom_it_trusts_and_a_certificate_is_always_looked_at():
    with http._open_session() as session:
        options = session.get_adapter("https://localhost").poolmanager.connection_pool_kw
        assert isinstance(options["ssl_context"], truststore.SSLContext)
        assert options["ssl_context"].verify_mode == ssl.CERT_REQUIRED
        assert options["ssl_context"].check_hostname
        assert session.verify is True
        with pytest.raises(InvalidSchema):
            session.get_adapter("http://localhost")
