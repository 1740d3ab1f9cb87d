"""Calls about messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from caxton_node.client.noun import Noun
from caxton_node.pb import messages_pb2 as pb
from caxton_node.pb import tracking_pb2

Letters: TypeAlias = Mapping[str, Any]
"""Which dead letters: reason, receiver, sender, conversation_id, since_unix_ms."""


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
        encoding: str = "",
        reply_to: str = "",
        reply_with: str = "",
        in_reply_to: str = "",
        reply_by_unix_ms: int = 0,
        headers: Mapping[str, str] | None = None,
        also_to: Sequence[str] = (),
        budget: Mapping[str, int] | None = None,
        timeout_s: float = 30.0,
        wait: bool = True,
        ttl_s: float = 0.0,
        durable: bool = False,
        trace: bool = False,
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
            encoding: Encoding of the content.
            reply_to: Where answers are to go instead; only when nobody waits.
            reply_with: What the answer is to name; empty leaves it to the node.
            in_reply_to: What this message answers.
            reply_by_unix_ms: Latest useful moment of an answer; 0 means the end of the wait, or none.
            headers: Texts by name.
            also_to: Further receivers; the reply is the first that comes from any of them.
            budget: What the conversation may use in all: fuel, time_us, messages, bytes, cost. What is not
                named has no limit; None means no budget.
            timeout_s: How long to wait for the reply, seconds.
            wait: Whether to wait at all.
            ttl_s: How long it may wait to be handled; 0 means for ever. Only with one does it wait for an
                agent that is not there.
            durable: Whether it is kept on the node's disk until it is handled, whichever node dies.
            trace: Whether its conversation is followed, for `trace` below.

        Raises:
            InvalidMessage: The message breaks a FIPA rule or a size limit.
            NotFound: No agent has this name.
            DeliveryFailed: The agent did not survive the message.
            ResourceLimit: The budget has run out; says who spent it.
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
            reply_to=reply_to,
            encoding=encoding,
            in_reply_to=in_reply_to,
            reply_with=reply_with,
            headers=headers,
            also_to=also_to,
            reply_by_unix_ms=reply_by_unix_ms,
            budget=None if budget is None else pb.Budget(**budget),
            ttl_ms=max(1, round(ttl_s * 1000)) if ttl_s else 0,
            durable=durable,
            trace=trace,
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

    def where(self, message_id: str) -> tracking_pb2.WhereIsMessageResponse:
        """Tell where a message is, or what became of it, for each of its receivers.

        Raises:
            NotFound: No node that is alive knows it; the message may be older than what they remember.
            InvalidArgument: It is no message id.
        """
        request = tracking_pb2.WhereIsMessageRequest(message_id=message_id)
        return self._call("WhereIsMessage", request, tracking_pb2.WhereIsMessageResponse)

    def trace(self, key: str) -> tracking_pb2.TraceMessageResponse:
        """Tell the way of every message of a conversation, over all nodes.

        Args:
            key: The id of one of its messages, or its own.

        Raises:
            NotFound: No node that is alive has followed it.
        """
        request = tracking_pb2.TraceMessageRequest(key=key)
        return self._call("TraceMessage", request, tracking_pb2.TraceMessageResponse)

    def conversation(self, conversation_id: str) -> tracking_pb2.GetConversationResponse:
        """Tell who talks in a conversation and how far its protocols have come.

        Raises:
            NotFound: No node that is alive knows it, or not any more.
        """
        request = tracking_pb2.GetConversationRequest(conversation_id=conversation_id)
        return self._call("GetConversation", request, tracking_pb2.GetConversationResponse)

    def conversations(
        self, *, node: str = "", limit: int = 0, agent: str = "", everything: bool = False
    ) -> tracking_pb2.ListConversationsResponse:
        """List conversations in which a protocol still expects something, the latest first.

        Args:
            node: Whose; empty means all nodes that are alive.
            limit: At most so many; 0 means 50, at most 1000.
            agent: Only those in which it takes part, `name` or `name@node`; empty means all.
            everything: Whether to list those too in which nothing is expected any more.
        """
        request = tracking_pb2.ListConversationsRequest(node=node, limit=limit, agent=agent, all=everything)
        return self._call("ListConversations", request, tracking_pb2.ListConversationsResponse)

    def dead_letters(
        self,
        *,
        node: str = "",
        limit: int = 0,
        letters: Letters | None = None,
        page_token: str = "",
    ) -> pb.ListDeadLettersResponse:
        """Return the newest dead letters of a node, at most `limit` (0 means 100), and the counts of all.

        Args:
            node: Whose; empty means the node that is asked.
            limit: Letters of this page, at most 1000.
            letters: Only those, by the names of the schema's DeadLetterFilter; None means all.
            page_token: `next_page_token` of the page before.
        """
        request = pb.ListDeadLettersRequest(
            node=node, limit=limit, filter=_filter(letters), page_token=page_token
        )
        return self._call("ListDeadLetters", request, pb.ListDeadLettersResponse)

    def dead_letter(self, number: int, *, node: str = "") -> pb.GetDeadLetterResponse:
        """Return one dead letter of a node, whole.

        Raises:
            NotFound: The node keeps no letter with this id.
        """
        request = pb.GetDeadLetterRequest(node=node, id=number)
        return self._call("GetDeadLetter", request, pb.GetDeadLetterResponse)

    def resend_dead_letters(
        self,
        ids: Sequence[int] = (),
        *,
        letters: Letters | None = None,
        everything: bool = False,
        most: int = 0,
        node: str = "",
    ) -> pb.ResendDeadLettersResponse:
        """Send dead letters of a node again, the oldest first.

        Args:
            ids: These; empty leaves the choice to `letters`.
            letters: Those that it describes, by the names of the schema's DeadLetterFilter.
            everything: Needed when nothing chooses.
            most: At most so many; 0 means 1000.
            node: Whose; empty means the node that is asked.

        Raises:
            NotFound: None of the ids is kept.
            InvalidArgument: Nothing was chosen, or a filter cannot match.
        """
        request = pb.ResendDeadLettersRequest(
            node=node, ids=ids, filter=_filter(letters), all=everything, max=most
        )
        return self._call("ResendDeadLetters", request, pb.ResendDeadLettersResponse)

    def drop_dead_letters(
        self,
        ids: Sequence[int] = (),
        *,
        letters: Letters | None = None,
        everything: bool = False,
        node: str = "",
    ) -> int:
        """Forget dead letters of a node for good, chosen as for `resend_dead_letters`; return how many."""
        request = pb.DropDeadLettersRequest(node=node, ids=ids, filter=_filter(letters), all=everything)
        return self._call("DropDeadLetters", request, pb.DropDeadLettersResponse).dropped


def _filter(letters: Letters | None) -> pb.DeadLetterFilter:
    return pb.DeadLetterFilter(**(letters or {}))
