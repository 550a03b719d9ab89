"""Everything that fixes the shapes a model meets: the window and its spectrogram."""

from __future__ import annotations

from avspatial.settings import Settings, setting


class Stft(Settings):
    """The spectrogram: Hann window, centred frames, zero padding."""

    n_fft: int = setting(448, unit="samples", ge=64, le=8192)
    """FFT length; F = n_fft // 2 + 1 bins."""
    window: int = setting(400, unit="samples", ge=32, le=8192)
    """Hann window length, at most n_fft."""
    hop: int = setting(240, unit="samples", ge=16, le=4096)
    """Step between frames."""
    inverse: str = setting("exact", pattern="^(exact|official_510)$")
    """`exact`: the true inverse, the top bin zero. `official_510`: as the official MONO2BINAURAL code inverts
    (256 bins taken for n_fft 510), for parity with outputs made by it."""


class Window(Settings):
    """The fixed-length excerpt that a model sees."""

    seconds: float = setting(1.0, unit="s", gt=0, le=60)
    """Length of the excerpt."""
    rate: int = setting(16000, unit="Hz", ge=8000, le=192000)
    """Sample rate at which the model works."""
    fps: float = setting(4.0, unit="pictures/s", gt=0, le=120)
    """Rate of the fixed picture grid that starts with the clip."""
    pictures: int = setting(4, ge=1, le=64)
    """Pictures a window sees: one of the grid for each of its equal parts."""
    picture_choice: str = setting("nearest", pattern="^(nearest|last)$")
    """Which one a part sees: the `nearest` to its centre, or the `last` before it, the one on the screen then
    (MONO2BINAURAL)."""
    picture: tuple[int, int] = setting((224, 224), unit="pixels")
    """Height and width of a picture as the model sees it."""
    gain: str = setting("mixture", pattern="^(mixture|reference_stereo)$")
    """Where the scale of a window comes from: `mixture` works on real mono files; `reference_stereo` scales the true
    stereo window to RMS 0.1 as the official demos do: it needs the answer, and every report says so."""


class Framing(Settings):
    """Everything that fixes the shapes a model meets: the window and its spectrogram.

    T = samples, F = n_fft // 2 (the top bin is dropped), M = stft_frames (a multiple of 32 is cut from 1 + T // hop).
    """

    window: Window = Window()
    """The excerpt."""
    stft: Stft = Stft()
    """Its spectrogram."""

    @property
    def samples(self) -> int:
        return round(self.window.seconds * self.window.rate)

    @property
    def bins(self) -> int:
        return self.stft.n_fft // 2

    @property
    def stft_frames(self) -> int:
        """Spectrogram frames the model sees: the largest multiple of 32 that the window holds."""
        return (1 + self.samples // self.stft.hop) // 32 * 32
