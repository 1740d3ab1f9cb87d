"""The platform agent `kv`: an agent's own durable keys.

Start reading at `acts.py`, which has the requests; `ledger.py` says what becomes of them, `store.py` is the
SQL, `shared.py` keeps what every node shall see, `turns.py` and `service.py` say when. An agent's name is its
namespace: nobody else reads it but operators.

It does not own values larger than 64 KiB, nor transactions over several keys.
"""

from caxton_node.kv.service import KEYS, Keys
from caxton_node.kv.settings import Settings

__all__ = ["KEYS", "Keys", "Settings"]
