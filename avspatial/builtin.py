"""The built-in components, declared by the same hook as those of plugins."""

from __future__ import annotations

from avspatial.plugin import Component, hookimpl

_SPL, _AZIMUTH = "SplSettings", "AzimuthSettings"


def _of(room: str, kind: str, name: str, settings: str, target: str, summary: str, version: str = "1") -> Component:
    config, target = f"avspatial.{room}.settings:{settings}", f"avspatial.{room}.{target}"
    return Component(kind, name, version, config, target, summary)


def _network(kind: str, name: str, settings: str, target: str, summary: str) -> Component:
    return _of("models", kind, name, settings, target, summary)


def _trainer(name: str, settings: str, target: str, summary: str) -> Component:
    return _of("training", "trainer", name, settings, target, summary)


def _dataset(name: str, settings: str, target: str, summary: str, room: str = "data") -> Component:
    return _of(room, "dataset", name, settings, target, summary)


def _metric(name: str, target: str, summary: str, settings: str = "MetricSettings", version: str = "1") -> Component:
    return _of("metrics", "metric", name, settings, target, summary, version)


def _networks() -> list[Component]:
    return [
        _network("visual_encoder", "c3d", "C3dSettings", "c3d:C3d", "SAGM's VideoNet: C3D, time / 4"),
        _network(
            "audio_encoder",
            "unet",
            "UnetEncoderSettings",
            "unet:UnetEncoder",
            "SAGM's AudioNet: five strided convolutions",
        ),
        _network(
            "mask_generator",
            "unet",
            "UnetMaskSettings",
            "unet:UnetMaskGenerator",
            "Five up-convolutions with skips; visual features join at the bottleneck",
        ),
        _network(
            "discriminator",
            "visual_patch",
            "VisualPatchSettings",
            "discriminator:VisualPatchDiscriminator",
            "SAGM's discriminator: difference spectrogram and images",
        ),
        _network(
            "spatializer",
            "masking",
            "MaskingSettings",
            "masking:MaskingSpatializer",
            "Encoders and a mask generator; predicts the difference by a complex ratio mask",
        ),
    ]


def _metrics() -> list[Component]:
    return [
        _metric("stft_distance", "fairplay:StftDistance", "FAIR-Play's STFT distance"),
        _metric("envelope_distance", "fairplay:EnvelopeDistance", "FAIR-Play's envelope distance"),
        _metric("wave_l2", "fairplay:WaveL2", "Mean squared error of the samples, x 1e3"),
        _metric("snr", "fairplay:Snr", "Signal-to-noise ratio over both channels"),
        _metric("snr_eps", "fairplay:SnrEps", "SNR with 1e-4 added to both powers (saturates near 20 dB)"),
        _metric("mrstft", "multiresolution_stft:Mrstft", "Multi-resolution STFT distance"),
        _metric("mrstft_linear", "multiresolution_stft:MrstftLinear", "MRSTFT with a linear magnitude term"),
        _metric("magnitude_distance", "fairplay:MagnitudeDistance", "Twice the STFT distance, under its other name"),
        _metric("phase_distance", "fairplay:PhaseDistance", "Mean wrapped phase error of the difference"),
        _metric("spl_distance", "spl:SplDistance", "L2 norm between the level-difference curves (SAGM eq. 23)", _SPL),
        _metric("spl_rmse", "spl:SplRmse", "RMS error of the level-difference curve, per frame", _SPL),
        _metric("spl_correlation", "spl:SplCorrelation", "Correlation of the level-difference curves", _SPL),
        _metric("spl_direction", "spl:SplDirection", "Share of active frames whose side agrees", _SPL),
        _metric("spl_magnitude", "spl:SplMagnitude", "Predicted size of the level difference over the true size", _SPL),
        _metric("left_right", "direction:LeftRight", "Share of lateral frames on the right side (known angles)", _SPL),
        _metric("lateral_gain", "direction:LateralGain", "Slope of the predicted on the true level difference", _SPL),
        _metric(
            "azimuth_error", "direction:AzimuthError", "Error of the estimated azimuth (known angles)", _AZIMUTH, "2"
        ),
        _metric(
            "ild_error", "cue_errors:IldError", "Error of the level difference in bands and frames, and its coverage"
        ),
        _metric(
            "itd_error", "cue_errors:ItdError", "Error of the time difference in bands and frames, and its coverage"
        ),
        _metric("coherence_error", "cue_errors:CoherenceError", "Error of the interaural coherence, and its coverage"),
        _metric("mono_error", "mono_compatibility:MonoError", "Error of left + right, relative to the reference's"),
        _metric("loudness_change", "loudness:LoudnessChange", "Loudness above the reference's (BS.1770)"),
        _metric("true_peak", "loudness:TruePeak", "True peak of the prediction (BS.1770)"),
    ]


@hookimpl
def avspatial_components() -> list[Component]:
    return [
        *_networks(),
        _trainer("supervised", "SupervisedSettings", "supervised:SupervisedTrainer", "One loss against the reference"),
        _trainer(
            "shared_visual_gan",
            "SharedVisualGanSettings",
            "shared_visual_gan:SharedVisualGan",
            "SAGM: a GAN whose generator and discriminator update one VideoNet in turn",
        ),
        _dataset("fairplay", "FairPlaySettings", "fairplay:FairPlay", "FAIR-Play (mp4 + wav)"),
        _dataset("folder", "FolderSettings", "folder:Folder", "Any stereo videos below a folder, cut into clips"),
        _dataset(
            "simulated",
            "SimulatedSettings",
            "dataset:SimulatedScenes",
            "Simulated scenes with known angles, rendered on first use",
            "data.simulated",
        ),
        _dataset(
            "foa360",
            "Foa360Settings",
            "dataset:Foa360",
            "360-degree video with first-order ambisonic audio, rendered for two ears and a camera",
            "data.foa360",
        ),
        _dataset(
            "solos",
            "SolosSettings",
            "solos:Solos",
            "Videos of one instrument each, with mono audio files: for separation",
        ),
        *_metrics(),
    ]
