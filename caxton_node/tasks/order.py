"""What a task is: the work, whom to call, what is wanted, and how long everything may take. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import parse_address
from caxton_node.core.shown import show
from caxton_node.fipa.bidding import Settings
from caxton_node.fipa.contract_net import protocol_of
from caxton_node.fipa.rules import CONTENT_BYTES_CAP
from caxton_node.tasks.criteria import Criteria, parse_criteria

PROPOSALS_WITHIN_S, RESULTS_WITHIN_S = 5.0, 30.0
WITHIN_S_MIN, WITHIN_S_MAX = 0.01, 7 * 86_400.0
ROUNDS_MAX = 20
WINNERS_MAX = 100
PARTICIPANTS, PARTICIPANTS_MAX = 500, 1_000
TASK_BYTES_MAX = CONTENT_BYTES_CAP - 256 * 1024  # a further call says more
CALL_BYTES_MAX = 64 * 1024 * 1024  # of one call to everybody: it waits in their mailboxes all at once
BIDS_MAX = 5_000  # of all rounds: each is written down
CAPABILITY_CHARS_MAX = 63


@dataclass(frozen=True, slots=True)
class Order:
    """One task as it was asked for.

    Attributes:
        content: What is to be done, JSON; the content of the call.
        capability: Call everybody who has it, "" for nobody by capability.
        contractors: Call these too: `name` for every node that runs it, or `name@node`.
        prefer: By what bids are ranked, as in `criteria.py`.
        require: What a bid must fulfil.
        steps: By how much a further round must better a term.
        winners: How many get the work.
        reserves: How many of the next best are kept in case a winner fails; None: all that qualify.
        rounds_max: How often may be called.
        proposals_within_s: How long each call waits for bids.
        results_within_s: How long a winner may work.
        participants_max: How many are called at most.
        protocol: Name in the envelopes, "" chooses by `rounds_max`.
    """

    content: bytes
    capability: str = ""
    contractors: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    winners: int = 1
    reserves: int | None = None
    rounds_max: int = 1
    proposals_within_s: float = PROPOSALS_WITHIN_S
    results_within_s: float = RESULTS_WITHIN_S
    participants_max: int = PARTICIPANTS
    protocol: str = ""

    @property
    def criteria(self) -> Criteria:
        """Return what is wanted, read."""
        return parse_criteria(self.prefer, self.require, self.steps)

    @property
    def protocol_name(self) -> str:
        """Return the name in the envelopes."""
        return protocol_of(self.settings).name

    @property
    def settings(self) -> Settings:
        """Return the bounds for the machine of the protocol."""
        return Settings(self.proposals_within_s, self.results_within_s, self.rounds_max, self.protocol)


def check(order: Order) -> None:
    """Let an order pass that can be carried out.

    Raises:
        InvalidArgument: What cannot be, with the bound.
    """
    if not order.capability and not order.contractors:
        raise InvalidArgument(
            "nobody is to be called", hint="name a capability, or contractors: caxton capability list"
        )
    _check_content(order.content)
    if len(order.capability) > CAPABILITY_CHARS_MAX:
        raise InvalidArgument(f"{show(order.capability)} is no name of a capability")
    if len(order.contractors) > PARTICIPANTS_MAX:
        raise InvalidArgument(f"{len(order.contractors):,} contractors; {PARTICIPANTS_MAX:,} can be called")
    for address in order.contractors:
        parse_address(address)
    _check_range("winners", order.winners, 1, WINNERS_MAX)
    _check_range("reserves", order.reserves or 0, 0, PARTICIPANTS_MAX)
    _check_range("rounds", order.rounds_max, 1, ROUNDS_MAX)
    _check_range("participants", order.participants_max, 1, PARTICIPANTS_MAX)
    _check_range("seconds for proposals", order.proposals_within_s, WITHIN_S_MIN, WITHIN_S_MAX)
    _check_range("seconds for results", order.results_within_s, WITHIN_S_MIN, WITHIN_S_MAX)
    _ = order.criteria, protocol_of(order.settings)  # they say what is wrong with themselves


def check_size(order: Order, called: int) -> None:
    """Refuse what is too much for so many contractors.

    Raises:
        InvalidArgument: With the sum.
    """
    if len(order.content) * called > CALL_BYTES_MAX:
        raise InvalidArgument(
            f"{len(order.content):,} bytes to {called:,} contractors are too much at once",
            why=f"at most {CALL_BYTES_MAX:,} bytes are sent altogether",
            hint="call fewer of them, or send the details only to whoever wins",
        )
    if order.rounds_max * called > BIDS_MAX:
        raise InvalidArgument(
            f"{order.rounds_max} rounds with {called:,} contractors are too many",
            why=f"at most {BIDS_MAX:,} bids are taken in all rounds",
            hint="give it fewer --rounds or --participants",
        )


def _check_content(content: bytes) -> None:
    if len(content) > TASK_BYTES_MAX:
        raise InvalidArgument(
            f"the task has {len(content):,} bytes",
            why=f"at most {TASK_BYTES_MAX:,} are taken",
            hint="send the details only to whoever wins",
        )
    try:
        msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise InvalidArgument(
            "the task is not JSON", why=show(str(err)), hint='write for example {"task": "wall"}'
        ) from err


def _check_range(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InvalidArgument(f"{value:g} {what} cannot be", why=f"it is from {low:g} to {high:,g}")
