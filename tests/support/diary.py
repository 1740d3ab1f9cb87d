"""A guest that remembers by way of ams and kv; `wat/diary.wat` says how."""

from __future__ import annotations

import json
from pathlib import Path

from caxton_node.fipa import Envelope, Performative, encode

_HERE = Path(__file__).parent / "wat"
_FRAMES = Path(__file__).parents[1] / "bench" / "local_routing" / "wat" / "frames.wat"


def diary(*, after_ms: int) -> bytes:
    """Return the text of the guest, whose timer rings after so long."""
    timer = {"action": "set-timer", "id": "ring", "after_ms": after_ms, "durable": True}
    put = {"action": "put", "key": "rang", "value": {"rang": True}}
    messages = (
        _data(2048, "ams", "ring", timer),
        _data(2560, "kv", "note", put),
        _data(3072, "kv", "key", {"action": "get", "key": "rang"}),
    )
    parts = [(_HERE / "diary.wat").read_text(), *messages, _FRAMES.read_text()]
    return "(module\n{}\n)\n".format("\n".join(parts)).encode()


def _data(at: int, receiver: str, talk: str, content: dict[str, object]) -> str:
    """Return a segment with a REQUEST and its length in front."""
    envelope = Envelope(Performative.REQUEST, None, receiver, json.dumps(content).encode(), talk)
    frame = encode(envelope)
    assert len(frame) < 500
    data = len(frame).to_bytes(4, "little") + frame
    return '  (data (i32.const {}) "{}")'.format(at, "".join(f"\\{byte:02x}" for byte in data))
