"""Timestamps by an authority on loopback, and the errors when none answers."""

import http.client
import http.server
import shutil
from urllib.parse import urlsplit

import pytest

from tests.pipeline.authority import Authority
from tests.pipeline.conftest import MakeProject
from tests.pipeline.image import Image
from tests.pipeline.support import Project
from tests.serving import serving

pytestmark = pytest.mark.slow


def _config(url: str) -> str:
    return f'[driver]\nname = "hello"\n[signing]\ntimestamp-url = "{url}"\n'


@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_the_signature_carries_a_time_stamp_that_verifies(
    make_project: MakeProject, authority: Authority, digest: str
) -> None:
    project = make_project(_config(authority.url) + f'digest = "{digest}"\n')

    output = project.make("sign")

    assert f"timestamp by {authority.url}" in output
    report = project.verify(None, "-TSA-CAfile", authority.roots)
    assert report.returncode == 0, report.stdout
    assert "Timestamp Server Signature verification: ok" in report.stdout
    assert f"Message digest algorithm: {digest.upper()}" in report.stdout


def test_a_time_stamp_whose_authority_is_not_trusted_does_not_verify(
    make_project: MakeProject, authority: Authority
) -> None:
    project = make_project(_config(authority.url))
    project.make("sign")

    assert "the timestamp of" in project.fail("verify")


def test_a_private_root_in_additional_certificates_verifies_the_timestamp(
    make_project: MakeProject, authority: Authority
) -> None:
    project = make_project(
        _config(authority.url) + f'additional-certificates = ["{authority.roots}"]\n'
    )

    assert "verify: timestamp of" in project.make("verify")


def _unreachable(port: int) -> str:
    return f"http://127.0.0.1:{port}/"


def test_without_an_answer_nothing_is_signed_and_a_run_can_do_without_a_timestamp(
    make_project: MakeProject, closed_port: int
) -> None:
    url = _unreachable(closed_port)
    project = make_project(_config(url))

    output = project.fail("--profile", "production", "sign")

    assert f"{url} sent no timestamp in 6 attempts" in output
    assert "cargo make -e DRIVER_TIMESTAMP_URL= --profile production sign" in output
    assert 'signing.timestamp-url = "" in config.toml' in output
    image = project.output(profile="production")
    assert not Image.read(image).is_signed

    project.make("-e", "DRIVER_TIMESTAMP_URL=", "--profile", "production", "sign")
    assert Image.read(image).is_signed
    project.make("-e", "DRIVER_TIMESTAMP_URL=", "--profile", "production", "verify")


def test_without_an_answer_what_was_signed_before_looks_signed_no_longer(
    project: Project, closed_port: int
) -> None:
    project.make("sign")

    project.fail("-e", f"DRIVER_TIMESTAMP_URL={_unreachable(closed_port)}", "sign")

    assert not Image.read(project.sys).is_signed


def test_the_older_protocol_stamps_too(make_project: MakeProject, authority: Authority) -> None:
    project = make_project(_config(authority.url) + 'timestamp-protocol = "authenticode"\n')

    project.make("sign")

    report = project.verify(None, "-TSA-CAfile", authority.roots)
    assert report.returncode == 0, report.stdout
    assert "Timestamp Server Signature verification: ok" in report.stdout

    # A tool that succeeds without a timestamp.
    real = shutil.which("osslsigncode")
    copy = 'while [ "$1" != -in ]; do shift; done; cp "$2" "$4"; exit'
    project.shim("osslsigncode", f'[ "$1" != add ] || {{ {copy}; }}\nexec {real} "$@"')
    project.say("new")
    assert "the image has no timestamp" in project.fail("sign")
    assert not Image.read(project.sys).is_signed


def test_an_answer_that_is_no_time_stamp_signs_nothing(make_project: MakeProject) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>no time stamp</html>")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Handler) as url:
        project = make_project(_config(url))
        output = project.fail("sign")

    assert f"{url} sent no timestamp in 6 attempts" in output
    assert not Image.read(project.sys).is_signed


def test_a_server_that_answers_at_the_third_attempt_stamps(
    make_project: MakeProject, authority: Authority
) -> None:
    requests: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requests.append(self.rfile.read(int(self.headers["Content-Length"])))
            if len(requests) < 3:
                self.send_error(503)
                return
            kind = {"Content-Type": self.headers["Content-Type"]}
            connection = http.client.HTTPConnection(urlsplit(authority.url).netloc)
            connection.request("POST", "/", requests[-1], kind)
            reply = connection.getresponse()
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.headers["Content-Type"])
            self.end_headers()
            self.wfile.write(reply.read())
            connection.close()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Handler) as url:
        project = make_project(_config(url))
        output = project.make("sign")

    assert len(requests) == 3
    assert f"{url} sent no timestamp; next attempt in 1 s" in output
    assert f"{url} sent no timestamp; next attempt in 2 s" in output
    report = project.verify(None, "-TSA-CAfile", authority.roots)
    assert "Timestamp Server Signature verification: ok" in report.stdout


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://me:secret@127.0.0.1:9/", "contains a user name or password"),
        ("127.0.0.1:9/secret", "DRIVER_TIMESTAMP_URL is not a URL"),
    ],
)
def test_an_address_for_one_run_is_checked_as_that_of_the_configuration(
    project: Project, address: str, message: str
) -> None:
    calls = project.record("osslsigncode")

    output = project.fail("sign", DRIVER_TIMESTAMP_URL=address)

    assert message in output
    assert "secret" not in output
    assert calls.read_text(encoding="utf-8") == ""
    assert not Image.read(project.sys).is_signed
