"""Many videos together: the templates they follow, and the niche of each. Public names load on first use."""

from typing import TYPE_CHECKING, Any

__all__ = ["Niche", "Templates", "classify", "templates"]

if TYPE_CHECKING:
    from framefleet.corpus.grouping import templates
    from framefleet.corpus.niches import classify
    from framefleet.corpus.result import Niche, Templates

_LAZY = {"Niche": "result", "Templates": "result", "classify": "niches", "templates": "grouping"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'framefleet.corpus' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
