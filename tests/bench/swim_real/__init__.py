"""Membership on real sockets of the loopback device, beside hashicorp/memberlist in the same run.

Two programs do the same by the same `Schedule`: `ours.py` with `swim.Membership`, and the Go program of
`tests/bench/peers/memberlist` (`make bench-peers`). Each holds all its members in one process, in a network
namespace of its own where that is allowed, so that the kernel counts every byte, those of streams and
headers too. Loss is made in the kernel as well (`loss.py` and its twin in Go). Nothing differs between the
two but the system measured. `daemons.py` asks the same of whole `caxton-node` processes.

Start reading with `schedule.py`, then `ours.py`; `compare.py` runs both and `__main__.py` reports.
"""
