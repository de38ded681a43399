"""The installer of the worker's environment: uv, in one pinned version, downloaded from the package index."""

from __future__ import annotations

import hashlib
import io
import os
import re
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Mapping, Sequence

from .errors import SetupError
from .package_index import PAGE_FORMATS, PUBLIC_INDEX, Index, hide_credentials, pick_wheel, read_page
from .uv_download import Answer, build_opener, fetch

SUITABLE_PYTHON = "cpython>=3.11,<3.15"
_PACKAGE = "uv"
_PROGRAM = "uv.exe" if sys.platform == "win32" else "uv"
_INDEX_HINT = "Check the package index's address in UV_DEFAULT_INDEX, PIP_INDEX_URL or pip's configuration."
SPACE_HINT = "About 7 GB are needed: free some space, or name a folder on another disk in FOOTPRINT_TUNER_HOME."
_FAILURES = (
    ("No space left on device|os error 28|os error 112", "The disk is full.", SPACE_HINT),
    (
        "Permission denied|Access is denied|os error 13",
        "A file or folder cannot be written.",
        "Close other programs that use the worker, check the folder's rights, then try again.",
    ),
    (
        "invalid peer certificate|UnknownIssuer|CertNotValidForName",
        "The package index's certificate is not trusted.",
        "Name your company's certificate authority in SSL_CERT_FILE or PIP_CERT.",
    ),
    (
        "401 Unauthorized|403 Forbidden|407 Proxy",
        "The package index or the proxy refused the sign-in.",
        "Check the name and the password in the index's or the proxy's address.",
    ),
    (
        "ash mismatch",
        "A package does not match its pinned checksum and was thrown away.",
        "Try again; if it fails again, a proxy or the package index alters files: ask whoever runs it.",
    ),
    (
        "No interpreter found|No download found|python-build-standalone",
        "No Python from 3.11 to 3.14 was found, and none could be downloaded.",
        "Install Python 3.12 (python.org or your package manager), then press Set up again.",
    ),
    (
        "no usable wheels|no matching .*platform|not supported on your platform",
        "The package index has no build of a package for this machine.",
        "Use an index that mirrors every platform, or a 64-bit Python.",
    ),
    (
        "dns error|error sending request|Connect|timed out|Request failed|Failed to (fetch|download)",
        "A package could not be downloaded.",
        "Check the network and the proxy settings (HTTPS_PROXY), then press Set up again: finished downloads are kept.",
    ),
)
_OWN_TARGETS = (
    "UV_TARGET",
    "UV_PREFIX",
    "UV_PYTHON",
    "UV_PROJECT",
    "UV_WORKING_DIR",
    "UV_SYSTEM_PYTHON",
    "UV_INDEX_URL",
)


@dataclass(frozen=True)
class Pin:
    """The version of uv that we use, and the SHA-256 of each of its files, for every platform."""

    version: str
    hashes: frozenset[str]


def read_pin(lock: Path) -> Pin:
    """Read the pin from a locked requirements file that holds uv alone."""
    text = lock.read_text(encoding="utf-8")
    found = re.search(r"^uv==(\S+)", text, re.MULTILINE)
    hashes = frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", text))
    if found is None or not hashes:
        raise SetupError(f"{lock} pins no uv.", "Install the plugin again.")
    return Pin(found[1], hashes)


def obtain_uv(
    home: Path,
    pin: Pin,
    index: Index,
    on_progress: Callable[[int, int], None],
    is_cancelled: Callable[[], bool],
) -> Path:
    """Return the pinned uv in ``home``, fetched from ``index`` where it is not there yet.

    ``on_progress`` hears bytes done and in all. Raises SetupError, SetupCancelled, OSError.
    """
    program = home / f"uv-{pin.version}" / _PROGRAM
    if program.exists():
        return program
    opener = build_opener(index)
    page = fetch(opener, index.locate_page(_PACKAGE), PAGE_FORMATS, is_cancelled=is_cancelled)
    files = [file for file in read_page(page.body, page.kind, page.address) if file.name.startswith(f"{_PACKAGE}-")]
    if not files:
        raise SetupError(f"{index.shown} answered with a page that lists no file of uv.", _INDEX_HINT)
    wheel = pick_wheel(files, _PACKAGE, pin.version)
    if wheel is None:
        raise SetupError(
            f"{index.shown} has no uv {pin.version} for this kind of machine.",
            "Ask whoever runs the index to mirror that version, or use another index.",
        )
    answer = fetch(opener, wheel.address, on_progress=on_progress, is_cancelled=is_cancelled)
    _verify(answer, pin)
    _unpack(answer.body, program)
    return program


def _verify(answer: Answer, pin: Pin) -> None:
    shown = hide_credentials(answer.address)
    if not zipfile.is_zipfile(io.BytesIO(answer.body)):
        raise SetupError(
            f"{shown} did not answer with a package (is it a sign-in page?).",
            "Open that address in a browser, sign in to the network if it asks, then press Set up again.",
        )
    if hashlib.sha256(answer.body).hexdigest() not in pin.hashes:
        raise SetupError(
            f"{shown} does not match its pinned checksum and was thrown away.",
            "Try again; if it fails again, a proxy or the package index alters files: ask whoever runs it.",
        )


def _unpack(wheel: bytes, program: Path) -> None:
    """Put the program of a wheel to its place by a rename, so that half a program is never taken for one."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        member = next((name for name in archive.namelist() if name.endswith(f".data/scripts/{program.name}")), None)
        if member is None:
            raise SetupError("The package of uv holds no program.", "Install the plugin again.")
        content = archive.read(member)
    program.parent.mkdir(parents=True, exist_ok=True)
    half = program.with_name(f"{program.name}.{os.getpid()}.part")
    try:
        half.write_bytes(content)
        half.chmod(0o755)
        half.replace(program)
    finally:
        half.unlink(missing_ok=True)


def configure_uv(environ: Mapping[str, str], index: Index) -> dict[str, str]:
    """Return the environment variables that uv is to see: ours decide where it installs and from which index.

    The index's address is handed over here and not as an argument, because it may hold a password and other users of
    the machine can read a program's arguments.
    """
    ours = {name: value for name, value in environ.items() if name.upper() not in _OWN_TARGETS}
    if index.address != PUBLIC_INDEX and "UV_DEFAULT_INDEX" not in ours:
        ours["UV_DEFAULT_INDEX"] = index.address
    if index.certificates:
        ours["SSL_CERT_FILE"] = index.certificates
    ours["UV_NO_PROGRESS"] = "1"
    return ours


def choose_venv_arguments(folder: Path) -> list[str]:
    """Return uv's arguments for a new, empty environment on the best suitable Python, in place of whatever is there."""
    return [
        "--no-config",
        "--color",
        "never",
        "venv",
        "--no-project",
        "--clear",
        "--python",
        SUITABLE_PYTHON,
        str(folder),
    ]


def choose_install_arguments(python: Path, lock: Path) -> list[str]:
    """Return uv's arguments that fill the environment of ``python`` with exactly what ``lock`` names, checked by hash.

    This is the seam for other builds of torch and for folders of wheels.
    """
    options = ["--require-hashes", "--only-binary", ":all:", "--python", str(python)]
    return ["--no-config", "--color", "never", "pip", "install", *options, "-r", str(lock)]


class Downloads:
    """Adds up the MiB that uv announces and finishes; nothing depends on it but a progress bar."""

    def __init__(self) -> None:
        """Begin with nothing announced."""
        self._sizes: dict[str, int] = {}
        self.done = 0

    @property
    def total(self) -> int:
        """The MiB announced so far."""
        return sum(self._sizes.values())

    def hear(self, line: str) -> None:
        """Take note of a line of uv's output."""
        announced = re.match(r"\s*Downloading (\S+) \(([\d.]+)([KMG])iB\)", line)
        if announced:
            self._sizes[announced[1]] = round(float(announced[2]) * {"K": 0.001, "M": 1, "G": 1024}[announced[3]])
        finished = re.match(r"\s*Downloaded (\S+)", line)
        if finished:
            self.done += self._sizes.get(finished[1], 0)


def explain_failure(step: str, code: int, lines: Sequence[str], log: Path) -> SetupError:
    """Return why uv ended with ``code`` in ``step``, as far as its last lines tell."""
    said = hide_credentials("\n".join(lines[-30:]))
    for pattern, message, hint in _FAILURES:
        if re.search(pattern, said):
            return SetupError(f"{step}: {message}", f"{hint} The log is {log}.")
    reason = next((line for line in lines if line.startswith("error: ")), lines[-1] if lines else "its log is empty")
    text = f"{step}: uv ended with exit code {code}: {hide_credentials(reason)}"
    return SetupError(text, f"Press Set up to try again. The log is {log}.")
