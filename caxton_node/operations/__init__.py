"""What operators and orchestrators ask of a running node: is it alive, does it take work, what is wrong.

Start reading at `findings.py`, which says what follows from what was found; `components.py` has the checks,
`service.py` says when they run, `health.py` answers probes.
"""

from caxton_node.operations.findings import Finding, Phase, Report, State
from caxton_node.operations.health import Health
from caxton_node.operations.service import HealthService

__all__ = ["Finding", "Health", "HealthService", "Phase", "Report", "State"]
