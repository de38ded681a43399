"""The package index: which one the user has configured, and which of its files fits this machine."""

from __future__ import annotations

import configparser
import json
import os
import platform
import re
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Iterable, Mapping, Sequence
from urllib.parse import unquote, urljoin, urlsplit

from .errors import SetupError

PUBLIC_INDEX = "https://pypi.org/simple"
PAGE_FORMATS = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
_ADDRESS_SETTINGS = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_CERTIFICATE_SETTINGS = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_SYSTEM_FILES = (Path("/etc/pip.conf"),)
_PIP_SECTIONS = ("install", "global")
_MACHINES = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True)
class Index:
    """A package index in the form that PEP 503 and PEP 691 describe.

    ``address`` may hold a name and a password and so never shows in a log; ``shown`` is for people. ``certificates``
    is a PEM file of certificate authorities to trust besides the system's, or "".
    """

    address: str = field(repr=False)
    certificates: str = ""

    @property
    def shown(self) -> str:
        """The address without credentials."""
        return hide_credentials(self.address)

    def locate_page(self, package: str) -> str:
        """Return the address of a package's page, credentials included."""
        return f"{self.address.rstrip('/')}/{package}/"


@dataclass(frozen=True)
class IndexFile:
    """A file that an index offers."""

    name: str
    address: str = field(repr=False)


def hide_credentials(text: str) -> str:
    """Return the text with every ``//name:password@`` in it blotted out."""
    return re.sub(r"//[^/\s]*@", "//***@", text)


def find_index(environ: Mapping[str, str]) -> Index:
    """Return the index that the settings of uv or pip name (variables before files, uv before pip), or the public one.

    Raises SetupError for a configuration file that cannot be read.
    """
    settings = read_pip_settings(environ)
    address = _first(environ, _ADDRESS_SETTINGS) or settings.get("index-url") or PUBLIC_INDEX
    # pip's own come first: QGIS on Windows points SSL_CERT_FILE at a bundle that knows no company's authority
    certificates = environ.get("PIP_CERT") or settings.get("cert") or _first(environ, _CERTIFICATE_SETTINGS)
    return Index(re.sub(r"^[\w.-]+=(?=\w+://)", "", address.strip()), certificates)


def _first(environ: Mapping[str, str], names: Iterable[str]) -> str:
    return next((environ[name] for name in names if environ.get(name)), "")


def read_pip_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return pip's settings for ``install`` from its files, the more particular file and section last to speak."""
    settings: dict[str, str] = {}
    for path in list_pip_files(environ):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError) as error:
            raise SetupError(f"pip's configuration file {path} cannot be read.", "Fix or remove that file.") from error
        for section in reversed(_PIP_SECTIONS):
            if parser.has_section(section):
                settings.update((key.replace("_", "-"), value) for key, value in parser.items(section) if value)
    return settings


def list_pip_files(environ: Mapping[str, str]) -> list[Path]:
    """Return the places where pip reads its configuration, the weakest first, whether or not they exist."""
    chosen = environ.get("PIP_CONFIG_FILE", "")
    if chosen == os.devnull:
        return []
    home = Path(environ.get("HOME") or environ.get("USERPROFILE") or Path.home())
    if sys.platform == "win32":
        files = [
            Path(environ.get("PROGRAMDATA", "C:\\ProgramData"), "pip", "pip.ini"),
            home / "pip" / "pip.ini",
            Path(environ.get("APPDATA", home / "AppData" / "Roaming"), "pip", "pip.ini"),
        ]
    else:
        shared = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        files = [Path(folder, "pip", "pip.conf") for folder in shared.split(os.pathsep)]
        files += [*_SYSTEM_FILES, home / ".pip" / "pip.conf"]
        files.append(Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "pip", "pip.conf"))
        if sys.platform == "darwin":
            support = Path("Library", "Application Support", "pip", "pip.conf")
            files = [Path("/") / support, *files, home / support]
    files.append(Path(sys.prefix, files[0].name))
    return [*files, Path(chosen)] if chosen else files


def read_page(body: bytes, content_type: str, address: str) -> list[IndexFile]:
    """Return the files that an index's page lists, JSON or HTML; ``address`` is where the page came from.

    A page that is neither (a sign-in page, say) lists none.
    """
    text = body.decode("utf-8", "replace")
    if "json" in content_type:
        return _read_json(text, address)
    links = _Links()
    links.feed(text)
    return [_name_file(urljoin(address, link)) for link in links.found]


def _read_json(text: str, address: str) -> list[IndexFile]:
    try:
        files = json.loads(text)["files"]
        return [IndexFile(file["filename"], urljoin(address, file["url"]).partition("#")[0]) for file in files]
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(
            f"{hide_credentials(address)} is not a package index's page.",
            "Check the index's address in pip's or uv's settings.",
        ) from error


def _name_file(address: str) -> IndexFile:
    return IndexFile(unquote(urlsplit(address).path.rpartition("/")[2]), address.partition("#")[0])


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href") if tag == "a" else None
        if href:
            self.found.append(href)


def pick_wheel(files: Iterable[IndexFile], package: str, version: str) -> IndexFile | None:
    """Return the wheel of that version that suits this machine best, None where there is none.

    Only the platform counts: the package is a program that runs without Python.
    """
    best: tuple[int, IndexFile] | None = None
    for file in files:
        if not (file.name.startswith(f"{package}-{version}-") and file.name.endswith(".whl")):
            continue
        tags = file.name[: -len(".whl")].rpartition("-")[2].split(".")
        ranks = [rank for tag in tags if (rank := rank_platform(tag)) is not None]
        if ranks and (best is None or max(ranks) > best[0]):
            best = (max(ranks), file)
    return best[1] if best else None


def rank_platform(tag: str) -> int | None:
    """Return how well a wheel's platform tag suits this machine (more is better), None where it does not run on it."""
    machine = platform.machine().lower()
    machine = _MACHINES.get(machine, machine)
    if sys.platform == "win32":
        return 1 if tag == {"x86_64": "win_amd64", "aarch64": "win_arm64"}.get(machine, "win32") else None
    if sys.platform == "darwin":
        wanted = "arm64" if machine == "aarch64" else machine
        return 1 if re.fullmatch(rf"macosx_\d+_\d+_({wanted}|universal2)", tag) else None
    return _rank_linux(tag, machine)


def _rank_linux(tag: str, machine: str) -> int | None:
    found = re.fullmatch(rf"(many|musl)linux_(\d+)_(\d+)_{re.escape(machine)}", tag)
    if found is None:
        return None
    if found[1] == "musl":
        return 0  # linked statically: it runs beside any C library, but the native one is preferred
    library, version = platform.libc_ver()
    needed = (int(found[2]), int(found[3]))
    ours = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    return 1 + needed[1] if library == "glibc" and needed <= ours else None
