"""The document a run ends in: what it holds, and how it is read and written."""
