"""The report page, made from a run directory alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from avspatial.errors import DataError, RunError
from avspatial.report.run.clip_choice import choose_clips
from avspatial.report.run.clips import clip_views
from avspatial.report.run.page import write_report
from avspatial.report.run.record import read_record
from avspatial.runs.directory import Run

Maker = Callable[..., Run]
Reporter = Callable[..., Path]


class Page(HTMLParser):
    """A parsed page: its addresses, ids, audio tracks, and images without a description."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.nameless: list[str] = []
        self.tracks: list[str] = []
        self.words: list[str] = []
        self._hidden = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.addresses += [
            named[key] or "" for key in ("src", "href", "xlink:href", "poster", "action") if key in named
        ]
        if tag == "audio":
            self.tracks.append(named["src"] or "")
        if named.get("id"):
            self.ids.append(named["id"] or "")
        if (tag == "img" and not named.get("alt")) or (tag == "svg" and not named.get("aria-label")):
            self.nameless.append(tag)
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def read(path: Path) -> tuple[str, Page]:
    text = path.read_text(encoding="utf-8")
    return text, Page(text)


def test_the_page_names_no_address_outside_itself(report_of: Reporter) -> None:
    text, page = read(report_of())
    assert page.addresses
    assert all(address.startswith(("data:", "#")) for address in page.addresses)
    assert "@import" not in text
    assert not re.search(r"url\((?!#|data:)", text)
    assert "default-src 'none'" in text


def test_ids_are_unique_and_every_reference_inside_the_page_is_met(report_of: Reporter) -> None:
    text, page = read(report_of())
    assert len(page.ids) == len(set(page.ids))
    wanted = {a[1:] for a in page.addresses if a.startswith("#")} | set(re.findall(r"url\(#([^)]+)\)", text))
    assert wanted <= set(page.ids)


def test_every_picture_has_a_description(report_of: Reporter) -> None:
    text, page = read(report_of())
    assert page.nameless == []
    assert text.count("<svg") > 10


def test_the_model_row_stands_first_with_mean_interval_n_and_failed(report_of: Reporter) -> None:
    text, _ = read(report_of(broken="000002"))
    rows = re.findall(r'data-row="(\w+)"', text)
    assert rows[0] == "model" and set(rows) >= {"mono", "swapped", "reference", "blank_picture", "mirrored_picture"}
    model = re.sub(r"<[^>]+>|\s+", " ", text[text.index('data-row="model"') : text.index('data-row="mono"')])
    model = re.sub(r"\s+", " ", model)
    assert "0.280 0.252 to 0.308 n 3 · 1 failed" in model


def test_headings_carry_unit_and_direction_and_the_glossary_a_sentence(report_of: Reporter) -> None:
    _, page = read(report_of())
    assert "snr ↑ higher is better, dB" in page.text
    assert "stft distance ↓ lower is better" in page.text
    assert "snr Signal-to-noise ratio over both channels. Unit: dB. Higher is better." in page.text
    assert "spl_magnitude Predicted over true size. Descriptive." in page.text


def test_the_page_warns_that_the_distances_reward_mono(report_of: Reporter) -> None:
    _, page = read(report_of())
    assert "Read stft distance next to the mono row." in page.text


def test_best_median_and_worst_clips_are_shown(report_of: Reporter) -> None:
    _, page = read(report_of())
    shown = re.findall(r"(\d{6}) (best|median|worst) by stft distance", page.text)
    assert shown == [("000001", "best"), ("000002", "median"), ("000004", "worst")]
    assert len(page.tracks) == 9 and all(track.startswith("data:audio/flac;base64,") for track in page.tracks)


@pytest.mark.slow
def test_clips_can_be_chosen_by_id(make_run: Maker) -> None:
    _, page = read(write_report(make_run(), clips=["000003"]))
    assert "000003 chosen by id" in page.text
    assert len(page.tracks) == 3


def test_an_unknown_clip_is_refused_with_the_clips_there_are(make_run: Maker) -> None:
    run = make_run()
    with pytest.raises(RunError) as refused:
        write_report(run, clips=["000009"])
    assert str(refused.value) == (
        f"{run.path}: no outputs of clip '000009'\n  Clips with outputs: 000001, 000002, 000003, 000004"
    )
    assert not run.report.exists()


def test_failed_clips_are_listed_with_their_error_and_nothing_in_it_is_markup(report_of: Reporter) -> None:
    text, page = read(report_of(broken="000002"))
    assert "000002 <b>not finite</b> Model stft distance, left right, spl magnitude, snr" in page.text
    assert "<b>" not in text
    assert "1 failed" in page.text


@pytest.mark.slow
def test_a_gain_from_the_reference_is_noted_in_the_head(report_of: Reporter) -> None:
    _, page = read(report_of(gain="reference_stereo"))
    assert "The gain depends on the reference." in page.text


def test_a_gain_from_the_mixture_needs_no_warning(report_of: Reporter) -> None:
    _, page = read(report_of())
    assert "Gain mixture" in page.text and "depends on the reference" not in page.text


@pytest.mark.slow
def test_lists_that_may_share_clips_are_noted_in_the_head(make_run: Maker) -> None:
    run = make_run()
    recipe = run.path / "recipe.resolved.yaml"
    recipe.write_text(recipe.read_text().replace("{use: avspatial.simulated@1, clips: 8}", "{use: f, overlap: allow}"))
    page = read(write_report(run))[1].text
    assert (
        "The model may have been trained on scored clips." in page
        and "4 clips, scored" in page
        and "held-out clip" not in page
    )


def test_the_head_describes_the_run(report_of: Reporter) -> None:
    _, page = read(report_of())
    assert "Convention fairplay Clips scored 4 Failed 0 Seed 7 Data simulated Model masking" in page.text
    assert "Versions avspatial 0.1.0" in page.text


def test_training_and_validation_curves_are_drawn_and_the_best_step_named(report_of: Reporter) -> None:
    text, page = read(report_of())
    assert "Training curve of model/l1" in text and "Validation curve of total" in text
    assert "the best checkpoint, step 120" in page.text
    assert "Speed 8.0 clips/s" in page.text and "Waiting for data 2.0 % of the time" in page.text


@pytest.mark.slow
def test_an_untrained_spatializer_has_a_report(report_of: Reporter) -> None:
    _, page = read(report_of(trained=False))
    assert "This spatializer was not trained" in page.text and "Training none" in page.text


@pytest.mark.slow
def test_only_tracks_beyond_full_scale_are_lowered_all_together(report_of: Reporter) -> None:
    _, quiet = read(report_of())
    assert "softer" not in quiet.text
    _, page = read(report_of(louder=4.0))
    assert re.search(r"all three played \d+\.\d dB softer to avoid clipping", page.text)


@pytest.mark.slow
def test_a_clip_without_picture_or_truth_is_shown_without_them(make_run: Maker) -> None:
    run = make_run()
    for name in ("picture.jpg", "truth.json"):
        for path in run.outputs.glob(f"*/{name}"):
            path.unlink()
    text, page = read(write_report(run, clips=["000002"]))
    assert "<img" not in text and "true azimuth" not in page.text
    assert len(page.tracks) == 3


def test_a_damaged_truth_file_is_refused_by_name(make_run: Maker) -> None:
    run = make_run()
    path = run.outputs / "000001" / "truth.json"
    path.write_text("{")
    with pytest.raises(DataError) as refused:
        write_report(run)
    assert str(refused.value) == (
        f"{path}: not a readable truth.json\n  Restore it, or remove it: the clip is then scored without true angles."
    )


@pytest.mark.slow
def test_a_clip_that_cannot_be_read_is_named_and_the_others_are_shown(make_run: Maker) -> None:
    run = make_run()
    (run.outputs / "000001" / "predicted_binaural.wav").write_bytes(b"RIFF")
    _, page = read(write_report(run))
    assert "Not shown: 000001 (not a readable audio file" in page.text
    assert len(page.tracks) == 6


@pytest.mark.slow
def test_a_page_that_would_be_too_large_shows_fewer_clips_and_lists_the_others(make_run: Maker) -> None:
    record = read_record(make_run())
    shown, left_out = clip_views(record, choose_clips(record), budget=1)
    assert [view.clip for view in shown] == ["000001"]
    assert left_out == ["000002 (the page would be too large)", "000004 (the page would be too large)"]


@pytest.mark.slow
def test_a_clip_in_a_folder_of_folders_is_shown(make_run: Maker) -> None:
    """A data set may call its clips by paths."""
    run = make_run()
    (run.outputs / "concert").mkdir()
    (run.outputs / "000001").rename(run.outputs / "concert" / "000001")
    run.scores.write_text(run.scores.read_text().replace('"clip": "000001"', '"clip": "concert/000001"'))
    record = read_record(run)
    assert "concert/000001" in choose_clips(record)
    shown, _ = clip_views(record, choose_clips(record, ["concert/000001"]), budget=10**8)
    assert [view.clip for view in shown] == ["concert/000001"]


def test_a_run_without_outputs_shows_its_scores(make_run: Maker) -> None:
    run = make_run()
    for path in run.outputs.glob("*/*.wav"):
        path.unlink()
    _, page = read(write_report(run))
    assert page.tracks == [] and "Listen" not in page.text and "Scores" in page.text


def test_a_run_without_scores_is_refused_with_the_way_on(make_run: Maker) -> None:
    run = make_run()
    run.summary.unlink()
    with pytest.raises(RunError) as refused:
        write_report(run)
    assert str(refused.value) == (
        f"{run.path}: this run has no scores yet\n  Finish it: avspatial run --resume {run.path}"
    )


def test_a_damaged_scores_file_is_refused_by_name(make_run: Maker) -> None:
    run = make_run()
    run.scores.write_text("{\n")
    with pytest.raises(RunError) as refused:
        write_report(run)
    assert str(refused.value) == (
        f"{run.scores}:1: not JSON: Expecting property name enclosed in double quotes\n"
        "  Restore the file, or run the recipe again."
    )


@pytest.mark.slow
def test_missing_means_and_intervals_are_dashes(make_run: Maker) -> None:
    run = make_run()
    summary = json.loads(run.summary.read_text())
    summary["rows"]["model"]["snr"] = {"mean": None, "ci95": [None, None], "n": 0, "failed": 4}
    run.summary.write_text(json.dumps(summary))
    _, page = read(write_report(run, clips=["000002"]))
    assert "n 0 · 4 failed" in page.text and "None" not in page.text


def test_the_same_run_gives_the_same_page(make_run: Maker) -> None:
    run = make_run()
    first, second = (write_report(run, clips=["000002"]).read_bytes() for _ in range(2))
    assert first == second
