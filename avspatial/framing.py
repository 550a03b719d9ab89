"""The window that a model works on, and its spectrogram: everything that fixes tensor shapes."""

from __future__ import annotations

from avspatial.settings import Settings, setting

__all__ = ["Framing", "Stft", "Window"]


class Stft(Settings):
    """Short-time Fourier transform: Hann window, centred frames, zero padding."""

    n_fft: int = setting(448, unit="samples", ge=64, le=8192)
    """FFT length; F = n_fft // 2 + 1 bins."""
    window: int = setting(400, unit="samples", ge=32, le=8192)
    """Hann window length, at most n_fft."""
    hop: int = setting(240, unit="samples", ge=16, le=4096)
    """Step between STFT frames."""
    inverse: str = setting("exact", pattern="^(exact|official_510)$")
    """`exact`: the true inverse transform, with the top bin zero. `official_510`: as the official MONO2BINAURAL code
    inverts (256 bins taken for n_fft 510), to reproduce its outputs."""


class Window(Settings):
    """The fixed-length excerpt of a clip that a model sees: audio and images."""

    seconds: float = setting(1.0, unit="s", gt=0, le=60)
    """Length of the excerpt."""
    rate: int = setting(16000, unit="Hz", ge=8000, le=192000)
    """Sample rate at which the model works."""
    fps: float = setting(4.0, unit="images/s", gt=0, le=120)
    """Rate of the regular grid of images, which starts with the clip."""
    pictures: int = setting(4, ge=1, le=64)
    """Images per window: the window is divided into this many equal parts, and each gets one image of the grid."""
    picture_choice: str = setting("nearest", pattern="^(nearest|last)$")
    """Which image a part gets: the `nearest` to its centre, or the `last` one not after it
    (as MONO2BINAURAL)."""
    picture: tuple[int, int] = setting((224, 224), unit="pixels")
    """Height and width of the images that the model sees."""
    gain: str = setting("mixture", pattern="^(mixture|reference_stereo)$")
    """How a window is scaled. `mixture`: by the level of the mixture, which works on real mono files.
    `reference_stereo`: so that the true stereo window has RMS 0.1, as in the official demos; this needs the reference,
    and every report says so."""


class Framing(Settings):
    """Shapes of one window: samples, frequency bins and STFT frames.

    T = `samples`, F = `bins`, M = `stft_frames`, N = `window.pictures`.

    Example:
        >>> framing = Framing()
        >>> framing.samples, framing.bins, framing.stft_frames
        (16000, 224, 64)
    """

    window: Window = Window()
    """The excerpt of a clip that the model sees."""
    stft: Stft = Stft()
    """Its spectrogram."""

    @property
    def samples(self) -> int:
        """Length of a window in samples, T."""
        return round(self.window.seconds * self.window.rate)

    @property
    def bins(self) -> int:
        """Frequency bins that the model sees, F = n_fft // 2: the top bin is dropped."""
        return self.stft.n_fft // 2

    @property
    def stft_frames(self) -> int:
        """STFT frames that the model sees, M: the largest multiple of 32 up to 1 + T // hop."""
        return (1 + self.samples // self.stft.hop) // 32 * 32
