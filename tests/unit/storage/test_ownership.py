import pytest

from caxton_node.storage import StoreFailed, owned

pytestmark = pytest.mark.story("004")


def test_a_data_directory_has_one_owner_until_that_one_is_done(tmp_path):
    with owned(tmp_path):
        with pytest.raises(StoreFailed, match="another node runs"), owned(tmp_path):
            pass
        with pytest.raises(StoreFailed), owned(tmp_path):
            pass  # the refused one did not take the lock away
    with owned(tmp_path):
        assert not list(tmp_path.iterdir())


def test_a_data_directory_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreFailed, match="nowhere"), owned(tmp_path / "nowhere"):
        pass
