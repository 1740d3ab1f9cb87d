"""The checks, in the order in which they are run: a name, the sentence of the ABI, a function that tries it.

A check returns a remark for the table, raises `Failed` when the guest does otherwise, or `NotShown` when the
guest gives no occasion.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from caxton_node.core.errors import CaxtonError
from caxton_node.fipa.codec import encode
from caxton_node.fipa.message import Envelope
from caxton_node.fipa.performatives import Performative
from caxton_node.runtime import Limits, Sandbox, StartFailed, TrapKind, abi
from caxton_node.runtime.trap_facts import Symbols, attempt
from tests.conformance.abi.subject import (
    SENDER,
    Failed,
    NotShown,
    Subject,
    answers,
    handle,
    outline,
    read,
    read_frames,
)

MANY = 10_000
_SCRIPTS = "\u4f1a\u8bdd \u0440\u0435\u0447\u044c \U0001f5e3"
BATCH = 50


class Check(NamedTuple):
    """One line of the suite.

    Attributes:
        name: Short name, stable.
        rule: The sentence that the guest is held to.
        run: Tries it on a subject.
    """

    name: str
    rule: str
    run: Callable[[Subject], str]


CHECKS: list[Check] = []


def _check(name: str, rule: str) -> Callable[[Callable[[Subject], str]], Callable[[Subject], str]]:
    def add(run: Callable[[Subject], str]) -> Callable[[Subject], str]:
        CHECKS.append(Check(name, rule, run))
        return run

    return add


@_check("module", "It is an MVP core module that exports ABI v1 and imports nothing beyond it.")
def _module(subject: Subject) -> str:
    try:
        module = subject.module
    except CaxtonError as error:
        raise Failed(str(error)) from None
    return f"{module.size:,} bytes, imports {', '.join(module.imports) or 'nothing'}"


@_check("init", "It starts with its configuration; what it sends meanwhile are valid envelopes.")
def _init(subject: Subject) -> str:
    try:
        sandbox, sent = subject.start_sent()
    except StartFailed as error:
        raise Failed(str(error)) from None
    acts = [envelope.performative.word for envelope in read_frames(sent, "while starting")]
    return f"{sandbox.memory_bytes // 1024:,} KiB of memory, sent {', '.join(acts) or 'nothing'}"


@_check("init-any-config", "Without any configuration it starts or refuses, but does not trap.")
def _init_any_config(subject: Subject) -> str:
    for message in ({}, {"agent": "a", "config": {}}, {"config": {"unknown": [None, 1.5, {"x": b"\xff"}]}}):
        sandbox = Sandbox(subject.engine, subject.module, Limits(), lambda _level, _text: None)
        try:
            sandbox.start(message)
        except StartFailed as error:
            if error.trap.fatal:
                raise Failed(f"config {message}: {error.trap}") from None
            return f"refuses {message}: {error.trap.message}"
        sandbox.close()
    return "starts"


@_check("control-block", "The control block is aligned, says ABI 1, and its flags are clear.")
def _control_block(subject: Subject) -> str:
    sandbox = subject.start()
    address = sandbox._block.address
    block = abi.read_block(sandbox._memory.view, address)
    if address % 4:
        raise Failed(f"it is at {address:#x}, not a multiple of 4")
    if block.flags:
        raise Failed(f"its flags are {block.flags:#x} after a good start")
    return f"at {address:#x}"


@_check("single", "One message is one call: handled is 1, and what it sends are valid envelopes.")
def _single(subject: Subject) -> str:
    sandbox = subject.start()
    outcome = sandbox.handle([subject.frame()])
    if outcome.trap is not None:
        raise Failed(f"the first message: {outcome.trap}")
    read(outcome, "the first message")
    sent = handle(sandbox, [subject.frame(1)], "a second message")
    return f"{outcome.fuel_units:,} units of fuel, {len(sent)} sent"


@_check(
    "answer", "An answer goes to reply_to or else the sender, in the same conversation, and says in_reply_to."
)
def _answer(subject: Subject) -> str:
    sandbox = subject.start()
    for reply_to, target in ((None, SENDER), ("default/other", "default/other")):
        sent = handle(sandbox, [subject.frame(3, reply_to=reply_to)], "a request")
        found = answers(sent)
        if not found:
            raise NotShown("it does not answer this request")
        for envelope in found:
            if envelope.receiver_list() != [target]:
                raise Failed(f"it answered {envelope.receiver_list()} and not {target}")
            if envelope.conversation_id != "conformance":
                raise Failed(f"it answered in conversation {envelope.conversation_id!r}")
    return found[0].performative.word


@_check("batch", "A batch has the same effect as its messages one by one.")
def _batch(subject: Subject) -> str:
    frames = subject.frames(16)
    one_by_one = subject.start()
    singly = [sent for frame in frames for sent in handle(one_by_one, [frame], "a single message")]
    together = handle(subject.start(), frames, "a batch of 16")
    if [outline(envelope) for envelope in singly] != [outline(envelope) for envelope in together]:
        raise Failed(f"it sent {len(singly)} messages singly and {len(together)} in a batch, or others")
    return f"{len(together)} sent"


@_check("order", "Messages are handled in the order of the inbox.")
def _order(subject: Subject) -> str:
    sent = handle(subject.start(), subject.frames(100), "a batch of 100")
    numbers = [int((envelope.in_reply_to or "").removeprefix("question-")) for envelope in answers(sent)]
    if not numbers:
        raise NotShown("it does not answer")
    if numbers != sorted(numbers):
        raise Failed(f"answers came in the order {numbers[:8]}...")
    return f"{len(numbers)} answers"


@_check("full-batch", "It takes a batch of 256 messages.")
def _full_batch(subject: Subject) -> str:
    sandbox = subject.start()
    handle(sandbox, subject.frames(256), "a batch of 256")
    return f"{sandbox.memory_bytes // 1024:,} KiB of memory"


@_check("acts", "Each of the 22 acts is handled without a trap.")
def _acts(subject: Subject) -> str:
    sandbox = subject.start()
    for act in Performative:
        handle(sandbox, [subject.frame(performative=act)], act.word)
    return f"{len(Performative)} acts"


@_check("forms", "Every valid envelope is taken: short, long, nested, empty, large, in any text.")
def _forms(subject: Subject) -> str:
    sandbox = subject.start()
    forms = _envelope_forms(subject)
    answers_at_all = handle(sandbox, [subject.frame()], "a plain request")
    for name, frame in forms.items():
        if not handle(sandbox, [frame], name) and answers_at_all:
            raise Failed(f"{name}: it answered nothing")
    handle(sandbox, list(forms.values()), "all of them in one batch")
    return f"{len(forms)} forms"


@_check("garbage", "Bytes that are no envelope do no harm: the next message is handled as ever.")
def _garbage(subject: Subject) -> str:
    good = subject.frame(5)
    expected = [outline(envelope) for envelope in handle(subject.start(), [good], "the good message")]
    sandbox = subject.start()
    for piece in _garbage_frames(good):
        outcome = sandbox.handle([piece, good])
        what = f"garbage {piece[:12]!r} of {len(piece)} bytes"
        if outcome.trap is not None:
            raise Failed(f"{what}: {outcome.trap}")
        # What it made of the garbage is for its host to refuse.
        own = outcome.outbox[len(outcome.outbox) - len(expected) :]
        if [outline(envelope) for envelope in read_frames(own, f"behind {what}")] != expected:
            raise Failed(f"behind {what} it answered otherwise")
    return f"{len(_garbage_frames(good))} pieces"


@_check("inbox-refusal", "An inbox that is too large is refused with 0, without a trap, and work goes on.")
def _inbox_refusal(subject: Subject) -> str:
    sandbox = subject.start()
    for length in (2**30, 2**31 - 1, 2**31, 2**32 - 1):
        given: list[int] = []
        sandbox._guest.refill(1_000_000)
        trap = attempt(Symbols(), lambda size=length, into=given: into.append(sandbox._inbox(size)))
        if trap is not None:
            raise Failed(f"an inbox of {length:,} bytes: {trap}")
        if given[0]:
            raise Failed(f"it gave {given[0]:#x} for {length:,} bytes")
    sandbox._memory.refresh()
    handle(sandbox, [subject.frame()], "a message after the refusal")
    return "refused"


@_check("inbox-reuse", "Batches of one size use one inbox: memory stays as it is from batch to batch.")
def _inbox_reuse(subject: Subject) -> str:
    sandbox = subject.start()
    sizes = []
    for _ in range(100):
        handle(sandbox, subject.frames(32), "a batch of 32")
        sizes.append(sandbox.memory_bytes)
    if sizes[-1] > sizes[50]:
        raise Failed(f"memory went on growing: {sizes[0]:,} to {sizes[-1]:,} bytes in 100 equal batches")
    return f"{sizes[-1] // 1024:,} KiB of memory"


@_check("memory", f"Over {MANY:,} messages memory does not grow without bound.")
def _memory(subject: Subject) -> str:
    sandbox = subject.start()
    sizes = []
    for start in range(0, MANY, BATCH):
        frames = [subject.frame(n, conversation_id=f"talk-{n % 7}") for n in range(start, start + BATCH)]
        handle(sandbox, frames, f"messages {start:,} and following")
        sizes.append(sandbox.memory_bytes)
    if sizes[-1] > sizes[len(sizes) // 2]:
        raise Failed(f"{sizes[len(sizes) // 2]:,} bytes after half of them, {sizes[-1]:,} at the end")
    return f"{sizes[-1] // 1024:,} KiB of memory"


@_check(
    "stopped", "Stopped at any point of a batch, it has told truly what is done: no more, no less was sent."
)
def _stopped(subject: Subject) -> str:
    frames = subject.frames(8)
    counter = subject.start()
    expected = [[outline(sent) for sent in handle(counter, [frame], "a message")] for frame in frames]
    whole = subject.start().handle(frames).fuel_units
    seen = set()
    for share in range(1, 32):
        sandbox = subject.start()
        _starve(sandbox, whole * share // 32 // len(frames))
        outcome = sandbox.handle(frames)
        if outcome.trap is None:
            continue
        if outcome.trap.kind is not TrapKind.FUEL:
            raise Failed(f"stopped at {share}/32 of its fuel: {outcome.trap}")
        sent = [outline(envelope) for envelope in read(outcome, f"stopped at {share}/32 of its fuel")]
        if sent != [item for done in expected[: outcome.handled] for item in done]:
            raise Failed(f"stopped after {outcome.handled} messages its outbox holds {len(sent)} of others")
        seen.add(outcome.handled)
    return f"after {', '.join(map(str, sorted(seen)))} messages"


def _starve(sandbox: Sandbox, fuel_units: int) -> None:
    """Give each message less fuel than it needs; limits for users do not go so low."""
    low = replace(sandbox._limits)
    object.__setattr__(low, "fuel_per_message", fuel_units)
    sandbox._limits = low


def _envelope_forms(subject: Subject) -> dict[str, bytes]:
    message = subject.message
    whole = encode(message())
    positions = len(Envelope.__struct_fields__)
    assert whole[:3] == bytes([0xDC, 0, positions])
    short = whole.index(b"\xabconformance") + 12
    headers = {
        "a": [1, -1, 2**40, -(2**40), 1.5, None, True, {"b": [[[]]]}],
        "long": "x" * 300,
        "bin": b"\x00" * 300,
    }
    return {
        "only performative, sender, receiver, content, conversation": b"\x95" + whole[3:short],
        "three positions more than there are": bytes([0xDC, 0, positions + 3]) + whole[3:] + b"\xc0\x01\xa1x",
        "array 32": bytes([0xDD, 0, 0, 0, positions]) + whole[3:],
        "several receivers": encode(message(receivers=["default/subject", "default/other"])),
        "empty content": encode(message(content=b"")),
        "no conversation": encode(message(conversation_id=None, reply_with=None)),
        "every field": encode(
            message(
                in_reply_to="an-earlier-question", reply_by=2**53 - 1, ontology="o" * 255, language="json",
                encoding="utf-8", protocol="fipa-request", headers=headers,
            )
        ),
        "names in other scripts": encode(message(conversation_id=_SCRIPTS)),
        "content of 300 bytes": encode(message(content=b"x" * 300)),
        "content of 100,000 bytes": encode(message(content=b"\xff" * 100_000)),
    }  # fmt: skip


def _garbage_frames(good: bytes) -> list[bytes]:
    chance = random.Random(7)
    cut = [good[:length] for length in (1, 2, 3, 4, len(good) // 2, len(good) - 1)]
    odd = [
        b"\x00", b"\xc1", b"\xc0", b"\x90", b"\x80", b"hello", b"\xdc\xff\xff", b"\xdd\xff\xff\xff\xff\x13",
        b"\x9f" + b"\x9f" * 2_000, b"\x94\x13\xa1x\xa1y\xc6\xff\xff\xff\xff", b"\x94\xff\xa1x\xa1y\xc4\x00",
        b"\x94\x13\xa2\xff\xfe\xa1y\xc4\x00", b"\x94\x13\x01\x02\x03",
    ]  # fmt: skip
    return cut + odd + [chance.randbytes(chance.randrange(1, 200)) for _ in range(40)]
