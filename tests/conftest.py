"""For all suites: a run that leaves threads behind fails at once instead of waiting for them for ever.

Nor does time decide: Hypothesis would call an example a failure that took long on a busy machine.
"""

import os
import sys
import threading

import hypothesis
import pytest

hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    """End the process by force, with an error, if something would keep it alive."""
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    for thread in others:
        if not thread.daemon:
            thread.join(5)
    left = [thread.name for thread in others if thread.is_alive() and not thread.daemon]
    if left:
        print(f"\n1 failed: tests left these threads running: {', '.join(left)}", file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(1)
