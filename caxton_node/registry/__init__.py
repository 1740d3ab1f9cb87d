"""Who runs where and who can do what, known on every node and read from memory.

Start reading at `entry.py` (what is shared, and the rule that settles two versions), then `vector_clock.py`,
`replica.py` and `anti_entropy.py`, all pure; `service.py` says when. DESIGN.md has the whole on two pages.
It does not own routes or what an instance's state means; it carries what their owners put in.
"""

from caxton_node.registry.background import Settings
from caxton_node.registry.ports import ClusterPort
from caxton_node.registry.records import CapabilityRecord, InstanceRecord
from caxton_node.registry.service import Registry

__all__ = ["CapabilityRecord", "ClusterPort", "InstanceRecord", "Registry", "Settings"]
