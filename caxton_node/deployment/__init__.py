"""Agents that outlive nodes: how many of each the cluster shall run, and each node doing its part of that.

Start at `spec.py` (what is wanted), then `placement.py` (where, computed by every node alone) and `decide.py`
(what this node does about one deployment now), all pure; `service.py` says when. DESIGN.md has the whole on a
page. It does not own how an agent runs (agents), how what is wanted travels (registry), or who may ask (api).
"""

from caxton_node.deployment.service import DeploymentService
from caxton_node.deployment.settings import Settings
from caxton_node.deployment.spec import Consistency, DeploymentSpec

__all__ = ["Consistency", "DeploymentService", "DeploymentSpec", "Settings"]
