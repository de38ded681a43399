"""Downloads over HTTP or HTTPS: verified, retried, cancellable, with a reason if they fail."""

from __future__ import annotations

import base64
import http.client
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Callable
from urllib.parse import SplitResult, unquote, urlsplit

from .child_process import SetupCancelled, never
from .errors import SetupError
from .package_index import Index, hide_credentials

ATTEMPTS = 3
PAUSE_S = 1.0
_WAIT_S = 0.1
_TIMEOUT_S = 30
_CHUNK = 1 << 18
_LARGEST = 1 << 28
_PASSING = (http.HTTPStatus.REQUEST_TIMEOUT, http.HTTPStatus.TOO_MANY_REQUESTS)
_CONNECTION_HINT = "Check the network and the proxy settings (HTTPS_PROXY), then press Set up again."
_TRUST_HINT = "If your company has its own certificate authority, name its PEM file in SSL_CERT_FILE or PIP_CERT."
_STATUS_HINTS = {
    401: "Check the name and the password in the package index's address.",
    403: "Check the name and the password in the package index's address, or ask who runs the index.",
    404: "Check the package index's address in UV_DEFAULT_INDEX, PIP_INDEX_URL or pip's configuration.",
    407: "Put the proxy's name and password into HTTPS_PROXY.",
}


@dataclass(frozen=True)
class Answer:
    """What came back: the ``address`` after redirects, the ``kind`` (its content type) and the ``body``."""

    address: str
    kind: str
    body: bytes


class _BrokenOffError(Exception):
    """The connection broke or the server stumbled: worth another attempt."""


class _Credentials(urllib.request.BaseHandler):
    """Signs in where the index lives, and nowhere that it redirects to."""

    def __init__(self, index: SplitResult) -> None:
        self._origin = (index.scheme, index.netloc.rpartition("@")[2])
        name_and_password = f"{unquote(index.username or '')}:{unquote(index.password or '')}"
        self._header = "Basic " + base64.b64encode(name_and_password.encode()).decode()

    def http_request(self, request: urllib.request.Request) -> urllib.request.Request:
        target = urlsplit(request.full_url)
        if (target.scheme, target.netloc) == self._origin:
            request.add_unredirected_header("Authorization", self._header)
        return request

    https_request = http_request


def build_opener(index: Index) -> urllib.request.OpenerDirector:
    """Return an opener that speaks HTTP and HTTPS only, through the user's proxy, and trusts the index's authorities.

    Raises SetupError where the certificates cannot be read.
    """
    address = urlsplit(index.address)
    opener = urllib.request.OpenerDirector()
    handlers: list[urllib.request.BaseHandler] = [
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=_trust(index.certificates)),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ]
    if address.username:
        handlers.append(_Credentials(address))
    for handler in handlers:
        opener.add_handler(handler)
    return opener


def _trust(certificates: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    system = Path("/etc/ssl/cert.pem")
    if sys.platform == "darwin" and not context.get_ca_certs() and system.exists():
        context.load_verify_locations(system)  # a QGIS bundle's OpenSSL looks in a folder of the machine that built it
    if certificates:
        try:
            context.load_verify_locations(certificates)
        except OSError as error:
            raise SetupError(
                f"The certificate file {certificates} cannot be read.",
                "Check SSL_CERT_FILE, PIP_CERT, REQUESTS_CA_BUNDLE and `cert` in pip's configuration.",
            ) from error
    return context


def fetch(
    opener: urllib.request.OpenerDirector,
    address: str,
    accept: str = "*/*",
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    is_cancelled: Callable[[], bool] = never,
) -> Answer:
    """Return what lies at ``address``; ``on_progress`` hears bytes done and in all (0: not known).

    A broken connection is tried again. Raises SetupCancelled soon after ``is_cancelled()``, SetupError otherwise.
    """
    attempt = 1
    while True:
        try:
            return _Transfer(opener, address, accept).follow(on_progress, is_cancelled)
        except _BrokenOffError as error:
            if attempt == ATTEMPTS:
                shown = hide_credentials(address)
                raise SetupError(f"{shown} could not be fetched: {error}.", _CONNECTION_HINT) from error
        _pause(PAUSE_S * attempt, is_cancelled)
        attempt += 1


def _pause(seconds: float, is_cancelled: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_cancelled():
            raise SetupCancelled
        time.sleep(_WAIT_S)


class _Transfer(threading.Thread):
    """One attempt, in a thread that can be left behind: a name look-up or a silent server cannot be interrupted."""

    def __init__(self, opener: urllib.request.OpenerDirector, address: str, accept: str) -> None:
        super().__init__(daemon=True)
        target = urlsplit(address)
        if target.scheme not in ("http", "https") or not target.hostname:
            raise SetupError(
                f"{hide_credentials(address)} is no http or https address.",
                "Name the package index by its http or https address in UV_DEFAULT_INDEX or PIP_INDEX_URL.",
            )
        self._address = target._replace(netloc=target.netloc.rpartition("@")[2], fragment="").geturl()
        self._accept = accept
        self._opener = opener
        self._body = bytearray()
        self._total = 0
        self._is_left = False
        self._answer: Answer | None = None
        self._error: Exception | None = None

    def follow(self, on_progress: Callable[[int, int], None], is_cancelled: Callable[[], bool]) -> Answer:
        self.start()
        while self.is_alive():
            self.join(_WAIT_S)
            on_progress(len(self._body), self._total)
            if is_cancelled():
                self._is_left = True
                raise SetupCancelled
        on_progress(len(self._body), self._total)
        if self._answer is None:
            raise self._error or _BrokenOffError("no answer")
        return self._answer

    def run(self) -> None:
        try:
            self._answer = self._transfer()
        except urllib.error.HTTPError as error:
            self._error = self._explain_status(error)
        except urllib.error.URLError as error:
            self._error = self._explain_reason(error.reason)
        except (SetupError, _BrokenOffError) as error:
            self._error = error
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._error = self._explain_reason(error)

    def _transfer(self) -> Answer:
        request = urllib.request.Request(self._address, headers={"Accept": self._accept})  # noqa: S310 (http(s) only, checked)
        with self._opener.open(request, timeout=_TIMEOUT_S) as response:
            self._total = int(response.headers.get("Content-Length") or 0)
            while not self._is_left and (chunk := response.read1(_CHUNK)):
                self._body += chunk
                if len(self._body) > _LARGEST:
                    raise SetupError(f"{self._address} is larger than any file we expect.", _STATUS_HINTS[404])
            if len(self._body) < self._total:
                raise _BrokenOffError("the connection was lost")
            return Answer(response.geturl(), response.headers.get("Content-Type", ""), bytes(self._body))

    def _explain_status(self, error: urllib.error.HTTPError) -> Exception:
        text = f"{self._address} answered {error.code} ({error.reason})"
        if error.code in _PASSING or error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            return _BrokenOffError(text)
        return SetupError(text + ".", _STATUS_HINTS.get(error.code, _CONNECTION_HINT))

    def _explain_reason(self, reason: object) -> Exception:
        if isinstance(reason, ssl.SSLCertVerificationError):
            why = reason.verify_message or str(reason)
            return SetupError(f"The certificate of {self._address} is not trusted: {why}.", _TRUST_HINT)
        return _BrokenOffError(str(reason) or type(reason).__name__)
