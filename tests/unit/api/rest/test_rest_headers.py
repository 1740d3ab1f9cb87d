import gzip
import random

import pytest

from caxton_node.api.rest.cors import answer_headers, check_origin, preflight_headers, read_origins
from caxton_node.api.rest.encodings import pack, takes_gzip
from caxton_node.api.rest.etags import etag_of, matches, quoted
from caxton_node.api.rest.hosts import check_host
from caxton_node.api.rest.refusals import ForeignOrigin, Misdirected, Refusal
from caxton_node.core.errors import InvalidConfig

pytestmark = pytest.mark.story("007")

APP = "https://app.example.com:8443"


def test_origins_are_read_exactly():
    assert read_origins(f" {APP}, http://localhost:3000 ") == (APP, "http://localhost:3000")
    assert read_origins("") == ()


@pytest.mark.parametrize(
    "text", ["*", "null", "app.example.com", f"{APP}/", "https://APP.example.com", "https://*.x"]
)
def test_what_is_no_origin_is_refused(text):
    with pytest.raises(InvalidConfig):
        read_origins(text)


def test_only_pages_of_an_origin_that_was_named_are_told_that_they_may():
    assert answer_headers(APP, [APP])["access-control-allow-origin"] == APP
    for other in ("https://app.example.com", "https://evil.example", "null", ""):
        assert "access-control-allow-origin" not in answer_headers(other, [APP])
    assert answer_headers(APP, [APP])["vary"] == "origin"
    assert "access-control-allow-credentials" not in answer_headers(APP, [APP]) | preflight_headers(["GET"])


def test_a_page_of_another_origin_may_change_nothing():
    check_origin("POST", "", "127.0.0.1:8080", ())
    check_origin("POST", "https://127.0.0.1:8080", "127.0.0.1:8080", ())
    check_origin("POST", APP, "127.0.0.1:8080", (APP,))
    check_origin("GET", "https://evil.example", "127.0.0.1:8080", ())
    for origin in ("https://evil.example", "null", "http://127.0.0.1:8080", "https://127.0.0.1:8081"):
        with pytest.raises(ForeignOrigin):
            check_origin("POST", origin, "127.0.0.1:8080", (APP,))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8080",
        "127.0.0.1",
        "[::1]:8080",
        "localhost:8080",
        "n1.localhost",
        "N1.Example.com",
        "n1.example.com.:1",
    ],
)
def test_addresses_and_names_of_the_node_are_its_hosts(host):
    check_host(host, {"n1.example.com"})


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "n1.example.com.evil"]
)
def test_other_names_are_not(host):
    with pytest.raises(Misdirected):
        check_host(host, {"n1.example.com"})


@pytest.mark.parametrize("host", ["", "[::1", "localhost:x", "127.0.0.1, evil.example", "a:1:2"])
def test_what_is_no_host_is_refused(host):
    with pytest.raises(Refusal):
        check_host(host, ())


def test_tags_match_in_any_form_of_the_header():
    tag = etag_of(b"{}")
    for header in (quoted(tag), quoted(tag, packed=True), f"W/{quoted(tag)}", f'"x", {quoted(tag)}', "*"):
        assert matches(header, tag)
    for header in ("", tag, '"x"', quoted(etag_of(b"[]"))):
        assert not matches(header, tag)


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("identity", False),
        ("", False),
    ],
)
def test_gzip_only_for_who_takes_it(header, takes):
    assert takes_gzip(header) is takes


def test_gzip_only_when_it_pays():
    long = b'{"agents":[' + b'{"name":"echo"},' * 200 + b"]}"
    packed = pack(long)
    assert packed is not None
    assert gzip.decompress(packed) == long
    assert pack(b"{}") is None
    assert pack(random.Random(1).randbytes(2048)) is None
