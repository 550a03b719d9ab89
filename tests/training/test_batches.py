"""Windows reach the steps in the epochs' orders, none lost, none doubled, shared equally between devices."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avspatial.errors import RunError
from avspatial.interfaces import Batch
from avspatial.training.batches import Stream, held_out


class Numbered:
    """Windows whose sound is their epoch and index."""

    mixture_rms = 0.2

    def __init__(self, clips: int) -> None:
        self.clips = clips

    def __len__(self) -> int:
        return self.clips

    def order(self, epoch: int) -> Sequence[int]:
        return torch.randperm(self.clips, generator=torch.Generator().manual_seed(epoch)).tolist()

    def batch(self, epoch: int, indices: Sequence[int]) -> Batch:
        numbers = torch.tensor([[epoch, index] for index in indices])
        return Batch(numbers, numbers, numbers)


def shown(stream: Stream, steps: int) -> list[tuple[int, int]]:
    return [(int(e), int(i)) for step in range(1, steps + 1) for e, i in stream.batch(step).mixture]


@given(st.integers(1, 20), st.integers(1, 30))
def test_each_epoch_shows_every_window_once_in_its_order(clips: int, batch_size: int) -> None:
    windows = Numbered(clips)
    steps = -(-3 * clips // batch_size)
    expected = [(epoch, index) for epoch in range(3 + batch_size) for index in windows.order(epoch)]
    assert shown(Stream(windows, batch_size), steps) == expected[: steps * batch_size]


@given(st.integers(1, 20), st.integers(1, 5), st.sampled_from([1, 2, 3]))
def test_the_devices_parts_make_the_entire_step(clips: int, part: int, devices: int) -> None:
    windows, batch_size = Numbered(clips), part * devices
    for step in (1, 2, 7):
        parts = [Stream(windows, batch_size, device=d, devices=devices).batch(step).mixture for d in range(devices)]
        assert {len(p) for p in parts} == {part}
        assert torch.equal(torch.cat(parts), Stream(windows, batch_size).batch(step).mixture)


def test_held_out_windows_are_all_there_once() -> None:
    batches = held_out(Numbered(7), 3)
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert sorted(index for batch in batches for index in batch) == list(range(7))


def test_a_step_that_the_devices_cannot_share_is_refused() -> None:
    with pytest.raises(RunError) as problem:
        Stream(Numbered(7), 9, devices=2)
    assert str(problem.value) == (
        "9 windows a step cannot be shared equally by 2 devices"
        "\n  Set trainer.batch_size to a multiple of 2, or use another number of processes."
    )
