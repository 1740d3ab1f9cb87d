from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from caxton_node.core.clock import SystemClock
from caxton_node.fipa.codec import decode, encode
from caxton_node.fipa.message import Envelope
from caxton_node.fipa.performatives import Performative as Act
from caxton_node.runtime import Engine, Limits, StartFailed, TrapKind
from tests.support.guests import LogLines, rust, start


class Agent:
    """One example agent and the messages that it sends."""

    def __init__(self, engine: Engine, name: str, config: Mapping[str, object] | None = None) -> None:
        self.log = LogLines()
        self._sandbox, sent = start(engine, rust(name), config=config, name=name, log=self.log)
        self.sent = [decode(frame) for frame in sent]

    def take(self, act: Act, content: object, **fields: object) -> list[Envelope]:
        """Deliver a message and return what the agent sends."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        envelope = Envelope(act, **{"sender": "default/tester", "content": data, **fields})  # type: ignore[arg-type]
        outcome = self._sandbox.handle([encode(envelope)])
        assert outcome.trap is None, outcome.trap
        return [decode(frame) for frame in outcome.outbox]

    def answer(self, asked: Envelope, act: Act, content: object, sender: str) -> list[Envelope]:
        """Deliver an answer to a message that the agent sent."""
        return self.take(
            act, content, sender=sender, conversation_id=asked.conversation_id, in_reply_to=asked.reply_with
        )


def body(envelope: Envelope) -> Any:
    assert envelope.content is not None
    return json.loads(envelope.content)


def found(*agents: tuple[str, str]) -> dict[str, object]:
    """Return the answer of `df` to a search."""
    return {
        "agents": [{"name": n, "capability": "painting", "version": "1", "node": node} for n, node in agents]
    }


@pytest.mark.story("011")
def test_contractor_registers_its_capability_when_it_starts(engine: Engine) -> None:
    (sent,) = Agent(engine, "contractor", {"capability": "painting", "version": "2.1.0"}).sent
    assert (sent.performative, sent.receivers, sent.protocol) == (Act.REQUEST, "df", "fipa-request")
    assert body(sent) == {"action": "register", "capabilities": [{"name": "painting", "version": "2.1.0"}]}


@pytest.mark.story("011")
def test_contractor_proposes_its_price_then_does_the_work(engine: Engine) -> None:
    agent = Agent(engine, "contractor", {"price": 42.5})
    (proposal,) = agent.take(Act.CFP, {"task": "paint"}, conversation_id="net", reply_with="bid-0")
    assert (proposal.performative, proposal.in_reply_to) == (Act.PROPOSE, "bid-0")
    assert body(proposal) == {"price": 42.5, "node": "node-1", "agent": "contractor"}
    (result,) = agent.take(Act.ACCEPT_PROPOSAL, {}, conversation_id="net", reply_with="result")
    assert (result.performative, result.in_reply_to, result.conversation_id) == (Act.INFORM, "result", "net")
    assert body(result)["result"] == "paint: done by contractor on node-1"


@pytest.mark.story("011")
def test_contractor_works_only_for_what_it_proposed_and_to_whom(engine: Engine) -> None:
    agent = Agent(engine, "contractor")
    agent.take(Act.CFP, {"task": "paint"}, conversation_id="net")
    (other,) = agent.take(Act.ACCEPT_PROPOSAL, {}, conversation_id="net", sender="default/stranger")
    assert other.performative is Act.FAILURE
    assert agent.take(Act.REJECT_PROPOSAL, {}, conversation_id="net") == []
    (stats,) = agent.take(Act.REQUEST, "stats")
    assert body(stats) == {"open": 0, "done": 0, "rejected": 1}


@pytest.mark.story("011")
def test_contractor_that_is_called_again_replaces_its_proposal(engine: Engine) -> None:
    agent = Agent(engine, "contractor")
    for task in ("paint", "paint in red"):
        (proposal,) = agent.take(Act.CFP, {"task": task}, conversation_id="net")
        assert proposal.performative is Act.PROPOSE
    agent.take(Act.CFP, {"task": "paint"}, conversation_id="other")
    assert body(agent.take(Act.REQUEST, "stats")[0])["open"] == 2
    (result,) = agent.take(Act.ACCEPT_PROPOSAL, {}, conversation_id="net")
    assert body(result)["task"] == "paint in red"
    assert body(agent.take(Act.REQUEST, "stats")[0])["open"] == 1


@pytest.mark.story("011")
def test_contractor_drops_a_proposal_that_is_called_off(engine: Engine) -> None:
    agent = Agent(engine, "contractor")
    agent.take(Act.CFP, {"task": "paint"}, conversation_id="net", protocol="fipa-contract-net")
    (off,) = agent.take(Act.CANCEL, b"", conversation_id="net", protocol="fipa-contract-net")
    assert (off.performative, off.conversation_id, off.protocol) == (Act.INFORM, "net", "fipa-contract-net")
    assert body(off) == {"cancelled": "paint"}
    assert body(agent.take(Act.REQUEST, "stats")[0]) == {"open": 0, "done": 0, "rejected": 0}
    (work,) = agent.take(Act.ACCEPT_PROPOSAL, {}, conversation_id="net")
    assert work.performative is Act.FAILURE


@pytest.mark.story("011")
def test_contractor_cannot_call_off_what_it_has_done(engine: Engine) -> None:
    agent = Agent(engine, "contractor")
    agent.take(Act.CFP, {"task": "paint"}, conversation_id="net")
    agent.take(Act.ACCEPT_PROPOSAL, {}, conversation_id="net")
    (too_late,) = agent.take(Act.CANCEL, b"", conversation_id="net")
    assert too_late.performative is Act.FAILURE
    assert body(agent.take(Act.REQUEST, "stats")[0])["done"] == 1


@pytest.mark.story("011")
def test_contractor_refuses_when_it_is_told_to(engine: Engine) -> None:
    (refusal,) = Agent(engine, "contractor", {"refuse": True}).take(Act.CFP, {"task": "paint"})
    assert refusal.performative is Act.REFUSE


@pytest.mark.story("011")
def test_contractor_echoes_requests_and_tells_its_price(engine: Engine) -> None:
    agent = Agent(engine, "contractor", {"price": 7})
    assert body(agent.take(Act.REQUEST, "price")[0])["price"] == 7
    assert agent.take(Act.REQUEST, b"\x00anything\xff")[0].content == b"\x00anything\xff"
    assert agent.take(Act.QUERY_REF, "what")[0].performative is Act.NOT_UNDERSTOOD
    assert agent.take(Act.NOT_UNDERSTOOD, "what") == []


@pytest.mark.story("001")
def test_contractor_with_a_price_that_is_no_number_does_not_start(engine: Engine) -> None:
    log = LogLines()
    with pytest.raises(StartFailed) as caught:
        start(engine, rust("contractor"), config={"price": "cheap"}, log=log)
    assert caught.value.trap.kind is TrapKind.GUEST_ERROR
    assert "price must be a number" in log[0][1]


def begin_round(agent: Agent, *agents: tuple[str, str]) -> list[Envelope]:
    """Have the buyer search and answer with these agents; return its calls for proposals."""
    (search,) = agent.take(
        Act.REQUEST, {"task": "paint", "capability": "painting"}, conversation_id="order", reply_with="q"
    )
    assert body(search) == {"action": "search", "capability": "painting"}
    return agent.answer(search, Act.INFORM, found(*agents), "df")


@pytest.mark.story("011")
def test_buyer_accepts_the_cheapest_and_reports_the_result(engine: Engine) -> None:
    agent = Agent(engine, "buyer")
    before_ms = SystemClock().unix_us() // 1000
    calls = begin_round(agent, ("default/a", "n1"), ("default/b", "n2"), ("default/c", "n3"))
    after_ms = SystemClock().unix_us() // 1000
    assert [(call.performative, call.receivers) for call in calls] == [
        (Act.CFP, "default/a"), (Act.CFP, "default/b"), (Act.CFP, "default/c"),
    ]  # fmt: skip
    assert all(before_ms + 2_000 <= (call.reply_by or 0) <= after_ms + 2_000 for call in calls)
    prices = {"default/a": 30, "default/b": 10.5, "default/c": 20}
    sent = []
    for call in calls:
        name = str(call.receivers)
        sent += agent.answer(call, Act.PROPOSE, {"price": prices[name], "node": "n"}, name)
    (accepted,) = sent
    assert (accepted.receivers, accepted.performative) == ("default/b", Act.ACCEPT_PROPOSAL)
    *rejected, report = agent.answer(accepted, Act.INFORM, {"result": "painted"}, "default/b")
    assert [(message.receivers, message.performative) for message in rejected] == [
        ("default/a", Act.REJECT_PROPOSAL), ("default/c", Act.REJECT_PROPOSAL),
    ]  # fmt: skip
    assert (report.performative, report.receivers) == (Act.INFORM, "default/tester")
    assert (report.conversation_id, report.in_reply_to) == ("order", "q")
    told = body(report)
    assert (told["winner"], told["price"], told["result"], len(told["bids"])) == (
        "default/b",
        10.5,
        "painted",
        3,
    )


@pytest.mark.story("011")
def test_buyer_counts_refusals_and_timeouts_as_answers(engine: Engine) -> None:
    agent = Agent(engine, "buyer")
    calls = begin_round(agent, ("default/a", "n1"), ("default/b", "n2"), ("default/c", "n3"))
    assert agent.answer(calls[0], Act.REFUSE, {}, "default/a") == []
    (rejected,) = agent.answer(calls[0], Act.PROPOSE, {"price": 1}, "default/a")
    assert rejected.performative is Act.REJECT_PROPOSAL
    assert agent.answer(calls[1], Act.FAILURE, {"reason": "timeout"}, "ams") == []
    (accept,) = agent.answer(calls[2], Act.PROPOSE, {"price": 99}, "default/c")
    assert (accept.performative, accept.receivers) == (Act.ACCEPT_PROPOSAL, "default/c")


@pytest.mark.story("011")
def test_buyer_rejects_a_bid_without_a_price_at_once(engine: Engine) -> None:
    agent = Agent(engine, "buyer")
    calls = begin_round(agent, ("default/a", "n1"), ("default/b", "n2"))
    (rejected,) = agent.answer(calls[0], Act.PROPOSE, {"price": "much"}, "default/a")
    assert (rejected.performative, rejected.receivers) == (Act.REJECT_PROPOSAL, "default/a")
    assert (rejected.conversation_id, rejected.protocol) == (calls[0].conversation_id, "fipa-contract-net")
    (accept,) = agent.answer(calls[1], Act.PROPOSE, {"price": 99}, "default/b")
    assert (accept.performative, accept.receivers) == (Act.ACCEPT_PROPOSAL, "default/b")


@pytest.mark.story("011")
def test_buyer_rejects_a_bid_that_comes_while_the_winner_works_and_keeps_the_winners(engine: Engine) -> None:
    agent = Agent(engine, "buyer")
    calls = begin_round(agent, ("default/a", "n1"), ("default/b", "n2"))
    assert agent.answer(calls[0], Act.FAILURE, {"reason": "timeout"}, "ams") == []
    (accept,) = agent.answer(calls[1], Act.PROPOSE, {"price": 99}, "default/b")
    (late,) = agent.answer(calls[0], Act.PROPOSE, {"price": 1}, "default/a")
    assert (late.performative, late.receivers, late.protocol) == (Act.REJECT_PROPOSAL, "default/a", None)
    assert agent.answer(calls[1], Act.PROPOSE, {"price": 98}, "default/b") == []
    (report,) = agent.answer(accept, Act.INFORM, {"result": "painted"}, "default/b")
    assert (report.performative, body(report)["price"]) == (Act.INFORM, 99)


@pytest.mark.story("011")
@pytest.mark.parametrize("answers", [[], [Act.REFUSE, Act.FAILURE]])
def test_buyer_without_a_bid_fails_its_requester(engine: Engine, answers: list[Act]) -> None:
    agent = Agent(engine, "buyer")
    names = [(f"default/{index}", "n1") for index in range(len(answers))]
    sent = begin_round(agent, *names)
    for call, act in zip(list(sent), answers, strict=False):
        sent = agent.answer(call, act, {}, str(call.receivers))
    (report,) = sent
    assert (report.performative, report.receivers, report.in_reply_to) == (Act.FAILURE, "default/tester", "q")
    assert body(report)["reason"] == "no-bids"


@pytest.mark.story("011")
def test_buyer_tells_when_the_winner_fails(engine: Engine) -> None:
    agent = Agent(engine, "buyer")
    (call,) = begin_round(agent, ("default/a", "n1"))
    (accept,) = agent.answer(call, Act.PROPOSE, {"price": 1}, "default/a")
    (report,) = agent.answer(accept, Act.FAILURE, {"reason": "node-died"}, "ams")
    assert report.performative is Act.FAILURE
    assert body(report)["cause"] == {"reason": "node-died"}


@pytest.mark.story("011")
def test_buyer_gives_the_work_to_the_next_cheapest_when_the_winner_fails(engine: Engine) -> None:
    agent = Agent(engine, "buyer")
    calls = begin_round(agent, ("default/a", "n1"), ("default/b", "n2"))
    assert agent.answer(calls[0], Act.PROPOSE, {"price": 1}, "default/a@n1") == []
    (first,) = agent.answer(calls[1], Act.PROPOSE, {"price": 2}, "default/b@n2")
    (second,) = agent.answer(first, Act.FAILURE, {"reason": "node-died"}, "ams")
    assert (first.receivers, second.receivers) == ("default/a@n1", "default/b@n2")
    assert (second.performative, body(second)) == (Act.ACCEPT_PROPOSAL, {"price": 2})
    (report,) = agent.answer(second, Act.INFORM, {"result": "painted"}, "default/b@n2")
    assert (body(report)["winner"], body(report)["result"]) == ("default/b@n2", "painted")


@pytest.mark.story("011")
def test_buyer_calls_off_what_is_not_done_in_time(engine: Engine) -> None:
    agent = Agent(engine, "buyer")
    (call,) = begin_round(agent, ("default/a", "n1"))
    (accept,) = agent.answer(call, Act.PROPOSE, {"price": 1}, "default/a")
    cancel, report = agent.answer(accept, Act.FAILURE, {"reason": "timeout"}, "ams")
    assert (cancel.performative, cancel.receivers, cancel.protocol) == (
        Act.CANCEL, "default/a", "fipa-contract-net",
    )  # fmt: skip
    assert (report.performative, body(report)["reason"]) == (Act.FAILURE, "work-failed")


@pytest.mark.story("011")
def test_contractor_drops_a_proposal_whose_initiator_is_gone(engine: Engine) -> None:
    agent = Agent(engine, "contractor")
    agent.take(Act.CFP, {"task": "paint"}, conversation_id="net", sender="buyer@n1")
    gone = {"reason": "node-died", "receiver": "buyer@n1"}
    assert agent.take(Act.FAILURE, gone, conversation_id="net", sender="ams") == []
    assert body(agent.take(Act.REQUEST, "stats")[0]) == {"open": 0, "done": 0, "rejected": 0}


@pytest.mark.story("011")
def test_buyer_pins_agents_of_one_name_to_their_nodes(engine: Engine) -> None:
    agent = Agent(engine, "buyer")
    calls = begin_round(agent, ("default/a", "n1"), ("default/a", "n2"))
    assert [call.receivers for call in calls] == ["default/a@n1", "default/a@n2"]


@pytest.mark.story("011")
def test_buyer_rejects_a_bid_that_comes_after_its_round(engine: Engine) -> None:
    agent = Agent(engine, "buyer")
    old = {"conversation_id": "net-old", "reply_with": "p", "protocol": "fipa-contract-net"}
    (late,) = agent.take(Act.PROPOSE, {"price": 1}, **old)
    assert (late.performative, late.in_reply_to) == (Act.REJECT_PROPOSAL, "p")
    assert (late.conversation_id, late.protocol) == ("net-old", None)  # the protocol is over for the two
    (unclear,) = agent.take(Act.REQUEST, {"task": "paint"}, reply_with="q")
    assert unclear.performative is Act.NOT_UNDERSTOOD


@pytest.mark.story("002")
def test_greeter_talks_as_many_turns_as_it_was_asked_for(engine: Engine) -> None:
    agent, partner = Agent(engine, "greeter"), Agent(engine, "greeter")
    order = {"talk_to": "greeter-2", "turns": 3}
    (turn,) = agent.take(Act.REQUEST, order, conversation_id="order", reply_with="q")
    for number in (1, 2, 3):
        assert (turn.receivers, turn.reply_with) == ("greeter-2", f"turn-{number}")
        (greeting,) = partner.take(
            Act.REQUEST, turn.content, conversation_id=turn.conversation_id, reply_with=turn.reply_with
        )
        assert body(greeting)["turn"] == number
        (turn,) = agent.answer(turn, Act.INFORM, greeting.content, "default/greeter-2")
    assert (turn.performative, turn.receivers, turn.in_reply_to) == (Act.INFORM, "default/tester", "q")
    told = body(turn)
    assert (told["talked_to"], told["turns"], told["last"]["turn"]) == ("greeter-2", 3, 3)


@pytest.mark.story("002")
def test_greeter_reports_a_partner_that_fails(engine: Engine) -> None:
    agent = Agent(engine, "greeter")
    (first,) = agent.take(Act.REQUEST, {"talk_to": "nobody", "turns": 5})
    (second,) = agent.answer(first, Act.INFORM, {}, "default/nobody")
    assert agent.answer(first, Act.INFORM, {}, "default/nobody") == []
    (report,) = agent.answer(second, Act.FAILURE, {"reason": "node-died"}, "ams")
    assert report.performative is Act.FAILURE
    assert (body(report)["turns"], body(report)["reason"]) == (1, {"reason": "node-died"})


@pytest.mark.story("001")
def test_a_rust_agent_out_of_memory_says_so_before_its_last_page(engine: Engine) -> None:
    limits = Limits(memory_bytes=2 << 20, fuel_per_message=10**9)
    sandbox, _ = start(engine, rust("contractor"), limits=limits)
    # JSON of many small lists: each costs the agent far more than its text
    text = b"[" + b"[1,[2]]," * 60_000 + b"1]"
    outcome = sandbox.handle([encode(Envelope(Act.REQUEST, "tester", "contractor", text))])
    assert outcome.trap is not None
    assert outcome.trap.kind is TrapKind.MEMORY
    assert sandbox.memory_bytes < limits.memory_bytes


@pytest.mark.story("001")
def test_a_frame_that_is_no_envelope_is_passed_over(engine: Engine) -> None:
    sandbox, _ = start(engine, rust("buyer"))
    outcome = sandbox.handle([b"\x01"])
    assert (outcome.handled, outcome.trap, outcome.outbox) == (1, None, [])
