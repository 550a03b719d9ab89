"""Check whether the numbers of a published table are consistent, from the table alone.

**STFT distance against Wave L2 (Parseval).** With e the error of one channel, w the window (Hann, 400 samples) in
frames of n_fft = 512, hop 160, and E_m[k] the spectrum of frame m, Parseval's theorem for real signals says

    sum over k = 0..256 of |E_m[k]|^2  =  (n_fft sum_n w^2 e^2 + |E_m[0]|^2 + |E_m[256]|^2) / 2.

Frames summed, every sample is weighted by s[n] = sum_m w^2[n - 160 m], which swings around sum w^2 / hop with a period
of one hop. Divided as `metrics.fairplay.stft_distance` and `wave_l2` divide (M = 1 + T / hop frames, real and imaginary
planes, the sum over two channels against the mean), the ratio STFT distance / Wave L2 in natural units is

    n_fft / (n_fft + 2) * T / M * (mean of s over the error's energy) * (1 + what lies in bins 0 and 256).

- `least`: s at its minimum, nothing in bins 0 and 256. No error can score less in clips of an integer number of hops
  (in others only by what follows the last frame, at most 10 ms): below it the two numbers come from different files or
  conventions.
- `even`: s at its mean, 150 n_fft / (n_fft + 2) = 149.4 for long clips; white noise, with its share of bins 0 and 256,
  150.0. A lower score needs errors in step with the hop (a beat of 100 Hz at 16 kHz): possible, but unusual.
- `constant`: the score of a constant error, 1.52 times `even`. Bin 0 of a 25 ms window extends to about 80 Hz and holds
  13 % more at 40 Hz: a score between `even` and `constant` shows which share of the error is near 0 Hz.
- `most`: the upper limit: s at its maximum, and all in bins 0 and 256 (a share of window / n_fft at most).

All four also hold for means over clips, because both numbers are means over the same clips with the same weights. The
hop matters for `least` and `most` only. Other windows change all rows of a table by the same factor: a Hann window of
512 samples gives 191 instead of 149.4.

**Envelope distance against Wave L2.** | |h(y)| - |h(x)| | <= |h(y - x)| and the mean of |h(e)|^2 is at most twice that
of e^2, so ENV <= sqrt(8 Wave L2); and with the above ENV <= sqrt(8 STFT / least). Means over clips keep both (Jensen).

**SNR against Wave L2.** The mean over clips of 10 log10 of the error's power is at most 10 log10 of its mean, so
SNR + 10 log10(Wave L2) is an upper limit of the references' mean level in dB. All rows of a table share their
references, so the level is at most the lowest of these. This cannot refute a row, only show that it is unusual.

**Phase distance of mono.** A mono prediction has no difference signal: pi / 2 if the reference's phases are uniform.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from avspatial.evaluation.published.tables import Claim, PublishedTable, published

IMPOSSIBLE, SUSPICIOUS, CONSISTENT = "impossible", "suspicious", "consistent"
SLACK = 0.005
"""Relative tolerance below `even`; four kinds of error on a real FAIR-Play clip are less than 0.001 below it."""
NEAR_ZERO_SHARE = 0.1
"""A high ratio is suspicious if it needs at least this share of the error's energy at 0 Hz."""
_ASSUMED = 10.0
"""Length of clips if unknown, s (as FAIR-Play's); twice the length changes the limits by 0.05 %."""


@dataclass(frozen=True)
class Ratios:
    """Limits of STFT distance / Wave L2 (see the module)."""

    least: float
    even: float
    constant: float
    most: float

    def near_zero(self, ratio: float) -> float:
        """Share of the error's energy that must be a constant, for a ratio above `even`."""
        return (ratio - self.even) / (self.constant - self.even)


def parseval(
    seconds: float | None = None, *, rate: int = 16000, n_fft: int = 512, window: int = 400, hop: int = 160
) -> Ratios:
    """The limits for clips of a length [default: 10 s]; derivation in the module."""
    import numpy as np
    from scipy.signal.windows import hann

    weights = np.asarray(hann(window, sym=False))
    swing = np.pad(weights**2, (0, -window % hop)).reshape(-1, hop).sum(0)
    samples = rate * (_ASSUMED if seconds is None else seconds)
    scale = n_fft / (n_fft + 2) * hop
    short = samples / (samples + hop)
    even = scale * short * float(swing.mean())
    bin_zero = float(weights.sum() ** 2 / (n_fft * (weights**2).sum()))
    return Ratios(
        least=scale * short * float(swing.min()),
        even=even,
        constant=even * (1 + bin_zero),
        most=scale * float(swing.max()) * (1 + window / n_fft),
    )


@dataclass(frozen=True)
class AuditFinding:
    """One check of one row: the computed `value` and a sentence about it."""

    table: str
    row: str
    check: str
    verdict: str
    value: float
    text: str


def _ratio_verdict(low: float, high: float, limits: Ratios) -> tuple[str, str]:
    """Verdict and reason for an STFT / Wave L2 between `low` and `high` (the range that rounding leaves)."""
    if high < limits.least:
        return IMPOSSIBLE, f"no error scores below {limits.least:.1f}: not one set of files and one convention"
    if low > limits.most:
        return IMPOSSIBLE, f"no error scores above {limits.most:.1f}: not one set of files and one convention"
    if high < limits.even * (1 - SLACK):
        return SUSPICIOUS, f"below {limits.even:.1f} only if errors keep step with the hop of 10 ms"
    share = limits.near_zero(low)
    if share > 1:
        return SUSPICIOUS, f"even a constant error does not score above {limits.constant:.1f}"
    if share > NEAR_ZERO_SHARE:
        return SUSPICIOUS, f"only if {share:.0%} of the error's energy is a constant (0 Hz)"
    return CONSISTENT, f"errors of any kind score {limits.even:.1f} or slightly more"


def _parseval(table: PublishedTable, row: str) -> AuditFinding | None:
    cells = table.rows[row]
    if not {"stft_distance", "wave_l2"} <= set(cells):
        return None
    stft, wave = cells["stft_distance"], cells["wave_l2"] / 1e3
    off, off_wave = table.rounding("stft_distance"), table.rounding("wave_l2") / 1e3
    low, high, ratio = (stft - off) / (wave + off_wave), (stft + off) / (wave - off_wave), stft / wave
    verdict, why = _ratio_verdict(low, high, parseval(table.clip_seconds))
    return AuditFinding(table.name, row, "stft_to_wave", verdict, ratio, f"STFT / Wave L2 = {ratio:.1f}; {why}")


def _envelope(table: PublishedTable, row: str) -> AuditFinding | None:
    cells = table.rows[row]
    if "envelope_distance" not in cells or not {"stft_distance", "wave_l2"} & set(cells):
        return None
    if "wave_l2" in cells:
        power, of = (cells["wave_l2"] + table.rounding("wave_l2")) / 1e3, "Wave L2"
    else:
        power = (cells["stft_distance"] + table.rounding("stft_distance")) / parseval(table.clip_seconds).least
        of = "STFT"
    share = (cells["envelope_distance"] - table.rounding("envelope_distance")) / math.sqrt(8 * power)
    verdict = IMPOSSIBLE if share > 1 else CONSISTENT
    return AuditFinding(
        table.name, row, "envelope", verdict, share, f"ENV is {share:.0%} of the most that its {of} allows"
    )


def _level(table: PublishedTable, row: str) -> AuditFinding | None:
    levels = {
        name: cells["snr"] + 10 * math.log10(cells["wave_l2"] / 1e3)
        for name, cells in table.rows.items()
        if {"snr", "wave_l2"} <= cells.keys()
    }
    if row not in levels:
        return None
    above = levels[row] - min(levels.values())
    relative = f"{above:.2f} dB above the table's lowest" if above else "the table's lowest"
    text = f"SNR and Wave L2 imply references at {levels[row]:.2f} dB or lower, {relative}; this refutes nothing"
    return AuditFinding(table.name, row, "snr_to_wave", CONSISTENT, levels[row], text)


def _mono_phase(table: PublishedTable, row: str) -> AuditFinding | None:
    value = table.rows[row].get("phase_distance")
    if row != table.mono or value is None:
        return None
    close = abs(value - math.pi / 2) <= 0.01
    text = f"phase distance {value:.3f}; mono scores pi / 2 = {math.pi / 2:.3f}"
    return AuditFinding(table.name, row, "mono_phase", CONSISTENT if close else SUSPICIOUS, value, text)


def audit(tables: Iterable[PublishedTable]) -> list[AuditFinding]:
    """Run every check that the numbers of a row allow, in the order of the tables and rows."""
    checks = (_parseval, _envelope, _level, _mono_phase)
    findings = (check(table, row) for table in tables for row in table.rows for check in checks)
    return [finding for finding in findings if finding is not None]


@dataclass(frozen=True)
class Improvement:
    """How much better `row` is than `other`, in percent of the other (dB for `snr`); negative: worse."""

    table: str
    row: str
    other: str
    metric: str
    gain: float


def improvements(table: PublishedTable, row: str) -> list[Improvement]:
    """Compare a row with every other row of the table, from the printed numbers; empty if the table has no such row."""
    own = table.rows.get(row, {})
    others = {other: cells for other, cells in table.rows.items() if other != row}
    return [
        Improvement(table.name, row, other, metric, gain(metric, own, cells))
        for other, cells in others.items()
        for metric in cells
        if metric in own
    ]


def gain(metric: str, own: Any, other: Any) -> float:
    """How much better own[metric] is than other[metric]: percent of the other, or dB if the unit is dB."""
    column = published().columns[metric]
    change = own[metric] - other[metric] if column.higher_is_better else other[metric] - own[metric]
    return float(change if column.unit == "dB" else 100 * change / other[metric])


@dataclass(frozen=True)
class ClaimFinding:
    """A claim, whether the tables confirm it, and notes on exceptions."""

    claim: Claim
    holds: bool
    notes: tuple[str, ...]


def check_claims(tables: Iterable[PublishedTable]) -> list[ClaimFinding]:
    """Check the claims about these tables."""
    names = {table.name for table in tables}
    return [check_claim(claim) for claim in published().claims if names & set(claim.tables)]


def check_claim(claim: Claim) -> ClaimFinding:
    """Check a claim against the tables it names."""
    return {"best": _check_best, "figures": _check_figures}[claim.kind](claim)


def _check_best(claim: Claim) -> ClaimFinding:
    tables, columns = published().tables, published().columns
    exceptions = [c for name in claim.tables for c in improvements(tables[name], claim.row) if c.gain <= 0]
    notes = [
        f"{c.table}: {c.other} is better in {columns[c.metric].label}"
        if c.gain < 0
        else f"{c.table}: {c.other} has the same {columns[c.metric].label} to the printed digit"
        for c in exceptions
    ]
    return ClaimFinding(claim, all(c.gain == 0 for c in exceptions), tuple(notes))


def _check_figures(claim: Claim) -> ClaimFinding:
    tables, notes, holds = published().tables, [], True
    against = tables[claim.against["table"]].rows[claim.against["row"]]
    own = tables[claim.tables[0]].rows[claim.row]
    for metric, (claimed, claimed_other) in claim.figures.items():
        column = published().columns[metric]
        if (own[metric], against[metric]) != (claimed, claimed_other):
            holds = False
            notes.append(f"{column.label}: the tables here say {own[metric]} and {against[metric]}")
        unit = "dB" if column.unit == "dB" else "%"
        notes.append(f"{column.label}: better by {gain(metric, own, against):.1f} {unit} than {claim.against['row']}")
    return ClaimFinding(claim, holds, tuple(notes))
