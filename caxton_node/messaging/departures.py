"""The desk for agents that leave: what they keep is found here, and what they begin meanwhile is noted.

See `handover.py` for who gets which message while an agent leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from caxton_node.core.ids import parse_address
from caxton_node.fipa import decode
from caxton_node.fipa.codec import READ_ERRORS, read
from caxton_node.messaging.conversations import Conversations
from caxton_node.messaging.counts import Tally
from caxton_node.messaging.destinations import Destinations, LocalAgent, key_of
from caxton_node.messaging.handover import Handover

KEYS_MAX = 65_536
"""Answers of one outbox that are kept: as many as it may have frames, or each could name 256."""


class Departures:
    """Begins and ends handovers.

    Args:
        destinations: Where agents are.
        conversations: What they are in.
        tally: Where the counts of a mailbox that goes are kept.
    """

    def __init__(self, destinations: Destinations, conversations: Conversations, tally: Tally) -> None:
        self._destinations = destinations
        self._conversations = conversations
        self._tally = tally

    def begin(self, leaving: str, successor: str | None = None) -> Handover:
        """Let an agent leave: it keeps the conversations that it is in, the successor gets all others.

        With a successor, call it while no worker runs the one that leaves, which may go on afterwards: what a
        worker has in hands is not seen here, and the successor could overtake it. Without one nothing can be
        overtaken, and the one that leaves may run all the while; only a conversation that it begins in the
        very turn in which this happens may be missed, and its answer refused.

        Until all is divided, what comes goes on to the one that leaves, so nobody waits for the search. By
        then it waits there, and is kept, or it finds the mailbox closed and is new to both.

        Args:
            leaving: An instance with a mailbox.
            successor: Another instance of the same name with a mailbox; None refuses new conversations.
        """
        agents = self._destinations.agents
        agent = agents[leaving]
        handover = Handover(agent.mailbox, agents[successor].mailbox if successor else None)
        self._destinations.begin_handover(parse_address(agent.address).name, handover)
        talks = [talk.id for talk in self._conversations.open_of(agent.address)]
        handover.divide(talks, lambda frame: key_of(decode(frame)))
        return handover

    def is_finished(self, handover: Handover) -> bool:
        """Return whether the one that leaves has handled what waited and ended its conversations."""
        return handover.is_done(self._conversations.is_open)

    def end(self, leaving: str, handover: Handover) -> list[bytes]:
        """Let the successor have everything, and take the mailbox of the one that left out.

        It must not be running any more.

        Returns:
            What waited and found no successor, oldest first, for the caller to `reroute` or to keep.
        """
        left = handover.end()
        agent = self._destinations.remove_agent(leaving)
        if agent is not None:
            self._tally.retire(agent.mailbox.delivered, len(left) + agent.mailbox.in_flight)
        self._destinations.end_handover(parse_address(handover.address).name, handover)
        return left

    def keep_what_it_begins(self, agent: LocalAgent, frames: Sequence[bytes]) -> None:
        """Let an agent that leaves get the answers to what it sends; nobody else would know what they are."""
        handover = self._destinations.handovers.get(parse_address(agent.address).name)
        if handover is not None and handover.is_leaving(agent.mailbox):
            handover.keep_also(set(islice(self._keys_of_answers(agent.address, frames), KEYS_MAX)))

    def _keys_of_answers(self, sender: str, frames: Sequence[bytes]) -> Iterator[str]:
        """Say what answers to these messages will stick to: the conversation, or without one who answers."""
        for frame in frames:
            try:
                envelope = read(frame)
            except READ_ERRORS:
                continue  # it goes nowhere
            if envelope.conversation_id:
                yield envelope.conversation_id
                continue
            for receiver in envelope.receiver_list():
                found = self._destinations.find(receiver, sender)
                if found.destination is not None:
                    yield found.address
