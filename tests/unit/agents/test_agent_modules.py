import hashlib
import os

import pytest

from caxton_node.agents.modules import ModuleFolder
from caxton_node.storage import StoreFailed
from tests.support.small_files import small_files

pytestmark = pytest.mark.story("003")


def test_a_module_that_finds_no_room_is_refused_and_leaves_nothing(tmp_path):
    folder, binary = ModuleFolder(tmp_path / "modules"), bytes(4096)
    with pytest.raises(StoreFailed, match="cannot be kept"), small_files():
        folder.write(hashlib.sha256(binary).hexdigest(), binary)
    assert not list((tmp_path / "modules").iterdir())


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "modules").write_text("in the way")
    with pytest.raises(StoreFailed, match="modules"):
        ModuleFolder(tmp_path / "modules").write("0" * 64, b"module")


def test_a_damaged_file_is_replaced_by_a_sound_one_and_a_sound_one_left_alone(tmp_path):
    folder, binary = ModuleFolder(tmp_path / "modules"), bytes(4096)
    sha256 = hashlib.sha256(binary).hexdigest()
    assert folder.write(sha256, binary)
    assert not folder.write(sha256, binary)
    folder.path_of(sha256).write_bytes(b"damaged")
    assert folder.measure(sha256) is None
    assert not folder.write(sha256, binary), "others may use it, so it is not new"
    assert folder.read(sha256) == binary
    assert folder.measure(sha256) == len(binary)


def test_a_sweep_keeps_what_is_used_and_the_latest_of_what_is_on_its_way(tmp_path):
    folder = ModuleFolder(tmp_path)
    for number in range(10):
        place = tmp_path / f"{number}.part"
        place.write_bytes(b"x")
        os.utime(place, (number, number))
    (tmp_path / "stray.wasm").write_bytes(b"x")
    folder.keep_only({"0"})
    assert {place.name for place in tmp_path.iterdir()} == {f"{n}.part" for n in (0, 6, 7, 8, 9)}
