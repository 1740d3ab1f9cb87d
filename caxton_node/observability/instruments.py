"""THE table of metrics: name, kind, labels, unit, help.

Names are Prometheus names in base units. Labels have few values, known beforehand: never a conversation,
a message or anything else that outside input can multiply. A metric that is not here cannot be counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a metric behaves over time."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One row of the table.

    Attributes:
        name: Prometheus name; a counter's ends in `_total`.
        kind: Counter, gauge or histogram.
        unit: Base unit, or empty for a count.
        labels: Label names, in the order in which their values are kept.
        help: What it counts, one sentence.
        bounds: Upper bounds of a histogram's buckets, ascending; empty when its source brings its own.
    """

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    help: str
    bounds: tuple[float, ...] = ()


_TIMES_S = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)
_LONG_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)

_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

INSTRUMENTS: tuple[Instrument, ...] = (
    Instrument("caxton_agents", _G, "", ("state",), "Agents deployed on this node, by state."),
    Instrument("caxton_agent_restarts_total", _C, "", (), "Restarts by supervision."),
    Instrument("caxton_agent_start_seconds", _H, "s", ("source",), "Time to start an instance.", _TIMES_S),
    Instrument("caxton_pool_instances", _G, "", (), "Warm instances that wait for an agent."),
    Instrument("caxton_pool_memory_bytes", _G, "bytes", (), "Linear memory of warm instances."),
    Instrument("caxton_pool_starts_total", _C, "", ("outcome",), "Starts by whether an instance was warm."),
    Instrument("caxton_pool_recycled_total", _C, "", (), "Warm instances thrown out unused."),
    Instrument("caxton_agent_fuel_total", _C, "", (), "Fuel consumed by guests."),
    Instrument("caxton_agent_memory_bytes", _G, "bytes", (), "Linear memory of all running guests."),
    Instrument("caxton_wasm_traps_total", _C, "", ("kind",), "Guest calls that ended in a trap."),
    Instrument(
        "caxton_limit_violations_total",
        _C,
        "",
        ("kind", "action"),
        "Limits that agents passed.",
    ),
    Instrument(
        "caxton_certificate_expiry_seconds",
        _G,
        "s",
        ("kind",),
        "Time until this node's certificate, or the CA that signs, runs out; negative when it has.",
    ),
    Instrument(
        "caxton_certificate_renewals_total", _C, "", ("outcome",), "Renewals of this node's certificate."
    ),
    Instrument(
        "caxton_certificates_signed_total", _C, "", ("kind",), "Requests for certificates that came here."
    ),
    Instrument("caxton_certificates_revoked", _G, "", (), "Revocations in force on this node."),
    Instrument("caxton_trust_revision", _G, "", (), "Changes of the CA that this node has followed."),
    Instrument("caxton_trust_authorities", _G, "", (), "CAs that this node trusts; two during a change."),
    Instrument("caxton_agent_checkpoints_total", _C, "", ("outcome",), "Checkpoints by outcome."),
    Instrument("caxton_agent_reload_seconds", _H, "s", (), "Pause of an agent in a hot reload.", _TIMES_S),
    Instrument(
        "caxton_module_fetches_total", _C, "", ("outcome",), "Modules wanted from other nodes, by outcome."
    ),
    Instrument("caxton_module_bytes_total", _C, "bytes", ("direction",), "Bytes of modules between nodes."),
    Instrument("caxton_module_liars_total", _C, "", (), "Nodes that served wrong bytes of a module."),
    Instrument("caxton_messages_total", _C, "", ("outcome",), "Messages by what became of them."),
    Instrument("caxton_messages_in_flight", _G, "", (), "Messages accepted and not yet settled."),
    Instrument("caxton_messages_parked", _G, "", (), "Messages that wait for a receiver who is not there."),
    Instrument(
        "caxton_message_fences_total",
        _C,
        "",
        ("outcome",),
        "Changes of route at which messages waited for earlier ones: clear, late.",
    ),
    Instrument("caxton_conversations_open", _G, "", (), "Conversations in which a protocol goes on."),
    Instrument("caxton_conversations_total", _C, "", ("protocol",), "Conversations begun, by protocol."),
    Instrument("caxton_protocol_violations_total", _C, "", (), "Acts that their protocol did not allow."),
    Instrument(
        "caxton_protocol_unjudged_total", _C, "", (), "Acts of conversations whose beginning is unknown here."
    ),
    Instrument("caxton_trace_spans_dropped_total", _C, "", (), "Spans beyond the bound of a second."),
    Instrument(
        "caxton_message_latency_seconds", _H, "s", (), "Time a message waited in its mailbox.", _TIMES_S
    ),
    Instrument("caxton_message_batch_size", _H, "", (), "Messages in one guest call.", _SIZES),
    Instrument(
        "caxton_message_batch_average", _G, "", ("strategy",), "Messages in one guest call, latest 64 calls."
    ),
    Instrument("caxton_turns_total", _C, "", ("strategy",), "Turns of agents, by batching strategy."),
    Instrument(
        "caxton_turns_full_total", _C, "", ("strategy",), "Turns that took as many messages as they might."
    ),
    Instrument("caxton_turn_messages_total", _C, "", ("strategy",), "Messages in the turns of agents."),
    Instrument("caxton_mailbox_depth", _G, "", (), "Messages waiting in all mailboxes."),
    Instrument("caxton_outbox_messages", _G, "", (), "Durable messages that nobody has handled yet."),
    Instrument("caxton_outbox_bytes", _G, "bytes", (), "Bytes of those."),
    Instrument("caxton_outbox_sent_total", _C, "", (), "Ways out of the outbox, each message's first too."),
    Instrument("caxton_durable_handled", _G, "", (), "Durable messages of others that were handled here."),
    Instrument("caxton_dead_letters", _G, "", (), "Dead letters kept."),
    Instrument("caxton_dead_letters_total", _C, "", ("reason",), "Dead letters, by why nobody got them."),
    Instrument(
        "caxton_dead_letters_forgotten_total",
        _C,
        "",
        ("reason",),
        "Dead letters that had to make room or grew too old.",
    ),
    Instrument("caxton_budget_purses", _G, "", (), "Shares of conversation budgets that agents here have."),
    Instrument("caxton_budget_dropped_total", _C, "", (), "Such shares that had to make room for others."),
    Instrument("caxton_budget_refusals_total", _C, "", (), "Messages whose budget had run out."),
    Instrument(
        "caxton_budget_amounts_total",
        _C,
        "",
        ("amount", "outcome"),
        "Limited amounts of budgets: granted, spent, overdrawn, unused, lost.",
    ),
    Instrument("caxton_tasks_total", _C, "", ("outcome",), "Contract Nets of this node, by how they ended."),
    Instrument("caxton_task_seconds", _H, "s", (), "Time from a task to its end.", _LONG_S),
    Instrument(
        "caxton_task_proposals_total", _C, "", ("verdict",), "Bids for tasks, by what became of them."
    ),
    Instrument("caxton_cluster_nodes", _G, "", ("status",), "Known members, by status."),
    Instrument("caxton_cluster_agreed", _G, "", ("state",), "Members that count for a majority: seen, lost."),
    Instrument("caxton_cluster_view", _G, "", ("view",), "1 for the side of a split that this node is on."),
    Instrument(
        "caxton_cluster_view_changes_total", _C, "", ("view",), "Changes of the view, by what it became."
    ),
    Instrument("caxton_cluster_splits_healed_total", _C, "", (), "Splits that are over."),
    Instrument(
        "caxton_cluster_refusals_total", _C, "", (), "Changes refused on a side without the majority."
    ),
    Instrument("caxton_cluster_stalls_total", _C, "", (), "Times that this process came late to its timers."),
    Instrument(
        "caxton_cluster_member_events_total", _C, "", ("change",), "What happened to members, as seen here."
    ),
    Instrument("caxton_gossip_dropped_total", _C, "", ("reason",), "Gossip that was not used, by reason."),
    Instrument("caxton_gossip_bytes_total", _C, "bytes", ("direction",), "Gossip datagrams, payload bytes."),
    Instrument("caxton_mesh_links", _G, "", ("kind", "state"), "Links to peers, by kind and state."),
    Instrument("caxton_mesh_bytes_total", _C, "bytes", ("direction",), "Bytes on the links to peers."),
    Instrument("caxton_mesh_links_begun_total", _C, "", (), "Links that came up."),
    Instrument("caxton_mesh_links_ended_total", _C, "", ("reason",), "Links that ended, by reason."),
    Instrument(
        "caxton_mesh_moves_total", _C, "", ("kind",), "Links that were moved to another kind, by that kind."
    ),
    Instrument(
        "caxton_mesh_refusals_total",
        _C,
        "",
        ("side", "reason"),
        "Handshakes that came to nothing (accepted) or in which trust was denied (dialled).",
    ),
    Instrument("caxton_mesh_batches_resent_total", _C, "", (), "Batches sent again on a new link."),
    Instrument(
        "caxton_mesh_batches_repeated_total", _C, "", (), "Batches received a second time and dropped."
    ),
    Instrument(
        "caxton_mesh_backlog_bytes",
        _G,
        "bytes",
        (),
        "Messages that peers have not acknowledged, all together.",
    ),
    Instrument(
        "caxton_mesh_rtt_seconds", _G, "s", ("which",), "Round trip of links: the median, the slowest."
    ),
    Instrument(
        "caxton_mesh_loss_ratio", _G, "", (), "Share of packets lost lately on the worst link, 0 to 1."
    ),
    Instrument(
        "caxton_mesh_clock_skew_seconds",
        _G,
        "s",
        (),
        "Largest difference between this node's clock and a peer's, as its last greeting showed.",
    ),
    Instrument("caxton_registry_entries", _G, "", ("kind",), "Live registry entries, by kind."),
    Instrument(
        "caxton_registry_tombstones", _G, "", (), "Deleted registry entries that are still remembered."
    ),
    Instrument(
        "caxton_registry_conflicts_total", _C, "", (), "Concurrent registry updates that were settled."
    ),
    Instrument(
        "caxton_registry_overruled_total",
        _C,
        "",
        (),
        "Registry writes that lost to one whose writer did not know of them.",
    ),
    Instrument(
        "caxton_registry_overruled_lost_total", _C, "", (), "Rows of the partition report that were not kept."
    ),
    Instrument(
        "caxton_name_conflicts_total",
        _C,
        "",
        ("action",),
        "Agents here that lost their name after a partition: stopped, kept.",
    ),
    Instrument(
        "caxton_registry_syncs_total",
        _C,
        "",
        ("outcome",),
        "Comparisons with a neighbour: same, differed, failed.",
    ),
    Instrument("caxton_deployments", _G, "", (), "Deployments of the cluster that this node knows."),
    Instrument(
        "caxton_deployment_replicas", _G, "", ("state",), "Replicas of deployments on this node, by state."
    ),
    Instrument(
        "caxton_deployment_steps_total",
        _C,
        "",
        ("step", "outcome"),
        "What this node did for deployments: deploy, update, start, rest, remove; done or failed.",
    ),
    Instrument(
        "caxton_registry_convergence_seconds",
        _H,
        "s",
        (),
        "Time from a remote update to its arrival here.",
        _LONG_S,
    ),
    Instrument(
        "caxton_platform_answers_total",
        _C,
        "",
        ("agent", "act"),
        "Answers of platform agents, by which and by act: inform, agree, refuse, failure, not-understood.",
    ),
    Instrument("caxton_ams_timers", _G, "", (), "Timers of agents that have not rung yet."),
    Instrument("caxton_ams_subscriptions", _G, "", (), "Subscriptions to the lives of agents."),
    Instrument("caxton_kv_requests_waiting", _G, "", (), "Requests about keys that wait for the disk."),
    Instrument("caxton_kv_watches", _G, "", (), "Subscriptions to changes of keys."),
    Instrument("caxton_kv_shared_keys", _G, "", (), "Keys of agents that every node of the cluster keeps."),
    Instrument("caxton_web_streams", _G, "", ("state",), "Resumable streams over the web: read, or waiting."),
    Instrument("caxton_grpc_requests_total", _C, "", ("method", "code"), "Management calls, by result."),
    Instrument(
        "caxton_grpc_request_duration_seconds",
        _H,
        "s",
        ("method",),
        "Time to answer a management call.",
        _TIMES_S,
    ),
    Instrument(
        "caxton_rate_limited_total",
        _C,
        "",
        ("scope", "rate"),
        "Calls refused because a limit was used up, by kind of limit and class of calls.",
    ),
    Instrument(
        "caxton_calls_refused_total",
        _C,
        "",
        ("reason",),
        "Calls refused for want of room: calls or streams of a client, calls of the node, a late event loop.",
    ),
    Instrument("caxton_calls_under_way", _G, "", (), "Calls and streams at once, but those of the socket."),
    Instrument("caxton_loop_lag_seconds", _G, "s", (), "How late the event loop is, smoothed over a second."),
    Instrument(
        "caxton_health",
        _G,
        "",
        ("check", "state"),
        "1 for the state that a check has: ok, starting, degraded, failed.",
    ),
    Instrument("caxton_ready", _G, "", (), "1 if the node takes work, else 0: what /ready says."),
    Instrument(
        "caxton_audit_records_total",
        _C,
        "",
        ("outcome",),
        "Records of the audit log: written, lost, or only counted.",
    ),
    Instrument("caxton_auth_failures_total", _C, "", ("reason",), "Calls that were not let in."),
    Instrument("caxton_sqlite_writes_total", _C, "", (), "Statements written durably."),
    Instrument("caxton_sqlite_refused_total", _C, "", (), "Writes that the database refused."),
    Instrument("caxton_sqlite_commits_total", _C, "", (), "Group commits."),
    Instrument("caxton_sqlite_commit_seconds_total", _C, "s", (), "Time spent in group commits."),
    Instrument(
        "caxton_backup_made_timestamp_seconds", _G, "s", (), "When the newest backup was made; 0: none."
    ),
    Instrument("caxton_change_log_bytes_total", _C, "bytes", (), "Bytes written to the change log."),
    Instrument(
        "caxton_change_log_dropped_total",
        _C,
        "",
        (),
        "Segments of the change log that went for lack of room.",
    ),
    Instrument(
        "caxton_change_log_grounded",
        _G,
        "",
        (),
        "1: a restore can follow the change log to now; 0: no backup leads into it, or there is no log.",
    ),
    Instrument("caxton_metrics_errors_total", _C, "", (), "Sources of metrics that failed during a scrape."),
)

BY_NAME: Mapping[str, Instrument] = {instrument.name: instrument for instrument in INSTRUMENTS}
