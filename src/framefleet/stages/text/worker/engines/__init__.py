"""Text readers for a batch of frames: RapidOCR, on the CPU or a GPU."""

from typing import Literal

from framefleet.stages.text.worker.engines.base import TextReader

Device = Literal["cpu", "cuda"]


def open_engine(device: Device = "cpu", *, threads: int = 0) -> TextReader:
    """Load RapidOCR with the models of its own wheel, and return it.

    `threads` is the number of CPU threads per batch; 0: as many as this process may use. Raises `SetupError`.
    """
    from framefleet.stages.text.worker.engines.rapid import RapidEngine

    return RapidEngine(device, threads=threads)
