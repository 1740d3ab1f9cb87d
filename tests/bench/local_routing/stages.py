"""Which part of a message's way a line of the node's code belongs to. The table of `--profile`."""

from __future__ import annotations

import linecache
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType

NODE_CODE = str(Path(__file__).parents[3] / "caxton_node")
REST = "the rest"


@dataclass(frozen=True, slots=True)
class Rule:
    """Lines that belong to one stage.

    Attributes:
        stage: As the table calls it.
        path: Pattern of the file, below `caxton_node`.
        function: Pattern of the function's name.
        line: Pattern of the line itself; what a long function does is told apart by its lines.
    """

    stage: str
    path: str
    function: str = ""
    line: str = ""

    def holds(self, path: str, function: str, line: str) -> bool:
        """Tell whether a line is one of these."""
        return bool(
            re.search(self.path, path)
            and re.fullmatch(self.function or ".*", function)
            and re.search(self.line, line)
        )


DECODE, STAMP, JSON = "decode", "stamp", "JSON check"
TALK, ROUTE, ENCODE = "conversation, protocol", "route", "encode"
PUT, TAKE, SETTLE = "mailbox put, wake", "mailbox take, waits", "mailbox settle"
GUEST, FRAMES, LIMITS = "guest call", "inbox, outbox", "limits, meters"
SCHEDULER = "scheduler"

RULES = (
    Rule(GUEST, "runtime/native", "call"),
    Rule(LIMITS, "runtime/(native|metering|rates|stopwatch|limits)"),
    Rule(FRAMES, "runtime/(abi|control_block)"),
    Rule(LIMITS, "runtime/sandbox", line="refill|fuel|meter|watch|perf_counter|state|limits"),
    Rule(FRAMES, "runtime/sandbox"),
    Rule(SCHEDULER, "runtime/(scheduler|batching|demand|slot|lanes|resting|workers|turn)"),
    Rule(TAKE, "messaging/mailbox", "take|_note_waits|_fit|resume_senders|ready"),
    Rule(SETTLE, "messaging/mailbox", "settle"),
    Rule(PUT, "messaging/(mailbox|delivery)", "put|put_all|_take_surplus"),
    Rule(TAKE, "messaging/latency"),
    Rule(JSON, "fipa/(content|scanner|json_form|grammar)"),
    Rule(STAMP, "messaging/(stamps|letterhead)|core/clock"),
    Rule(TALK, "messaging/(conversations|courses|traces|requests|budget|paying)|fipa/protocols"),
    Rule(TALK, "messaging/following"),
    Rule(DECODE, "fipa/codec"),
    Rule(DECODE, "messaging/(intake|router)", line=r"read_draft|read\(|UNLIKE_A_DRAFT|enumerate"),
    Rule(JSON, "messaging/intake", line="is_sound"),
    Rule(TALK, "messaging/intake", line="talk|follow|fault|open_requests|in_reply_to|act, "),
    Rule(STAMP, "messaging/intake", line="letterhead|_stamps|to_message_id|count"),
    Rule(ENCODE, "messaging/intake", line="parts|append|head_of|heads"),
    Rule(PUT, "messaging/intake", line=r"put\(|run_to|_tally|plain"),
    Rule(ROUTE, "messaging/(intake|destinations|routes|delivery|shadowing|handover|router)"),
    Rule(PUT, "messaging/counts"),
)
STAGES = (*dict.fromkeys(rule.stage for rule in RULES), REST)


@cache
def _stage_at(path: str, function: str, line: int) -> str | None:
    text = linecache.getline(path, line)
    below = path[len(NODE_CODE) + 1 :]
    return next((rule.stage for rule in RULES if rule.holds(below, function, text)), None)


def stage_of(frame: FrameType | None) -> str:
    """Return the stage in which a thread was stopped: that of the innermost line that a rule knows."""
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(NODE_CODE):
            stage = _stage_at(code.co_filename, code.co_name, frame.f_lineno or 0)  # for a moment it has none
            if stage is not None:
                return stage
        frame = frame.f_back
    return REST
