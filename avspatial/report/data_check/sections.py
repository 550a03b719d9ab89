"""A check of a data set as sections, each with a sentence and a table, for the terminal and for the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from avspatial.data.check.result import DataCheck, SharedAudio, quantiles, side_shares
from avspatial.report.parts.numbers import number
from avspatial.text import counted, listed

SHOWN = 20
"""Rows of a table of clips; `--json` lists all."""
_MEASURES = {
    "seconds": ("length", "s", 2),
    "level_dbfs": ("level", "dBFS", 1),
    "side_mid_db": ("side over mid (left − right over left + right)", "dB", 1),
    "level_difference_db": ("left over right", "dB", 1),
}


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        title: Its heading.
        text: A sentence about it; may be empty.
        rows: A table, the first row its head; may be empty.
        bad: Whether what it lists makes the check fail.
    """

    title: str
    text: str = ""
    rows: Sequence[Sequence[str]] = ()
    bad: bool = False


def sections(check: DataCheck) -> list[Section]:
    """Everything that was found; what makes the check fail comes last, for on a terminal the end is seen first."""
    return [_clips(check), _sound(check), _directions(check), *_lists(check), *_failures(check)]


def verdict(check: DataCheck) -> str:
    """The result in one line."""
    if check.passed:
        return "Passed: no leak between splits and no damage was found."
    found = [
        (len(check.refused), "split that a run refuses", "splits that a run refuses"),
        (len(check.damage), "damaged clip", "damaged clips"),
        (
            len(check.leaks),
            "pair of clips in two splits with the same audio",
            "pairs of clips in two splits with the same audio",
        ),
        (len(check.split_recordings), "recording in two splits", "recordings in two splits"),
    ]
    return f"Failed: {', '.join(f'{n} {one if n == 1 else many}' for n, one, many in found if n)}."


def _clips(check: DataCheck) -> Section:
    recordings = {part: {facts.recording for facts in check.measured if facts.split == part} for part in check.counts}
    rows = [("split", "clips", "recordings")]
    rows += [(part, str(clips), str(len(recordings[part]))) for part, clips in check.counts.items()]
    return Section("Clips", "", rows)


def _sound(check: DataCheck) -> Section:
    rows: list[tuple[str, ...]] = [("", "unit", "least", "5 %", "median", "95 %", "largest")]
    for name, values in check.values().items():
        label, unit, decimals = _MEASURES[name]
        found = quantiles(values)
        if found is not None:
            rows.append((label, unit, *(number(value, decimals) for value in found.values())))
    sound = check.to_dict()["sound"]
    rates = ", ".join(f"{rate} Hz ({n})" for rate, n in sound["rates"].items())
    channels = ", ".join(f"{channels} ({n})" for channels, n in sound["channels"].items())
    text = f"Clips by sample rate: {rates}. By channels of the file: {channels}." if rates else "No clip can be read."
    return Section("Sound", text, rows if len(rows) > 1 else ())


def _directions(check: DataCheck) -> Section:
    shares = check.azimuths()
    known = sum(facts.azimuths is not None for facts in check.measured)
    text = "No true direction is known."
    if shares is not None:
        sides = ", ".join(f"{name} {100 * share:.0f} %" for name, share in side_shares(shares).items() if share)
        text = f"Known for {counted(known, 'clip')}: while it sounds, the loudest source is {sides} of the time."
    return Section("Directions", f"{text} {_motion(check)}".strip())


def _motion(check: DataCheck) -> str:
    hint = check.motion
    if not hint.clips:
        return ""
    text = f"{hint.agree} of {counted(hint.clips, 'clip')} are louder on the side where their images move"
    if not hint.swapped:
        return f"{text}."
    return f"{text}: the channels may be exchanged. This is a hint, no proof: listen to a few."


def _lists(check: DataCheck) -> Iterator[Section]:
    if check.remarks:
        yield Section("Remarks", rows=[("what the data set says of itself",), *((remark,) for remark in check.remarks)])
    if check.left_out:
        yield Section(
            f"Left out: {len(check.left_out)}", "The data set does not use these.", _by_reason(check.left_out)
        )
    if check.notes:
        text = "No direction can be learned from these, but the data set uses them."
        yield Section(f"Without directions: {len(check.notes)}", text, _by_reason(check.notes))
    inside = [pair for pair in check.shared if not pair.leak]
    if inside:
        text = "Pairs in one split with the same audio; that is no leak."
        yield Section(f"Same audio in one split: {len(inside)}", text, _pairs(inside))
    if check.fairplay is not None:
        files = check.fairplay
        text = (
            f"Of FAIR-Play's 1,871 sounds {files.same} are here unchanged, {len(files.changed)} changed, "
            f"{len(files.missing)} missing; {counted(len(files.other), 'file')} of other names."
        )
        yield Section("FAIR-Play's files", text, _by_reason(files.changed) if files.changed else ())


def _failures(check: DataCheck) -> Iterator[Section]:
    if check.refused:
        parts: dict[str, list[str]] = {}
        for part, why in check.refused.items():
            sentences = re.sub(r"\s*\n\s*", " ", re.sub(r"(?<=[^.:,;])\n\s*", ". ", why))
            parts.setdefault(sentences, []).append(part)
        rows = [("split", "what a run says"), *((", ".join(of), why) for why, of in parts.items())]
        yield Section("Refused by a run", "", rows, bad=True)
    if check.damage:
        rows = [("clip", "why"), *list(check.damage.items())[:SHOWN]]
        yield Section(f"Damaged: {len(check.damage)}", _more(len(check.damage)), rows, bad=True)
    if check.split_recordings:
        text = listed(check.split_recordings, SHOWN)
        yield Section(f"Recordings in two splits: {len(check.split_recordings)}", text, bad=True)
    leaks = [pair for pair in check.shared if pair.leak]
    if leaks:
        yield Section(f"Leaks, the same audio in two splits: {len(leaks)}", _more(len(leaks)), _pairs(leaks), bad=True)


def _more(count: int) -> str:
    return f"The first {SHOWN} of {count}." if count > SHOWN else ""


def _by_reason(reasons: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Number of clips by reason, most first, with some of their names."""
    names: dict[str, list[str]] = {}
    for name, why in reasons.items():
        names.setdefault(why, []).append(name)
    rows = sorted(names.items(), key=lambda item: -len(item[1]))
    return [("why", "number", "which"), *((why, str(len(of)), listed(of)) for why, of in rows[:SHOWN])]


def _pairs(pairs: Sequence[SharedAudio]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("clip", "in", "clip", "in", "shared", "equal")]
    for pair in pairs[:SHOWN]:
        equal = "to the sample" if pair.equal else f"{100 * (1 - pair.difference):.0f} % of the fingerprint"
        rows.append((pair.clips[0], pair.splits[0], pair.clips[1], pair.splits[1], f"{pair.seconds:.1f} s", equal))
    return rows
