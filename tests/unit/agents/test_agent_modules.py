import hashlib
import resource
import signal
from contextlib import contextmanager

import pytest

from caxton_node.agents.modules import ModuleFolder
from caxton_node.storage import StoreFailed

pytestmark = pytest.mark.story("003")


@contextmanager
def small_files():
    """Let no file grow beyond 1 KiB, as a full disk would; briefly, since the report may be a file too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_module_that_finds_no_room_is_refused_and_leaves_nothing(tmp_path):
    folder, binary = ModuleFolder(tmp_path / "modules"), bytes(4096)
    with pytest.raises(StoreFailed, match="cannot be kept"), small_files():
        folder.write(hashlib.sha256(binary).hexdigest(), binary)
    assert not list((tmp_path / "modules").iterdir())


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "modules").write_text("in the way")
    with pytest.raises(StoreFailed, match="modules"):
        ModuleFolder(tmp_path / "modules").write("0" * 64, b"module")
