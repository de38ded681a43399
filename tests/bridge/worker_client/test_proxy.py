"""The proxy of QGIS's settings reaches the worker's environment, and nothing else does."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from qgis.core import QgsApplication, QgsAuthMethodConfig

from footprint_tuner.plugin.bridge.algorithms.worker_algorithm import WorkerAlgorithm
from footprint_tuner.plugin.bridge.worker_client.proxy import add_proxy
from footprint_tuner.plugin.bridge.worker_client.run_thread import RunThread
from footprint_tuner.plugin.core.folder import RunFolder

OWN = {"PATH": "/bin", "https_proxy": "http://own:1", "HTTP_PROXY": "http://own:2", "NO_PROXY": "localhost,.example"}


def test_without_a_proxy_in_qgis_the_environment_stays_as_it_is(set_proxy):
    set_proxy(proxyEnabled=False, proxyType="HttpProxy", proxyHost="proxy.example", proxyPort="3128")
    assert add_proxy(OWN) == OWN


def test_the_proxy_of_qgis_takes_the_place_of_the_environments(set_proxy):
    set_proxy(proxyEnabled=True, proxyType="HttpProxy", proxyHost="proxy.example", proxyPort="3128")
    assert add_proxy(OWN) == {
        "PATH": "/bin",
        "HTTP_PROXY": "http://proxy.example:3128",
        "HTTPS_PROXY": "http://proxy.example:3128",
        "NO_PROXY": "localhost,.example",
    }


def test_what_qgis_leaves_the_proxy_out_for_is_added_by_its_host(set_proxy):
    excluded = ["http://intranet.example/maps", "https://tiles.example:8443/", "plain.example"]
    set_proxy(proxyEnabled=True, proxyType="HttpProxy", proxyHost="p", proxyPort="1", proxyExcludedUrls=excluded)
    assert add_proxy({})["NO_PROXY"] == "intranet.example,tiles.example:8443,plain.example"
    assert add_proxy(OWN)["NO_PROXY"].startswith("localhost,.example,intranet.example,")


def test_a_name_and_a_password_may_hold_any_sign(set_proxy):
    user, word = "Jörg@firm", "p@ss:/w?rd"
    set_proxy(
        proxyEnabled=True, proxyType="HttpProxy", proxyHost="p", proxyPort="1", proxyUser=user, proxyPassword=word
    )
    parts = urlsplit(add_proxy({})["HTTPS_PROXY"])
    assert (unquote(parts.username), unquote(parts.password), parts.hostname) == (user, word, "p")


def test_credentials_that_qgis_keeps_locked_away_are_taken_from_there(set_proxy):
    manager = QgsApplication.authManager()
    if manager.isDisabled() or not manager.setMasterPassword("master", verify=True):
        pytest.skip("this QGIS has no authentication database")
    config = QgsAuthMethodConfig("Basic")
    config.setName("proxy")
    config.setConfig("username", "jane")
    config.setConfig("password", "doe")
    assert manager.storeAuthenticationConfig(config)
    set_proxy(proxyEnabled=True, proxyType="HttpProxy", proxyHost="p", proxyPort="1", authcfg=config.id())
    parts = urlsplit(add_proxy({})["HTTPS_PROXY"])
    manager.removeAuthenticationConfig(config.id())
    assert (parts.username, parts.password) == ("jane", "doe")


def test_a_socks_proxy_is_named_so_that_the_worker_passes_it_by_in_no_case(set_proxy):
    set_proxy(proxyEnabled=True, proxyType="Socks5Proxy", proxyHost="::1", proxyPort="1080")
    assert add_proxy({})["HTTPS_PROXY"] == "socks5h://[::1]:1080"


def test_the_systems_proxy_is_asked_where_qgis_says_so(set_proxy, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://system.example:8080")
    set_proxy(proxyEnabled=True, proxyType="DefaultProxy")
    assert add_proxy({})["HTTPS_PROXY"] == "http://system.example:8080"


def test_a_run_and_an_algorithm_start_their_workers_with_it(set_proxy, environment, tmp_path):
    set_proxy(proxyEnabled=True, proxyType="HttpProxy", proxyHost="proxy.example", proxyPort="3128")
    run = RunThread(environment, RunFolder(tmp_path))
    assert run._client.environ["HTTPS_PROXY"] == "http://proxy.example:3128"
    algorithm = WorkerAlgorithm()
    assert algorithm.prepareAlgorithm({}, None, None)
    assert algorithm.client.environ["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert "HTTPS_PROXY" not in os.environ or os.environ["HTTPS_PROXY"] != "http://proxy.example:3128"


def test_the_workers_log_and_events_hold_no_credentials(set_proxy, environment, tmp_path):
    word = "locked-away"
    set_proxy(
        proxyEnabled=True, proxyType="HttpProxy", proxyHost="p", proxyPort="1", proxyUser="jane", proxyPassword=word
    )
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.job.write_text('{"raster": "gone.tif", "labels": "gone.gpkg"}', "utf-8")
    run = RunThread(environment, folder)
    assert word in run._client.environ["HTTPS_PROXY"]
    run.run()
    written = [path for path in Path(tmp_path).rglob("*") if path.is_file()]
    assert folder.log in written
    assert [path for path in written if word in path.read_text("utf-8", "replace")] == []
