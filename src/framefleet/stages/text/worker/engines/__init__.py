"""Readers of text in a batch of pictures: RapidOCR, on the CPU or a GPU."""

from typing import Literal

from framefleet.stages.text.worker.engines.base import TextReader

Device = Literal["cpu", "cuda"]


def open_engine(device: Device = "cpu", *, threads: int = 0) -> TextReader:
    """RapidOCR with the models of its own wheel, loaded now.

    `threads` of the CPU are for one batch; 0: as many as this process may use. Raises `SetupError`.
    """
    from framefleet.stages.text.worker.engines.rapid import RapidEngine

    return RapidEngine(device, threads=threads)
