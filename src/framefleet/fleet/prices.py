"""What a second of a RunPod serverless worker costs, by GPU. Prices change: this is a table with its date."""

TABLE_DATE = "2026-06-08"
DEFAULT_GPU = "L4"

# Dollars a second, from RunPod's price list of TABLE_DATE. The first row whose name is in the GPU's name is taken.
USD_PER_SECOND: tuple[tuple[str, float], ...] = (
    ("B200", 0.00240),
    ("H200", 0.00155),
    ("H100", 0.00116),
    ("A100", 0.00076),
    ("L40", 0.00053),
    ("A6000", 0.00034),
    ("4090", 0.00031),
    ("L4", 0.00019),
    ("A5000", 0.00019),
    ("3090", 0.00019),
    ("A4000", 0.00016),
    ("A40", 0.00034),
    ("T4", 0.00016),
)


def rate(gpu: str | None, override: float | None) -> tuple[float, str]:
    """Dollars a second for a worker with this GPU, and where that figure is from."""
    if override is not None:
        return override, "given by --price"
    for name, usd in USD_PER_SECOND:
        if gpu is not None and name in gpu:
            return usd, f"RunPod price list of {TABLE_DATE}, {name}"
    usd = dict(USD_PER_SECOND)[DEFAULT_GPU]
    return usd, f"RunPod price list of {TABLE_DATE}, {DEFAULT_GPU} assumed: the worker's GPU is {gpu or 'not known'}"
