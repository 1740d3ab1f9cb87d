"""Calls about messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caxton_node.client.noun import Noun
from caxton_node.pb import messages_pb2 as pb


class Messages(Noun):
    """Send messages to agents, follow the traffic of a node, and read what could not be delivered."""

    service = "CaxtonManagement"

    def send(
        self,
        to: str,
        content: bytes,
        *,
        performative: str = "request",
        language: str = "",
        ontology: str = "",
        protocol: str = "",
        conversation_id: str = "",
        timeout_s: float = 30.0,
        wait: bool = True,
    ) -> pb.SendMessageResponse:
        """Send one message and wait for its reply.

        Args:
            to: Name of an agent, or `name@node`.
            content: What to say, at most 1 MiB unless the node is configured otherwise.
            performative: One of the FIPA acts.
            language: Language of the content; empty means json.
            ontology: Vocabulary of the content.
            protocol: Interaction protocol, such as fipa-request.
            conversation_id: Empty means a new conversation.
            timeout_s: How long to wait for the reply, seconds.
            wait: Whether to wait at all.

        Raises:
            InvalidMessage: The message breaks a FIPA rule or a size limit.
            NotFound: No agent has this name.
            DeliveryFailed: The agent did not survive the message.
            DeadlineExceeded: No reply came in time.
            Unavailable: The agent's node died.
        """
        request = pb.SendMessageRequest(
            to=to,
            performative=performative,
            content=content,
            language=language,
            ontology=ontology,
            protocol=protocol,
            conversation_id=conversation_id,
            no_wait=not wait,
            timeout_ms=max(1, round(timeout_s * 1000)),
        )
        return self._call("SendMessage", request, pb.SendMessageResponse, extra_s=timeout_s)

    def subscribe(self, agents: Sequence[str] = (), *, buffer_max: int = 0) -> Iterator[pb.MessageEvent]:
        """Follow the messages that the node handles; leaving the iterator ends the subscription.

        Args:
            agents: Only messages from or to one of these; empty means all.
            buffer_max: Messages kept for a slow reader; 0 means 1000. Drops beyond it are counted in the
                events.
        """
        request = pb.SubscribeMessagesRequest(agents=agents, buffer_max=buffer_max)
        return self._stream("SubscribeMessages", request, pb.MessageEvent)

    def dead_letters(self, *, node: str = "", limit: int = 0) -> pb.ListDeadLettersResponse:
        """Return the newest dead letters of a node, at most `limit` (0 means 100)."""
        request = pb.ListDeadLettersRequest(node=node, limit=limit)
        return self._call("ListDeadLetters", request, pb.ListDeadLettersResponse)
