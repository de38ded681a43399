"""The package index that the user means, and the file on it that fits this machine."""

import platform
import sys

import pytest

from plugin.core.errors import SetupError
from plugin.core.package_index import (
    PUBLIC_INDEX,
    Index,
    find_index,
    hide_credentials,
    pick_wheel,
    rank_platform,
    read_page,
)

NAMES = [
    "uv-1.2.3-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "uv-1.2.3-py3-none-manylinux_2_28_x86_64.whl",
    "uv-1.2.3-py3-none-musllinux_1_1_x86_64.whl",
    "uv-1.2.3-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl",
    "uv-1.2.3-py3-none-macosx_10_12_x86_64.whl",
    "uv-1.2.3-py3-none-macosx_11_0_arm64.whl",
    "uv-1.2.3-py3-none-win32.whl",
    "uv-1.2.3-py3-none-win_amd64.whl",
    "uv-1.2.3-py3-none-win_arm64.whl",
    "uv-1.2.4-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "uv-1.2.3.tar.gz",
]


@pytest.fixture
def nobody(tmp_path, monkeypatch):
    """The settings of a user who has none."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    monkeypatch.setattr("plugin.core.package_index._SYSTEM_FILES", ())
    return {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_CONFIG_DIRS": str(tmp_path / "etc"),
    }


@pytest.fixture
def pip_file(tmp_path):
    path = tmp_path / "config" / "pip" / "pip.conf"
    path.parent.mkdir(parents=True)
    return path


def list_files(names=NAMES):
    page = "".join(f'<a href="../../files/{name}#sha256=00">{name}</a>' for name in names)
    return read_page(page.encode(), "text/html", "http://index.example/simple/uv/")


def set_machine(monkeypatch, system, machine, library=("glibc", "2.36")):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: library)


def test_without_settings_the_public_index_is_used(nobody):
    assert find_index(nobody) == Index(PUBLIC_INDEX, "")


@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"])
def test_a_variable_of_uv_or_pip_names_the_index(nobody, name):
    assert find_index({**nobody, name: "http://index.example/simple/"}).address == "http://index.example/simple/"


def test_uvs_variable_goes_before_pips_and_both_before_pips_file(nobody, pip_file):
    pip_file.write_text("[global]\nindex-url = http://file.example/simple\n", encoding="utf-8")
    assert find_index(nobody).address == "http://file.example/simple"
    environ = {**nobody, "PIP_INDEX_URL": "http://pip.example/simple"}
    assert find_index(environ).address == "http://pip.example/simple"
    assert find_index({**environ, "UV_DEFAULT_INDEX": "http://uv.example/simple"}).address == "http://uv.example/simple"


def test_an_index_that_uv_knows_by_a_name_is_found_behind_its_name(nobody):
    assert (
        find_index({**nobody, "UV_DEFAULT_INDEX": "ours=https://a.example/simple"}).address
        == "https://a.example/simple"
    )


def test_pips_file_may_use_underscores_and_its_install_section_wins(nobody, pip_file):
    text = "[global]\nindex_url = http://a.example\ncert = /a.pem\n[install]\nindex-url = http://b.example\n"
    pip_file.write_text(text, encoding="utf-8")
    assert find_index(nobody) == Index("http://b.example", "/a.pem")


def test_the_file_in_pip_config_file_wins_and_the_null_device_switches_all_files_off(nobody, pip_file, tmp_path):
    pip_file.write_text("[global]\nindex-url = http://a.example\n", encoding="utf-8")
    other = tmp_path / "other.conf"
    other.write_text("[global]\nindex-url = http://b.example\n", encoding="utf-8")
    assert find_index({**nobody, "PIP_CONFIG_FILE": str(other)}).address == "http://b.example"
    assert find_index({**nobody, "PIP_CONFIG_FILE": "/dev/null"}).address == PUBLIC_INDEX


def test_the_old_place_of_pips_file_is_read_too(nobody, tmp_path):
    (tmp_path / ".pip").mkdir()
    (tmp_path / ".pip" / "pip.conf").write_text("[global]\nindex-url = http://old.example\n", encoding="utf-8")
    assert find_index(nobody).address == "http://old.example"


def test_a_pip_file_that_cannot_be_read_is_named(nobody, pip_file):
    pip_file.write_text("index-url without a section\n", encoding="utf-8")
    with pytest.raises(SetupError, match=r"pip\.conf") as caught:
        find_index(nobody)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"])
def test_a_company_certificate_is_found_in_each_of_its_variables(nobody, name):
    assert find_index({**nobody, name: "/company.pem"}).certificates == "/company.pem"


def test_pips_certificate_goes_before_the_one_that_qgis_sets_for_itself(nobody):
    environ = {**nobody, "SSL_CERT_FILE": "/qgis.pem", "PIP_CERT": "/company.pem"}
    assert find_index(environ).certificates == "/company.pem"


@pytest.mark.parametrize("password", ["secret", "se@cret", "s%40cret"])
def test_credentials_are_neither_shown_nor_in_the_repr(password):
    index = Index(f"https://me:{password}@index.example/simple")
    assert index.shown == "https://***@index.example/simple"
    assert password not in repr(index)
    assert (
        hide_credentials(f"error: {index.address}/uv/ failed") == "error: https://***@index.example/simple/uv/ failed"
    )


def test_addresses_on_an_html_page_may_be_relative_and_carry_a_hash():
    page = b"<html><body><a href='../../f/uv%2B1.whl#sha256=ab'>uv</a><a name='x'>no link</a></body></html>"
    assert [(file.name, file.address) for file in read_page(page, "text/html", "http://a.example/simple/uv/")] == [
        ("uv+1.whl", "http://a.example/f/uv%2B1.whl")
    ]


def test_addresses_on_a_json_page_may_be_relative():
    page = b'{"files": [{"filename": "uv-1.whl", "url": "/f/uv-1.whl", "hashes": {}}]}'
    files = read_page(page, "application/vnd.pypi.simple.v1+json", "http://a.example/simple/uv/")
    assert [(file.name, file.address) for file in files] == [("uv-1.whl", "http://a.example/f/uv-1.whl")]


@pytest.mark.parametrize("page", [b"", b"[]", b"{}", b'{"files": [{}]}', b'{"files": 3}'])
def test_json_that_is_no_index_page_is_refused_with_a_next_step(page):
    with pytest.raises(SetupError, match="not a package index") as caught:
        read_page(page, "application/json", "http://me:secret@a.example/simple/uv/")  # pragma: allowlist secret
    assert "secret" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("system", "machine", "library", "number"),
    [
        ("linux", "x86_64", ("glibc", "2.36"), 1),
        ("linux", "x86_64", ("glibc", "2.17"), 0),
        ("linux", "x86_64", ("glibc", "2.12"), 2),
        ("linux", "x86_64", ("", ""), 2),
        ("linux", "aarch64", ("glibc", "2.31"), 3),
        ("linux", "aarch64", ("", ""), 3),
        ("darwin", "x86_64", ("", ""), 4),
        ("darwin", "arm64", ("", ""), 5),
        ("win32", "x86", ("", ""), 6),
        ("win32", "AMD64", ("", ""), 7),
        ("win32", "ARM64", ("", ""), 8),
    ],
)
def test_every_platform_gets_its_own_wheel(monkeypatch, system, machine, library, number):
    set_machine(monkeypatch, system, machine, library)
    for names in (NAMES, NAMES[::-1]):
        assert pick_wheel(list_files(names), "uv", "1.2.3").name == NAMES[number]


def test_a_machine_without_a_wheel_gets_none(monkeypatch):
    set_machine(monkeypatch, "linux", "sparc64")
    assert pick_wheel(list_files(), "uv", "1.2.3") is None


def test_only_the_pinned_version_is_picked(monkeypatch):
    set_machine(monkeypatch, "linux", "x86_64")
    assert pick_wheel(list_files(), "uv", "1.2.4").name == NAMES[9]
    assert pick_wheel(list_files(), "uv", "1.2") is None


def test_a_universal_build_runs_on_both_kinds_of_mac(monkeypatch):
    for machine in ("arm64", "x86_64"):
        set_machine(monkeypatch, "darwin", machine)
        assert rank_platform("macosx_10_12_universal2") == 1
