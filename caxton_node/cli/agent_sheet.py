"""How one agent looks in full."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from caxton_node.cli.output import Column, Output, cell, column, paint
from caxton_node.cli.sheet import Lines, listed, moment, period, show, size

COLUMNS = (
    column("NAME", "name"),
    column("VERSION", "version"),
    column("STATE", "state"),
    column("NODE", "node"),
    column("CAPABILITIES", "capabilities"),
    column("INSTANCE", "instance", wide=True),
    Column("MODULE", lambda row: str(row["module_sha256"])[:12], wide=True),
)
HISTORY_COLUMNS = (
    Column("AT", lambda row: moment(int(str(row["at_unix_ms"])))),
    column("INSTANCE", "instance"),
    column("EVENT", "event"),
    column("FROM", "from_state"),
    column("TO", "to_state"),
    column("REASON", "reason"),
)
_CPU = {
    "metered": "metered: by fuel alone",
    "deadline": "deadline: by wall time alone, fuel is not counted",
    "both": "both: by fuel and wall time, whichever ends first",
}
_KEEPING = {
    "auto": "auto: its own checkpoint, if its module makes one",
    "image": "image: its memory and globals as they are",
    "off": "off: nothing",
}
BATCHING = {
    "adaptive": "adaptive: as many messages as fit into 2 ms",
    "throughput": "throughput: as many as fit into 20 ms",
    "latency": "latency: as many as fit into 0.5 ms",
    "single": "single: one message a turn",
}
_ON_CONFLICT = {"stop": "it is told and stopped", "keep": "it is told and goes on"}
_PROTOCOLS = {
    "enforce": "enforce: what they do not allow goes back to its sender",
    "warn": "warn: what they do not allow is delivered and noted",
    "off": "off: what they do not allow is delivered",
}

Row = Mapping[str, Any]


def show_agent(output: Output, row: Row) -> None:
    """Print everything that is known about an agent."""
    detail: Row = row.get("detail", {})
    limits = limit_lines(detail["limits"], has_fuel=detail.get("cpu") != "deadline")
    sections = {"": _facts(row, detail), "limits": limits, "runs": _runs(detail)}
    if failure := detail.get("failure"):
        sections["last failure"] = _failure(failure, is_down=row["state"] == "Failed")
    show(output, row, f"{cell(row['instance'])} is {paint(row['state'])}", sections)


def limit_lines(limits: Row, *, has_fuel: bool) -> Lines:
    """Return a line for each limit."""
    rate = limits["messages_per_s"]
    return [
        ("memory", size(limits["memory_bytes"])),
        ("fuel", f"{limits['fuel_per_message']:,} a message" if has_fuel else "not counted"),
        ("wall time", f"{period(limits['wall_time_ms'] / 1000)} a message"),
        ("message size", size(limits["message_bytes_max"])),
        ("mailbox", f"{limits['mailbox_depth']:,} messages"),
        ("batch", f"{limits['batch_max']:,}"),
        ("host calls", f"{limits['host_calls_per_s']:,} a second"),
        ("log lines", f"{limits['log_lines_per_s']:,} a second"),
        ("messages sent", f"{rate:,} a second" if rate else "as many as others take"),
        ("table", f"{limits['table_elements']:,} elements"),
        ("checkpoint", size(limits["checkpoint_bytes_max"])),
    ]


def _facts(row: Row, detail: Row) -> Lines:
    memory = detail["memory_bytes"]
    return [
        ("node", row["node"]),
        ("module", f"{row['module_sha256'][:12]}…, {size(detail['module_bytes'])}"),
        ("deployed", moment(detail["deployed_unix_ms"])),
        ("restarts", detail["restarts"]),
        ("waiting", f"{detail['mailbox_waiting']:,} messages"),
        ("memory", f"{size(memory)} of {size(detail['limits']['memory_bytes'])}" if memory else "none"),
        ("offers", listed(row["capabilities"], "nothing")),
        ("may offer", listed(detail["granted_capabilities"], "anything")),
        ("may manage", listed(detail["manages"], "nobody")),
        ("config", json.dumps(detail.get("config", {}), ensure_ascii=False)),
    ]


def _runs(detail: Row) -> Lines:
    every_ms, world = detail["checkpoint_every_ms"], detail.get("deterministic")
    lines = [
        ("cpu", _CPU.get(detail["cpu"], detail["cpu"])),
        ("wasm features", listed(detail["wasm_features"], "none beyond MVP")),
        ("batching", _batching(detail)),
        ("protocols", _PROTOCOLS.get(detail["protocols"], detail["protocols"])),
        ("leaves", _KEEPING.get(detail["keeping"], detail["keeping"])),
        ("name lost", _ON_CONFLICT.get(detail["on_conflict"], detail["on_conflict"])),
        ("checkpoints", f"every {period(every_ms / 1000)}, and when it ends" if every_ms else "when it ends"),
    ]
    if world:
        started = moment(world["start_unix_us"] // 1000)
        lines.append(("deterministic", f"seed {world['seed']}, its clock starts at {started}"))
    return lines


def _batching(detail: Row) -> str:
    word, now = str(detail["batching"]), detail["batch_now"]
    words = BATCHING.get(word, word)
    return f"{words}; at most {now} in its next turn" if now else words


def _failure(failure: Row, *, is_down: bool) -> Lines:
    lines: list[tuple[str, object]] = [
        ("kind", failure["kind"]),
        ("what", failure["message"]),
        ("at", moment(failure["at_unix_ms"])),
        ("message id", failure["message_id"] or "none: it was handling no message"),
    ]
    if failure["backtrace"]:
        lines.append(("backtrace", failure["backtrace"]))
    again = "it will be started again" if is_down else "it was started again"
    lines.append(("verdict", f"left alone: {failure['verdict']}" if failure["verdict"] else again))
    return lines
