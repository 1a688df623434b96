"""A library of many videos' documents, to search them all: one SQLite file that can be built again from them."""

from framefleet.library.cards import Card, Source
from framefleet.library.library import Added, Answer, Entry, Hit, Library, library_in

__all__ = ["Added", "Answer", "Card", "Entry", "Hit", "Library", "Source", "library_in"]
