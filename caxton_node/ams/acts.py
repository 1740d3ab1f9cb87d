"""What an agent may ask of `ams`. `agent` is somebody else; left out, an agent speaks of itself.

    search            INFORM {"agents": [{"name", "instance", "node", "version", "state", "capabilities",
                      "description"}], "next"?}
    get-description   INFORM {"name", "node", "version", "nodes", "services"}
    register, modify  INFORM {"registered" | "modified": name}       sets the agent's description
    deregister, stop  AGREE, and INFORM {"agent", "state"} when it has stopped, unless it has stopped itself
    start, restart    AGREE, and INFORM {"agent", "state"}
    set-timer         AGREE {"timer", "due_unix_ms"}, and INFORM {"timer", "due_unix_ms", "count"} when due
    cancel-timer      INFORM {"cancelled": 0 | 1}
    list-timers       INFORM {"timers": [{"timer", "due_unix_ms", "every_ms", "durable"}]}
    SUBSCRIBE watch   AGREE, then INFORM {"agents": {name: [{"instance", "node", "state"}]}}
    CANCEL            INFORM {"cancelled": 1}

Source: FIPA SC00023K section 4.3.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from caxton_node.agents.lifecycle import State

SEARCH_MAX = 100
ATTRIBUTES_MAX = 16
TIMER_MS_MIN = 100
DURABLE_EVERY_MS_MIN = 1_000
TIMER_MS_MAX = 366 * 86_400_000

Pattern = Annotated[str, Meta(pattern=r"^[a-z0-9._:~/-]{0,127}\*?$")]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9._:~/-]{1,127}$")]
Node = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,63}$")]
Word = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,63}$")]
Attributes = Annotated[
    dict[Word, Annotated[str, Meta(max_length=255)]],
    Meta(max_length=ATTRIBUTES_MAX),
]
TimerId = Annotated[str, Meta(pattern=r"^[!-~]{1,64}$")]
UnixMs = Annotated[int, Meta(ge=0, le=2**53)]


class _Request(Struct, frozen=True, tag_field="action", kw_only=True, forbid_unknown_fields=True):
    """Any request."""


class Search(_Request, frozen=True, tag="search"):
    """Find agents, by name: exactly, or by how it begins with a `*` at the end."""

    name: Pattern = "*"
    node: Node | None = None
    state: State | None = None
    attributes: Attributes = {}
    after: Name | None = None
    limit: Annotated[int, Meta(ge=1, le=SEARCH_MAX)] = SEARCH_MAX


class GetDescription(_Request, frozen=True, tag="get-description"):
    """Describe the platform."""


class Register(_Request, frozen=True, tag="register"):
    """Say that one is there, and what one is; an agent is registered already by being deployed."""

    description: Attributes = {}


class _AboutAgent(_Request, frozen=True):
    """A request about an agent.

    Attributes:
        agent: Whom it is about; None is whoever asks.
        node: Where that runs; needed only if it does so on several nodes.
        on_behalf_of: Who asks; only the `ams` of another node says so.
    """

    agent: Name | None = None
    node: Node | None = None
    on_behalf_of: Name | None = None


class Modify(_AboutAgent, frozen=True, kw_only=True, tag="modify"):
    """Set the description of an agent."""

    description: Attributes


class Deregister(_AboutAgent, frozen=True, tag="deregister"):
    """Stop an agent; it stays deployed."""


class Stop(_AboutAgent, frozen=True, tag="stop"):
    """Stop an agent; it stays deployed."""


class Start(_AboutAgent, frozen=True, tag="start"):
    """Start an agent that has stopped or failed."""


class Restart(_AboutAgent, frozen=True, tag="restart"):
    """Replace an agent's sandbox by a fresh one."""


class SetTimer(_Request, frozen=True, tag="set-timer"):
    """Be told when a time has come; a timer of the same id is set anew.

    Attributes:
        id: The agent's name for it.
        after_ms: When, counted from now.
        at_unix_ms: When, by the clock; in the past is now.
        every_ms: How often from then on.
        durable: Whether it outlives the agent's stops and the node's restarts.
    """

    id: TimerId
    after_ms: Annotated[int, Meta(ge=0, le=TIMER_MS_MAX)] | None = None
    at_unix_ms: UnixMs | None = None
    every_ms: Annotated[int, Meta(ge=TIMER_MS_MIN, le=TIMER_MS_MAX)] | None = None
    durable: bool = False

    def __post_init__(self) -> None:
        """Ask for exactly one way to say when; `every_ms` alone begins with its first interval.

        A durable ring is two commits, so it is not as fast as others may be.
        """
        named = (self.after_ms is not None) + (self.at_unix_ms is not None)
        if named > 1 or not (named or self.every_ms):
            raise ValueError("say when: after_ms or at_unix_ms, or every_ms alone")
        if self.durable and self.every_ms is not None and self.every_ms < DURABLE_EVERY_MS_MIN:
            raise ValueError(f"a durable timer repeats every {DURABLE_EVERY_MS_MIN:,} ms or less often")


class CancelTimer(_Request, frozen=True, tag="cancel-timer"):
    """Forget a timer."""

    id: TimerId


class ListTimers(_Request, frozen=True, tag="list-timers"):
    """Read one's timers."""


class Watch(_Request, frozen=True, tag="watch"):
    """Be told of the lives of agents, by name as in a search."""

    name: Pattern = "*"
    node: Node | None = None


class Cancel(Struct, frozen=True):
    """Be told no more in this conversation."""


Command: TypeAlias = Deregister | Stop | Start | Restart
About: TypeAlias = Modify | Command
Request: TypeAlias = (
    Search
    | GetDescription
    | Register
    | Modify
    | Deregister
    | Stop
    | Start
    | Restart
    | SetTimer
    | CancelTimer
    | ListTimers
)

_read = msgspec.json.Decoder(Request).decode
_read_subscription = msgspec.json.Decoder(Watch | SetTimer).decode


def read_request(content: bytes) -> Request:
    """Read the content of a REQUEST or QUERY-REF.

    Raises:
        msgspec.DecodeError: It is none; says what it should be.
    """
    request: Request = _read(content)
    return request


def read_subscription(content: bytes) -> Watch | SetTimer:
    """Read the content of a SUBSCRIBE; raises as `read_request`."""
    request: Watch | SetTimer = _read_subscription(content)
    return request


def read_cancel(_content: bytes) -> Cancel:
    """Read a CANCEL, whose content says nothing that its conversation does not."""
    return Cancel()
