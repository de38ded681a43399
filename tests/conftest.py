"""What every room's tests share: import paths, how property tests draw, and a small web server that can misbehave."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = ROOT / "build" / "plugins"  # `make plugin-link` puts footprint_tuner there, a link to the checkout

for _path in (str(PLUGINS), str(ROOT)):
    if _path not in sys.path:
        sys.path.insert(0, _path)

# Whether a change passes must not be a matter of luck: only `make test-random` draws examples anew. How long one takes
# says how busy the machine is.
settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("random", settings.get_profile("repeatable"), derandomize=False)
settings.load_profile("repeatable")


@dataclass
class Reply:
    """What the server says at one path. ``cut``: break off after so many bytes, for the first ``cuts`` requests."""

    body: bytes = b""
    kind: str = "application/octet-stream"
    status: int = 200
    headers: dict = field(default_factory=dict)
    cut: int = -1
    cuts: int = 10**9
    wait: threading.Event = None


class Server:
    """An HTTP or HTTPS server on this machine: ``replies`` by path, and the ``requests`` that it got, in order."""

    def __init__(self, context: ssl.SSLContext | None = None):
        self.replies = {}
        self.requests = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._server.daemon_threads = True
        self._scheme = "https" if context else "http"
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def locate(self, path="/", credentials=""):
        return f"{self._scheme}://{credentials}localhost:{self._server.server_port}{path}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _make_handler(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.requests.append((self.path, dict(self.headers)))
                reply = server.replies.get(self.path, Reply(b"not here", "text/plain", 404))
                if callable(reply):
                    reply = reply(dict(self.headers))
                self.send_response(reply.status)
                for name, value in {"Content-Type": reply.kind, **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self._send_body(reply)

            def _send_body(self, reply):
                if reply.cut >= 0 and reply.cuts > 0:
                    reply.cuts -= 1
                    self.wfile.write(reply.body[: reply.cut])
                elif reply.wait:
                    self.wfile.write(reply.body[:1])
                    self.wfile.flush()
                    reply.wait.wait(600)
                else:
                    self.wfile.write(reply.body)

            def log_message(self, *_arguments):
                pass

        return Handler


@pytest.fixture
def server(monkeypatch):
    """An HTTP server on this machine, reached without a proxy."""
    _leave_proxies_out(monkeypatch)
    made = Server()
    yield made
    made.close()


@pytest.fixture
def secure_server(monkeypatch, certificate):
    """An HTTPS server on this machine with a certificate that nobody has signed but itself."""
    _leave_proxies_out(monkeypatch)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    made = Server(context)
    yield made
    made.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """The PEM file of a self-signed certificate for localhost; its key lies beside it as key.pem."""
    path = tmp_path_factory.mktemp("certificate") / "certificate.pem"
    key = path.with_name("key.pem")
    options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", *options, *names, "-keyout", str(key), "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def _leave_proxies_out(monkeypatch):
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")


@pytest.fixture
def root():
    """The checkout's folder."""
    return ROOT


#: What a finished run leaves, but for the report; a run's folder without them is not whole.
LEFT = ("labels.gpkg", "split.gpkg", "errors.gpkg", "footprints.gpkg", "base_footprints.gpkg", "model.json")


def make_report(blocks=12, hits=6, of=10, wrong=3, left=0.0, **fields):
    """Return a report as far as the history reads it: ``blocks`` squares of 100 m, each with ``of`` buildings."""
    counts = [{"tp": hits + i % 3 - 1, "fp": wrong, "fn": of - hits - i % 3 + 1} for i in range(blocks)]
    tp, fp, fn = (sum(count[name] for count in counts) for name in ("tp", "fp", "fn"))
    building = {"tp": tp, "fp": fp, "fn": fn, "precision": tp / (tp + fp), "recall": tp / (tp + fn)}
    building |= {"f1": 2 * tp / (2 * tp + fp + fn), "interval": [0.5, 0.7]}
    sizes = [{"from_m2": 0.0, "to_m2": 50.0, "f1": hits / of}, {"from_m2": 50.0, "to_m2": None, "f1": 0.5}]
    score = {"building": building, "by_size": sizes, "by_iou": [{"iou": 0.5, "f1": building["f1"]}]}
    bounds = [[left + 100.0 * i, 0.0, left + 100.0 * i + 100, 100.0] for i in range(blocks)]
    return {
        "schema": 2,
        "written": "2026-01-02T03:04:05+00:00",
        "before": {"building": {**building, "f1": 0.25}},
        "after": score,
        "difference": {"f1": 0.1, "interval": None, "sentence": "The tuned model is better."},
        "blocks": [{"id": i, "bounds": bounds[i], "after": counts[i]} for i in range(blocks)],
        "raster": {"path": "/data/of somebody/town.tif", "crs": "EPSG:32645"},
        "base_model": {"title": "Starter"},
        "seconds": {"base": 60.5, "tune": 600.0},
        **fields,
    }


@pytest.fixture
def make_run(tmp_path):
    """Return a function that makes the folder of a finished run; files are empty but for the job and the report."""

    def make(name="town_2026-01-02_03-04-05", job=None, report=None, without=(), runs=None):
        folder = (runs or tmp_path / "footprint_tuner_runs") / name
        folder.mkdir(parents=True)
        job = {"raster": "/data/of somebody/town.tif", "labels": "labels.gpkg", "name": name, **(job or {})}
        (folder / "job.json").write_text(json.dumps(job), "utf-8")
        (folder / "report.json").write_text(json.dumps(make_report() if report is None else report), "utf-8")
        for each in LEFT:
            (folder / each).touch()
        for each in without:
            (folder / each).unlink()
        return folder

    return make
