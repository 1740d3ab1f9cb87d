"""What is sent in pieces and is here already."""

import hashlib
from collections.abc import AsyncIterator

import pytest

from caxton_node.agents.module_uploads import ModuleUploads
from caxton_node.agents.modules import ModuleFolder
from caxton_node.agents.shelf import Shelf
from caxton_node.agents.store import AgentStore
from caxton_node.core.errors import InvalidArgument
from caxton_node.storage import Database
from tests.support.clock import HandClock

pytestmark = pytest.mark.story("006")

MODULE = b"\0asm a module"
SHA256 = hashlib.sha256(MODULE).hexdigest()


async def pieces(*found: bytes) -> AsyncIterator[bytes]:
    for each in found:
        yield each


async def test_a_module_that_is_here_is_not_confirmed_to_one_who_sends_something_else(tmp_path):
    async with await Database.open(tmp_path / "db") as database:
        modules = ModuleFolder(tmp_path / "modules")
        modules.write(SHA256, MODULE)
        uploads = ModuleUploads(
            modules, Shelf(AgentStore(database), modules), HandClock(), module_bytes_max=1000
        )
        with pytest.raises(InvalidArgument, match="is not the module") as caught:
            await uploads.receive(SHA256, 3, 0, pieces(b"abc"))
        assert "has 13 bytes, what is sent has 3" in caught.value.why
        assert not uploads.keeps(SHA256)
        assert await uploads.receive(SHA256, len(MODULE), 0, pieces(MODULE))
        assert uploads.keeps(SHA256)
