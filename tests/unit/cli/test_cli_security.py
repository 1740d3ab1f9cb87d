"""How certificates and CAs look in a table."""

from __future__ import annotations

from typing import Any

import pytest

from caxton_node.cli.output import Output
from caxton_node.cli.security_access import ROLE_COLUMNS
from caxton_node.cli.security_sheet import ca_row, certificate_row, revocation_row, span, warnings_of
from caxton_node.security.rbac import ROLES

pytestmark = pytest.mark.story("022")

NOW_S = 1_000_000.0
DAY_S = 86_400


def node(name: str = "n1", **changes: Any) -> dict[str, Any]:
    return {
        "node": name,
        "error": "",
        "subject": f"CN={name}",
        "issuer": "a" * 64,
        "not_after_unix_s": int(NOW_S) + 30 * DAY_S,
        "skew_s": 0.2,
        "authorities": ["a" * 64],
        "primary": "a" * 64,
        "ca_keys": ["a" * 64],
        "trouble": "",
        **changes,
    }


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3, "3 s"),
        (119, "119 s"),
        (600, "10 min"),
        (7200, "2 h"),
        (364.4 * DAY_S, "364 d"),
        (-3 * DAY_S, "-3 d"),
    ],
)
def test_a_time_is_told_as_people_say_it(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_a_member_is_shown_with_what_matters() -> None:
    row = certificate_row(node(), NOW_S)
    assert (row["expires_in"], row["issuer"], row["skew"], row["signs"]) == ("30 d", "a" * 16, "+0.2 s", True)


def test_a_member_that_did_not_answer_shows_why_and_nothing_else() -> None:
    silent = node(error="no answer", subject="", issuer="", primary="", authorities=[], ca_keys=[])
    row = certificate_row(silent, NOW_S)
    assert (row["expires_in"], row["issuer"], row["skew"], row["trouble"]) == ("-", "-", "-", "no answer")


def test_nothing_is_warned_of_when_all_is_well() -> None:
    assert list(warnings_of([node("n1"), node("n2", ca_keys=[])])) == []


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([node("n1"), node("n2", skew_s=-400.0)], "n2 (-400 s)"),
        ([node("n1", authorities=["a" * 64, "b" * 64])], "not finished"),
        ([node("n1"), node("n2", primary="b" * 64)], "not finished"),
        ([node("n1", ca_keys=[])], "no live member holds the CA key"),
    ],
)
def test_what_somebody_should_look_at_is_warned_of(nodes: list[dict[str, Any]], words: str) -> None:
    assert any(words in warning for warning in warnings_of(nodes))


def test_a_revocation_says_since_when_and_why() -> None:
    row = revocation_row(
        {
            "node": "n3",
            "serial": "",
            "since_unix_s": 0,
            "until_unix_s": DAY_S,
            "reason": "sold",
            "authority": "b" * 64,
        }
    )
    assert (row["since"], row["serial"], row["until"]) == (
        "1970-01-01 00:00 UTC",
        "all before",
        "1970-01-02 00:00 UTC",
    )


def test_a_ca_whose_key_nobody_holds_says_so() -> None:
    row = ca_row({"fingerprint": "c" * 64, "not_after_unix_s": NOW_S, "holders": [], "nodes": ["n1"]}, NOW_S)
    assert (row["fingerprint"], row["holders"], row["nodes"]) == ("c" * 16, "nobody alive", ["n1"])


def test_the_list_of_roles_fits_a_terminal_and_wide_has_everything(capsys):
    rows = [
        {"role": name, "built_in": True, "permissions": sorted(found), "note": "", "by": ""}
        for name, found in ROLES.items()
    ]
    Output().rows(rows, ROLE_COLUMNS, empty="")
    narrow = capsys.readouterr().out
    assert max(map(len, narrow.splitlines())) <= 100
    assert " more" in narrow
    Output("wide").rows(rows, ROLE_COLUMNS, empty="")
    assert ", ".join(rows[0]["permissions"]) in capsys.readouterr().out
