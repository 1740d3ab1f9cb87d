"""The rules of hashicorp/memberlist, to be run beside ours in the same simulated world.

Written after memberlist's own source (v0.6, LAN defaults: SWIM with Lifeguard, gossip, suspicion with
confirmations, push-pull and fallback pings over TCP). Like `swim.Membership` it is a machine without sockets:
`start`, `join`, `handle_datagram` and `handle_timer` return the effects of `swim.effects`, so one simulator
drives both. Messages travel as values that know how many bytes memberlist would put on the wire for them;
`wire.py` says how those are counted.

Start reading at `machine.py`. `tests/sim/test_memberlist_rules.py` compares this with measurements of the
real program.
"""
