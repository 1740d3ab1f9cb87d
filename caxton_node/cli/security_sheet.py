"""How certificates, CAs and revocations look in a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from caxton_node.cli.output import column

CERTIFICATE_COLUMNS = (
    column("NODE", "node"),
    column("STATE", "state"),
    column("EXPIRES IN", "expires_in"),
    column("ISSUER", "issuer"),
    column("SKEW", "skew", right=True),
    column("SIGNS", "signs"),
    column("REVISION", "trust_revision", wide=True, right=True),
    column("TRUSTS", "trusts", wide=True),
    column("SUBJECT", "subject", wide=True),
    column("SERIAL", "serial", wide=True),
    column("REVOCATIONS", "revocations", wide=True, right=True),
    column("TROUBLE", "trouble"),
)
REVOCATION_COLUMNS = (
    column("NODE", "node"),
    column("SINCE", "since"),
    column("REASON", "reason"),
    column("CERTIFICATE", "serial", wide=True),
    column("FORGOTTEN", "until", wide=True),
    column("SIGNED BY", "authority", wide=True),
)
CA_COLUMNS = (
    column("CA", "fingerprint"),
    column("SIGNS", "signs"),
    column("EXPIRES IN", "expires_in"),
    column("KEY ON", "holders"),
    column("CERTIFICATES OF", "nodes"),
)
SKEW_S_MAX = 60.0
SHORT = 16


def short(fingerprint: str) -> str:
    """Return enough of a fingerprint to tell CAs apart."""
    return fingerprint[:SHORT] or "-"


def span(seconds: float) -> str:
    """Return a time as people say it; one that is over is negative."""
    sign, left = ("-", -seconds) if seconds < 0 else ("", seconds)
    for unit, size in (("d", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if left >= 2 * size:
            return f"{sign}{left / size:.0f} {unit}"
    return f"{sign}{left:.0f} s"


def certificate_row(node: dict[str, Any], now_s: float) -> dict[str, Any]:
    """Return a member's certificate as it stands in the table."""
    asked = bool(node["subject"])
    return {
        **node,
        "expires_in": span(node["not_after_unix_s"] - now_s) if asked else "-",
        "issuer": short(node["issuer"]),
        "skew": f"{node['skew_s']:+.1f} s" if asked else "-",
        "signs": node["primary"] in node["ca_keys"],
        "trusts": [short(each) for each in node["authorities"]],
        "trouble": node["error"] or node["trouble"],
    }


def revocation_row(revocation: dict[str, Any]) -> dict[str, Any]:
    """Return a revocation as it stands in the table."""
    return {
        **revocation,
        "since": _date(revocation["since_unix_s"]),
        "until": _date(revocation["until_unix_s"]),
        "serial": revocation["serial"] or "all before",
        "authority": short(revocation["authority"]),
    }


def ca_row(authority: dict[str, Any], now_s: float) -> dict[str, Any]:
    """Return a CA as it stands in the table."""
    return {
        **authority,
        "fingerprint": short(authority["fingerprint"]),
        "expires_in": span(authority["not_after_unix_s"] - now_s),
        "holders": authority["holders"] or "nobody alive",
        "nodes": authority["nodes"] or "-",
    }


def warnings_of(nodes: Sequence[dict[str, Any]]) -> Iterable[str]:
    """Say what somebody should look at."""
    asked = [node for node in nodes if node["subject"]]
    skewed = [
        f"{node['node']} ({node['skew_s']:+.0f} s)" for node in asked if abs(node["skew_s"]) > SKEW_S_MAX
    ]
    if skewed:
        yield f"clocks differ from that of the node that was asked: {', '.join(skewed)}"
    if len({node["primary"] for node in asked}) > 1 or any(len(node["authorities"]) > 1 for node in asked):
        yield "a change of the CA is not finished: caxton security ca status"
    if asked and not any(node["primary"] in node["ca_keys"] for node in asked):
        yield "no live member holds the CA key: nobody can join, and nothing is renewed"


def _date(unix_s: int) -> str:
    return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d %H:%M} UTC"
