import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton_node.kv.acts import VALUE_BYTES_MAX, Delete, Get, Put
from caxton_node.kv.ledger import Account, Held, Ledger, size_of
from caxton_node.kv.settings import Settings
from caxton_node.messaging.platform_acts import Refused

pytestmark = pytest.mark.story("004")
SMALL = Settings(keys_max=3, bytes_max=60)


def put(key: str, value: str = "1", if_version: int | None = None) -> Put:
    return Put(key=key, value=msgspec.Raw(value.encode()), if_version=if_version)


def empty() -> Ledger:
    return Ledger(Account(), {})


def test_a_key_is_read_as_it_was_written_and_version_0_means_that_it_is_not_there() -> None:
    ledger = empty()
    assert ledger.do(Get(key="a"), SMALL)["version"] == 0
    assert ledger.do(put("a", "[1]"), SMALL) == {"key": "a", "version": 1}
    assert msgspec.json.encode(ledger.do(Get(key="a"), SMALL)) == b'{"key":"a","value":[1],"version":1}'
    assert ledger.do(Delete(key="a"), SMALL) == {"key": "a", "version": 0}
    assert msgspec.json.encode(ledger.do(Get(key="a"), SMALL)) == b'{"key":"a","value":null,"version":0}'


def test_a_removed_key_that_is_written_again_never_has_a_version_that_it_had_before() -> None:
    ledger = empty()
    first = ledger.do(put("a"), SMALL)["version"]
    ledger.do(Delete(key="a"), SMALL)
    assert ledger.do(put("a"), SMALL)["version"] == 3 != first


@pytest.mark.parametrize(("expected", "present"), [(0, True), (2, True), (1, False)])
def test_a_write_that_expects_another_version_changes_nothing(expected: int, present: bool) -> None:
    held = {"a": Held(b"1", 1)} if present else {}
    ledger = Ledger(Account(keys=len(held), bytes=2 * len(held), version=1), held)
    for request in (put("a", "9", expected), Delete(key="a", if_version=expected)):
        with pytest.raises(Refused, match="has version"):
            ledger.do(request, SMALL)
    assert not ledger.changed


def test_the_quota_refuses_what_grows_beyond_it_and_never_what_shrinks() -> None:
    ledger = empty()
    for key in ("a", "b", "c"):
        ledger.do(put(key), SMALL)
    with pytest.raises(Refused, match=r"3 keys \(kv.keys_max\)"):
        ledger.do(put("d"), SMALL)
    with pytest.raises(Refused, match="60 are allowed"):
        ledger.do(put("a", '"' + "x" * 60 + '"'), SMALL)
    tight = Settings(keys_max=3, bytes_max=1)
    with pytest.raises(Refused):
        ledger.do(put("a", "11"), tight)
    ledger.do(put("a", "2"), tight)  # as large as before, though all is over the quota by now
    ledger.do(Delete(key="a"), tight)
    assert ledger.account == Account(keys=2, bytes=4, version=5)


def test_a_value_larger_than_any_may_be_is_refused() -> None:
    value = '"' + "x" * VALUE_BYTES_MAX + '"'
    with pytest.raises(Refused) as caught:
        empty().do(put("a", value), Settings())
    assert caught.value.reason == "too-large"


_KEYS = st.sampled_from(["a", "bb", "ccc", "dddd"])
_VERSIONS = st.none() | st.integers(0, 6)
_REQUESTS = st.one_of(
    st.builds(put, _KEYS, st.sampled_from(["1", '"xxxxxxxxxxxxxxxx"']), _VERSIONS),
    st.builds(lambda key, version: Delete(key=key, if_version=version), _KEYS, _VERSIONS),
)


@given(st.lists(_REQUESTS, max_size=40))
def test_the_account_is_always_what_the_keys_add_up_to(requests: list[Put | Delete]) -> None:
    ledger, versions = empty(), {0}
    for request in requests:
        try:
            answer = ledger.do(request, SMALL)
        except Refused:
            continue
        if isinstance(request, Put):
            assert answer["version"] not in versions, "no version comes twice"
            versions.add(answer["version"])  # type: ignore[arg-type]  # it is a number
        sizes = [size_of(key, held.value) for key, held in ledger.held.items()]
        assert (ledger.account.keys, ledger.account.bytes) == (len(sizes), sum(sizes))
        assert ledger.account.keys <= SMALL.keys_max
        assert ledger.account.bytes <= SMALL.bytes_max
