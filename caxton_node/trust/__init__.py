"""The trust of a running node: its certificate, the CAs that it believes, and who was revoked.

Owns when a certificate is renewed and who signs it, how the CA of a running cluster is changed, how a node is
cut off, and how all this reaches nodes that were away. Start reading at `service.py` (what it is made of),
then `renewal.py` (the rule), `steps.py` with `succession.py` (another CA), `revoking.py`. What certificates
and lists say, and when one follows from another, is in `certs`; who is let in at a handshake, in `transport`.
"""

from caxton_node.trust.holdings import Holdings
from caxton_node.trust.service import Settings, TrustService

__all__ = ["Holdings", "Settings", "TrustService"]
