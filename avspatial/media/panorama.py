"""Views of 360-degree video: FFmpeg's v360 filter turns an equirectangular frame into that of a camera.

Column c of an equirectangular frame of width W lies at azimuth 360 (0.5 - (c + 0.5) / W) degrees, positive is left; row
r of height H at elevation 180 (0.5 - (r + 0.5) / H). Angles are those of `signal.ambisonics.rotation`: sound and images
turn together.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

__all__ = ["Panorama"]


@dataclass(frozen=True)
class Panorama:
    """A view of equirectangular frames.

    Attributes:
        size: Height and width of the view, pixels.
        field_of_view: Horizontal angle of a pinhole camera, degrees, below 180; None for an equirectangular view.
        yaw: Degrees, positive turns the camera left.
        pitch: Degrees, positive turns it up.
        roll: Degrees, positive lowers its right side.
    """

    size: tuple[int, int]
    field_of_view: float | None = None
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    @property
    def filter_options(self) -> str:
        """Options of the v360 filter, which counts yaw to the right.

        The filter takes a frame for one column and one line narrower than it is: nothing at its middle, half a pixel of
        the frame at its edges (0.2 degrees at 896 columns).
        """
        height, width = self.size
        turn = f"interp=linear:w={width}:h={height}:yaw={-self.yaw}:pitch={self.pitch}:roll={self.roll}"
        if self.field_of_view is None:
            return f"input=e:output=e:{turn}"
        half = np.tan(np.radians(self.field_of_view) / 2)
        vertical = 2 * np.degrees(np.arctan(half * height / width))
        return f"input=e:output=flat:h_fov={self.field_of_view}:v_fov={vertical}:{turn}"

    def views(self, images: np.ndarray) -> np.ndarray:
        """Cut the view out of decoded frames.

        Args:
            images: (P, H, W, 3) uint8, equirectangular.

        Returns:
            (P, height, width, 3) uint8, sampled bilinearly; the left and right edges of a frame are neighbours.
        """
        graph = self._graph(images.shape[2], images.shape[1])
        views = np.empty((len(images), *self.size, 3), np.uint8)
        for index, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = index
            graph.push(frame)
            pulled = graph.pull()
            assert isinstance(pulled, av.VideoFrame)
            views[index] = pulled.to_ndarray(format="rgb24")
        return views

    def _graph(self, width: int, height: int) -> av.filter.Graph:
        graph = av.filter.Graph()
        source = graph.add_buffer(width=width, height=height, format="rgb24", time_base=Fraction(1, 1))
        view, sink = graph.add("v360", self.filter_options), graph.add("buffersink")
        source.link_to(view)
        view.link_to(sink)
        graph.configure()
        return graph
