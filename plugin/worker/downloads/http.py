"""One attempt to get a file over HTTPS: what the server answers, piece by piece, and what went wrong in a sentence.

It goes on in a thread that can be left behind: a look-up of a name, a handshake or a silent server cannot be
interrupted, and a cancel must not wait for them.
"""

from __future__ import annotations

import queue
import re
import ssl
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import truststore
import urllib3
from requests.adapters import HTTPAdapter

from ...core.errors import RunError
from ...core.package_index import hide_credentials

CONNECT_S = 10.0
SILENCE_S = 30.0
#: A transfer that brings less than this in this time has fallen asleep.
SLOW_S, SLOW_BYTES = 60.0, 1 << 16
BY_HAND = "A file that was fetched elsewhere can be handed over: the command fetch takes it with --file."
_CONNECTION_HINT = f"Check the network and the proxy, then try again: the download goes on where it stopped. {BY_HAND}"
_TRUST_HINT = "If your company has its own certificate authority, name its PEM file in SSL_CERT_FILE."
_PROXY_HINT = "Enter the proxy's name and password in QGIS (Settings > Options > Network) or in HTTPS_PROXY."
_SOCKS_HINT = f"Name an HTTP proxy in QGIS (Settings > Options > Network) or in HTTPS_PROXY. {BY_HAND}"
_CHUNK = 1 << 16
_QUEUED = 64
_WAIT_S = 0.1
_REDIRECTS = 10
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")
_SHA256 = re.compile(r'(?:W/)?"?([0-9a-f]{64})"?')


class BrokenOffError(Exception):
    """The connection broke or the server stumbled: worth another attempt."""


@dataclass(frozen=True)
class Head:
    """How an answer begins.

    The body is the file from byte ``offset`` on; the file holds ``total_bytes`` (0: not told). ``validator`` names this
    version of the file, for ``If-Range`` ("": none). ``sha256`` is what a model hub promises of the file ("": nothing).
    ``has_rest`` is False where the server has nothing from the asked byte on, ``is_page`` says that a web page comes.
    """

    offset: int
    total_bytes: int
    validator: str
    sha256: str
    has_rest: bool
    is_page: bool


class Transfer(threading.Thread):
    """Asks for the file at ``address`` from byte ``offset`` on, if it is still the version that ``validator`` names."""

    def __init__(self, address: str, offset: int = 0, validator: str = "") -> None:
        """Remember what to ask for; ``follow`` asks."""
        super().__init__(daemon=True, name="transfer")
        self._address = address
        self._headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if offset:
            self._headers["Range"] = f"bytes={offset}-"
            if validator:
                self._headers["If-Range"] = validator
        self._items: queue.Queue[Head | bytes | Exception | None] = queue.Queue(_QUEUED)
        self._is_left = threading.Event()

    def follow(self, raise_if_cancelled: Callable[[], None]) -> Generator[Any, None, None]:
        """Yield the Head, then the body in pieces; ``raise_if_cancelled`` is called several times a second.

        Raises what it raises, BrokenOffError, and RunError for what another attempt would not mend.
        """
        self.start()
        mark, gained = time.monotonic(), 0
        try:
            while (item := self._take(raise_if_cancelled, mark + SLOW_S)) is not None:
                if isinstance(item, Exception):
                    raise item
                gained += len(item) if isinstance(item, bytes) else SLOW_BYTES
                if gained >= SLOW_BYTES:
                    mark, gained = time.monotonic(), 0
                yield item
        finally:
            self._is_left.set()

    def _take(self, raise_if_cancelled: Callable[[], None], end: float) -> Head | bytes | Exception | None:
        while True:
            raise_if_cancelled()
            try:
                return self._items.get(timeout=_WAIT_S)
            except queue.Empty:
                if time.monotonic() > end:
                    raise BrokenOffError(f"almost no data arrived for {SLOW_S:.0f} s") from None
                if not self.is_alive() and self._items.empty():
                    raise BrokenOffError("the connection was lost") from None

    def run(self) -> None:
        """Ask and read; called by ``follow``, in the thread."""
        try:
            with _open_session() as session, self._open(session) as response:
                self._put(self._read_head(response))
                for chunk in response.iter_content(_CHUNK):
                    if not self._put(chunk):
                        return
            self._put(None)
        except (RunError, BrokenOffError) as error:
            self._put(error)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            self._put(_explain(error, self._address))

    def _put(self, item: Head | bytes | Exception | None) -> bool:
        """Hand an item over and return True, or False once nobody takes it any more."""
        while not self._is_left.is_set():
            try:
                self._items.put(item, timeout=_WAIT_S)
            except queue.Full:
                continue
            return True
        return False

    def _open(self, session: requests.Session) -> requests.Response:
        """Return the answer that the address leads to; only the first host may promise a hash."""
        address, self._promise = self._address, ""
        for hop in range(_REDIRECTS):
            _refuse_plain(address, self._address)
            response = session.get(
                address, headers=self._headers, stream=True, allow_redirects=False, timeout=(CONNECT_S, SILENCE_S)
            )
            if hop == 0:
                found = _SHA256.fullmatch(response.headers.get("X-Linked-ETag", "").lower())
                self._promise = found[1] if found else ""
            if not response.is_redirect:
                return response
            response.close()
            address = urljoin(address, response.headers["Location"])
        raise RunError(f"{hide_credentials(self._address)} redirects in a loop.", BY_HAND)

    def _read_head(self, response: requests.Response) -> Head:
        status, headers = response.status_code, response.headers
        if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise BrokenOffError(f"the server answered {status} ({response.reason})")
        place = _RANGE.fullmatch(headers.get("Content-Range", ""))
        is_part = status == HTTPStatus.PARTIAL_CONTENT
        has_rest = status != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        if has_rest and status != HTTPStatus.OK and not (is_part and place and place[1]):
            raise RunError(
                f"{hide_credentials(self._address)} answered {status} ({response.reason}).",
                f"The file may have moved: look for a newer version of this plugin. {BY_HAND}",
            )
        is_counted = has_rest and "Transfer-Encoding" not in headers
        told = place[2] if place else headers.get("Content-Length", "") if is_counted else ""
        return Head(
            offset=int(place[1]) if is_part and place else 0,
            total_bytes=int(told) if told.isdigit() else 0,
            validator=_choose_validator(headers.get("ETag", ""), headers.get("Last-Modified", "")),
            sha256=self._promise,
            has_rest=has_rest,
            is_page="html" in headers.get("Content-Type", ""),
        )


class _TrustingAdapter(HTTPAdapter):
    """Trusts what the system trusts, besides the authorities that requests knows or REQUESTS_CA_BUNDLE names."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=_trust_system())

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        return super().proxy_manager_for(proxy, **options, ssl_context=_trust_system())


def _trust_system() -> ssl.SSLContext:
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_default_verify_paths()  # SSL_CERT_FILE, which the stores of Windows and macOS know nothing of
    return context


def _open_session() -> requests.Session:
    """Return a session that speaks HTTPS only, through the proxy that the environment names."""
    session = requests.Session()
    session.mount("https://", _TrustingAdapter())
    session.adapters.pop("http://")
    return session


def _refuse_plain(address: str, asked: str) -> None:
    if urlsplit(address).scheme != "https":
        shown = hide_credentials(asked)
        what = f"{shown} is no https address." if address == asked else f"{shown} redirects to an address without TLS."
        raise RunError(what, f"Someone could change such a file in transit. {BY_HAND}")


def _choose_validator(etag: str, modified: str) -> str:
    """Return what may stand in If-Range: a weak ETag may not."""
    return etag if etag and not etag.startswith("W/") else modified


def _explain(error: BaseException, address: str) -> Exception:
    """Return what to raise for an error of requests, urllib3 or the system."""
    chain, host = list(_unfold(error)), str(urlsplit(address).hostname)
    innermost = chain[-1]
    lasting = _explain_lasting(error, chain, host)
    if lasting:
        return lasting
    if isinstance(error, requests.exceptions.Timeout) or isinstance(innermost, TimeoutError):
        return BrokenOffError(f"{host} did not answer within {SILENCE_S:.0f} s")
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return BrokenOffError("the connection was lost")
    reason = getattr(innermost, "strerror", None) or str(innermost) or type(innermost).__name__
    which = "the proxy" if isinstance(error, requests.exceptions.ProxyError) else host
    return BrokenOffError(f"{which} could not be reached ({hide_credentials(str(reason))})")


def _explain_lasting(error: BaseException, chain: list[BaseException], host: str) -> RunError | None:
    """Return what to raise for an error that another attempt would not mend, None for any other."""
    untrusted = next((cause for cause in chain if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if untrusted:
        why = untrusted.verify_message or str(untrusted)
        return RunError(f"The certificate of {host} is not trusted: {why}.", _TRUST_HINT)
    if type(error) is OSError:  # requests: the file or folder that is named is not there
        return RunError(f"The certificates cannot be read: {error}.", "Check REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE.")
    if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in str(error):
        return RunError("A SOCKS proxy cannot be used for downloads.", _SOCKS_HINT)
    if isinstance(error, requests.exceptions.InvalidURL):  # that of a proxy, too
        return RunError(f"An address cannot be used: {hide_credentials(str(error))}.", "Check that of the proxy.")
    if isinstance(error, requests.exceptions.ProxyError) and "407" in str(chain[-1]):
        return RunError("The proxy asks for a name and a password.", _PROXY_HINT)
    return None


def _unfold(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def give_up(address: str, error: BrokenOffError) -> RunError:
    """Return what to say where no further attempt is made."""
    return RunError(f"{hide_credentials(address)} could not be fetched: {error}.", _CONNECTION_HINT)
