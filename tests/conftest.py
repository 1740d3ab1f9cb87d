"""For all suites: a run that leaves threads behind fails at once instead of waiting for them for ever."""

import os
import sys
import threading

import pytest


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
