"""What can be set, and where a value came from: one table, one loader, one frozen result.

Start reading at `schema.py` (THE table); `loader.py` is the order of precedence, `values.py` how a text
becomes a value, `sources.py` where texts come from. Nobody else reads configuration: packages get a
frozen settings object of their own, built from the sections by the daemon.
"""

from caxton_node.config.loader import load
from caxton_node.config.schema import SETTINGS, Config
from caxton_node.config.setting import Setting

__all__ = ["SETTINGS", "Config", "Setting", "load"]
