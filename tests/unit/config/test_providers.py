"""The file of those who may say who calls: read whole, or refused with the place that is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from caxton_node.config import providers
from caxton_node.config.providers import Providers, is_safe_url, read_providers
from caxton_node.core.errors import InvalidConfig

pytestmark = pytest.mark.story("023")

JWT = {"name": "corp", "issuer": "https://id.example.com", "audience": ["caxton"], "jwks": "/etc/keys.json"}


def test_no_file_stands_for_nobody() -> None:
    assert read_providers(None) == Providers()


def test_an_empty_file_stands_for_nobody(tmp_path: Path) -> None:
    path = tmp_path / "providers.yaml"
    path.write_text("")
    assert read_providers(path) == Providers()


def test_the_example_in_the_module_is_read(tmp_path: Path) -> None:
    path = tmp_path / "providers.yaml"
    example = (providers.__doc__ or "").partition("    jwt:")[2]
    path.write_text("\n".join(line.removeprefix("    ") for line in f"    jwt:{example}".splitlines()))
    found = read_providers(path)
    assert found.jwt[0].roles == {"caxton-ops": ("operator",), "caxton-viewers": ("viewer",)}
    assert found.oauth2 is not None
    assert found.oauth2.client_secret_file == Path("/etc/caxton/introspection.secret")
    assert found.certificates.clients == {"ci": ("developer@acme",)}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"jwt": [{**JWT, "algorithms": ["HS256"]}]}, "$.jwt[0].algorithms[0]"),
        ({"jwt": [{**JWT, "algorithms": ["none"]}]}, "$.jwt[0].algorithms[0]"),
        ({"jwt": [{**JWT, "algorithms": []}]}, "$.jwt[0].algorithms"),
        ({"jwt": [{**JWT, "audience": []}]}, "$.jwt[0].audience"),
        ({"jwt": [{**JWT, "leeway_s": 3600}]}, "$.jwt[0].leeway_s"),
        ({"jwt": [{**JWT, "name": "a:b"}]}, "$.jwt[0].name"),
        ({"jwt": [{**JWT, "roles": {"ops": ["a b"]}}]}, "$.jwt[0].roles"),
        ({"jwt": [{**JWT, "isuer": "x"}]}, "isuer"),
        ({"jwt": [JWT, {**JWT, "name": "other"}]}, "two of `jwt` have the issuer"),
        ({"jwt": [JWT, {**JWT, "issuer": "https://other.example"}]}, "two of `jwt` have the name"),
        ({"jwt": [{**JWT, "jwks": "http://id.example.com/keys"}]}, "not https"),
        ({"jwt": [{**JWT, "jwks": "file:///etc/keys.json"}]}, "not https"),
        ({"jwt": [{k: v for k, v in JWT.items() if k != "jwks"}]}, "jwks"),
        (
            {
                "oauth2": {
                    "name": "sso",
                    "introspection": "http://id.example.com/i",
                    "client_id": "x",
                    "client_secret_file": "y",
                }
            },
            "not https",
        ),
        ({"certificates": {"clients": {"CI": ["viewer"]}}}, "$.certificates.clients"),
        ({"certificates": {"ca_file": 5}}, "$.certificates.ca_file"),
        ({"saml": {}}, "saml"),
        ([], "object"),
        ("words", "object"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(tmp_path: Path, said: object, why: str) -> None:
    path = tmp_path / "providers.yaml"
    path.write_text(json.dumps(said))
    with pytest.raises(InvalidConfig) as caught:
        read_providers(path)
    assert why in caught.value.why


@pytest.mark.parametrize("content", [b"jwt: [", b"a: \xff", b"[" * 5000, b"a: !!python/object:os.system {}"])
def test_what_is_no_yaml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "providers.yaml"
    path.write_bytes(content)
    with pytest.raises(InvalidConfig):
        read_providers(path)
    with pytest.raises(InvalidConfig):
        read_providers(tmp_path / "missing.yaml")


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://id.example.com/keys", True),
        ("http://127.0.0.1:8080/keys", True),
        ("http://[::1]/keys", True),
        ("http://localhost/keys", True),
        ("http://localhost.evil.example/keys", False),
        ("http://127.0.0.1@evil.example/keys", False),
        ("ftp://127.0.0.1/keys", False),
        ("https:///keys", False),
        ("//id.example.com", False),
        ("http://[", False),
    ],
)
def test_only_https_is_safe_beyond_this_host(url: str, is_safe: bool) -> None:
    assert is_safe_url(url) is is_safe
