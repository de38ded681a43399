"""QGIS's proxy, handed to the worker by its environment, for that is where requests and uv look for one."""

from __future__ import annotations

from typing import Mapping, Sequence
from urllib.parse import quote, urlsplit

from qgis.core import QgsNetworkAccessManager
from qgis.PyQt.QtNetwork import QNetworkProxy

#: requests would need another package for SOCKS; the worker then says so, and passes no proxy by.
_SCHEMES = {
    QNetworkProxy.ProxyType.HttpProxy: "http",
    QNetworkProxy.ProxyType.HttpCachingProxy: "http",
    QNetworkProxy.ProxyType.Socks5Proxy: "socks5h",
}
_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_EXCEPTIONS = "NO_PROXY"


def add_proxy(environ: Mapping[str, str]) -> dict[str, str]:
    """Return ``environ`` with the proxy of QGIS's settings in it; to be called on the main thread.

    A proxy that is switched on in QGIS takes the place of the environment's: the user has said it where he looks for
    it. Hosts that are excluded in either place stay excluded. With none switched on, ``environ`` stays as it is. The
    result may hold a password: it goes to a worker's environment and nowhere else.
    """
    manager = (
        QgsNetworkAccessManager.instance()
    )  # it has resolved the system's proxy, and names and passwords that QGIS keeps
    proxy = manager.fallbackProxy()
    scheme = _SCHEMES.get(proxy.type())
    if scheme is None or not proxy.hostName():
        return dict(environ)
    address = f"{scheme}://{_write_credentials(proxy)}{_write_host(proxy)}"
    excluded = [*_list_hosts(manager.excludeList()), *_list_hosts(manager.noProxyList())]
    known = [environ[name] for name in (_EXCEPTIONS, _EXCEPTIONS.lower()) if environ.get(name)]
    kept = {name: value for name, value in environ.items() if name.upper() not in (*_VARIABLES, _EXCEPTIONS)}
    exceptions = ",".join([*known[:1], *excluded])
    return {
        **kept,
        "HTTP_PROXY": address,
        "HTTPS_PROXY": address,
        **({_EXCEPTIONS: exceptions} if exceptions else {}),
    }


def _write_credentials(proxy: QNetworkProxy) -> str:
    if not proxy.user():
        return ""
    return f"{quote(proxy.user(), safe='')}:{quote(proxy.password(), safe='')}@"


def _write_host(proxy: QNetworkProxy) -> str:
    host = f"[{proxy.hostName()}]" if ":" in proxy.hostName() else proxy.hostName()
    return f"{host}:{proxy.port()}" if proxy.port() else host


def _list_hosts(addresses: Sequence[str]) -> list[str]:
    """Return the hosts of the addresses, or beginnings of some, for which QGIS leaves the proxy out."""
    parts = [urlsplit(address if "//" in address else f"//{address}") for address in addresses]
    return [part.netloc.rpartition("@")[2] for part in parts if part.netloc]
