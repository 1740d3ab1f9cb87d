"""Messages: how long, how many, what is kept of them."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.config.setting import GIB, MIB, Kind, setting


@dataclass(frozen=True, slots=True)
class MessagingSection:
    """Bounds of the data plane."""

    mailbox_depth: int = setting(
        10_000,
        Kind.INTEGER,
        "Messages that may wait for one agent; more are refused with FAILURE.",
        minimum=1,
        maximum=10_000_000,
    )
    dead_letters_max: int = setting(
        10_000,
        Kind.INTEGER,
        "Dead letters kept for people to look at and to send again; the oldest go.",
        minimum=0,
        maximum=100_000,
    )
    dead_letters_bytes_max: int = setting(
        64 * MIB, Kind.SIZE, "Bytes of all dead letters kept; the oldest go.", minimum=0, maximum=16 * GIB
    )
    dead_letters_age_max_s: float = setting(
        604_800.0,
        Kind.DURATION,
        "Dead letters older than this go: their contents may be personal.",
        minimum=60,
        maximum=31_536_000,
    )
    outbox_max: int = setting(
        100_000,
        Kind.INTEGER,
        "Durable messages kept until their receivers have handled them; more are refused with FAILURE.",
        minimum=1,
        maximum=10_000_000,
    )
    outbox_bytes_max: int = setting(
        64 * MIB, Kind.SIZE, "Bytes of all those; they are in memory too.", minimum=MIB, maximum=16 * GIB
    )
    durable_ttl_s: float = setting(
        604_800.0,
        Kind.DURATION,
        "How long a durable message without a time to live is kept for its receiver.",
        minimum=1,
        maximum=2_592_000,
    )
    trace_share: float = setting(
        0.01,
        Kind.NUMBER,
        "Part of the conversations of agents that is followed; 1 in the dev profile.",
        minimum=0,
        maximum=1,
    )
    receipts_max: int = setting(
        50_000,
        Kind.INTEGER,
        "Runs of messages of which it is remembered what became of them; the oldest go.",
        minimum=0,
        maximum=10_000_000,
    )
    conversation_messages_max: int = setting(
        1_000_000,
        Kind.INTEGER,
        "Messages of one conversation within an hour; more go round in circles and are refused.",
        minimum=1,
    )
    conversation_idle_s: float = setting(
        1_800.0,
        Kind.DURATION,
        "Silence after which a conversation is forgotten in which no protocol expects anything.",
        minimum=1,
        maximum=86_400,
    )
