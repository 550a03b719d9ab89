"""Convert videos to binaural audio with a trained model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from avspatial.cli.options import refuse_missing_model
from avspatial.cli.table import columns, print_json
from avspatial.text import counted

if TYPE_CHECKING:
    from avspatial.api.spatialize import Result, Summary

app = typer.Typer(rich_markup_mode=None, add_completion=False)


Inputs = Annotated[list[str], typer.Argument(metavar="INPUT", help="Videos, folders of them, or globs.")]
Run = Annotated[
    str,
    typer.Option(
        "--model",
        "--run",
        metavar="MODEL",
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
Width = Annotated[float, typer.Option(min=0, max=150, help="Percentage of the model's difference; 0 is mono.")]
Video = Annotated[
    Path | None, typer.Option(metavar="V", help="Video with the images for INPUT, a single wav or flac file.")
]
Device = Annotated[
    str | None,
    typer.Option(metavar="D", help="A torch device, such as cpu or cuda:0 [default: a GPU, if any]."),
]
Precision = Annotated[Literal["fp32", "bf16"], typer.Option(help="Arithmetic of the networks.")]
Mode = Annotated[
    Literal["exact", "continuous"],
    typer.Option(help="exact: overlapping windows, averaged. continuous: one long pass, faster, nearly the same."),
]
Jobs = Annotated[int, typer.Option(metavar="N", min=1, help="Files at once.")]
DryRun = Annotated[
    bool, typer.Option(help="Show what would be done, and how much time and memory it takes; write nothing.")
]
Force = Annotated[bool, typer.Option(help="Overwrite existing outputs.")]
KeepOriginal = Annotated[bool, typer.Option(help="Keep the original audio as a track after the new one.")]
Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON at the end, with the result of every file.")]


@app.command()
def spatialize(
    inputs: Inputs,
    run: Run,
    set_: Set = None,
    out: Out = None,
    width: Width = 100,
    video: Video = None,
    device: Device = None,
    precision: Precision = "fp32",
    mode: Mode = "exact",
    jobs: Jobs = 1,
    dry_run: DryRun = False,
    force: Force = False,
    keep_original: KeepOriginal = False,
    as_json: Json = False,
) -> None:
    """Convert videos to binaural audio, guided by their images; the video stream is copied bit for bit."""
    refuse_missing_model(run)
    from avspatial.api.spatialize import spatialize as spatialize_files

    summary = spatialize_files(
        inputs,
        run,
        overrides=set_ or (),
        out=out,
        video=video,
        width_percent=width,
        device=device,
        precision=precision,
        mode=mode,
        dry_run=dry_run,
        jobs=jobs,
        force=force,
        keep_original=keep_original,
        on_result=_print_error if as_json else _print_result,
    )
    if as_json:
        print_json(summary.to_dict())
    elif summary.benchmark is not None:
        _print_benchmark(summary)
    elif len(summary.results) > 1:
        print(columns([("file", "result", "why"), *map(_outcome, summary.results)]))
        print(f"{summary.count('done')} done, {summary.count('skipped')} skipped, {summary.count('failed')} failed")
    if summary.count("failed"):
        raise typer.Exit(1)


def _outcome(result: Result) -> tuple[str, str, str]:
    """A file's line of the table at the end of a batch."""
    if result.state == "failed":
        return str(result.source), "failed", result.error.removeprefix(f"{result.source}: ").partition("\n")[0]
    if result.state == "skipped":
        return str(result.source), "skipped", f"{result.out} exists"
    notes = result.done.notes if result.done is not None else ()
    return str(result.source), f"{result.state} with notes" if notes else result.state, "; ".join(notes)


def _print_benchmark(summary: Summary) -> None:
    benchmark = summary.benchmark
    plans = [result.plan for result in summary.results if result.plan is not None]
    assert benchmark is not None
    if not plans:
        print(f"Nothing to do: {summary.count('skipped')} skipped, {summary.count('failed')} failed.")
        return
    seconds = sum(plan.seconds for plan in plans)
    disk = sum(plan.output_bytes for plan in plans) + max((plan.temporary_bytes for plan in plans), default=0)
    print(
        f"{counted(len(plans), 'file')}, {seconds:.0f} s of audio: "
        f"about {seconds / benchmark.real_time_factor:.0f} s at "
        f"{benchmark.real_time_factor:.1f} times real time, without decoding of the video; "
        f"{benchmark.memory / 1e9:.1f} GB of memory, up to {disk / 1e9:.2f} GB of disk. Nothing was written."
    )


def _print_error(result: Result) -> None:
    if result.error:
        print(f"error: {result.error}", file=sys.stderr)


def _print_result(result: Result) -> None:
    _print_error(result)
    if result.state == "skipped":
        print(f"{result.out} already exists; skipped.", file=sys.stderr)
    if result.plan is not None:
        print(f"{result.source} -> {result.out}: {result.plan.text}")
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
