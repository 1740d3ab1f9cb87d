"""One file for each kind of link, all behind the contract of `contract.py`.

`quic.py` (with `udp.py`, the socket that it shares with gossip, and `quic_hook.py`, every private name of
aioquic that is touched), `tcp.py` (with `tls_pipe.py`, TLS without a socket) and `memory.py` (inside one
process, for tests). A link moves frames and says why it ended; it knows neither sessions nor mail.
"""
