"""The pages in a real browser: players decode, share one position, obey the keyboard; no request leaves the page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avspatial.cli.main import main
from avspatial.media.audio import read_audio
from avspatial.media.video import write_video

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE = 60
"""Seconds that a page may take on a busy machine."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(5 * PATIENCE),
    pytest.mark.skipif(not CHROMIUM.is_file(), reason=f"no headless Chromium at {CHROMIUM} (apt-get install chromium)"),
]

CONTRAST = """names => {
  const light = name => {
    const probe = document.createElement('i');
    probe.style.color = `var(--${name})`; document.body.append(probe);
    const parts = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255);
    const [r, g, b] = parts.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const [text, ...grounds] = names.map(light);
  return Math.min(...grounds.map(ground => Math.max(text, ground) / Math.min(text, ground)));
}"""
"""The lowest contrast (WCAG) of the first named colour against the others."""


def until(page: Any, expression: str) -> None:
    """Wait until the expression holds; Playwright's own wait evaluates text in the page, which its policy forbids."""
    end = time.monotonic() + PATIENCE
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"not within {PATIENCE} s: {expression}"
        page.wait_for_timeout(20)


def slow_down(page: Any) -> None:
    """Play at a tenth of the speed, so that no track ends before a busy machine reads its state."""
    page.evaluate("document.querySelectorAll('audio').forEach(a => { a.playbackRate = 0.1 })")


SWITCH = """place => {
  const article = document.querySelector('article'), audios = [...article.querySelectorAll('audio')];
  const playing = audios.find(a => !a.paused), before = playing.currentTime;
  article.querySelectorAll('.source')[place].click();
  return [before, audios[place].currentTime, audios.filter(a => !a.paused).indexOf(audios[place]), playing.paused];
}"""
"""Switch to another track; returns the time before, the time of the new track, its index among the playing ones, and
whether the old one is paused. One step of the page, so that no time passes in between."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, closed after this module: left open, it takes time from all tests that follow."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[test]')")
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Any, report_of: Callable[..., Path]) -> Iterator[Callable[..., Any]]:
    """Open the page of a run."""
    with watched(browser, report_of(broken="000002")) as open_page:
        yield open_page


@pytest.fixture
def opened_comparison(browser: Any, comparison_page: Path) -> Iterator[Callable[..., Any]]:
    """Open the page of a comparison."""
    with watched(browser, comparison_page) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def preview_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The preview of two seconds of noise from the left under a film that grows brighter, and of the same in mono."""
    folder = tmp_path_factory.mktemp("preview")
    noise = 0.1 * np.random.default_rng(0).standard_normal(2 * 16000).astype(np.float32)
    frames = [np.full((90, 160, 3), 10 * level, np.uint8) for level in range(20)]
    write_video(folder / "film.mp4", frames, 10, np.stack([noise, 0.4 * np.roll(noise, 6)]), 16000)
    write_video(folder / "mono.mp4", frames, 10, noise[None], 16000)
    page = folder / "a file whose name is rather long.html"
    assert main(["preview", str(folder / "film.mp4"), "--original", str(folder / "mono.mp4"), "-o", str(page)]) == 0
    return page


@pytest.fixture
def opened_preview(browser: Any, preview_file: Path) -> Iterator[Callable[..., Any]]:
    """Open the page of a binaural video."""
    with watched(browser, preview_file) as open_page:
        yield open_page


@contextmanager
def watched(browser: Any, page_file: Path) -> Iterator[Callable[..., Any]]:
    """Open a page; at the end there must have been no complaint on the console and no request outside."""
    complaints: list[str] = []
    requests: list[str] = []
    pages: list[Any] = []

    def open_page(width: int = 1280, **options: object) -> Any:
        page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        pages.append(page)
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.set_default_timeout(2000 * PATIENCE)
        page.goto(page_file.as_uri())
        until(page, "[...document.querySelectorAll('audio')].every(a => a.readyState === 4 || a.error)")
        return page

    yield open_page
    for page in pages:
        page.close()
    assert requests and complaints == []
    assert [url for url in requests if not url.startswith(("data:", page_file.as_uri()))] == []


def test_every_player_decodes(opened: Callable[..., Any]) -> None:
    page = opened()
    lengths = page.evaluate("[...document.querySelectorAll('audio')].map(a => a.error ? a.error.message : a.duration)")
    assert lengths == [2.0] * 9


@pytest.mark.slow
def test_switching_keeps_the_time_and_the_cursor_follows(opened: Callable[..., Any]) -> None:
    page = opened()
    clip = page.locator("article.clip").first
    plot = clip.locator(".plot.wide")
    box = plot.bounding_box()
    begin, end = (float(plot.get_attribute(name)) for name in ("data-begin", "data-end"))
    plot.click(position={"x": (begin + 0.5 * (end - begin)) * box["width"], "y": 40})
    clip.get_by_role("button", name="Prediction").click()
    times = clip.evaluate("c => [...c.querySelectorAll('audio')].map(a => a.currentTime)")
    assert times[1] == pytest.approx(1.0, abs=0.02) and times[0] == pytest.approx(times[1], abs=1e-6)
    cursor = plot.locator(".cursor").bounding_box()
    middle = box["x"] + (begin + 0.5 * (end - begin)) * box["width"]
    assert cursor["x"] + cursor["width"] / 2 == pytest.approx(middle, abs=5)


@pytest.mark.slow
def test_switching_while_playing_goes_on_playing_the_other_sound(opened: Callable[..., Any]) -> None:
    page = opened()
    slow_down(page)
    page.locator("article.clip").first.get_by_role("button", name="Play").click()
    until(page, "document.querySelector('audio').currentTime > 0.02")
    before, after, sounding, rests = page.evaluate(SWITCH, 2)
    assert after == pytest.approx(before, abs=1e-3) and sounding == 0 and rests
    until(page, f"document.querySelectorAll('audio')[2].currentTime > {before + 0.02}")


@pytest.mark.slow
def test_the_keyboard_plays_switches_and_seeks(opened: Callable[..., Any]) -> None:
    page = opened()
    page.keyboard.press("2")
    pressed = "[...document.querySelector('article').querySelectorAll('.source')].map(b => b.ariaPressed)"
    assert page.evaluate(pressed) == ["false", "true", "false"]
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.querySelectorAll('audio')[1].currentTime") == pytest.approx(1.0, abs=1e-3)
    slow_down(page)
    page.keyboard.press(" ")
    until(page, "!document.querySelectorAll('audio')[1].paused")
    page.keyboard.press(" ")
    assert page.evaluate("document.querySelectorAll('audio')[1].paused") is True


@pytest.mark.slow
def test_one_clip_plays_at_a_time(opened: Callable[..., Any]) -> None:
    page = opened()
    slow_down(page)
    for place in (0, 1):
        page.locator("article.clip").nth(place).get_by_role("button", name="Play").click()
    until(page, "!document.querySelectorAll('audio')[3].paused")
    assert page.evaluate("[...document.querySelectorAll('audio')].filter(a => !a.paused).length") == 1


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_as_wide_as_the_screen(opened: Callable[..., Any], width: int) -> None:
    page = opened(width)
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.slow
def test_the_first_column_stays_while_the_table_scrolls(opened: Callable[..., Any]) -> None:
    page = opened(390)
    stays = page.locator("tr.model th")
    before = stays.bounding_box()["x"]
    page.evaluate("document.querySelector('.scroll').scrollLeft = 150")
    assert page.evaluate("document.querySelector('.scroll').scrollLeft") == 150
    assert stays.bounding_box()["x"] == pytest.approx(before, abs=1)


@pytest.mark.slow
def test_text_is_legible_in_both_schemes(opened: Callable[..., Any]) -> None:
    """Contrast of text, faint text and the model's colour on the page: at least 4.5 (WCAG AA)."""
    for scheme in ("light", "dark"):
        page = opened(color_scheme=scheme)
        for colour in ("ink", "text", "faint", "prediction", "truth", "bad"):
            assert page.evaluate(CONTRAST, [colour, "paper", "card"]) >= 4.5, (scheme, colour)


def test_every_player_of_a_comparison_decodes(opened_comparison: Callable[..., Any]) -> None:
    """Two clips, each with the reference, mono and three systems."""
    page = opened_comparison()
    lengths = page.evaluate("[...document.querySelectorAll('audio')].map(a => a.error ? a.error.message : a.duration)")
    assert lengths == [2.0] * 10


@pytest.mark.slow
def test_switching_between_systems_keeps_the_place(opened_comparison: Callable[..., Any]) -> None:
    page = opened_comparison()
    page.keyboard.press("ArrowRight")
    pressed = (
        "[...document.querySelector('article').querySelectorAll('.source')].map(b => b.ariaPressed).indexOf('true')"
    )
    for key in "54312":
        page.keyboard.press(key)
        assert page.evaluate(pressed) == int(key) - 1
        at = f"document.querySelectorAll('audio')[{int(key) - 1}].currentTime"
        assert page.evaluate(at) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.slow
def test_a_playing_system_gives_way_to_the_next_without_a_gap_in_time(opened_comparison: Callable[..., Any]) -> None:
    page = opened_comparison()
    slow_down(page)
    page.keyboard.press("3")
    page.keyboard.press(" ")
    for place in (3, 4, 0, 2):
        until(page, "[...document.querySelectorAll('audio')].some(a => !a.paused && a.currentTime > 0.02)")
        before, after, sounding, rests = page.evaluate(SWITCH, place)
        assert after == pytest.approx(before, abs=1e-3) and sounding == 0 and rests
    assert page.evaluate("[...document.querySelectorAll('audio')].filter(a => !a.paused).length") == 1


@pytest.mark.slow
def test_switching_faster_than_sounds_begin_is_no_error(opened_comparison: Callable[..., Any]) -> None:
    """An interrupted start leaves no message on the console (the fixture checks), and the last choice plays."""
    page = opened_comparison()
    slow_down(page)
    page.evaluate(
        "() => { const keys = [' ', '2', '3', '4', ' ', ' ', '5'];"
        " keys.forEach(key => document.dispatchEvent(new KeyboardEvent('keydown', { key }))); }"
    )
    until(page, "document.querySelectorAll('audio')[4].currentTime > 0")
    playing = "[...document.querySelectorAll('audio')].map((a, place) => a.paused ? -1 : place).filter(p => p >= 0)"
    assert page.evaluate(playing) == [4]
    assert page.locator("article.clip").first.get_by_role("button", name="Pause").count() == 1


@pytest.mark.slow
def test_the_keys_act_on_the_clip_in_view(opened_comparison: Callable[..., Any]) -> None:
    page = opened_comparison()
    page.keyboard.press("ArrowRight")
    page.locator("article.clip").last.locator(".plot.wide").scroll_into_view_if_needed()
    page.keyboard.press("ArrowRight")
    times = page.evaluate("[...document.querySelectorAll('article')].map(c => c.querySelector('audio').currentTime)")
    assert times == pytest.approx([1.0, 1.0], abs=1e-3)


@pytest.mark.slow
def test_the_curve_of_the_playing_system_stands_out(opened_comparison: Callable[..., Any]) -> None:
    page = opened_comparison()
    page.keyboard.press("4")
    found = page.evaluate(
        "[...document.querySelector('.plot.wide').querySelectorAll('[id*=curve-]')]"
        ".map(g => [g.id.split('curve-')[1], getComputedStyle(g).opacity])"
    )
    assert len(found) == 8
    assert dict(found) == {"reference": "1", "system0": "0.25", "system1": "1", "system2": "0.25"}


@pytest.mark.slow
def test_a_point_leads_to_its_clip_and_the_keys_follow(opened_comparison: Callable[..., Any]) -> None:
    page = opened_comparison()
    last = page.locator("article.clip").last
    anchor = last.get_attribute("id")
    page.locator(f"a.dot[href='#{anchor}']").first.click()
    assert page.evaluate("location.hash") == f"#{anchor}"
    until(page, f"document.getElementById('{anchor}').getBoundingClientRect().top < 850")
    page.keyboard.press("ArrowRight")
    times = last.evaluate("c => [...c.querySelectorAll('audio')].map(a => a.currentTime)")
    assert times[0] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.slow
def test_a_sound_can_be_downloaded(opened_comparison: Callable[..., Any], tmp_path: Path) -> None:
    page = opened_comparison()
    link = page.locator("article.clip").first.locator(".downloads a", has_text="ours")
    with page.expect_download() as waiting:
        link.click()
    assert waiting.value.suggested_filename.endswith("-ours.flac")
    waiting.value.save_as(tmp_path / "x.flac")
    sound, rate = read_audio(tmp_path / "x.flac")
    assert sound.shape == (2, 2 * rate)


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 390, 1280])
def test_a_comparison_is_as_wide_as_the_screen(opened_comparison: Callable[..., Any], width: int) -> None:
    page = opened_comparison(width)
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.slow
def test_everything_in_a_comparison_can_be_reached_and_has_a_name(opened_comparison: Callable[..., Any]) -> None:
    page = opened_comparison()
    nameless = page.evaluate(
        "[...document.querySelectorAll('a[href], button, input, [role=region], [role=group], svg[role=img]')]"
        ".filter(e => !(e.getAttribute('aria-label') || e.textContent.trim())).map(e => e.outerHTML.slice(0, 80))"
    )
    assert nameless == []
    page.locator("article.clip").first.locator("button.play").focus()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert page.evaluate("document.activeElement.matches('.play')") and outline is not None


@pytest.mark.slow
def test_the_colours_of_systems_are_legible_in_both_schemes(opened_comparison: Callable[..., Any]) -> None:
    for scheme in ("light", "dark"):
        page = opened_comparison(color_scheme=scheme)
        for colour in (*(f"system{place}" for place in range(7)), "better", "worse"):
            assert page.evaluate(CONTRAST, [colour, "paper", "card", "quiet"]) >= 4.5, (scheme, colour)


def test_sounds_and_film_of_a_preview_decode(opened_preview: Callable[..., Any]) -> None:
    page = opened_preview()
    lengths = page.evaluate("[...document.querySelectorAll('audio')].map(a => a.error ? a.error.message : a.duration)")
    assert lengths == pytest.approx([2.0] * 3, abs=0.1)
    until(page, "document.querySelector('video').readyState >= 2")
    assert page.evaluate("[document.querySelector('video').videoWidth, document.querySelector('video').muted]") == [
        160,
        True,
    ]


@pytest.mark.slow
def test_the_film_of_a_preview_goes_with_the_sound(opened_preview: Callable[..., Any]) -> None:
    page = opened_preview()
    page.keyboard.press("ArrowRight")
    film = "document.querySelector('video').currentTime - Number(document.querySelector('video').dataset.offset)"
    assert page.evaluate(film) == pytest.approx(1.0, abs=0.02)
    for key in "231":
        page.keyboard.press(key)
        at = f"document.querySelectorAll('audio')[{int(key) - 1}].currentTime"
        assert page.evaluate(at) == pytest.approx(1.0, abs=1e-3)
    page.evaluate("document.querySelectorAll('audio, video').forEach(a => { a.playbackRate = 0.1 })")
    page.keyboard.press(" ")
    until(page, f"!document.querySelector('video').paused && {film} > 1.02")
    before, after, sounding, rests = page.evaluate(SWITCH, 1)
    assert after == pytest.approx(before, abs=1e-3) and sounding == 0 and rests
    page.keyboard.press(" ")
    assert page.evaluate("[...document.querySelectorAll('audio, video')].every(a => a.paused)")


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_a_preview_is_as_wide_as_the_screen_and_its_shares_legible(
    opened_preview: Callable[..., Any], width: int
) -> None:
    page = opened_preview(width, color_scheme="dark" if width == 390 else "light")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for ground in ("truth", "faint", "prediction"):
        assert page.evaluate(CONTRAST, ["card", ground]) >= 4.5, ground
