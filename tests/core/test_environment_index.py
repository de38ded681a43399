"""What an index, a network or a company's settings may do to the set-up, and what the user is told."""

import hashlib
import json
import sys

import pytest

from plugin.core import environment as subject
from plugin.core import uv_download
from plugin.core.environment import locate_environment
from tests.conftest import Reply, Server
from tests.core.conftest import FAKE_UV, JSON_KIND, pack_wheel

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the stand-in for uv is a shell script")

SECRET = "hunter2"  # pragma: allowlist secret


def test_a_package_with_another_checksum_is_thrown_away(index):
    index.file.body = pack_wheel(FAKE_UV + "# altered\n")
    index.fail("does not match its pinned checksum")
    assert not list(locate_environment().folder.parent.glob("uv-*"))
    assert index.calls == []


def test_a_sign_in_page_in_place_of_the_package_is_recognised(index):
    index.server.replies[f"/files/{index.name}"] = Reply(b"<html>Please sign in</html>", "text/html")
    assert "sign in" in index.fail("did not answer with a package").hint


def test_a_sign_in_page_in_place_of_the_index_is_recognised(index):
    index.server.replies["/simple/uv/"] = Reply(b"<html><a href='/login'>Sign in</a></html>", "text/html")
    index.fail("lists no file of uv")


def test_an_index_without_uv_is_named(index):
    del index.server.replies["/simple/uv/"]
    assert "PIP_INDEX_URL" in index.fail("/simple/uv/ answered 404").hint


def test_an_index_without_a_wheel_for_this_machine_is_named(index):
    page = json.dumps({"files": [{"filename": "uv-1.2.3-py3-none-win32.whl", "url": "x"}]})
    index.server.replies["/simple/uv/"] = Reply(page.encode(), JSON_KIND)
    index.fail("has no uv 1.2.3 for this kind of machine")


def test_a_package_without_a_program_is_refused(index, tmp_path):
    index.file.body = pack_wheel("", "uv/__init__.py")
    lock = tmp_path / "other.txt"
    lock.write_text(f"uv==1.2.3 --hash=sha256:{hashlib.sha256(index.file.body).hexdigest()}\n", encoding="utf-8")
    index.monkeypatch.setattr(subject, "UV_LOCK_FILE", lock)
    index.fail("holds no program")


def test_a_download_that_breaks_off_is_tried_again(index):
    index.file.cut, index.file.cuts = 50, 2
    assert index.run().ok


def test_a_download_that_always_breaks_off_is_given_up_with_a_next_step(index):
    index.file.cut = 50
    assert "proxy" in index.fail("could not be fetched: the connection was lost").hint
    assert len(index.server.requests) == 1 + uv_download.ATTEMPTS


def test_a_server_that_stumbles_is_asked_again(index):
    answers = [Reply(status=503), Reply(status=429)]
    page = index.server.replies["/simple/uv/"]
    index.server.replies["/simple/uv/"] = lambda _headers: answers.pop() if answers else page
    assert index.run().ok


def test_an_index_that_does_not_answer_is_named(index):
    index.point_to("http://localhost:1/simple")
    index.fail(r"http://localhost:1/simple/uv/ could not be fetched: .*refused")


@pytest.mark.parametrize("address", ["file:///etc", "ftp://a.example/simple", "nonsense"])
def test_an_index_that_is_no_web_address_is_refused(index, address):
    index.point_to(address)
    index.fail("is no http or https address")


def test_pips_configuration_file_leads_to_the_index(index, tmp_path):
    index.monkeypatch.delenv("UV_DEFAULT_INDEX")
    file = tmp_path / "pip.conf"
    file.write_text(f"[global]\nindex-url = {index.server.locate('/simple')}\n", encoding="utf-8")
    index.monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    assert index.run().ok
    assert f"UV_DEFAULT_INDEX={index.server.locate('/simple')}" in (index.record / "environ").read_text(
        encoding="utf-8"
    )


def protect(index):
    """Let the index ask for a name and a password, for its page and its files."""
    for path, reply in list(index.server.replies.items()):

        def ask(headers, reply=reply):
            is_known = headers.get("Authorization") == "Basic bWU6aHVudGVyMg=="  # pragma: allowlist secret
            return reply if is_known else Reply(status=401)

        index.server.replies[path] = ask


def test_an_index_with_a_password_works_and_the_password_is_written_nowhere(index):
    protect(index)
    index.point_to(index.server.locate("/simple", f"me:{SECRET}@"))
    steps = []
    assert index.run(steps).ok
    environment = locate_environment()
    told = [environment.log.read_text(encoding="utf-8"), *(step.text for step in steps), *index.calls]
    assert "//***@localhost" in told[0]
    assert not [text for text in told if SECRET in text]


def test_a_wrong_password_is_told_without_showing_it(index):
    protect(index)
    index.point_to(index.server.locate("/simple", f"me:{SECRET}2@"))
    error = index.fail("answered 401")
    assert "password" in error.hint
    assert SECRET not in error.message


def test_the_password_does_not_follow_a_redirect_to_another_host(index):
    other = Server()
    other.replies["/uv.whl"] = Reply(index.wheel)
    address = other.locate("/uv.whl")
    index.server.replies[f"/files/{index.name}"] = Reply(status=302, headers={"Location": address})
    protect(index)
    index.point_to(index.server.locate("/simple", f"me:{SECRET}@"))
    assert index.run().ok
    assert [path for path, _ in other.requests] == ["/uv.whl"]
    assert "Authorization" not in other.requests[0][1]
    other.close()


def test_a_certificate_that_nobody_vouches_for_is_refused_with_a_next_step(index, secure_server):
    index.point_to(secure_server.locate("/simple"))
    assert "SSL_CERT_FILE" in index.fail("certificate of .* is not trusted").hint
    assert secure_server.requests == []


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"])
def test_a_companys_certificate_is_trusted_by_us_and_by_uv(index, secure_server, certificate, variable):
    secure_server.replies.update(index.server.replies)
    index.point_to(secure_server.locate("/simple"))
    index.monkeypatch.setenv(variable, str(certificate))
    assert index.run().ok
    assert f"SSL_CERT_FILE={certificate}" in (index.record / "environ").read_text(encoding="utf-8")


def test_a_certificate_file_that_is_not_there_is_named(index):
    index.monkeypatch.setenv("PIP_CERT", "/nowhere/company.pem")
    index.fail(r"/nowhere/company\.pem cannot be read")
