from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton_node.core.errors import InvalidArgument
from caxton_node.runtime import Limits, abi
from caxton_node.runtime.binary import BrokenModule, Layout


@pytest.mark.story("001")
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=60))
def test_frames_come_back_as_they_were_written(frames: list[bytes]) -> None:
    assert abi.split_frames(abi.join_frames(frames)) == frames


@pytest.mark.story("001")
@given(st.binary(max_size=200))
def test_any_bytes_are_whole_frames_or_a_broken_outbox(data: bytes) -> None:
    try:
        frames = abi.split_frames(data)
    except abi.BrokenOutbox:
        return
    assert abi.join_frames(frames) == data


@pytest.mark.story("001")
def test_every_cut_of_an_outbox_is_noticed() -> None:
    data = abi.join_frames([b"one", b"three"])
    whole = {0, 7, len(data)}
    for end in range(len(data)):
        if end in whole:
            assert len(abi.split_frames(data[:end])) == end // 7
        else:
            with pytest.raises(abi.BrokenOutbox):
                abi.split_frames(data[:end])


@pytest.mark.story("001")
@given(st.binary(max_size=120))
def test_reading_a_layout_from_any_bytes_ends_in_an_answer_or_a_broken_module(data: bytes) -> None:
    with suppress(BrokenModule):
        layout = Layout(b"\0asm\x01\0\0\0" + data)
        layout.without_data()
        for offset in range(0, len(data) + 8, 7):
            layout.find_section(offset)
            layout.find_function(offset)
            layout.find_type(offset)
        layout.find_user(0)
        layout.name_of(0)


@pytest.mark.story("001")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("memory_bytes", 1),
        ("fuel_per_message", 0),
        ("wall_time_s", 0.0),
        ("message_bytes_max", 11 * 1024 * 1024),
        ("mailbox_depth", 0),
        ("batch_max", 0),
        ("batch_max", 257),
    ],
)
def test_limits_under_which_nothing_runs_are_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(InvalidArgument, match=field):
        Limits(**{field: value})  # type: ignore[arg-type]  # the point of the test
