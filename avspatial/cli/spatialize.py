"""`avspatial spatialize`: videos with mono sound in, the same videos with binaural sound out."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avspatial.cli.table import print_json

if TYPE_CHECKING:
    from avspatial.api.spatialize import Result, Summary

app = typer.Typer(rich_markup_mode=None, add_completion=False)


class _Precision(StrEnum):
    fp32 = "fp32"
    bf16 = "bf16"


class _Mode(StrEnum):
    exact = "exact"
    continuous = "continuous"


Inputs = Annotated[list[str], typer.Argument(metavar="INPUT...", help="Videos, folders of them, or globs.")]
Run = Annotated[
    str,
    typer.Option(
        metavar="RUN",
        help="A run directory, a file from `avspatial export`, or a recipe without training, such as panner_demo.",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key of that recipe: model.azimuth=30. Repeatable."),
]
Out = Annotated[
    Path | None, typer.Option("-o", "--out", metavar="OUT", help="The output's name, or a folder for all of them.")
]
Width = Annotated[float, typer.Option(min=0, max=150, help="Per cent of the model's difference; 0 is mono.")]
Video = Annotated[Path | None, typer.Option(metavar="V", help="The pictures for INPUT, a single wav or flac file.")]
Device = Annotated[
    str | None, typer.Option(metavar="D", help="A torch device, such as cpu or cuda:0; by default a GPU, if any.")
]
Precision = Annotated[_Precision, typer.Option(help="Arithmetic of the networks.")]
Mode = Annotated[_Mode, typer.Option(help="Overlapping windows, averaged, or one long pass: faster, nearly the same.")]
Jobs = Annotated[int, typer.Option(metavar="N", min=1, help="Files at once.")]
DryRun = Annotated[
    bool, typer.Option(help="Say what would be done, how long it takes and how much memory; write nothing.")
]
Force = Annotated[bool, typer.Option(help="Write over outputs that exist.")]
KeepOriginal = Annotated[bool, typer.Option(help="Keep the old sound as a track after the new one.")]
Json = Annotated[bool, typer.Option("--json", help="End with one line of JSON: what became of every file.")]


@app.command()
def spatialize(
    inputs: Inputs,
    run: Run,
    set_: Set = None,
    out: Out = None,
    width: Width = 100,
    video: Video = None,
    device: Device = None,
    precision: Precision = _Precision.fp32,
    mode: Mode = _Mode.exact,
    jobs: Jobs = 1,
    dry_run: DryRun = False,
    force: Force = False,
    keep_original: KeepOriginal = False,
    json: Json = False,
) -> None:
    """Give videos binaural sound, guided by their pictures, which are copied bit for bit."""
    from avspatial.api.spatialize import spatialize as work

    told = _nothing if json else _tell
    summary = work(
        inputs,
        run,
        overrides=set_ or (),
        out=out,
        video=video,
        width_percent=width,
        device=device,
        precision=precision.value,
        mode=mode.value,
        dry_run=dry_run,
        jobs=jobs,
        force=force,
        keep_original=keep_original,
        on_result=told,
    )
    if json:
        print_json(summary.to_dict())
    elif summary.probe is not None:
        _tell_probe(summary)
    elif len(summary.results) > 1:
        print(f"{summary.count('done')} done, {summary.count('skipped')} skipped, {summary.count('failed')} failed")
    if summary.count("failed"):
        raise typer.Exit(1)


def _tell_probe(summary: Summary) -> None:
    probe = summary.probe
    plans = [result.plan for result in summary.results if result.plan is not None]
    assert probe is not None
    seconds = sum(plan.seconds for plan in plans)
    room = sum(plan.output_bytes for plan in plans) + max((plan.temporary_bytes for plan in plans), default=0)
    print(
        f"{len(plans)} file{'' if len(plans) == 1 else 's'}, {seconds:.0f} s of sound: "
        f"about {seconds / probe.real_time_factor:.0f} s at "
        f"{probe.real_time_factor:.1f} times real time, decoding of pictures left aside; "
        f"{probe.memory / 1e9:.1f} GB of memory, up to {room / 1e9:.2f} GB of disk. Nothing was written."
    )


def _nothing(result: Result) -> None:
    if result.error:
        print(f"error: {result.error}", file=sys.stderr)


def _tell(result: Result) -> None:
    _nothing(result)
    if result.state == "skipped":
        print(f"{result.out} is there already; skipped.", file=sys.stderr)
    if result.plan is not None:
        print(f"{result.source} -> {result.out}: {result.plan.words}")
    if result.done is None:
        return
    done = result.done
    print(f"{result.out}: {done.seconds:.1f} s at {done.seconds / result.took:.1f} times real time")
    level = done.level
    if level.change is None:
        print(
            f"  true peak {level.true_peak:.1f} dBTP, gain {level.gain:+.1f} dB; too short or too quiet for a loudness"
        )
    else:
        before, after = f"{level.loudness_before:.1f}", f"{level.loudness_after:.1f}"
        print(f"  loudness {before} -> {after} LUFS, true peak {level.true_peak:.1f} dBTP, gain {level.gain:+.1f} dB")
    for note in done.notes:
        print(f"  note: {note}")
