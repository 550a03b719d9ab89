"""Excerpts that share audio, found by their fingerprints: an index of words instead of a comparison of all pairs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from avspatial.data.check.fingerprint import FRAME, STEP, WEAK, Fingerprint

LARGEST_DIFFERENCE = 0.3
"""Share of bits in which shared audio may differ; audio that has nothing in common differs in about 0.5."""
_DOUBT = 18.0
"""What is allowed less, over the square root of the number of bits: short audio agrees by chance more easily."""
_WINDOW = round(3.0 / STEP)
"""Words that are compared at a time; fewer if the excerpts share less."""
_SHORTEST = round(0.4 / STEP)
_HITS = 2
"""Equal words with one offset that make two excerpts worth comparing."""
_VARIANTS = 1 + WEAK + WEAK * (WEAK - 1) // 2
"""Entries of a word in the index: itself, and with one or two weak bits flipped."""
_NEIGHBOURS = 16
"""Later places of the same word that each place is paired with: a word of silence or noise is at thousands."""
_OFFSETS = 4
"""Offsets at which a pair is compared, those with the most equal words."""
_PART = 1 << 22
"""Words that are sorted at a time."""
_NUMBER_BITS, _OFFSET_BITS = 19, 25
"""Bits of an excerpt's number and of an offset in a key: half a million excerpts of up to two days."""


@dataclass(frozen=True)
class Overlap:
    """Two excerpts that share audio.

    Attributes:
        first: Number of the one.
        second: Number of the other, larger.
        offset: Where the second begins in the first, s; negative if the first begins in the second.
        seconds: Length of what they share.
        difference: Share of bits that differ there, 0 to 0.3.
    """

    first: int
    second: int
    offset: float
    seconds: float
    difference: float


def find_overlaps(prints: Sequence[Fingerprint]) -> list[Overlap]:
    """Find all pairs of excerpts that share audio for two seconds or longer, of shorter ones some.

    Args:
        prints: The fingerprints of the excerpts.

    Returns:
        One overlap for each pair, by the numbers of the excerpts.
    """
    found: dict[tuple[int, int], Overlap] = {}
    for first, second, offset in _candidates(prints):
        overlap = _compared(prints, first, second, offset)
        before = found.get((first, second))
        if overlap is not None and (before is None or overlap.seconds > before.seconds):
            found[first, second] = overlap
    return [found[pair] for pair in sorted(found)]


def _candidates(prints: Sequence[Fingerprint]) -> Iterator[tuple[int, int, int]]:
    """(first, second, offset in words) of the pairs with several equal words at one offset; the likeliest offsets."""
    total = _VARIANTS * sum(len(each.words) for each in prints)
    if not total:
        return
    parts = 1 + total // _PART
    votes = [_pairs(*_places(prints, part, parts)) for part in range(parts)]
    keys, counts = np.unique(np.concatenate(votes), return_counts=True)
    keys, counts = keys[counts >= _HITS], counts[counts >= _HITS]
    order = np.lexsort((-counts, keys >> _OFFSET_BITS))
    pairs = keys[order] >> _OFFSET_BITS
    begins = np.searchsorted(pairs, pairs)
    for key in keys[order][np.arange(len(pairs)) - begins < _OFFSETS]:
        pair, offset = int(key) >> _OFFSET_BITS, int(key) & ((1 << _OFFSET_BITS) - 1)
        yield pair >> _NUMBER_BITS, pair & ((1 << _NUMBER_BITS) - 1), offset - (1 << _OFFSET_BITS - 1)


def _places(prints: Sequence[Fingerprint], part: int, parts: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Words, the excerpts that they are from and their positions, of one part of all words.

    Each word stands there as it is and with one or two of its weak bits flipped. Of equal words in a row the first
    stands for all.
    """
    words, excerpts, positions = [], [], []
    for number, each in enumerate(prints):
        kept = np.flatnonzero(np.diff(each.words, prepend=~each.words[:1]))
        variants = _variants(each.words[kept], each.weak[kept])
        which = variants % np.uint32(parts) == part
        words.append(variants[which])
        positions.append(np.broadcast_to(kept.astype(np.int32), which.shape)[which])
        excerpts.append(np.full(len(words[-1]), number, np.int32))
    return np.concatenate(words), np.concatenate(excerpts), np.concatenate(positions)


def _variants(words: np.ndarray, weak: np.ndarray) -> np.ndarray:
    """The words (K,), and those with one or two of their weak bits flipped, (`_VARIANTS`, K)."""
    bits = []
    for _ in range(WEAK):
        bits.append(weak & -weak)
        weak = weak ^ bits[-1]
    flips = [np.zeros_like(words), *bits, *(one | other for one, other in itertools.combinations(bits, 2))]
    return words ^ np.stack(flips)


def _pairs(words: np.ndarray, excerpts: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Keys of places with the same word in two excerpts, (n,) int64: first, second, offset from high to low bits."""
    order = np.argsort(words, kind="stable")  # within a word by excerpt and position
    words, excerpts, positions = words[order], excerpts[order].astype(np.int64), positions[order].astype(np.int64)
    pairs = []
    for step in range(1, _NEIGHBOURS + 1):
        low, high = slice(None, -step), slice(step, None)
        same = np.flatnonzero((words[low] == words[high]) & (excerpts[low] != excerpts[high]))
        offsets = positions[same] - positions[same + step] + (1 << _OFFSET_BITS - 1)
        pairs.append(((excerpts[same] << _NUMBER_BITS | excerpts[same + step]) << _OFFSET_BITS) + offsets)
    return np.concatenate(pairs)


def _compared(prints: Sequence[Fingerprint], first: int, second: int, offset: int) -> Overlap | None:
    """The overlap of two excerpts at an offset; None if they differ."""
    a, b = prints[first], prints[second]
    begin, end = max(0, offset), min(len(a.words), len(b.words) + offset)
    window = min(_WINDOW, end - begin)
    if window < _SHORTEST:
        return None
    wrong = np.bitwise_count(a.words[begin:end] ^ b.words[begin - offset : end - offset]).astype(np.float64)
    sounding = a.sounding[begin:end] & b.sounding[begin - offset : end - offset]
    bits = 32 * _moving_sum(sounding, window)
    errors = _moving_sum(np.where(sounding, wrong, 0.0), window)
    allowed = np.minimum(LARGEST_DIFFERENCE, 0.5 - _DOUBT / np.sqrt(np.maximum(bits, 1)))
    alike = errors <= allowed * bits
    alike &= bits >= 32 * _SHORTEST
    if not alike.any():
        return None
    begun = np.zeros(len(wrong) + 1, np.int64)
    np.add.at(begun, np.flatnonzero(alike), 1)
    np.add.at(begun, np.flatnonzero(alike) + window, -1)
    shared = np.cumsum(begun)[:-1] > 0
    difference = wrong[shared & sounding].sum() / (32 * (shared & sounding).sum())
    seconds = float(shared.sum()) * STEP + FRAME
    return Overlap(first, second, offset * STEP, seconds, float(difference))


def _moving_sum(values: np.ndarray, window: int) -> np.ndarray:
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(total[window:] - total[:-window])
