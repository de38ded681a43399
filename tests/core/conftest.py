"""A package index on this machine with a stand-in for uv on it, for the tests of the set-up.

The index is a real web server. Its uv is a small shell script, packed as the real one is, that makes a folder with a
`python` in it and writes down how it was called.
"""

import hashlib
import io
import json
import os
import platform
import zipfile

import pytest

from plugin.core import environment as subject
from plugin.core import uv_download
from plugin.core.environment import locate_environment, set_up
from plugin.core.errors import SetupError
from tests.conftest import Reply

JSON_KIND = "application/vnd.pypi.simple.v1+json"
FAKE_PYTHON = """#!/bin/sh
echo "python marker=$(test -e "$(dirname "$0")/../ready" && echo yes || echo no)" >> "$RECORD/calls"
test -e "$RECORD/python-is-broken" && { echo "no module named torch"; exit 1; }
echo '{"ok": true, "device": "cpu", "device_name": "x", "text": "Ready: runs on the CPU.", "hint": ""}'
"""
FAKE_UV = """#!/bin/sh
echo "uv $*" >> "$RECORD/calls"
echo "cwd=$(pwd)" >> "$RECORD/calls"
env > "$RECORD/environ"
case " $* " in
*" venv "*)
    for folder; do :; done
    rm -rf "$folder" && mkdir -p "$folder/bin" && cp "$RECORD/python" "$folder/bin/python"
    echo "version_info = 3.12.1" > "$folder/pyvenv.cfg"
    echo "Using CPython 3.12.1" ;;
*" pip install "*)
    echo "Downloading torch (500.0MiB)"; echo " Downloaded torch"
    echo "from $UV_DEFAULT_INDEX"
    echo $$ > "$RECORD/pid"
    while test -e "$RECORD/uv-hangs"; do sleep 0.1; done
    test -e "$RECORD/uv-says" && { cat "$RECORD/uv-says"; exit 2; }
    echo "Installed 2 packages" ;;
esac
"""


class Index:
    """A package index with one uv on it, and the user's settings that point to it."""

    def __init__(self, server, folder, monkeypatch):
        self.server, self.monkeypatch = server, monkeypatch
        self.record = folder / "record"
        self.record.mkdir()
        (self.record / "python").write_text(FAKE_PYTHON, encoding="utf-8")
        (self.record / "python").chmod(0o755)
        self.wheel = pack_wheel(FAKE_UV)
        self.name = f"uv-1.2.3-py3-none-manylinux_2_17_{platform.machine()}.whl"
        self.publish("json")
        lock = folder / "uv.txt"
        digest = hashlib.sha256(self.wheel).hexdigest()
        lock.write_text(
            f"uv==1.2.3 \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{digest}\n", encoding="utf-8"
        )
        monkeypatch.setattr(subject, "UV_LOCK_FILE", lock)
        for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "SSL_", "REQUESTS_"))]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("RECORD", str(self.record))
        monkeypatch.setenv("FOOTPRINT_TUNER_HOME", str(folder / "Häuser und Dächer"))
        self.point_to(server.locate("/simple"))

    def point_to(self, address):
        self.monkeypatch.setenv("UV_DEFAULT_INDEX", address)

    def publish(self, form, address=None):
        address = address or f"../../files/{self.name}#sha256=00"
        if form == "json":
            page = json.dumps({"files": [{"filename": self.name, "url": address}]})
            self.server.replies["/simple/uv/"] = Reply(page.encode(), JSON_KIND)
        else:
            page = f"<!DOCTYPE html><html><body><a href='{address}'>{self.name}</a></body></html>"
            self.server.replies["/simple/uv/"] = Reply(page.encode(), "text/html; charset=utf-8")
        self.server.replies[f"/files/{self.name}"] = Reply(self.wheel)

    @property
    def file(self):
        return self.server.replies[f"/files/{self.name}"]

    @property
    def calls(self):
        path = self.record / "calls"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def run(self, steps=None, is_cancelled=lambda: False):
        """Run the set-up and return its verdict."""
        return set_up(locate_environment(), (steps if steps is not None else []).append, is_cancelled)

    def fail(self, match):
        """Run a set-up that must fail, and return its error."""
        with pytest.raises(SetupError, match=match) as caught:
            self.run()
        assert caught.value.hint
        assert not locate_environment().is_ready
        return caught.value

    def plant(self, name, content=""):
        path = self.record / name
        path.write_text(content, encoding="utf-8")
        return path


def pack_wheel(script, member="uv-1.2.3.data/scripts/uv"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, script)
    return buffer.getvalue()


@pytest.fixture
def index(server, tmp_path, monkeypatch):
    monkeypatch.setattr(uv_download, "PAUSE_S", 0)
    return Index(server, tmp_path, monkeypatch)
