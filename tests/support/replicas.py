"""Two replicas compared as two nodes would, without a network in between."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.registry import answering
from caxton_node.registry.anti_entropy import Exchange
from caxton_node.registry.comparison import Method, Request
from caxton_node.registry.replica import Replica


@dataclass
class Traffic:
    """What a comparison cost."""

    requests: int = 0
    bytes_sent: int = 0
    largest: int = 0
    received: int = 0
    sent: int = 0


def answer(replica: Replica, request: Request, now_us: int) -> bytes:
    """Answer a request as the registry's service does."""
    match request.method:
        case Method.DIGEST:
            return answering.answer_digest(replica, request.payload)
        case Method.PULL:
            return answering.answer_pull(replica, request.payload)
        case Method.PUSH:
            return answering.answer_push(replica, request.payload, now_us)[1]
        case Method.CONTEXT:
            return answering.answer_context(replica, request.payload, now_us)
        case Method.FORGET:
            answering.answer_forget(replica, request.payload, now_us)
            return b""


def compare(initiator: Replica, responder: Replica, now_us: int, *, learns: bool = False) -> Traffic:
    """Run one whole comparison."""
    exchange, traffic = Exchange(initiator, learns=learns), Traffic()
    while (request := exchange.request) is not None:
        reply = answer(responder, request, now_us)
        traffic.requests += 1
        traffic.bytes_sent += len(request.payload) + len(reply)
        traffic.largest = max(traffic.largest, len(request.payload), len(reply))
        exchange.handle_answer(reply, now_us)
    traffic.received, traffic.sent = exchange.received, exchange.sent
    return traffic
