"""Requirements on a comparison: "model.stft_distance < baseline", "sagm.snr > 6".

A statement between two systems holds only if the difference is established (see `compare`): the verdict is for the
side that the statement names. A statement with a number holds if the complete 95 % interval of the mean lies on that
side of it. Neither holds while clips of a system failed: the remaining clips may be the easy ones. The right side may
be a control, too: "model.stft_distance < mono".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from avspatial.errors import RunError, did_you_mean
from avspatial.evaluation.comparison.compare import Comparison, SystemPair, against_control
from avspatial.evaluation.scoring.controls import CONTROLS, SEEN
from avspatial.text import counted

MODEL, BASELINE = "model", "baseline"
_FORM = re.compile(r"\s*(?P<left>[^<>=!]+?)\s*(?P<sign>[<>=!]+)\s*(?P<right>[^<>=!]+?)\s*")
_GRAMMAR = "Write SYSTEM.METRIC < SYSTEM or SYSTEM.METRIC > NUMBER, as in model.stft_distance < baseline."


@dataclass(frozen=True)
class Statement:
    """SYSTEM.METRIC below or above a system's same metric or a number, as it was written."""

    text: str
    left: str
    below: bool
    right: str

    @property
    def number(self) -> float | None:
        try:
            return float(self.right)
        except ValueError:
            return None


@dataclass(frozen=True)
class Answer:
    """Whether a statement holds, and the numbers that say so."""

    text: str
    holds: bool
    why: str

    def __str__(self) -> str:
        return f"{self.text}: {'holds' if self.holds else 'does not hold'}: {self.why}"


def parse_statement(text: str) -> Statement:
    """Parse a statement; RunError if it is invalid. `answer` resolves its names."""
    form = _FORM.fullmatch(text)
    if not form:
        raise RunError(f"{text!r} is not understood", where="--require", fix=_GRAMMAR)
    if form["sign"] not in "<>":
        what = f"{form['sign']} cannot be required: data can establish a difference, never that there is none"
        raise RunError(what, where="--require", fix=_GRAMMAR)
    if "." not in form["left"]:
        raise RunError(f"{form['left']!r} names no metric", where="--require", fix=_GRAMMAR)
    return Statement(text.strip(), form["left"], form["sign"] == "<", form["right"])


def answer(comparison: Comparison, statement: Statement) -> Answer:
    """Whether a statement holds. RunError for a system or metric that was not compared."""
    a, metric = _operand(comparison, statement.left)
    number = statement.number
    if number is not None:
        return _against_number(comparison, statement, a, metric, number)
    control = _control(comparison, statement.right, a)
    b, second = _operand(comparison, statement.right, metric) if control is None else (control[0], control[1] or metric)
    if second != metric:
        what = f"{metric} and {second} are two metrics, and no difference between them means anything"
        raise RunError(what, where=f"--require {statement.text}", fix="Name the same metric on both sides.")
    if control is not None:
        return _against(statement, against_control(comparison, a, b, metric), 1)
    return _against(statement, *_pair(comparison, statement, a, b, metric))


def _control(comparison: Comparison, text: str, a: str) -> tuple[str, str] | None:
    """Label and metric, if it names one, of the control in `CONTROL` or `CONTROL.METRIC`; None for anything else.

    RunError for one that no system has. A control that the model makes is that of system `a`.
    """
    name, _, metric = text.partition(".")
    if name not in (*CONTROLS, *SEEN) or name in {system.name for system in comparison.systems}:
        return None
    label = f"{name} ({a})" if name in SEEN else name
    if label not in comparison.controls:
        there = f"There are: {', '.join(comparison.controls)}." if comparison.controls else "There are none."
        how = f"`avspatial evaluate --controls {name} --save DIR` keeps it." if name in CONTROLS else "Runs have it."
        what = f"{name} is a control, and no system that is compared has its scores"
        raise RunError(what, where="--require", fix=f"{there} {how}")
    return label, _known_metric(comparison, metric) if metric else ""


def _operand(comparison: Comparison, text: str, metric: str = "") -> tuple[str, str]:
    """The system and metric that `SYSTEM.METRIC`, or `SYSTEM` where a metric is given, names. Names may have dots."""
    names = [system.name for system in comparison.systems]
    against = comparison.baseline or names[0]
    words = {BASELINE: against, MODEL: next(name for name in reversed(names) if name != against)}
    words |= {name: name for name in names}
    for word in sorted(words, key=len, reverse=True):
        if text == word and metric:
            return words[word], metric
        if text.startswith(f"{word}."):
            return words[word], _known_metric(comparison, text.removeprefix(f"{word}."))
    named = text if metric else text.rpartition(".")[0]
    if named in (*CONTROLS, *SEEN):
        what = f"{named!r} is a control, which can stand on the right alone"
        raise RunError(what, where="--require", fix=_GRAMMAR)
    fix = f"The systems are: {', '.join(names)}; `model` is {words[MODEL]}, `baseline` is {words[BASELINE]}."
    raise RunError(f"no system is called {named!r}{did_you_mean(named, words)}", where="--require", fix=fix)


def _known_metric(comparison: Comparison, metric: str) -> str:
    if metric not in comparison.metrics:
        what = f"{metric!r} was not compared{did_you_mean(metric, comparison.metrics)}"
        raise RunError(what, where="--require", fix=f"Compared are: {', '.join(comparison.metrics)}.")
    return metric


def _against(statement: Statement, pair: SystemPair, sign: int) -> Answer:
    """The answer that a pair gives; sign -1: the statement's left system is the pair's second."""
    a = pair.a if sign > 0 else pair.b
    lower = pair.established and sign * (pair.difference or 0.0) < 0
    if pair.failed:
        return _failed(statement, pair.failed, _numbers(pair, sign))
    verdict = f"{a} is {'lower' if lower else 'higher'}" if pair.established else pair.verdict
    holds = pair.established and lower == statement.below
    return Answer(statement.text, holds, f"{verdict} ({_numbers(pair, sign)})")


def _pair(comparison: Comparison, statement: Statement, a: str, b: str, metric: str) -> tuple[SystemPair, int]:
    """The pair of two systems and the sign that makes its difference a's minus b's."""
    for pair in comparison.pairs:
        if pair.metric == metric and {pair.a, pair.b} == {a, b}:
            return pair, 1 if pair.a == a else -1
    where = f"--require {statement.text}"
    if a == b:
        raise RunError("it sets a system against itself", where=where, fix="Name two systems.")
    what = f"{a} and {b} were not set against each other"
    raise RunError(
        what, where=where, fix="Leave out --baseline to compare all pairs, or make one of them the baseline."
    )


def _against_number(comparison: Comparison, statement: Statement, a: str, metric: str, number: float) -> Answer:
    mean = comparison.means[a][metric]
    if mean.mean is None or mean.ci95 is None:
        return Answer(statement.text, False, f"there is no interval from {counted(mean.n, 'clip')}")
    low, high = mean.ci95
    numbers = f"mean {mean.mean:.6g}, 95 % interval {low:.6g} .. {high:.6g}, {counted(mean.n, 'clip')}"
    if mean.failed:
        return _failed(statement, mean.failed, numbers)
    return Answer(statement.text, high < number if statement.below else low > number, numbers)


def _failed(statement: Statement, count: int, numbers: str) -> Answer:
    clips = "1 clip" if count == 1 else f"{count} clips"
    why = f"{clips} failed, and those that are left may be the easy ones ({numbers})"
    return Answer(statement.text, False, why)


def _numbers(pair: SystemPair, sign: int) -> str:
    if pair.difference is None or pair.interval is None or pair.p_holm is None:
        return f"{counted(pair.n, 'clip')} {'is' if pair.n == 1 else 'are'} too few for an interval"
    low, high = sorted(sign * bound for bound in pair.interval)
    difference = f"difference {sign * pair.difference:+.6g}, 95 % interval {low:+.6g} .. {high:+.6g}, "
    detectable = "" if pair.established or pair.mdd is None else f", detectable {pair.mdd:.6g}"
    return f"{difference}p {pair.p_holm:.3g} after Holm, {counted(pair.n, 'clip')}{detectable}"
