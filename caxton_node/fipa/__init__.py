"""FIPA-ACL: envelopes, the twenty-two acts, rules, answers and interaction protocols.

Owns envelope v1, its codec and the protocol tables. Start at `message.py` (the seventeen positions), then
`protocols/` (what may be said next). Pure: knows no node, no route and no mailbox; `messaging/` moves
what is defined here.
"""

from caxton_node.fipa.codec import MalformedEnvelope, decode, encode
from caxton_node.fipa.message import Envelope
from caxton_node.fipa.performatives import Performative, parse_performative
from caxton_node.fipa.replies import FailureReason, failure, not_understood, reply
from caxton_node.fipa.rules import BrokenRule, ContentTooLarge, check

__all__ = [
    "BrokenRule",
    "ContentTooLarge",
    "Envelope",
    "FailureReason",
    "MalformedEnvelope",
    "Performative",
    "check",
    "decode",
    "encode",
    "failure",
    "not_understood",
    "parse_performative",
    "reply",
]
