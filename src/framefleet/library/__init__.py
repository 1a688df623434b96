"""A library of many videos' documents, to search them all: one SQLite file that can be built again from them."""

from framefleet.library.cards import Card, Source
from framefleet.library.library import Added, Entry, Library, bring_up_to_date, library_in
from framefleet.library.search import Hit, SearchResult

__all__ = ["Added", "Card", "Entry", "Hit", "Library", "SearchResult", "Source", "bring_up_to_date", "library_in"]
