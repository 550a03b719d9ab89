"""A folder of small films: good, odd and hostile ones, each with what `avspatial spatialize` makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np

from avspatial.media.resample import resample
from support.films import furnish, jpeg, moving, noise, write_film
from support.odd_times import edited, join, restamp, rumble

SECONDS = 1.2
SIZE = (64, 96)


@dataclass(frozen=True)
class Case:
    """A file of the folder.

    `make` writes it. `note` and `refusal` are parts of the message that is expected. At the time t of the output the
    audio of `rumble` at `shift` + t x `speed` is expected, between `begins` and `ends`, s.
    """

    name: str
    make: Callable[[Path], Any]
    note: str = ""
    refusal: str = ""
    shift: float = 0.0
    speed: float = 1.0
    begins: float = 0.0
    ends: float = SECONDS


def true(seconds: float, rate: int = 48000) -> np.ndarray:
    return resample(rumble(12)[:, : round(seconds * 48000)], 48000, rate)


def film(path: Path, *, seconds: float = SECONDS, size: tuple[int, int] = SIZE, **options: Any) -> Path:
    """1.2 s at 10 frames a second, 96 x 64, with the rumble."""
    options.setdefault("sound", true(options.pop("sounds", seconds), options.get("rate", 48000)))
    options.setdefault("pictures", moving(round(10 * seconds), *size))
    return write_film(path, **options)


def formats() -> list[Case]:
    tracks = {
        "mp4": ("aac", "alac", "libmp3lame", "flac", "libopus", "ac3"),
        "mov": ("aac", "alac", "pcm_s16le", "pcm_s24le"),
        "mkv": ("aac", "flac", "libopus", "libmp3lame", "pcm_f32le", "ac3"),
        "m4v": ("aac",),
    }
    cases = [
        Case(f"{audio}.{suffix}", partial(film, audio=audio)) for suffix, codecs in tracks.items() for audio in codecs
    ]
    others = {"mpeg4.mp4": "mpeg4", "hevc.mp4": "libx265", "vp8.mkv": "libvpx", "ffv1.mkv": "ffv1"}
    cases += [Case(name, partial(film, video=video)) for name, video in others.items()]
    cases.append(Case("vp9.webm", partial(film, video="libvpx-vp9", audio="libopus")))
    rates = {8000: "pcm_s16le", 16000: "flac", 44100: "aac", 96000: "flac"}
    cases += [Case(f"{rate} Hz.mkv", partial(film, rate=rate, audio=audio)) for rate, audio in rates.items()]
    return cases


def odd() -> list[Case]:
    times = [0, 0.04, 0.08, 0.35, 0.36, 0.7, 0.71, 1.1]
    return [
        Case("variable rate.mp4", partial(film, pictures=moving(8, *SIZE), times=times)),
        Case("variable rate.mkv", partial(film, pictures=moving(8, *SIZE), times=times)),
        Case("portrait.mp4", partial(film, size=(96, 64))),
        Case("odd size.mkv", partial(film, size=(67, 97), video="ffv1")),
        Case("rotated.mp4", _rotated),
        Case("late.mkv", partial(film, begins=0.3, sounds=0.9), shift=-0.3, begins=0.3),
        Case("late.mp4", partial(film, begins=0.3, sounds=0.9), shift=-0.3, begins=0.3),
        Case("longer sound.mp4", partial(film, sounds=2.0), ends=2.0),
        Case("shorter sound.mov", partial(film, sounds=0.8), ends=0.8),
        Case("subtitles.mp4", partial(_furnished, subtitles="mov_text", cover=jpeg())),
        Case("subtitles.mkv", partial(_furnished, subtitles="subrip", cover=jpeg(), font=True)),
        Case("two tracks.mkv", _two_tracks, note="audio"),
        Case("still.mp4", partial(film, pictures=moving(1, *SIZE) * 12), note="does not move"),
        Case("stereo.mp4", partial(film, sound=np.repeat(true(SECONDS), 2, 0)), note="input is stereo"),
        Case("gap.mkv", partial(film, audio="flac", gap=0.4, sounds=1.2), note="0.40 s of silence", ends=0.6),
        Case("joined.mp4", partial(_joined, sound=0.64), note="time stamps overlap"),
        Case("joined.mov", partial(_joined, sound=0.64), note="time stamps overlap"),
        Case("slow clock.mkv", partial(_restamped, clock=1.009), note="slow", speed=1 / 1.009, ends=6.0),
        Case("jitter.mkv", _jittered),
        Case("trimmed.mp4", _trimmed, shift=0.52, ends=0.6),
        Case("trimmed between frames.mov", partial(_trimmed, frames=16), shift=0.52, ends=0.64),
        Case("several parts.mp4", _several_parts, refusal="its edit list plays several parts"),
    ]


def hostile() -> list[Case]:
    cancelling = np.concatenate([true(SECONDS), -true(SECONDS)])
    return [
        Case("surround.mp4", partial(film, sound=noise(57600, 6)), refusal="its audio has 6 channels"),
        Case("cancels.mkv", partial(film, sound=cancelling, audio="flac"), refusal="cancel each other"),
        Case("silent.mp4", partial(film, sound=np.zeros((1, 57600), np.float32)), refusal="silent"),
        Case("no sound.mp4", partial(film, audio=None), refusal="has no audio stream"),
        Case("no picture.mp4", partial(film, video=None), refusal="without video frames"),
        Case("other clock.mkv", partial(_restamped, clock=1.2), refusal="by its time stamps"),
        Case("cut off.mkv", partial(_cut, share=0.6), refusal="cut short"),
        Case("cut off.mp4", partial(_cut, share=0.6), refusal="damaged or cut short"),
        Case("head only.mov", partial(_cut, share=0.02), refusal="damaged or cut short"),
        Case("empty.mp4", lambda path: path.write_bytes(b""), refusal="not a video: an empty file"),
        Case("text.mkv", lambda path: path.write_text("no film " * 99), refusal="not a readable video"),
        Case("picture.mov", lambda path: path.write_bytes(jpeg()), refusal=": "),
        Case("zeros.webm", lambda path: path.write_bytes(bytes(9999)), refusal="not a readable video"),
    ]


def named() -> list[Case]:
    names = ["12:30 talk.mp4", "-dash.mp4", 'a\'b "c".mp4', " spaces  .mp4", "%03d.mp4", "[x]*.mkv", "Übung – 音.mp4"]
    names += ["UPPER.MP4", "no.dots.but.many.mov", "below/deeper/film.mp4", f"{'long' * 45}.mp4", "new\nline.mp4"]
    return [Case(name, film) for name in names]


def _plain(path: Path, **options: Any) -> Path:
    """A plain film in a folder that is not read."""
    folder = path.parent / ".made"
    folder.mkdir(exist_ok=True)
    return film(folder / f"{path.stem}{path.suffix}", **options)


def _rotated(path: Path) -> None:
    matrix = b"".join(v.to_bytes(4, "big", signed=True) for v in (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30))
    data = _plain(path).read_bytes()
    place = data.index(b"tkhd") + 44
    path.write_bytes(data[:place] + matrix + data[place + 36 :])


def _furnished(path: Path, **extras: Any) -> None:
    furnish(_plain(path), path, **extras)


def _two_tracks(path: Path) -> None:
    plain = _plain(path)
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        copies = [target.add_stream_from_template(stream) for stream in (*source.streams, source.streams.audio[0])]
        for packet in source.demux():
            if packet.size:
                data, pts, base = bytes(packet), packet.pts, packet.time_base
                packet.stream = copies[packet.stream_index]
                target.mux(packet)
                if packet.stream is copies[1]:
                    second = av.Packet(data)
                    second.pts = second.dts = pts
                    second.time_base, second.stream = base, copies[2]
                    target.mux(second)


def _joined(path: Path, sound: float) -> None:
    step = 0.6
    clips = [
        _plain(
            path.with_stem(f"{path.stem}{k}"),
            seconds=step,
            sound=rumble(12)[:, round(k * step * 48000) :][:, : round(sound * 48000)],
        )
        for k in range(2)
    ]
    join(clips, path, step)


def _restamped(path: Path, clock: float) -> None:
    restamp(_plain(path, seconds=6.0, audio="flac"), path, lambda _, time: clock * time)


def _jittered(path: Path) -> None:
    random = np.random.default_rng(0)
    plain = _plain(path, audio="libopus")
    restamp(plain, path, lambda _, time: time + float(random.uniform(-0.008, 0.008)))


def _trimmed(path: Path, frames: int = 15) -> None:
    plain = _plain(path, fps=25, pictures=moving(50, *SIZE), sounds=2.0)
    edited(plain, path, [(frames / 25, 0.52)], [(frames / 25, 0.52)])


def _several_parts(path: Path) -> None:
    edited(_plain(path), path, [(0.3, 0), (0.3, 0.8)], [(0.3, 0), (0.3, 0.8)])


def _cut(path: Path, share: float) -> None:
    data = _plain(path, seconds=4.0).read_bytes()
    path.write_bytes(data[: round(share * len(data))])
